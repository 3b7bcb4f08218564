"""The proof: each kind of wrong is told with its file, also where every seal is whole."""

from collections.abc import Callable, Collection
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pytest
from support.history_builders import Fleet, Merging, day, files, made, model, run

from inventory import History
from inventory.errors import FileError
from inventory.history import run_log
from inventory.history.compaction import compact
from inventory.history.retention import carry_out, plan
from inventory.history.storage.checksum import write_checksummed
from inventory.history.storage.metadata import RUN_LOG
from inventory.history.storage.partitions import Months
from inventory.history.storage.store import Store
from inventory.history.verify import prove
from inventory.tables import rows, values

ONE, TWO = [model("x", "i"), model("y")], [model("x", "i", "j"), model("z")]
FLEETS: tuple[Fleet, ...] = ({"a": ONE, "b": TWO}, {"a": TWO, "b": ONE + TWO}, {"a": TWO, "b": ONE + TWO})
PRUNED: tuple[Fleet, ...] = ({"a": ONE, "b": TWO}, {"a": ONE, "b": TWO})  # the second points at the first, which goes


def found(history: History) -> set[tuple[str, str]]:
    """What the proof says, as kind of file and problem."""
    told = rows(prove(History(history.store.folder).store).problems)
    assert all(row["holds"] for row in told)
    return {(row["file"].split("/")[0], row["problem"]) for row in told}


def pruned(folder: Path) -> tuple[History, str, str]:
    """A history whose first run is pruned but for what the second points at; the ids of both."""
    history, ids = made(folder, *PRUNED)
    carry_out(history.store, plan(history.store, {"last": 1}))
    assert history.store.run_ids() == ids[1:]
    assert found(history) == set()
    return history, ids[0], ids[1]


def forge(history: History, kind: str, run_id: str, change: Callable[[pa.Table], pa.Table]) -> None:
    """Make a file anew with other rows, under a whole seal and its old name."""
    path = history.store.path(kind, run_id)
    one = History(history.store.folder).store.read(kind, run_id)
    about = {name: value for name, value in one.about.items() if name not in ("tool", "version", "seal")}
    path.write_bytes(write_checksummed(change(one.table()), about))


def replaced(name: str, value: object) -> Callable[[pa.Table], pa.Table]:
    """A change: one value in all rows of a column."""
    return lambda table: table.set_column(
        table.column_names.index(name),
        table.schema.field(name),
        [pa.array([value] * table.num_rows, table.schema.field(name).type)],
    )


def all_but_one(table: pa.Table) -> pa.Table:
    """A change: the last row is gone."""
    return table.slice(0, table.num_rows - 1)


def test_a_whole_history(tmp_path: Path) -> None:
    """Nothing is told of what is as it was written."""
    history, _ = made(tmp_path, *FLEETS)
    assert found(history) == set()


@pytest.mark.parametrize("place", ["models/month=2030-01", "models/below/month=2026-11", "models"])
def test_a_file_out_of_its_place(place: str, tmp_path: Path) -> None:
    """A whole file of the history in another month, deeper or higher is none of its files."""
    history, ids = made(tmp_path, *FLEETS)
    there = history.store.folder / place
    there.mkdir(parents=True, exist_ok=True)
    (there / f"{ids[0]}.parquet").write_bytes(history.store.path("models", ids[0]).read_bytes())
    [problem] = rows(prove(history.store).problems)
    assert problem == {
        "file": f"{place}/{ids[0]}.parquet",
        "problem": "unexpected file",
        "holds": "unknown",
    }


def test_a_run_that_is_there_twice(tmp_path: Path) -> None:
    """A run's own file that came back, from a backup say, beside the merged one that holds it."""
    history, ids = made(tmp_path, *FLEETS)
    path = history.store.path("models", ids[0])
    body = path.read_bytes()
    run(history, {"a": ONE, "b": TWO}, day(40))
    compact(history.store)
    assert not path.exists()
    path.write_bytes(body)
    assert ("models", "duplicates data of another file") in found(history)


@pytest.mark.parametrize("kind", ["models", "payloads"])
def test_a_file_under_another_runs_name(kind: str, tmp_path: Path) -> None:
    """A whole file of another run, or of another kind, is damage of the one that is missing, and is not read."""
    history, ids = made(tmp_path, *FLEETS)
    path = history.store.path(kind, ids[0])
    for other in (history.store.path(kind, ids[1]), history.store.path("instances", ids[0])):
        path.write_bytes(other.read_bytes())
        assert found(history) == {(kind, "is damaged: its content is not what was written")}
        with pytest.raises(FileError, match="damaged"):
            history.store.read(kind, ids[0])


@pytest.mark.guard("verify rows that the bodies do not give")
@pytest.mark.parametrize("kind", ["models", "instances"])
def test_other_rows(kind: str, tmp_path: Path) -> None:
    """A table that was made anew is not the file that the run wrote, nor what the bodies give."""
    history, ids = made(tmp_path, *FLEETS)
    forge(history, kind, ids[1], all_but_one)
    assert found(history) == {
        (kind, "differs from what the run wrote"),
        (kind, "rows differ from those rebuilt from the bodies"),
    }


@pytest.mark.parametrize("kind", ["models", "instances"])
def test_other_rows_of_a_pruned_run(kind: str, tmp_path: Path) -> None:
    """When the run's own word is gone, the bodies still tell."""
    history, first, _ = pruned(tmp_path)
    forge(history, kind, first, replaced("display_name", "forged"))
    assert found(history) == {(kind, "rows differ from those rebuilt from the bodies")}


@pytest.mark.parametrize("kind", ["payloads", "models", "instances"])
def test_a_file_of_a_run_that_is_missing(kind: str, tmp_path: Path) -> None:
    """A run says which files it has."""
    history, ids = made(tmp_path, *FLEETS)
    history.store.path(kind, ids[0]).unlink()
    assert found(history) == {(kind, "missing")}


@pytest.mark.guard("verify answers that are missing")
@pytest.mark.parametrize("kind", ["payloads", "models", "instances"])
def test_a_file_of_a_pruned_run_that_is_missing(kind: str, tmp_path: Path) -> None:
    """What a pruned run stored is missed by the run that points at it, or beside its bodies."""
    history, first, _ = pruned(tmp_path)
    history.store.path(kind, first).unlink()
    assert found(history) == {(kind, "missing")}


def test_a_run_in_the_middle_that_is_missing(tmp_path: Path) -> None:
    """Each run says which one it followed; no answer was stored in this one."""
    history, ids = made(tmp_path, *FLEETS, *FLEETS[-1:])
    history.store.path("observations", ids[2]).unlink()
    assert found(history) == {("observations", "missing")}


def test_another_run_before(tmp_path: Path) -> None:
    """An observations file that was made anew is not the one that the next run followed."""
    history, ids = made(tmp_path, *FLEETS)
    forge(history, "observations", ids[1], replaced("error", "forged"))
    assert found(history) == {("observations", f"differs from the run that {ids[2]} followed")}


def test_another_pruned_run_before(tmp_path: Path) -> None:
    """The record of a pruning says which file the run after it followed."""
    history, first, second = pruned(tmp_path)
    for path in (history.store.folder / "pruned").iterdir():
        path.unlink()
    history.store.record_pruned({first: "0" * 64})
    assert found(history) == {("observations", f"differs from the run that {second} followed")}


def test_answers_that_are_not_held(tmp_path: Path) -> None:
    """A run points at answers that must be there."""
    history, first, _ = pruned(tmp_path)
    forge(history, "payloads", first, all_but_one)
    assert found(history) == {
        ("observations", f"refers to responses that {first} does not hold"),
        ("models", "rows differ from those rebuilt from the bodies"),
        ("instances", "rows differ from those rebuilt from the bodies"),
    }


def test_a_body_that_is_no_answer(tmp_path: Path) -> None:
    """A body that nobody would have understood was not received."""
    history, first, _ = pruned(tmp_path)
    forge(history, "payloads", first, replaced("body", b"{"))
    assert ("payloads", "a body that is not a valid response") in found(history)


@pytest.mark.guard("verify the digest of a body")
@pytest.mark.parametrize("column", ["payload_digest", "digest"])
def test_a_body_of_another_digest(column: str, tmp_path: Path) -> None:
    """Both digests of an answer are taken again: of its bytes, and of what they say."""
    history, first, _ = pruned(tmp_path)
    forge(history, "payloads", first, replaced(column, "0" * 64))
    assert ("payloads", "the digest of a body differs") in found(history)


def test_a_run_that_the_journal_names(tmp_path: Path) -> None:
    """A recorded run is missed, unless it was pruned; one that could not be recorded was never there."""
    history, ids = made(tmp_path, *FLEETS)
    newest = history.load("latest")
    carry_out(history.store, plan(history.store, {"last": 2}))
    for run_id, recorded in (
        (ids[0], True),
        ("20261231T060000.000000Z-0000", False),
        ("no id", True),
        (ids[1], True),
        (5, True),
    ):
        entry = run_log.entry_of(newest, None, 1, 0, [], recorded=recorded)
        run_log.append(history.store.folder, {**entry, "run_id": run_id})
    assert found(history) == set()
    run_log.append(history.store.folder, run_log.entry_of(newest, None, 1, 0, []))
    history.store.path("observations", ids[2]).unlink()
    assert found(history) == {("observations", "missing: runs.jsonl names it")}


def test_damaged_notes(tmp_path: Path) -> None:
    """The record of a pruning and a baseline that are damaged, and a baseline whose run is gone."""
    history, _, second = pruned(tmp_path)
    history.save_baseline("good", second)
    [record] = (history.store.folder / "pruned").iterdir()
    body = record.read_text()
    for place in (body.index("runs"), body.index("T0"), len(body) - 9):
        record.write_text(body[:place] + ("x" if body[place] != "x" else "y") + body[place + 1 :])
        assert ("pruned", "is damaged") in found(history)
    record.write_text(body)
    baseline = history.store.folder / "baselines" / "good.txt"
    whole = baseline.read_text()
    for damaged in ("", "no id\n", second, f"{second}\n", whole[:-1], f"{whole}\n", whole.replace("\n", "\r\n")):
        baseline.write_bytes(damaged.encode())
        assert found(history) == {("baselines", "is damaged")}
    missing = "20261231T060000.000000Z-0000"
    baseline.write_text(f"{missing}\n{sha256(f'good {missing}'.encode()).hexdigest()}\n")
    assert found(history) == {("baselines", "names a run that is missing")}
    baseline.write_text(whole)
    baseline.rename(baseline.with_name("best.txt"))
    assert found(history) == {("baselines", "is damaged")}, "it was frozen under another name"


def test_baselines_that_were_swapped(tmp_path: Path) -> None:
    """Two baselines whose files were swapped are both damaged, and neither is used."""
    history, ids = made(tmp_path, *FLEETS)
    paths = [history.store.baseline_path(name) for name in ("one", "two")]
    for path, run_id in zip(paths, ids, strict=False):
        history.save_baseline(path.stem, run_id)
    one, two = (path.read_bytes() for path in paths)
    paths[0].write_bytes(two)
    paths[1].write_bytes(one)
    assert sorted(values(prove(history.store).problems, "file")) == ["baselines/one.txt", "baselines/two.txt"]
    with pytest.raises(FileError, match="is damaged"):
        history.baseline("one")


@pytest.mark.parametrize("kind", ["observations", "models"])
def test_a_file_that_became_a_folder(tmp_path: Path, kind: str) -> None:
    """It is named."""
    history, ids = made(tmp_path, *FLEETS)
    path = history.store.path(kind, ids[0])
    path.unlink()
    path.mkdir()
    assert str(path.relative_to(history.store.folder)) in values(prove(history.store).problems, "file")


def test_files_that_were_pruned_meanwhile(tmp_path: Path) -> None:
    """What vanishes because runs are being pruned is looked for again, and is no problem."""
    history, ids = made(tmp_path, *FLEETS)

    class Pruning(Months):
        """Runs are pruned after their observations were read, and before their models are looked for."""

        looks = 0

        def files(self, kind: str, months: Collection[str] | None = None) -> list[str]:
            self.looks += kind == "models"
            if kind == "models" and self.looks == 2:
                carry_out(history.store, plan(history.store, {"last": 1}))
            return super().files(kind, months)

    store = Store(history.store.folder)
    store.months = Pruning(history.store.folder)
    assert prove(store).problems.num_rows == 0
    assert len(history.store.run_ids()) < len(ids)


def test_files_that_were_merged_meanwhile(tmp_path: Path) -> None:
    """What is missing because files were being merged is looked for again, and is no problem."""
    history, ids = made(tmp_path, *FLEETS)
    path = history.store.path("models", ids[0])
    body = path.read_bytes()
    path.unlink()

    store = History(history.store.folder).store
    store.months = Merging(store.folder, path, body)
    assert prove(store).problems.num_rows == 0
    assert path in files(history)


def test_lines_of_the_journal_that_are_lost(tmp_path: Path) -> None:
    """A journal that is gone, older, cut off between lines or without one of them is named; one that grew is not."""
    fleets: list[Fleet] = [{"a": [model(key)]} for key in "vwxyz"]
    history, _ = made(tmp_path, fleets[0])
    path = history.store.folder / RUN_LOG
    for number, fleet in enumerate(fleets[1:], 1):
        run_log.append(history.store.folder, {"number": number})
        run(history, fleet, day(number))
    assert found(history) == set()
    lines = path.read_bytes().splitlines(keepends=True)
    for body in (
        b"",
        *(b"".join(lines[:end]) for end in (1, 2, 3)),
        b"".join(lines[1:]),
        lines[0] + b"".join(lines[2:]),
    ):
        path.write_bytes(body)
        [(file, problem)] = found(history)
        assert file == RUN_LOG
        assert ("lacks lines that were there when" in problem) == bool(body)
    path.unlink()
    assert {problem.split(" when")[0] for _, problem in found(history)} == {"lacks lines that were there"}
    path.write_bytes(b"".join(lines))
    run_log.append(history.store.folder, {"number": 9})
    assert found(history) == set()
    path.unlink()
    run(history, {"a": [model("u")]}, day(9))
    assert found(history) == set(), "it was begun anew"
