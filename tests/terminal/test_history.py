"""Runs and lives -> text for a terminal."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from click import unstyle

from inventory import schema
from inventory import text as layout
from inventory.schema.derived import LIFECYCLE, RUNS, TIMELINE
from inventory.tables import table_of
from inventory.terminal.history import life_text, runs_text, sparkline, unused_text

HOSTILE = "\x1b[2J\x1b]0;pwned\x07\u202eevil\r\n\u2066\x9b31m\x00"


def run_id(number: int) -> str:
    """The id of the run of a day."""
    return f"202611{number:02d}T060003.000000Z-0000"


def day(number: int) -> datetime:
    """Six in the morning of a day of November 2026."""
    return datetime(2026, 11, number, 6, 0, 3, tzinfo=UTC)


def row(table: schema.Table, **values: Any) -> dict[str, Any]:
    """A row of a table, empty but for what is given."""
    return dict.fromkeys(table.names) | ({"key": "k", "ordinal": 0} if table is TIMELINE else {}) | values


def one_run(number: int, status: str = "ok", size: int | None = 10**11, **more: Any) -> dict[str, Any]:
    """A run's row."""
    read = int(status in ("ok", "suspect"))
    counts = {"run_id": run_id(number), "servers": 1, "servers_ok": read, "added": 0, "removed": 0, "reconfigured": 0}
    values = {"collected_at": day(number), "status": status, "model_count": 38, "instance_count": 7, "size_bytes": size}
    return row(RUNS, **counts | values | more)


RUNS_FOUND = [
    one_run(10, size=494_550_000_000),
    one_run(11, size=494_550_000_000, reconfigured=2),
    one_run(
        12, status="failed", size=None, error="could not reach http://127.0.0.1:1234: connection refused. Is it on?"
    ),
    one_run(13, size=565_750_000_000, added=2, removed=1),
    one_run(14, status="suspect", size=10**9),
    one_run(15, size=586_390_000_000, added=13),
]
SIZES = {
    run_id(number): {"model_count": 38, "instance_count": 7, "size_bytes": size}
    for number, size in zip(
        range(10, 16), [494_550_000_000] * 3 + [565_750_000_000] * 2 + [586_390_000_000], strict=True
    )
}
TEXT = """\
Run (UTC)         Status   Models       Size  Loaded  Added  Removed  Reconf.
2026-11-10 06:00  ok           38  494.55 GB       7      .        .        .
2026-11-11 06:00  ok           38  494.55 GB       7      .        .        2
2026-11-12 06:00  failed   could not reach http://127.0.0.1:1234: connection...
2026-11-13 06:00  ok           38  565.75 GB       7      2        1        .
2026-11-14 06:00  suspect      38    1.00 GB       7      .        .        .
2026-11-15 06:00  ok           38  586.39 GB       7     13        .        .

6 runs, 4 ok, 1 failed, 1 suspect    size {}  494.55 GB -> 586.39 GB
"""


def test_runs() -> None:
    """A line a run within 80 columns; a failed one says why, and leaves the size of the state as it was."""
    text = unstyle(runs_text(RUNS_FOUND, sizes=SIZES))
    assert text == TEXT.format("\u2581\u2581\u2581\u2586\u2586\u2588")
    assert max(map(len, text.splitlines())) <= 80
    assert unstyle(runs_text(RUNS_FOUND, unicode=False, sizes=SIZES)) == TEXT.format("___==^")
    later = {name: size for name, size in SIZES.items() if name != run_id(10)}
    assert "size x__==^" in unstyle(runs_text(RUNS_FOUND, unicode=False, sizes=later))


def test_runs_in_a_wide_terminal() -> None:
    """Where there is room, no heading is cut, nor why a run failed."""
    text = unstyle(runs_text(RUNS_FOUND, columns=120))
    assert text.splitlines()[0].endswith("  Reconfigured")
    assert "connection refused\n" in text


def test_a_run_names_the_servers_it_did_not_read() -> None:
    """Up to three, then a count; a long name is folded, not cut; none where the only server was not read."""
    several: dict[str, Any] = {"servers": 12, "servers_ok": 9, "status": "partial"}
    for names, expected in (
        (["rome-bob"], "1 of 12 not read: rome-bob"),
        (["a", "b", "c"], "3 of 12 not read: a, b, c"),
        (["a", "b", "c", "d"], "4 of 12 not read: a, b, c, d"),
        (["a", "b", "c", "d", "e"], "5 of 12 not read: a, b, c and 2 more"),
        (["x" * 30, "y" * 30, "z"], f"3 of 12 not read: {'x' * 30}, {'y' * 30}, z"),
        (["x" * 90, "y"], f"2 of 12 not read: {'x' * 90}, y"),
    ):
        lines = unstyle(runs_text([one_run(10, **several, unread=json.dumps(names))])).splitlines()
        assert lines[2].startswith(" " * 18 + expected[:17])
        named = "".join(lines[2 : lines.index("", 2)]).replace(" ", "")
        assert named == expected.replace(" ", "")
        assert max(map(len, lines)) <= 80
        assert ("--json names all unread servers" in "".join(lines)) == (" more" in expected)
    assert len(runs_text([one_run(10, "failed", unread='["a"]', error="x")]).splitlines()) == 4


def test_a_run_that_compared_nothing() -> None:
    """No dots, which would mean that nothing changed."""
    lines = unstyle(runs_text([one_run(10, added=None, removed=None, reconfigured=None)])).splitlines()
    assert lines[1].endswith("       7  nothing to compare with")


def test_no_runs() -> None:
    """An empty history says what to do, which one without runs of a time does not."""
    assert runs_text([]) == "The history is empty. Take a snapshot: lms-inventory snapshot\n"
    assert runs_text([], recorded=1) == "No run in that period; the history has 1.\n"
    assert "size" not in runs_text([one_run(1, status="failed", size=None)]).splitlines()[-1]


@pytest.mark.parametrize(
    ("values", "bars"),
    [([], ""), ([5], "\u2581"), ([0, 7], "\u2581\u2588"), ([None, 1, None], "\u00d7\u2581\u00d7"),
     (list(range(8)), "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588")],
    ids=str,
)  # fmt: skip
def test_sparkline(values: list[int | None], bars: str) -> None:
    """A bar a value from the least to the greatest; a cross where there is none; ASCII has as many."""
    assert sparkline(values) == bars
    assert sparkline(values, unicode=False).isascii()
    assert len(sparkline(values, unicode=False)) == len(values)


def one_life(**more: Any) -> dict[str, Any]:
    """A row of the lifecycle."""
    values = {"server": "a", "key": "k", "size_bytes": 5 * 10**9, "first_seen": day(1), "last_seen": day(9)}
    counts = {"present": True, "days_present": 9, "runs_present": 9, "runs_loaded": 3, "last_loaded": day(4)}
    return row(LIFECYCLE, **values | counts | more)


def unused(lives: list[dict[str, Any]], days: int, columns: int = 80) -> str:
    """What is shown of models that were not loaded."""
    return "".join(unused_text(table_of(LIFECYCLE, lives), days, columns))


def test_a_life() -> None:
    """What is known of a model on each server, and beneath it each change."""
    changes = [
        row(TIMELINE, server="a", grain="model", change="reconfigured", field="size_bytes", old="1000000000",
            new="5000000000", observed_at=day(3)),
        row(TIMELINE, server="a", grain="instance", change="loaded", instance_id="k:2", observed_at=day(4)),
        row(TIMELINE, server="b", grain="model", change="removed", observed_at=day(5)),
    ]  # fmt: skip
    removed = one_life(server="b", present=False, days_present=1, runs_loaded=0, last_loaded=None, size_bytes=None)
    assert (
        unstyle(life_text("k", [one_life(), removed], changes, {"a": 10, "b": 9}))
        == """\
k

  a
    First seen    2026-11-01 06:00:03 UTC
    Last seen     2026-11-09 06:00:03 UTC
    Present       9 days, 9 of 10 runs
    Loaded        in 33 % of them, last 2026-11-04 06:00:03 UTC
    Size          5.00 GB
    2026-11-03 06:00:03 UTC  ~ Size  1.00 GB -> 5.00 GB
    2026-11-04 06:00:03 UTC  + instance k:2 loaded

  b   no longer there
    First seen    2026-11-01 06:00:03 UTC
    Last seen     2026-11-09 06:00:03 UTC
    Present       1 day, 9 of 9 runs
    Loaded        never
    Size          -
    2026-11-05 06:00:03 UTC  - model removed
"""
    )


def test_unused() -> None:
    """The largest comes first; names of double width and long keys leave the columns aligned and whole."""
    result = [
        one_life(key="small", size_bytes=1),
        one_life(key="\u6a21\u578b", last_loaded=None),
        one_life(key="k" * 70),
    ]
    text = unstyle(unused(result, 30, 200))
    assert text.splitlines()[2].startswith("a       \u6a21\u578b" + " " * 66)
    assert text.endswith("\n\n3 models not loaded in 30 days, 10.00 GB\n")
    assert "k" * 70 in text
    lines = text.splitlines()[1:4]
    assert len({layout.width(line[: line.index("2026-11-01")]) for line in lines}) == 1
    assert unused([], 1) == "No model has been there for 1 day without being loaded\n"


def test_hostile_texts_are_made_visible() -> None:
    """No name or error of a server acts on the terminal, and no line ends in spaces."""
    life = one_life(server=HOSTILE, key=HOSTILE)
    change = row(TIMELINE, server=HOSTILE, grain="model", change="reconfigured", field=HOSTILE, old=HOSTILE,
                 new=HOSTILE, instance_id=HOSTILE, observed_at=day(1))  # fmt: skip
    for text in (
        runs_text([one_run(1, status="failed", size=None, error=HOSTILE), one_run(2)]),
        life_text(HOSTILE, [life], [change], {HOSTILE: 9}),
        unused([life], 9),
    ):
        shown = unstyle(text)
        assert "\\x1b" in shown
        assert shown.replace("\n", "").isprintable()
        assert not [line for line in shown.splitlines() if line != line.rstrip()]
