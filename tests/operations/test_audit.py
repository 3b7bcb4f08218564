"""Audits of histories: since when a finding is there, ends of exceptions, what is old, and what changed per run."""

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.history_builders import Fleet, day, model, opened, run

from inventory import History
from inventory.config.loader import parse
from inventory.history.queries.audit import check_expression, finding_runs
from inventory.operations.audit import audit
from inventory.operations.compare import ResolvedRef
from inventory.rules.model import RuleSet
from inventory.rules.parse import parse_rules
from inventory.tables import rows

BIG = """
[[rule]]
name = "small"
most = { size_bytes = 100 }
"""


def rules_of(text: str) -> RuleSet:
    """The rules of a configuration."""
    return parse_rules(parse(text, Path("inventory.toml")), check_expression)


def audited(history: History, text: str, ref: str = "latest", now: datetime | None = None) -> list[dict[str, Any]]:
    """The findings of the state at a run."""
    run_id = history.resolve(ref)
    judgement = audit(ResolvedRef(ref, run_id), history, rules_of(text), now=now or day(20))
    return [dict(row) for row in judgement.findings]


def test_since_is_when_a_finding_came_without_a_break(tmp_path: Path) -> None:
    """Another value that does not comply either begins nothing; one that complied in between does."""
    history = opened(tmp_path / "history")
    sizes: list[list[int | None]] = [[200, 10], [300, 10], [50, 10], [200, 10], [250, None], [250, 500]]
    for number, (first, second) in enumerate(sizes):
        fleet: Fleet = {
            "s": [model("a", size_bytes=first)],
            "t": [model("b", size_bytes=second)],
            "u": [model("c", size_bytes=900)],
        }
        run(history, fleet, day(number))
    since = {row["key"]: row["since"] for row in audited(history, BIG)}
    assert since == {"a": day(3), "b": day(5), "c": day(0)}
    assert {row["key"]: row["since"] for row in audited(history, BIG, "first")} == {"a": day(0), "c": day(0)}


def test_since_follows_what_each_server_must_have_and_what_an_expression_says(tmp_path: Path) -> None:
    """Rules on a whole server, and in SQL, tell since when too."""
    history = opened(tmp_path / "history")
    for number, keys in enumerate((["e", "a"], ["a"], ["a", "b"])):
        run(history, {"s": [model(key) for key in keys]}, day(number))
    text = """
    [[rule]]
    name = "needs"
    require = { key = ["E*", "a"] }
    [[rule]]
    name = "sql"
    if = "key = 'b' AND server = 's'"
    [[rule]]
    name = "few"
    grain = "server"
    most = { model_count = 1 }
    """
    findings = {row["rule"]: (row["grain"], row["key"], row["wanted"], row["since"]) for row in audited(history, text)}
    assert findings == {
        "needs": ("server", None, "E*", day(1)),
        "sql": ("model", "b", "not key = 'b' AND server = 's'", day(2)),
        "few": ("server", None, "at most 1", day(2)),
    }


def test_an_exception_ends_with_its_last_day_in_local_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 23:59 of the day it holds, a minute later the finding is back and says so; by the clock of the place."""
    history = opened(tmp_path / "history")
    run(history, {"s": [model("a", size_bytes=200)]}, day(0))
    text = BIG + '[[waiver]]\nrule = "small"\nuntil = 2026-11-10\nbecause = "tests"\nby = "ciso"\n'
    for zone, offset in (("UTC", 0), ("Europe/Rome", 1), ("America/New_York", -5), ("Asia/Kolkata", 5.5)):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        midnight = datetime(2026, 11, 11, tzinfo=UTC) - timedelta(hours=offset)
        for minutes, status in ((-1, "waived"), (0, "fail"), (1, "fail")):
            [row] = audited(history, text, now=midnight + timedelta(minutes=minutes))
            assert (row["status"], row["waived_until"], row["waived_by"]) == (status, "2026-11-10", "ciso"), (
                zone,
                minutes,
            )
            assert row["waived_because"] == "tests"
            assert row["since"] == day(0)
    monkeypatch.undo()
    time.tzset()


def test_a_state_of_the_past_is_judged_at_its_own_time(tmp_path: Path) -> None:
    """An exception that held then holds in it, however long ago that is."""
    history = opened(tmp_path / "history")
    for number in range(2):
        run(history, {"s": [model("a", size_bytes=200)]}, day(number))
    until = date(2026, 11, 1).isoformat()
    text = BIG + f'[[waiver]]\nrule = "small"\nuntil = {until}\nbecause = "b"\n'
    assert [row["status"] for row in audited(history, text, "first")] == ["waived"]
    assert [row["status"] for row in audited(history, text, "latest")] == ["fail"]


def test_what_was_not_read_is_unknown_and_what_is_old_is_told(tmp_path: Path) -> None:
    """Never read is unknown for every rule; read before is judged by that, and says how old it is."""
    history = opened(tmp_path / "history")
    run(history, {"s": [model("a")], "t": [model("a")], "u": None}, day(0))
    run(history, {"s": [model("a")], "t": None, "u": None}, day(10))
    text = BIG + '[[rule]]\nname = "read"\nunread = 7\n[[rule]]\nname = "used"\nunused = 5\n'
    text += '[[waiver]]\nrule = "small"\nkey = "nothing"\nuntil = 2030-01-01\nbecause = "b"\n'
    judgement = audit(ResolvedRef("latest", history.resolve("latest")), history, rules_of(text), now=day(10.5))
    findings = [(row["rule"], row["server"], row["status"], row["key"], row["since"]) for row in judgement.findings]
    assert findings == [
        ("small", "u", "unknown", None, None),
        ("read", "t", "fail", None, day(7)),
        ("read", "u", "unknown", None, None),
        ("used", "s", "fail", "a", day(5)),
        ("used", "u", "unknown", None, None),
    ]
    assert judgement.notes == [
        "t is judged as of 2026-11-01, 10 days ago: a pass of it is as old",
        "the waiver of rule small (inventory.toml line 11) meets nothing",
    ]


def test_without_a_history_nothing_is_known_about_use(tmp_path: Path) -> None:
    """A file does not tell when a model was loaded: unknown, not a pass."""
    history = opened(tmp_path / "history")
    run(history, {"s": [model("a", size_bytes=200)]}, day(0))
    side = ResolvedRef("file", snapshot=history.load())
    judgement = audit(side, None, rules_of(BIG + '[[rule]]\nname = "used"\nunused = 5\n'), now=day(1))
    assert [(row["rule"], row["status"], row["field"], row["since"]) for row in judgement.findings] == [
        ("small", "fail", "size_bytes", None),
        ("used", "unknown", "last_loaded", None),
    ]


def test_an_expression_that_fails_on_a_value_is_no_pass(tmp_path: Path) -> None:
    """What cannot be computed is unknown for each server, and the others are judged."""
    history = opened(tmp_path / "history")
    run(history, {"s": [model("a", size_bytes=200)]}, day(0))
    text = BIG + "[[rule]]\nname = 'sql'\nif = 'CAST(key AS INTEGER) > 5'\n"
    judgement = audit(ResolvedRef("latest", history.resolve("latest")), history, rules_of(text), now=day(1))
    assert [(row["rule"], row["status"]) for row in judgement.findings] == [("small", "fail"), ("sql", "unknown")]
    assert "could not be computed: Conversion Error" in judgement.notes[0]


def test_each_run_counts_what_is_new_gone_and_still_there(tmp_path: Path) -> None:
    """The numbers of each run are those of two audits beside each other."""
    history = opened(tmp_path / "history")
    fleets: list[dict[str, Any]] = [
        {"s": [model("a", size_bytes=200), model("b", size_bytes=300)], "t": [model("c", size_bytes=1)]},
        {"s": [model("b", size_bytes=400)], "t": [model("c", size_bytes=500)]},
        {"s": None, "t": [model("c", size_bytes=500)]},
        {"s": [model("b", size_bytes=400)], "t": []},
        {"s": [model("b", size_bytes=400), model("d", size_bytes=101)], "t": []},
    ]
    before: set[Any] = set()
    expected = []
    for number, fleet in enumerate(fleets):
        run_id = run(history, fleet, day(number))
        now = {(row["server"], row["key"]) for row in audited(history, BIG, run_id)}
        expected.append((run_id, len(now - before), len(before - now), len(now & before)))
        before = now
    counts = [
        (row["run_id"], row["new"], row["gone"], row["still"]) for row in rows(finding_runs(history, rules_of(BIG)))
    ]
    assert counts == expected
    assert [row[1:] for row in expected] == [(2, 0, 0), (1, 1, 1), (0, 0, 2), (0, 1, 1), (1, 0, 1)]
