"""Conditions on rows."""

from datetime import UTC, datetime
from typing import Any

import pytest
from support.snapshots import snapshot

from inventory.errors import ConfigurationError
from inventory.report.row_filters import filter_tables, parse_filters

ROW: dict[str, Any] = {
    "server": "a",
    "key": "google/gemma[1]",
    "ordinal": 0,
    "publisher": "Google",
    "size_bytes": 17_990_911_801,
    "params_count": 26 * 10**9,
    "max_context_length": 131_072,
    "capabilities_vision": True,
    "variants": '["a@q4_k_m", "a@q8_0"]',
    "quantization_bits_per_weight": 4.5,
    "loaded_instance_count": 0,
}


def matches(*texts: str) -> bool:
    """Whether the row meets the conditions."""
    content = filter_tables(snapshot([ROW]), parse_filters(texts, "model"), "model")
    return bool(content.tables["models"].num_rows)


@pytest.mark.parametrize(
    "text",
    ["size>10GB", "size > 17.99 gb", "size<18G", "size>=16GiB", "size!=1", "size_bytes=17990911801", "SIZE<1TB",
     "params=26B", "params<=26000M", "params>1_000,000", "context=128k", "context>=128K", "context<1M", "loaded=0",
     "publisher=google", "publisher=G*", "publisher!=meta*", "key=google/gemma[1]", "key=*[1]", "key=*", "vision!=null",
     "capabilities_vision=yes", "capabilities_vision!=no", "variants=*Q8*", "variants!=*q2*", "type=null",
     "publisher!=null", "quantization_bits_per_weight=4.5", "quantization_bits_per_weight>4"],
)  # fmt: skip
def test_met(text: str) -> None:
    """Units, wildcards and lists; case does not count."""
    if text.startswith("vision"):
        with pytest.raises(ConfigurationError, match="no column 'vision'"):
            matches(text)
    else:
        assert matches(text)


@pytest.mark.parametrize(
    "text",
    ["size>18GB", "size<10GB", "size=null", "params>26B", "context>128k", "publisher=goo", "publisher!=GOOGLE",
     "type=llm", "type!=llm", "type!=null", "format=", "variants!=*q8*", "capabilities_vision=no", "key=google/gemma1",
     "capabilities_trained_for_tool_use=no", "capabilities_trained_for_tool_use!=no"],
)  # fmt: skip
def test_not_met(text: str) -> None:
    """A value that was not reported meets nothing but =null."""
    assert not matches(text)


@pytest.mark.parametrize(
    ("text", "met"),
    [("as_of=2026-11-28 06:00 UTC", True), ("as_of=2026-11-28 06:00:04 UTC", True), ("as_of>2026-11-28 06:00Z", False),
     ("as_of<=2026-11-28 06:00Z", True), ("as_of!=2026-11", False), ("as_of=2026-11-28T06:00:04.123456Z", True),
     ("as_of>=2026-11-28 06:01Z", False), ("as_of<2026-11-28 06:00Z", False), ("as_of>2026-10", True)],
)  # fmt: skip
def test_times_as_they_are_printed(text: str, met: bool) -> None:
    """A time without seconds means its whole minute, and may name its zone."""
    row = ROW | {"as_of": datetime(2026, 11, 28, 6, 0, 4, 123456, tzinfo=UTC)}
    content = filter_tables(snapshot([row]), parse_filters([text], "model"), "model")
    assert bool(content.tables["models"].num_rows) == met


def test_all_must_hold() -> None:
    """Several conditions narrow."""
    assert matches("size>10GB", "loaded=0")
    assert not matches("size>10GB", "loaded=1")


@pytest.mark.parametrize(
    ("text", "words"),
    [("size", "'size' is not a condition. Write COLUMN"), (">1", "is not a condition"), ("", "is not a condition"),
     ("siez>1", "Did you mean 'size'?"), ("zzz=1", "models have no column 'zzz'. There are: server"),
     ("size=>1", "Did you mean '>='?"), ("size<>1", "Did you mean '!='?"), ("size==1", "Did you mean '='?"),
     ("size>big", "such as 10GB"), ("size>", "such as 10GB"), ("size>1XB", "such as 10GB"),
     ("params>7GB", "such as 7B"), ("context>128kb", "such as 131072"), ("key<a", "Use = or !="),
     ("size<null", "Use = or !="),
     ("capabilities_vision=maybe", "Use yes or no"), ("as_of>soon", "is not a time"),
     ("as_of>28.11.2026", "did you mean 2026-11-28?")],
)  # fmt: skip
def test_what_is_wrong_is_named(text: str, words: str) -> None:
    """The error has the nearest column or operator, or an example of a value."""
    with pytest.raises(ConfigurationError) as caught:
        parse_filters([text], "model")
    assert words in str(caught.value)


def test_instances_follow_their_models() -> None:
    """A condition on models keeps their instances; one on instances their models."""
    instance = {"server": "a", "ordinal": 0, "instance_id": "i", "instance_ordinal": 0, "config_context_length": 4096}
    content = snapshot(
        [ROW, {**ROW, "key": "other", "size_bytes": 1}], [{**instance, "key": ROW["key"]}, {**instance, "key": "other"}]
    )
    for text, grain in (("size>1GB", "model"), ("key=google*", "instance")):
        part = filter_tables(content, parse_filters([text], grain), grain)
        assert [part.tables[name].num_rows for name in ("models", "instances")] == [1, 1]
    assert parse_filters(["context=4k"], "instance")[0].column == "config_context_length"
