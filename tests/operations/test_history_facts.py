"""What a history tells about the models, servers and changes of a report."""

from pathlib import Path

import pytest

from inventory import History
from inventory.operations.compare import changes_between, report_of, resolve_ref
from inventory.report.facts import Report
from inventory.report.history_facts import CHANGED
from inventory.run_ids import time_of
from inventory.tables import RunTables, rows

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


@pytest.mark.parametrize("ref", ["latest", "latest~10", "first"])
def test_nothing_that_came_later_is_told(ref: str) -> None:
    """Every model of the state has a first day, and nothing is dated after the state."""
    facts, models = report(ref).history_facts, rows(report(ref).models)
    moment = time_of(History(MONTH).resolve(ref))
    assert models
    for row in models:
        first, loaded = facts.lives[row["server"], row["key"]]
        assert first is not None
        assert first.replace(microsecond=0) <= moment
        assert loaded is None or first <= loaded
        assert loaded is None or loaded.replace(microsecond=0) <= moment
    assert {row["server"] for row in facts.servers} >= {row["server"] for row in models}
    assert all(row["last_asked"].replace(microsecond=0) <= moment for row in facts.servers)


def test_the_run_that_saw_a_change() -> None:
    """A change since the run before was seen by the newest run, one of a month by a run in between."""
    newest = report("latest")
    assert newest.changes is not None
    seen = [newest.history_facts.seen_in[tuple(row[name] for name in CHANGED)] for row in rows(newest.changes.table)]
    assert set(seen) == {newest.snapshot.run_id}
    month = report("latest", "first")
    assert month.changes is not None
    known = month.history_facts.seen_in
    runs = {known[key] for row in rows(month.changes.table) if (key := tuple(row[name] for name in CHANGED)) in known}
    assert len(runs) > 5
    assert all("20261025T060004.123456Z-1c8c" < run <= month.snapshot.run_id for run in runs)


def test_without_a_history() -> None:
    """A report on a file, or without a history, asks for nothing."""
    assert not Report(report("latest").snapshot).history_facts.lives
