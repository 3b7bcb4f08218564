"""T7: every wrong answer has the status that its table says, none is read, and nothing of it is quoted."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.cli_runner import run
from support.hostile_servers import BEHAVIOURS, ENCRYPTED, HEAVY, NEVER_ENDING, READ, REFUSED, Case
from support.invalid_responses import CAPTURED, ODD, SECRET, TOKEN, WRONG

import inventory
from inventory import formats
from inventory.config.servers import Server
from inventory.errors import ServerError
from inventory.normalize.response import decode
from inventory.tables import rows

SENT = "sk-lm-Canary12:abcdefghijKLMNOPQRST"
GROUPS: dict[str, dict[str, Case]] = {
    "wrong bodies": {name: case for name, case in BEHAVIOURS.items() if name.startswith("body: ")},
    "odd bodies": {name: case for name, case in BEHAVIOURS.items() if name.startswith("odd body: ")},
    "wrong HTTP": {name: BEHAVIOURS[name] for name in REFUSED if name not in HEAVY},
    "odd HTTP": {name: BEHAVIOURS[name] for name in READ},
    "before HTTP": {name: case for name, case in ENCRYPTED.items() if case.status != "timeout"},
}


def _observed(cases: Mapping[str, Case]) -> dict[str, dict[str, Any]]:
    """What is observed of servers that behave so, all asked at once."""
    with ExitStack() as stack:
        servers = [Server(stack.enter_context(case.server()).url, name, SENT) for name, case in cases.items()]
        snapshot = inventory.collect(servers, timeout=50)
    return {row["server"]: row for row in rows(snapshot.tables["observations"])}


@pytest.mark.guard("an error with status 200")
@pytest.mark.guard("names in one object")
@pytest.mark.parametrize("group", GROUPS)
def test_every_answer_has_its_status(group: str) -> None:
    """Over real sockets each answer has its status; what is not read says why in one line, and quotes nothing."""
    cases = GROUPS[group]
    actual = _observed(cases)
    assert {name: row["status"] for name, row in actual.items()} == {name: case.status for name, case in cases.items()}
    for name, row in actual.items():
        assert (row["error"] is None) == (row["status"] == "ok"), name
        assert (row["model_count"] is None) == (row["status"] != "ok"), name
        told = f"{row['error']}{row['warnings'] if row['error'] else ''}"
        assert told.isprintable(), name
        assert len(told) < 500, name
        assert not any(text in told for text in (SECRET, TOKEN, SENT, "sk-")), name


@pytest.mark.parametrize("token_sent", [False, True])
def test_wrong_bodies_are_told_in_words(token_sent: bool) -> None:
    """Each wrong body has one status word and advice, and its message quotes neither the body nor a token."""
    for name, wrong in WRONG.items():
        with pytest.raises(ServerError) as caught:
            decode(wrong.body, wrong.http_status, token_sent=token_sent)
        message = str(caught.value)
        assert caught.value.status == wrong.status, name
        assert caught.value.advice, name
        quoted = (SECRET, TOKEN, "sk-", "bogus", "abcdefgh", "gemma", "FastFlowLM")
        assert not any(text in message for text in quoted), name
        assert wrong.http_status == 200 or str(wrong.http_status) in message or wrong.status == "too_old", name


def test_the_table_is_complete() -> None:
    """There are at least sixty, every captured error among them, and every word that an answer can have."""
    assert len(WRONG) >= 60
    assert CAPTURED
    assert {*CAPTURED.values()} <= {wrong.body for wrong in WRONG.values()}
    words = {"unauthorized", "too_old", "not_lm_studio", "unreachable", "invalid"}
    assert {wrong.status for wrong in WRONG.values()} == words
    assert {case.status for case in BEHAVIOURS.values()} == words | {"ok", "timeout"}
    lists = (READ, NEVER_ENDING, REFUSED, ENCRYPTED, WRONG, ODD)
    names = sum(len([*one]) for one in lists) + len(HEAVY.keys() - REFUSED.keys())
    assert len(BEHAVIOURS) == names, "two behaviours have one name"


@pytest.mark.long
def test_the_command_takes_them_all(tmp_path: Path) -> None:
    """Given all wrong bodies at once the command writes the snapshot, ends in 3, and shows no traceback."""
    cases = GROUPS["wrong bodies"]
    with ExitStack() as stack:
        urls = [stack.enter_context(case.server()).url for case in cases.values()]
        good = stack.enter_context(BEHAVIOURS["as it should be"].server()).url
        (tmp_path / "list").write_text("\n".join([*urls, good]))
        done = run("snapshot", "--servers-from", "list", "--timeout", "50", "-q", "-v", "-o", "a.csv", cwd=tmp_path)
    assert done.code == 3
    assert "Traceback" not in done.err
    assert len(done.later.err.splitlines()) == len(cases)
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 2


@pytest.mark.long
def test_numbers_at_both_ends(tmp_path: Path) -> None:
    """Sizes at both ends of what a column holds are compared and reported in every format, however far apart."""
    out = [word for suffix in formats.FORMATS for word in ("-o", f"x.{suffix}")]
    compared = [word for suffix in (*formats.TABLES, *formats.REPORTS) for word in ("-o", f"x.{suffix}")]
    for size in (-(2**63), 2**63 - 1):
        row = {
            "key": "k",
            "size_bytes": size,
            "max_context_length": -size - 1,
            "quantization": {"bits_per_weight": 1e308},
        }
        (tmp_path / "answer.json").write_text(json.dumps({"models": [row, {"key": "l", "size_bytes": size}]}))
        arguments = ("snapshot", "--server", "s=file:answer.json", "--history", "h", *out)
        assert run(*arguments, cwd=tmp_path).code == 0
    for words in (
        ("diff", *compared),
        ("diff", "--by", "server"),
        ("diff", "--by", "server", "-o", "by.csv"),
        ("show",),
    ):
        done = run(*words, "--history", "h", cwd=tmp_path)
        assert (done.code, done.err) == (0, ""), words
    assert run("history", "--history", "h", cwd=tmp_path).code == 0
    assert "size_bytes,'-9223372036854775808,9223372036854775807" in (tmp_path / "x.csv").read_text().replace('"', "")
