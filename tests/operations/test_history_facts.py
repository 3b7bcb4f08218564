"""What a history tells about the models, servers and changes of a report."""

from pathlib import Path

import pytest

from inventory import History
from inventory.operations.compare import changes_between, report_of, resolve_ref
from inventory.report.facts import Report
from inventory.report.history_facts import CHANGED, known_of
from inventory.run_ids import time_of
from inventory.tables import RunTables, rows, values

MONTH = Path(__file__).parent.parent.parent / "sample_outputs" / "history"
"""Thirty runs over three servers."""


def nobody() -> RunTables:
    """No server is asked here."""
    raise AssertionError


def report(ref: str, old: str | None = None) -> Report:
    """The report on a run of that month, compared with another one or with the run before."""
    history = History(MONTH)
    side = resolve_ref(ref, history, nobody)
    if old is None:
        return report_of(side, history)
    before = resolve_ref(old, history, nobody)
    return report_of(side, history, compared=(before, changes_between(before, side, history)))


def seen_in(report: Report) -> list[str | None]:
    """The run that saw each change last; None for one that no run saw as it is."""
    assert report.changes is not None
    assert report.history_facts.seen is not None
    return values(known_of(report.changes.table, report.history_facts.seen, CHANGED, ["run_id"]), "run_id")


@pytest.mark.parametrize("ref", ["latest", "latest~10", "first"])
def test_nothing_that_came_later_is_told(ref: str) -> None:
    """Every model of the state has a first day, and nothing is dated after the state."""
    facts, models = report(ref).history_facts, rows(report(ref).models)
    moment = time_of(History(MONTH).resolve(ref))
    assert models
    assert facts.lives is not None
    lives = {(life["server"], life["key"]): life for life in rows(facts.lives)}
    for row in models:
        first, loaded = (lives[row["server"], row["key"]][name] for name in ("first_seen", "last_loaded"))
        assert first is not None
        assert first.replace(microsecond=0) <= moment
        assert loaded is None or first <= loaded
        assert loaded is None or loaded.replace(microsecond=0) <= moment
    assert {row["server"] for row in facts.servers} >= {row["server"] for row in models}
    assert all(row["last_asked"].replace(microsecond=0) <= moment for row in facts.servers)


def test_the_run_that_saw_a_change() -> None:
    """A change since the run before was seen by the newest run, one of a month by a run in between."""
    newest = report("latest")
    assert set(seen_in(newest)) == {newest.snapshot.run_id}
    month = report("latest", "first")
    runs = {run for run in seen_in(month) if run}
    assert len(runs) > 5
    assert all("20261025T060004.123456Z-1c8c" < run <= month.snapshot.run_id for run in runs)


def test_without_a_history() -> None:
    """A report on a file, or without a history, asks for nothing."""
    assert not Report(report("latest").snapshot).history_facts.lives
