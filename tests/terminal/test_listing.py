"""The rows of a snapshot -> text for a terminal."""

import json
from pathlib import Path
from typing import Any

import pytest
from click import unstyle

import inventory
from inventory import Snapshot
from inventory import text as layout
from inventory.errors import ConfigurationError
from inventory.stub_server import inventory_before
from inventory.terminal.listing import columns_of, rows_text, sorted_rows

HOSTILE = "\x1b[2J\x1b]0;pwned\x07\u202eevil\r\n\u2066\x9b31m\x00"


def taken(folder: Path, **answers: list[dict[str, Any]]) -> Snapshot:
    """A snapshot of saved answers, one a server."""
    for name, models in answers.items():
        (folder / f"{name}.json").write_text(json.dumps({"models": models}))
    return inventory.collect([f"{name}=file:{folder}/{name}.json" for name in answers])


def text_of(snapshot: Snapshot, grain: str = "model", sort: str | None = None, columns: str | None = None) -> str:
    """What is shown."""
    text = unstyle(rows_text(snapshot, sorted_rows(snapshot, grain, sort), grain, columns_of(columns, grain)))
    assert not [line for line in text.splitlines() if line != line.rstrip()], "no line ends in spaces"
    return text


def test_models(tmp_path: Path) -> None:
    """Names left, numbers right, a dash for what is not reported, totals last."""
    assert (
        text_of(taken(tmp_path, a=[*inventory_before()[:2], {"key": "bare"}]))
        == """\
Key                     Params   Architecture  Quant       Size  Max context  Loaded
bare                    -        -             -              -            -       0
google/gemma-4-26b-a4b  26B-A4B  gemma4        Q4_K_M  17.99 GB      262,144       1
openai/gpt-oss-20b      20B      gpt-oss       MXFP4   12.11 GB      131,072       2

3 models, 30.10 GB, 3 loaded instances
"""
    )


def test_instances_of_several_servers(tmp_path: Path) -> None:
    """The server stands in front where there are several."""
    assert (
        text_of(taken(tmp_path, a=inventory_before()[:1], b=[]), "instance")
        == """\
Server  Instance                Key                     Quantization      Size  Context  Max context  Unloads in
a       google/gemma-4-26b-a4b  google/gemma-4-26b-a4b  Q4_K_M        17.99 GB    4,096      262,144       3,600

1 loaded instance
"""
    )


def test_nothing(tmp_path: Path) -> None:
    """A server without models has nothing on disk; models without sizes have an unknown size."""
    assert text_of(taken(tmp_path, a=[])).endswith("\n\n0 models, 0.00 GB, 0 loaded instances\n")
    assert text_of(taken(tmp_path, a=[{"key": "k"}])).endswith("\n\n1 model, size not reported, 0 loaded instances\n")


@pytest.mark.parametrize(
    ("sort", "keys"), [("size_bytes", "bac"), ("-size_bytes", "abc"), ("-key", "cba"), (None, "abc")]
)
def test_order(sort: str | None, keys: str, tmp_path: Path) -> None:
    """Rows are sorted either way, and those without a value come last."""
    snapshot = taken(tmp_path, a=[{"key": "a", "size_bytes": 2}, {"key": "b", "size_bytes": 1}, {"key": "c"}])
    assert "".join(row["key"] for row in sorted_rows(snapshot, "model", sort)) == keys


def test_keys_are_never_cut_and_everything_is_plain(tmp_path: Path) -> None:
    """Keys stay whole, other texts are cut, names of double width aligned, hostile ones visible."""
    keys = ["k" * 200, "\u6a21\u578b\u4e00", "e\u0301", HOSTILE]
    models = [{"key": key, "architecture": "a" * 99 + key, "params_string": "7B", "size_bytes": 10**9} for key in keys]
    text = text_of(taken(tmp_path, a=models))
    assert text.replace("\n", "").isprintable()
    assert "k" * 200 in text
    assert "a" * 21 + "... " in text
    lines = [line for line in text.splitlines() if " 7B " in line]
    assert len(lines) == 4
    assert len({layout.width(line) for line in lines}) == 1
    assert HOSTILE.encode("unicode_escape").decode()[:10] in text_of(taken(tmp_path, a=models), columns="key,extra")


def test_what_is_not_there(tmp_path: Path) -> None:
    """Unknown columns, and rows of a grain that a file does not hold, are refused."""
    snapshot = taken(tmp_path, a=inventory_before())
    snapshot.write(tmp_path / "a.csv")
    with pytest.raises(ConfigurationError, match=r"no column 'nope'. There are: server, key, "):
        columns_of("key,nope", "model")
    with pytest.raises(ConfigurationError, match="no column 'instance_id'"):
        sorted_rows(snapshot, "model", "instance_id")
    with pytest.raises(ConfigurationError, match="no instance rows"):
        sorted_rows(inventory.read(tmp_path / "a.csv"), "instance", None)


def test_a_long_name_does_not_widen_every_line(tmp_path: Path) -> None:
    """A name longer than any screen stands whole in its own line; the others are padded to 200 columns at most."""
    lines = text_of(taken(tmp_path, a=[{"key": "k" * 5000}, {"key": "l", "size_bytes": 10**9}])).splitlines()
    long, short = (next(line for line in lines if line.startswith(letter)) for letter in "kl")
    assert long.startswith("k" * 5000)
    assert 200 < len(short) < 300
