"""Small files merged into few: the same readings before, meanwhile and after, whatever stops it, whoever is there."""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.history_builders import Fleet, Model, collected, day, files, model, run
from support.history_builders import opened as timeless

import inventory
from inventory import History
from inventory.errors import FileError
from inventory.filesystem import temporary_files, write_once
from inventory.history import compaction, recorder
from inventory.history.compaction import compact, due
from inventory.history.recorder import record
from inventory.history.retention import carry_out, plan
from inventory.history.storage import partitions
from inventory.history.storage.checksum import write_checksummed
from inventory.history.storage.data_file import KINDS, merged, opened
from inventory.history.storage.file_names import is_merged
from inventory.history.verify import prove
from inventory.tables import rows

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(inventory.__file__).parents[1])}
A, B, C = [model("a")], [model("a"), model("b", "i")], [model("c", size_bytes=3, description="d")]
FLEETS: list[Fleet] = [
    {"z": A, "b": A},
    {"z": B, "b": A},
    {"z": None, "b": C},
    {"z": [*B, *C], "b": A},
    {"z": A, "b": [*A, *C]},
    {"z": C, "b": None},
    {"z": [*A, *C, model("e", "i")], "b": B},
    {"z": C, "b": B},
]
"""Eight runs, nine days apart: from 1 November 2026 to 3 January 2027."""


def months(folder: Path, fleets: list[Fleet] = FLEETS, apart: float = 9, first: float = 0) -> tuple[History, list[str]]:
    """A history of several months, and its runs, from a day of November 2026 on."""
    history = timeless(folder / "history")
    return history, [run(history, fleet, day(first + number * apart)) for number, fleet in enumerate(fleets)]


def readings(history: History) -> list[Any]:
    """What every way to read a history gives."""
    history = timeless(history.store.folder)
    runs = history.store.run_ids()
    pairs = [*pairwise(runs), *([(runs[0], runs[-1])] if runs else [])]
    return [
        runs,
        *(rows(table) for table in (history.runs_table(), history.timeline_table(), history.lifecycle_table())),
        *([rows(table) for table in history.load(run_id).tables.values()] for run_id in runs),
        *([rows(table) for table in history.state(run_id).tables.values()] for run_id in runs[-2:]),
        *(rows(history.diff(old, new).table) for old, new in pairs),
    ]


def globbed(history: History, kind: str = "observations") -> list[tuple[Any, ...]]:
    """The rows of one kind as DuckDB finds them by a glob, without this tool."""
    answer = duckdb.sql(f"SELECT * FROM read_parquet('{history.store.folder}/{kind}/**/*.parquet') ORDER BY ALL")
    assert answer is not None
    return [tuple(row.values()) for row in rows(answer.to_arrow_table())]


def copied(history: History, folder: Path) -> History:
    """A copy of a history."""
    return timeless(shutil.copytree(history.store.folder, folder / "history"))


def left(history: History) -> list[str]:
    """What lies in the workshop, where nothing should lie."""
    return sorted(path.name for path in history.store.workshop.iterdir())


@pytest.mark.long
def test_closed_months_become_few_files(tmp_path: Path) -> None:
    """Of each month but the newest run's there is one file of each kind, for its owner only; rows and readings stay."""
    history, _ = months(tmp_path)
    before = readings(history)
    tables = {kind: globbed(history, kind) for kind in KINDS}
    newest = {path: path.read_bytes() for path in files(history) if "2027-01" in str(path)}
    done = compact(history.store)
    assert {(one.kind, one.month, number) for one, number in done} == {
        (kind, month, 1) for kind in KINDS for month in ("month=2026-11", "month=2026-12")
    }
    assert readings(history) == before
    assert {kind: globbed(history, kind) for kind in KINDS} == tables
    assert {path: path.read_bytes() for path in newest} == newest
    merged_files = [path for path in files(history) if path not in newest]
    assert len(merged_files) == 8
    assert all(is_merged(path) for path in merged_files)
    assert {path.stat().st_mode & 0o777 for path in merged_files} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in history.store.folder.rglob("*") if path.is_dir()} == {0o700}
    assert prove(history.store).problems.num_rows == 0
    assert left(history) == []


def test_what_is_merged_is_not_merged_again(tmp_path: Path) -> None:
    """A second compaction finds nothing to do and writes nothing; an empty history has nothing to merge."""
    history, _ = months(tmp_path)
    compact(history.store)
    there = {path: path.stat().st_mtime_ns for path in files(history)}
    assert due(history.store) == ()
    assert compact(history.store) == []
    assert {path: path.stat().st_mtime_ns for path in files(history)} == there
    assert compact(timeless(tmp_path / "none").store) == []
    assert not (tmp_path / "none").exists()


@pytest.mark.guard("no run of a merged file is read twice")
@pytest.mark.long
def test_a_copy_from_which_nothing_was_removed(tmp_path: Path) -> None:
    """Files that others took the place of are passed over; where that cannot be, nothing is counted twice."""
    history, _ = months(tmp_path)
    keep = tmp_path / "copy"
    shutil.copytree(history.store.folder, keep)
    compact(history.store)
    shutil.copytree(history.store.folder, keep, dirs_exist_ok=True)
    assert readings(timeless(keep)) == readings(history)
    late = run(history, FLEETS[2], day(2))
    history.save_baseline("late", late)
    carry_out(history.store, plan(history.store, {"last": 6}))
    compact(history.store)
    shutil.copytree(history.store.folder, keep, dirs_exist_ok=True)
    with pytest.raises(FileError, match=rf"{keep}/\S+ holds runs that another file holds too\. .*remove"):
        timeless(keep).runs_table()


@pytest.mark.long
def test_a_history_goes_on_after_it(tmp_path: Path) -> None:
    """New runs point into merged months; one that comes late into a closed month is merged by the next compaction."""
    history, ids = months(tmp_path)
    other = copied(history, tmp_path / "other")
    compact(history.store)
    late = "20261224T000000.000000Z-0000"
    taken = [
        collected(tmp_path / "answers", {"z": B, "b": C}, day(70), "20270110T000000.000000Z-0000"),
        collected(tmp_path / "answers", {"z": [model("late")], "b": A}, day(53), late),
    ]
    for one in (history, other):
        for snapshot in taken:
            record(one, snapshot)
    assert not [path for path in files(history) if "2027-01" in str(path) and "payloads" in str(path)], "known answers"
    assert readings(history) == readings(other)
    assert prove(history.store).problems.num_rows == 0
    assert {one.month for one, _ in compact(history.store)} == {"month=2026-12"}
    assert readings(history) == readings(other)
    assert prove(history.store).problems.num_rows == 0
    assert not history.store.path("observations", late).exists()
    assert len(ids) + 2 == len(history.store.run_ids())


@pytest.mark.long
def test_pruning_a_merged_month(tmp_path: Path) -> None:
    """Runs go from merged months as from small files: the same stays, the same can be read, the chain still holds."""
    history, ids = months(tmp_path)
    history.save_baseline("good", ids[1])
    other = copied(history, tmp_path / "other")
    compact(history.store)
    for one in (history, other):
        what = plan(one.store, {"last": 2})
        assert what.drop
        carry_out(one.store, what)
        assert prove(one.store).problems.num_rows == 0
    assert history.store.pruned() == other.store.pruned()
    assert history.store.holding() == other.store.holding()
    assert readings(history) == readings(other)
    assert {kind: globbed(history, kind) for kind in KINDS} == {kind: globbed(other, kind) for kind in KINDS}
    last = run(history, {"z": C, "b": C}, day(80))
    carry_out(history.store, plan(history.store, {"last": 1}))
    assert history.store.run_ids() == [ids[1], last]
    assert prove(history.store).problems.num_rows == 0
    assert [path for path in files(history) if "2026-12" in str(path)] == [], "nothing of a month that is all gone"


KEYS = st.sampled_from("abc")
MODELS: st.SearchStrategy[list[Model]] = st.lists(
    st.builds(
        lambda key, size, on: model(key, *(["i"] if on else []), size_bytes=size),
        KEYS,
        st.integers(1, 2),
        st.booleans(),
    ),
    max_size=3,
    unique_by=lambda one: str(one["key"]),
)
FLEET = st.dictionaries(st.sampled_from("st"), st.none() | MODELS, min_size=1)
ACTS = st.lists(FLEET | st.just("compact") | st.integers(2, 4), min_size=4, max_size=12)


@settings(max_examples=max(2, settings().max_examples // 30), deadline=None)
@given(ACTS)
@pytest.mark.long
def test_no_reading_tells_whether_files_were_merged(acts: list[Any]) -> None:
    """Of random fleets over months, pruned now and then: every reading equals that of the copy that is never merged."""
    with tempfile.TemporaryDirectory() as name:
        one, other = (timeless(Path(name) / word / "history") for word in ("merged", "small"))
        for history in (one, other):
            history.store.folder.parent.mkdir()
        for number, act in enumerate(acts):
            if act == "compact":
                compact(one.store)
            elif isinstance(act, int):
                for history in (one, other):
                    carry_out(history.store, plan(history.store, {"last": act}))
            else:
                taken = collected(Path(name) / "answers", act, day(number * 8))
                for history in (one, other):
                    record(history, taken)
            assert one.store.run_ids() == other.store.run_ids()
        compact(one.store)
        assert readings(one) == readings(other)
        assert {kind: globbed(one, kind) for kind in KINDS if one.store.where(kind)} == {
            kind: globbed(other, kind) for kind in KINDS if other.store.where(kind)
        }
        assert prove(one.store).problems.num_rows == 0


# Does some work on copies of a history; each time it kills itself one file operation later, until it gets to its end.
KILLED = """
import os, shutil, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from inventory.history.compaction import compact
from inventory import History
from inventory.history.retention import carry_out, plan

MOVES = {"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir"}
folder, step = Path(sys.argv[1]), int(sys.argv[3])


def timeless(folder):
    return History(folder, clock=lambda: datetime(2100, 1, 1, tzinfo=UTC))


def work(history):
    if sys.argv[2] == "prune":
        carry_out(history.store, plan(history.store, {"last": 2}))
    compact(history.store)


number, ended = 0, False
while not ended:
    number += step
    copy = Path(shutil.copytree(folder / "history", folder / str(number) / "history"))
    child = os.fork()
    if not child:
        done = 0

        def watch(event, args):
            global done
            if event in MOVES or (event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)):
                done += 1
                if done == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)
        try:
            work(timeless(copy))
        except BaseException as error:
            print(repr(error), flush=True)
            os._exit(3)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL), code
    ended = code == 0
    print(number, flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="copies of one process that kill themselves")
@pytest.mark.long
@pytest.mark.parametrize("kind", ["compact", "prune"])
@pytest.mark.parametrize("step", [17, pytest.param(1, marks=pytest.mark.full)])
def test_a_kill_after_any_file_operation(tmp_path: Path, kind: str, step: int) -> None:
    """Whatever was done by then: every reading is the same, no row is there twice, and the next one ends it."""
    history, ids = months(tmp_path, FLEETS[:6], 9)
    if kind == "prune":
        compact(history.store)
        before = readings_of(history, ids[-2:])
    else:
        before = readings(history)
    command = [sys.executable, "-c", KILLED, str(tmp_path), kind, str(step)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    points = [int(line) for line in done.stdout.split()]
    assert len(points) * step > 34, "it is made of more steps than this"
    for point in points:
        one = timeless(tmp_path / str(point) / "history")
        assert prove(one.store).problems.num_rows == 0, point
        seen = globbed(one)
        assert len(seen) == len(set(seen)), point
        if kind == "prune":
            assert readings_of(one, ids[-2:]) == before, point
            carry_out(one.store, plan(one.store, {"last": 2}))
        else:
            assert readings(one) == before, point
            folders = {path.name for path in (one.store.folder / "observations").iterdir()}
            assert (seen == globbed(history)) == (folders == {"month=2026-11", "month=2026-12"}), (
                "but between two moves"
            )
        if point % 2:
            run(one, {"z": C, "b": B}, day(60))
            assert left(one) == [], "settled by the next run too"
        compact(one.store)
        assert [path for path in files(one) if "2026-11" in str(path) and not is_merged(path)] == []
        assert prove(one.store).problems.num_rows == 0, point
        assert left(one) == []
        if kind == "compact" and not point % 2:
            assert readings(one) == before, point
        shutil.rmtree(one.store.folder.parent)


def readings_of(history: History, run_ids: list[str]) -> list[Any]:
    """What can be read of some runs."""
    history = timeless(history.store.folder)
    return [[rows(table) for table in history.load(run_id).tables.values()] for run_id in run_ids]


@pytest.mark.parametrize("rounds", [pytest.param(5, marks=pytest.mark.long), pytest.param(60, marks=pytest.mark.full)])
def test_a_kill_at_any_moment(tmp_path: Path, rounds: int) -> None:
    """The command itself, killed again and again: readings stay the same, and at the end all is merged."""
    history, _ = months(tmp_path, first=-365)  # in the past also by the clock of the command
    before = readings(history)
    chance = random.Random(5)
    command = [sys.executable, "-m", "inventory", "prune", "--compact", "--history", str(history.store.folder)]
    for number in range(rounds):
        if number % 10 == 0:
            shutil.rmtree(history.store.folder)
            shutil.rmtree(tmp_path / "answers")
            history, _ = months(tmp_path, first=-365)  # in the past also by the clock of the command
            before = readings(history)
        process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
        try:
            process.wait(timeout=chance.uniform(0.2, 1.2))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert readings(history) == before
        assert prove(history.store).problems.num_rows == 0
    subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True)
    assert readings(history) == before
    assert due(history.store) == ()
    assert left(history) == []


# Records runs some days apart, or merges as often as it can, until it is told to stop; few runs count as many.
COMPANY = """
import json, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from inventory.collection.collector import new_run_id
from inventory import collect
from inventory.history import compaction, recorder
from inventory.history.compaction import compact
from inventory.errors import FileError
from inventory import History
from inventory.history.recorder import record
from inventory.config.servers import Server

folder, what, runs, apart = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
compaction._MANY, compaction._NEWEST = 3, 2
history = History(folder / "history", clock=lambda: datetime(2200, 1, 1, tzinfo=UTC))
answer, merged = folder / "s.json", 0
if what == "record":
    for number in range(runs):
        answer.write_text(json.dumps({"models": [{"key": f"m{number // 2}"}, {"key": "x"}]}))
        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=apart * number)
        taken = collect([Server(f"file:{answer}", "s")], clock=lambda: moment, run_id=new_run_id(moment))
        print(record(history, taken).run_id, flush=True)
else:
    while not (folder / "stop").exists():
        try:
            merged += len(compact(history.store))
        except FileError as error:
            assert "another process" in str(error), error
    print(merged)
"""


@pytest.mark.parametrize("apart", [9, 0.01], ids=["closed months", "the open month"])
@pytest.mark.parametrize("runs", [pytest.param(12, marks=pytest.mark.long), pytest.param(250, marks=pytest.mark.full)])
def test_runs_and_readers_beside_it(tmp_path: Path, runs: int, apart: float) -> None:
    """While one process records and two merge, no reading fails, lacks a run that was acknowledged or has one twice."""

    def started(what: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", COMPANY, str(tmp_path), what, str(runs), str(apart)]
        return subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    history = timeless(tmp_path / "history")
    writer, others = started("record"), [started("merge"), started("merge")]
    assert writer.stdout is not None
    told: list[str] = []
    for line in writer.stdout:
        told.append(line.strip())
        assert history.store.run_ids()[: len(told)] == told
        assert rows(history.runs_table())[len(told) - 1]["run_id"] == told[-1]
        assert len(rows(history.timeline_table())) >= (len(told) - 1) // 2 * 2
        chosen = told[len(told) * 7 % len(told)]
        assert history.load(chosen).models["key"].tolist() == [f"m{told.index(chosen) // 2}", "x"]
    _, error = writer.communicate()
    assert writer.returncode == 0, error
    (tmp_path / "stop").touch()
    results = [other.communicate() for other in others]
    assert [other.returncode for other in others] == [0, 0], results
    assert sum(int(out) for out, _ in results) >= (4 if apart == 9 else 0)
    compact(history.store)
    assert any(map(is_merged, files(history)))
    assert history.store.run_ids() == told
    assert len(globbed(history)) == runs
    assert prove(history.store).problems.num_rows == 0


@pytest.fixture
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three small files of the open month are many, and its newest two runs stay as they are."""
    monkeypatch.setattr(compaction, "_MANY", 3)
    monkeypatch.setattr(compaction, "_NEWEST", 2)


@pytest.mark.usefixtures("few_are_many")
@pytest.mark.long
def test_many_runs_of_one_month_are_merged_unasked(tmp_path: Path) -> None:
    """The files stay few while runs are recorded, and every reading is that of the same history of small files."""
    history, ids = months(tmp_path, FLEETS * 3, apart=0.5)
    small = [path for path in files(history) if path.parts[-3] == "observations" and not is_merged(path)]
    assert 2 <= len(small) < 5
    assert prove(history.store).problems.num_rows == 0
    assert left(history) == []
    assert history.store.run_ids() == ids
    seen = readings(history)
    apart = timeless(tmp_path / "apart")
    for run_id in ids:
        for kind in KINDS:
            if run_id in history.store.where(kind):
                segment = history.store.read(kind, run_id)
                about = {name: value for name, value in segment.about.items() if name in ("files", "previous", "span")}
                apart.store.write(kind, run_id, segment.table(), **about)
    assert not any(map(is_merged, files(apart)))
    assert readings(apart) == seen


@pytest.mark.usefixtures("few_are_many")
@pytest.mark.guard("nothing is merged unasked where others may merge too")
def test_nothing_is_merged_unasked_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a share that has no locks, two machines could merge at once: there it is left to people."""
    monkeypatch.setattr(write_once, "lock", lambda *_, **__: False)
    history, _ = months(tmp_path, apart=0.5)
    assert not any(map(is_merged, files(history)))
    compact(history.store)
    assert any(map(is_merged, files(history)))


@pytest.mark.usefixtures("few_are_many")
def test_a_run_is_recorded_though_nothing_can_be_merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What only makes a history quick does not make a run fail that is recorded already."""
    history, ids = months(tmp_path, apart=0.5)

    def unreadable(kind: str) -> list[str]:
        raise FileError(f"{kind} could not be read", "Check the folder")

    monkeypatch.setattr(history.store.months, "files", unreadable)
    compaction.compact_many(history.store, day(100))
    monkeypatch.undo()
    assert history.store.run_ids() == ids


@pytest.mark.usefixtures("few_are_many")
@pytest.mark.guard("a run recorded meanwhile stays")
def test_a_file_that_comes_into_the_folder_that_was_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that looked up the month's folder before it was moved away may write into it until it is gone."""
    monkeypatch.setattr(recorder, "compact_many", lambda *_: None)
    history, ids = months(tmp_path, apart=0.5)
    late = history.store.path("observations", ids[-1])
    away = late.rename(tmp_path / "late")
    replaced = history.store.workshop / "replaced/observations" / late.parent.name
    synced = temporary_files.sync_folder

    def write_late(folder: Path) -> None:
        synced(folder)
        if away.exists() and replaced.is_dir():
            away.rename(replaced / late.name)

    monkeypatch.setattr(partitions, "sync_folder", write_late)
    assert compact(history.store)
    assert not away.exists()
    assert history.store.run_ids() == ids
    assert prove(history.store).problems.num_rows == 0
    assert left(history) == []


@pytest.mark.guard("pruning is done alone")
def test_only_one_at_a_time(tmp_path: Path) -> None:
    """While another process prunes or merges, both are refused in words; a run is recorded, and leaves it alone."""
    history, _ = months(tmp_path)
    another = timeless(history.store.folder)
    with another.store.exclusive():
        with pytest.raises(FileError, match="another process"):
            compact(history.store)
        with pytest.raises(FileError, match="another process"):
            carry_out(history.store, plan(history.store, {"last": 1}))
        run(history, {"z": A}, day(80))
    assert due(history.store)
    assert len(compact(history.store)) == 8


def test_a_month_in_which_a_run_is_being_written_waits(tmp_path: Path) -> None:
    """A run of a closed month that is not yet recorded keeps that month from being merged."""
    history, _ = months(tmp_path)
    with history.store.run_marker("20261130T000000.000000Z-0000"):
        assert {one.month for one, _ in compact(history.store)} == {"month=2026-12"}
    assert {one.month for one, _ in compact(history.store)} == {"month=2026-11"}


def test_what_comes_while_a_month_is_replaced_is_kept(tmp_path: Path) -> None:
    """A run that is written after the merging was begun is neither lost nor swept, wherever its files went."""
    history, ids = months(tmp_path)
    late = "20261130T000000.000000Z-0000"
    with history.store.exclusive():
        _replaced_with(history, late, tmp_path / "answers")
    assert sorted([*ids, late]) == history.store.run_ids()
    assert history.load(late).models["key"].tolist() == ["late"]
    assert prove(history.store).problems.num_rows == 0


def _replaced_with(history: History, late: str, answers: Path) -> None:
    """Merge November, and record a run of that month after the payloads were merged and before they are replaced."""
    for kind in KINDS:
        [one] = [one for one in due(history.store) if (one.kind, one.month) == (kind, "month=2026-11")]
        parts = [merged(kind, [history.store.read(kind, run_id) for run_id in one.runs])]

        def while_at_it(parts: Any = parts, kind: str = kind) -> Any:
            yield from parts
            if kind == "payloads":  # the other files come after this kind was replaced
                record(history, collected(answers, {"z": [model("late")]}, day(29), late))

        history.store.months.replace(kind, one.month, while_at_it())


@pytest.mark.long
def test_a_folder_made_anew_between_the_moves(tmp_path: Path) -> None:
    """If a run makes the month's folder anew when the old one is just away, both are kept, also after a kill."""
    history, ids = months(tmp_path)
    kind, month = "observations", "month=2026-11"
    folder, workshop = history.store.folder, history.store.workshop
    [one] = [one for one in due(history.store) if (one.kind, one.month) == (kind, month)]
    name, body = merged(kind, [history.store.read(kind, run_id) for run_id in one.runs])
    for where in ("staged", "replaced"):
        (workshop / where / kind).mkdir(parents=True)
    (workshop / "staged" / kind / month).mkdir()
    (workshop / "staged" / kind / month / name).write_bytes(body)
    (folder / kind / month).rename(workshop / "replaced" / kind / month)
    late = "20261130T000000.000000Z-0000"
    before = readings(history)
    (folder / kind / month).mkdir()
    answers = collected(tmp_path / "answers", {"z": A}, day(29), late)
    other = timeless(tmp_path / "elsewhere")
    record(other, answers)
    shutil.copy(other.store.path(kind, late), folder / kind / month)
    assert history.store.run_ids() == sorted([*ids, late])
    compact(history.store)
    assert history.store.run_ids() == sorted([*ids, late])
    history.store.path(kind, late).unlink(missing_ok=True)
    assert before[0] == ids
    assert left(history) == []


@pytest.mark.long
def test_damage_to_a_merged_file(tmp_path: Path) -> None:
    """Wherever a bit flips: it is named with its month, and a reading is refused or gives what it gave before."""
    history, ids = months(tmp_path)
    history.save_baseline("good", ids[0])
    compact(history.store)
    before = readings(history)
    chance = random.Random(9)
    for path in [path for path in files(history) if is_merged(path)]:
        body = path.read_bytes()
        for place in [*(chance.randrange(len(body)) for _ in range(3)), len(body) - chance.randrange(1, 9)]:
            path.write_bytes(body[:place] + bytes([body[place] ^ 1 << chance.randrange(8)]) + body[place + 1 :])
            problems = rows(prove(timeless(history.store.folder).store).problems)
            month = path.parent.name.removeprefix("month=")
            assert [str(path.relative_to(history.store.folder))] == [row["file"] for row in problems]
            assert f"of many runs of {month}" in problems[0]["holds"]
            if path.parent.parent.name != "payloads":
                with pytest.raises(FileError, match="damaged"):
                    readings(history)
        path.write_bytes(body)
    assert readings(history) == before
    assert prove(history.store).problems.num_rows == 0


@pytest.mark.guard("a list of runs is checked before it is used")
def test_a_merged_file_under_another_name(tmp_path: Path) -> None:
    """A merged file of another month, of another kind, copied, or missing is found, by the proof and by readers."""
    history, _ = months(tmp_path)
    compact(history.store)
    [one, two] = sorted(path for path in files(history) if is_merged(path) and "models" in str(path))
    for moved in (two.with_name(one.name), one.with_name(two.name), two.parent / ("merged-" + "0" * 16 + ".parquet")):
        there = moved.read_bytes() if moved.exists() else None
        moved.write_bytes((two if moved.parent == one.parent else one).read_bytes())
        assert str(moved.relative_to(history.store.folder)) in [
            row["file"] for row in rows(prove(history.store).problems)
        ]
        with pytest.raises(FileError, match="damaged"):
            readings(history)
        moved.unlink()
        if there:
            moved.write_bytes(there)
    renamed = two.rename(two.with_name("merged-" + "0" * 16 + ".parquet"))
    assert str(renamed.relative_to(history.store.folder)) in [
        row["file"] for row in rows(prove(history.store).problems)
    ]
    with pytest.raises(FileError, match="damaged"):
        readings(history)
    renamed.rename(two)
    one.unlink()
    assert {row["problem"] for row in rows(prove(history.store).problems)} == {"missing"}
    with pytest.raises(FileError, match="could not be read"):
        readings(history)


def test_other_rows_than_were_merged(tmp_path: Path) -> None:
    """A merged file that was made anew with other rows, under a whole seal, is found, and is not merged on."""
    history, ids = months(tmp_path)
    compact(history.store)
    path = history.store.where("observations")[ids[0]]
    file = opened("observations", path)[ids[0]].file
    table = file.read()
    status = table.column("status").to_pylist()
    forged = table.set_column(table.column_names.index("error"), "error", [[f"was {one}" for one in status]])
    about = {name: value for name, value in file.about.items() if name not in ("tool", "version", "seal")}
    path.write_bytes(write_checksummed(forged.cast(table.schema), about))
    history = timeless(history.store.folder)
    assert {row["problem"] for row in rows(prove(history.store).problems)} == {
        "rows differ from those of the run's own file"
    }
    history.save_baseline("good", ids[1])
    with pytest.raises(FileError, match="does not hold the rows"):
        carry_out(history.store, plan(history.store, {"last": 1}))


@pytest.mark.long
def test_an_older_versions_files_are_merged(tmp_path: Path) -> None:
    """Files without columns that came later are merged; those are null there, and the proof knows no false alarm."""
    lost = {"observations": "warnings", "models": "variants", "instances": "config_parallel", "payloads": "body"}
    history, ids = months(tmp_path, FLEETS[:5], 12)
    for kind in KINDS[2:]:
        file = history.store.read(kind, ids[0])
        table = file.table().drop_columns([lost[kind]])
        file.path.write_bytes(write_checksummed(table, {**file.about, "schema_version": 0}))
    before = readings(history)
    compact(history.store)
    assert readings(history) == before
    problems = {row["problem"] for row in rows(prove(history.store).problems)}
    assert problems == {"differs from what the run wrote"}, "true here, and no word about the rows"


def test_it_says_what_the_runs_said(tmp_path: Path) -> None:
    """The footer of a merged file tells of each run what its own file told, and that file's SHA-256."""
    history, ids = months(tmp_path)
    own = {run_id: history.store.read("observations", run_id) for run_id in ids}
    compact(history.store)
    for run_id, was in own.items():
        now = history.store.read("observations", run_id)
        assert now.sha256 == was.sha256
        for name in ("kind", "run_id", "schema_version", "files", "previous"):
            assert now.about[name] == was.about[name]
        assert now.table().equals(was.table())
    assert json.loads(json.dumps(dict(now.about))) == dict(now.about)
