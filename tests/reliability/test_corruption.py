"""T4: damage of every kind in a history is named by the proof, and never read as if nothing had happened."""

import contextlib
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.cli_runner import Done, run
from support.history_builders import Fleet, day, files, made, model
from support.history_builders import run as record_one

from inventory import History
from inventory.errors import FileError
from inventory.history import run_log
from inventory.history.retention import carry_out, plan
from inventory.history.storage.data_file import KINDS
from inventory.history.storage.foreign import foreign_files
from inventory.history.storage.metadata import RUN_LOG
from inventory.history.verify import prove
from inventory.tables import rows

ONE, TWO = [model("x", "i"), model("y")], [model("x", "i", "j"), model("z", description="d")]
FLEETS: tuple[Fleet, ...] = ({"a": ONE, "b": ONE}, {"a": None, "b": TWO}, {"a": TWO, "b": TWO}, {"a": ONE})
COMMANDS = (
    ("show",),
    ("show", "latest~1", "--grain", "instance", "--json"),
    ("diff", "--json"),
    ("diff", "baseline:good", "--json"),
    ("history", "--json"),
    ("history", "--model", "x", "--json"),
    ("export", "-o", "x.csv"),
    ("export", "latest~1", "-o", "x.html"),
)


def grown(folder: Path) -> tuple[History, list[str]]:
    """A history with changes, a failure, a baseline, pruned runs and a journal; the ids of the runs that are left."""
    history, ids = made(folder, *FLEETS)
    for run_id in ids:
        run_log.append(history.store.folder, run_log.entry_of(history.load(run_id), None, 0.1, 0, []))
    history.save_baseline("good", ids[2])
    carry_out(history.store, plan(history.store, {"last": 3}))
    return history, ids[1:]


def problems(history: History) -> set[str]:
    """The files that the proof names."""
    return {str(row["file"]) for row in rows(prove(history.store).problems)}


def flipped(body: bytes, chance: random.Random) -> bytes:
    """The same with one bit changed."""
    place = chance.randrange(len(body))
    return body[:place] + bytes([body[place] ^ 1 << chance.randrange(8)]) + body[place + 1 :]


@contextlib.contextmanager
def harmed(path: Path, there: list[Path], harm: str, chance: random.Random) -> Iterator[None]:
    """Do something to a file, and undo it at the end."""
    body = path.read_bytes()
    if harm == "flip":
        path.write_bytes(flipped(body, chance))
    elif harm == "cut":
        path.write_bytes(body[: chance.randrange(len(body))])
    elif harm == "longer":
        path.write_bytes(body + chance.randbytes(chance.randint(1, 9)))
    elif harm == "zeros":
        place = chance.randrange(len(body) - 8)
        path.write_bytes(body[:place] + bytes(8) + body[place + 8 :] if any(body[place : place + 8]) else b"")
    elif harm == "swap":
        path.write_bytes(chance.choice([one for one in there if one != path and one.read_bytes() != body]).read_bytes())
    else:
        path.unlink()
    try:
        yield
    finally:
        path.write_bytes(body)


def readings(ids: list[str]) -> list[Callable[[History], Any]]:
    """Every way to read it; each gives something that can be compared."""
    return [
        lambda one: [rows(table) for table in one.load().tables.values()],
        lambda one: rows(one.state(ids[0]).tables["models"]),
        lambda one: rows(one.diff(ids[0], ids[-1]).table),
        lambda one: rows(one.timeline_table()),
        lambda one: rows(one.lifecycle_table()),
        lambda one: rows(one.runs_table()),
        lambda one: one.baseline("good"),
    ]


def answered(reading: Callable[[History], Any], history: History) -> Any:
    """What a reading gives, or the file whose damage it tells."""
    try:
        return reading(History(history.store.folder))
    except FileError as error:
        return error


def test_a_whole_history_has_no_problems(tmp_path: Path) -> None:
    """Without damage the proof names nothing, also after a pruning."""
    history, _ = grown(tmp_path)
    assert problems(history) == set()
    assert problems(History(tmp_path / "none")) == set()


@pytest.mark.parametrize("turns", [15, pytest.param(100, marks=pytest.mark.long)])
def test_every_flipped_bit_is_named(turns: int, tmp_path: Path) -> None:
    """Each of a thousand flips over all files (150 in a plain run) is named with its file, also among other damage."""
    history, _ = grown(tmp_path)
    chance = random.Random(3)
    there = files(history)
    assert {path.relative_to(history.store.folder).parts[0] for path in there} == {
        *KINDS,
        "baselines",
        "pruned",
        RUN_LOG,
    }
    for _ in range(turns):
        with contextlib.ExitStack() as damage:
            some = chance.sample(there, 10)
            for path in some:
                damage.enter_context(harmed(path, there, "flip", chance))
            assert {str(path.relative_to(history.store.folder)) for path in some} <= problems(history)
    assert problems(history) == set()


@pytest.mark.long
@pytest.mark.parametrize("turns", [2, pytest.param(60, marks=pytest.mark.full)])
def test_no_reading_uses_a_damaged_file(turns: int, tmp_path: Path) -> None:
    """Whatever happens to any one file: it is named, and a reading is refused or gives what it gave before."""
    history, ids = grown(tmp_path)
    ways = readings(ids)
    before = [answered(way, history) for way in ways]
    assert not any(isinstance(one, FileError) for one in before)
    chance = random.Random(5)
    there = files(history)
    harms = ("flip", "cut", "swap", "longer", "zeros", "missing")
    for number, path in enumerate(there * turns):
        harm, name = harms[(number + number // len(there)) % len(harms)], path.relative_to(history.store.folder)
        with harmed(path, there, harm, chance):
            refused = 0
            if harm != "missing" or name.parts[0] in KINDS[1:]:
                for way, was in zip(ways, before, strict=True):
                    now = answered(way, history)
                    if isinstance(now, FileError):
                        assert path.name in str(now), "it names another file"
                        refused += 1
                    else:
                        assert now == was, (harm, name)
                assert refused or name.parts[0] in ("payloads", "pruned", RUN_LOG), (harm, name)
            if harm != "missing" or name.parts[0] not in ("baselines", RUN_LOG):
                actual = problems(history)
                assert str(name) in actual or (name.parts[0] == "pruned" and actual), (harm, name)
    assert problems(history) == set()


def command(history: History, arguments: tuple[str, ...], folder: Path) -> tuple[Done, dict[str, bytes]]:
    """What a command says, and the files that it writes."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    done = run(*arguments, "--history", history.store.folder, cwd=folder)
    return done, {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("flips", [pytest.param(1, marks=pytest.mark.long), pytest.param(12, marks=pytest.mark.full)])
def test_no_command_uses_a_damaged_file(flips: int, tmp_path: Path) -> None:
    """Each file is harmed: a command ends in 4 and names it, or does not need it and answers as before."""
    history, _ = grown(tmp_path)
    before = {one: command(history, one, tmp_path / "out") for one in COMMANDS}
    assert {done.code for done, _ in before.values()} == {0}
    chance = random.Random(flips)
    refused = set()
    there = files(history)
    for path in there * flips:
        with harmed(path, there, chance.choice(("flip", "cut", "swap")), chance):
            for arguments in COMMANDS:
                done, written = command(history, arguments, tmp_path / "out")
                if done.code == 4:
                    assert (done.out, done.err.count("\n"), written) == ("", 1, {}), arguments
                    assert path.name in done.err
                    refused.add((path, arguments[0]))
                else:
                    assert (done, written) == before[arguments], (path, arguments)
            proof = run("verify", "--history", history.store.folder)
            assert proof.code == 4
            assert path.name in proof.out
    assert {one[0] for one in COMMANDS} == {name for _, name in refused}


def test_a_damaged_file_written_by_somebody_else(tmp_path: Path) -> None:
    """A file with a whole seal that its run did not write is another file; a foreign file is none of the history's."""
    history, ids = grown(tmp_path)
    path = history.store.path("models", ids[0])
    table = history.store.read("models", ids[0]).table()
    path.unlink()
    history.store.write("models", ids[0], table.slice(1))
    (history.store.folder / "models" / "notes.txt").write_text("mine")
    actual = {row["file"] for row in rows(prove(history.store).problems)}
    assert actual == {str(path.relative_to(history.store.folder))}
    assert [row["file"] for row in foreign_files(history.store)] == ["models/notes.txt"]


@pytest.mark.guard("a baseline of a run that is there")
@pytest.mark.parametrize(("lost", "said"), [("id", "is damaged"), ("run", "names a run that is missing")])
def test_a_baseline_that_means_no_run(lost: str, said: str, tmp_path: Path) -> None:
    """With a flipped bit that makes another id, or without its run, it is told as damage by whatever uses baselines."""
    history, ids = grown(tmp_path)
    path = history.store.baseline_path("good")
    if lost == "id":
        path.write_text(path.read_text().replace(ids[1][:8], "20261107"))
    else:
        history.store.path("observations", ids[1]).unlink()
    assert "baselines/good.txt" in problems(history)
    for arguments in (("diff", "baseline:good"), ("prune", "--keep-last", "1")):
        done = run(*arguments, "--history", history.store.folder)
        assert (done.code, done.out, done.err.count("\n")) == (4, "", 1)
        assert f"good.txt {said}" in done.err


@pytest.mark.guard("a file that changed is checked again")
def test_damage_while_a_history_is_open(tmp_path: Path) -> None:
    """A history that was read before sees that a file was written to since."""
    history, ids = grown(tmp_path)
    assert len(history.timeline())
    path = history.store.path("models", ids[0])
    with harmed(path, [], "flip", random.Random(1)), pytest.raises(FileError, match="damaged"):
        history.timeline()


def test_a_damaged_history_is_not_added_to_silently(tmp_path: Path) -> None:
    """A run whose predecessor is damaged is refused, and the history stays as it was."""
    history, ids = grown(tmp_path)
    path = history.store.path("observations", ids[-1])
    path.write_bytes(path.read_bytes()[:-1])
    there = files(history)
    with pytest.raises(FileError, match="verify"):
        record_one(history, {"a": [model("new")]}, day(9))
    assert files(history) == there


def test_what_a_damaged_file_held(tmp_path: Path) -> None:
    """The proof says of which run, and what, a damaged file held."""
    history, ids = grown(tmp_path)
    for kind in KINDS:
        history.store.path(kind, ids[0]).write_bytes(b"x")
    actual = {row["file"].split("/")[0]: row["holds"] for row in rows(prove(history.store).problems)}
    assert set(actual) == set(KINDS)
    assert all(ids[0] in holds for holds in actual.values())
    assert "bodies as received" in actual["payloads"]
