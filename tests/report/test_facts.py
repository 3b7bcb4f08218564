"""What every report says of a run, before any format has its own way to show it."""

import time
from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from support.snapshots import snapshot

import inventory
from inventory import Snapshot
from inventory.report.facts import Report, collection_status, lines, moment_text

MOMENT = datetime(2026, 11, 23, 23, 30, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "name", "told"),
    [
        (None, "", ""),
        (0, "GMT", ""),
        (-5, "EST", " (18:30 EST)"),
        (1, "CET", " (2026-11-24 00:30 CET)"),
    ],
)
def test_moments(hours: int | None, name: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In UTC, and where the reader is if that is known: another time, and the day too if it is another."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")  # which is nobody's business here
    time.tzset()
    try:
        zone = None if hours is None else timezone(timedelta(hours=hours), name)
        assert moment_text(MOMENT, zone) == f"2026-11-23 23:30:04 UTC{told}"
    finally:
        monkeypatch.undo()
        time.tzset()
    assert moment_text(None, UTC) == "at an unknown time"


@pytest.mark.parametrize(("old", "new", "difference"), [(None, 5, None), (5, None, None), (5, 7, 2), (7, 5, -2)])
def test_a_size_that_was_not_known_is_no_growth(old: int | None, new: int | None, difference: int | None) -> None:
    """How much larger a model became is told where both sizes are known."""
    same = {"server": "s", "key": "same", "ordinal": 0, "size_bytes": 1}  # or the field would be news of the server
    before, after = (snapshot([{**same, "key": "k", "size_bytes": size}, same]) for size in (old, new))
    assert [line.size_difference for line in lines(inventory.compare(before, after))] == [difference]


@pytest.mark.parametrize(
    ("statuses", "level", "said"),
    [
        (("suspect",), "warn", "Collection in doubt - why"),
        (("timeout",), "bad", "Collection failed - why"),
        (("timeout", "suspect"), "warn", "Collection incomplete - 2 of 2 servers not read: 1 timeout, 1 suspect"),
        (("timeout", "timeout"), "bad", "Collection failed - none of 2 servers was read: 2 timeout"),
        (("ok", "timeout"), "warn", "Collection incomplete - 1 of 2 servers not read: 1 timeout"),
        (("ok", "ok"), "good", "Collection complete - 0 errors"),
    ],
)
def test_states(statuses: tuple[str, ...], level: str, said: str) -> None:
    """A run in which every server failed is another thing than one in which an answer is in doubt."""
    some = [
        snapshot([{"server": str(n), "key": "k", "ordinal": 0}], status=one, error=None if one == "ok" else "why")
        for n, one in enumerate(statuses)
    ]
    names = some[0].tables
    whole = Snapshot({name: pa.concat_tables([one.tables[name] for one in some]) for name in names})
    found = collection_status(Report(whole))
    assert found.level == level
    assert found.text.removesuffix(" (see Evidence)") == said
