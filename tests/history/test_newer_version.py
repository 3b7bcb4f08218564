"""A history that a newer version has written is refused by every command, and left as it is."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from support.cli_runner import run
from support.history_builders import day, made, model
from support.history_builders import run as record_run

from inventory import History, schema
from inventory.errors import FileError, NewerVersion
from inventory.history import compaction
from inventory.history.recorder import record
from inventory.history.storage.checksum import write_checksummed
from inventory.history.storage.data_file import KINDS, RunSegment
from inventory.history.verify import prove

COMMANDS = (
    ["history"],
    ["history", "--by", "model"],
    ["history", "--model", "x"],
    ["show"],
    ["diff"],
    ["export", "-o", "x.csv"],
    ["verify"],
    ["prune", "--keep-last", "1"],
    ["prune", "--keep-last", "1", "--dry-run"],
    ["prune", "--compact"],
    ["baseline", "set", "good"],
    ["baseline", "remove", "good"],
)
LATER = schema.SCHEMA_VERSION + 1


def contents(folder: Path) -> dict[Path, bytes | None]:
    """Everything in a folder, folders too."""
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def rewrite(part: RunSegment) -> None:
    """Let a file be one of a newer version, which has a column and says a thing that this one does not know."""
    table = part.file.read()
    later = table.append_column("of_later", pa.array(["x"] * table.num_rows, pa.string()))
    about = {name: value for name, value in part.file.about.items() if name not in ("tool", "version", "seal")}
    part.path.write_bytes(write_checksummed(later, {**about, "schema_version": LATER, "of_later": {"a": 1}}))


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> History:
    """Runs of two months, of which the first can be merged."""
    folder = tmp_path_factory.mktemp("made")
    history, _ = made(folder, {"a": [model("x")]}, {"a": [model("x"), model("y")]})
    record_run(history, {"a": [model("x", size_bytes=11)]}, day(40))
    return history


@pytest.fixture
def newer(two_runs: History, tmp_path: Path) -> Path:
    """A history whose newest run a newer version has recorded."""
    history = History(shutil.copytree(two_runs.store.folder, tmp_path / "history"))
    newest = history.store.run_ids()[-1]
    for kind in KINDS:
        rewrite(history.store.read(kind, newest))
    return history.store.folder


def test_every_command(newer: Path, tmp_path: Path) -> None:
    """One line, exit 4, and nothing in the folder is another, nor is anything new in it."""
    before = contents(newer)
    for command in COMMANDS:
        done = run(*command, "--history", newer, cwd=tmp_path)
        assert (done.code, done.out) == (4, ""), command
        assert done.err.count("\n") == 1, command
        known = f"(schema {LATER}; this version reads up to {schema.SCHEMA_VERSION}). Update"
        assert f"was written by a newer version of lms-inventory {known}" in done.err, command
        assert contents(newer) == before, command


def test_a_snapshot_is_not_recorded(newer: Path, tmp_path: Path) -> None:
    """The servers are asked all the same and the files written, but the history is left alone."""
    before = contents(newer)
    body = tmp_path / "answer.json"
    body.write_text(json.dumps({"models": [model("z")]}))
    done = run("snapshot", "-q", "--server", f"a=file:{body}", "--history", newer, "-o", tmp_path / "x.csv")
    assert done.code == 4
    assert "newer version" in done.err
    assert '"z"' in (tmp_path / "x.csv").read_text()
    assert contents(newer) == before


def test_recording_from_python(newer: Path, two_runs: History) -> None:
    """What a newer version's run that was killed has left is no business of this one either."""
    (newer / "_tmp").mkdir(exist_ok=True)
    (newer / "_tmp" / "20261101T000000.000000Z-0000.run").write_bytes(b"")
    before = contents(newer)
    snapshot = two_runs.load()
    with pytest.raises(NewerVersion):
        record(History(newer), snapshot)
    assert contents(newer) == before


@pytest.mark.parametrize("kind", KINDS)
def test_any_file(two_runs: History, tmp_path: Path, kind: str) -> None:
    """An earlier run's file is refused where it is read, whatever it holds; the newest may be of this version."""
    history = History(shutil.copytree(two_runs.store.folder, tmp_path / "history"))
    first = history.store.run_ids()[0]
    rewrite(history.store.read(kind, first))
    history = History(history.store.folder)
    with pytest.raises(NewerVersion, match=first):
        history.store.read(kind, first)
    for reading in (
        history.timeline_table,
        lambda: prove(history.store).problems,
        lambda: compaction.compact(history.store),
    ):
        with pytest.raises(NewerVersion):
            reading()


def test_a_merged_month(two_runs: History, tmp_path: Path) -> None:
    """A month that a newer version has merged is refused by whatever asks which runs there are."""
    history = History(shutil.copytree(two_runs.store.folder, tmp_path / "history"))
    assert compaction.compact(history.store)
    rewrite(history.store.read("observations", history.store.run_ids()[0]))
    before = contents(history.store.folder)
    for command in COMMANDS:
        done = run(*command, "--history", history.store.folder, cwd=tmp_path)
        assert done.code == 4, command
        assert "newer version" in done.err, command
    assert contents(history.store.folder) == before


def test_damage_is_no_newer_version(two_runs: History, tmp_path: Path) -> None:
    """A number that a flipped bit has made larger is damage, in a small file and in a merged one."""
    history = History(shutil.copytree(two_runs.store.folder, tmp_path / "history"))
    for merge in (False, True):
        if merge:
            compaction.compact(history.store)
        path = history.store.where("observations")[history.store.run_ids()[-1 if not merge else 0]]
        body = path.read_bytes()
        number = b'"schema_version": %d' % schema.SCHEMA_VERSION
        assert body.count(number) >= 1
        path.write_bytes(body.replace(number, b'"schema_version": 9'))
        with pytest.raises(FileError, match="damaged") as told:
            History(history.store.folder).timeline_table()
        assert not isinstance(told.value, NewerVersion)
        assert prove(history.store).problems.num_rows > 0
        path.write_bytes(body)


def test_the_journal_may_say_more(two_runs: History, tmp_path: Path) -> None:
    """A line of the journal with words that this version does not know is a line like the others."""
    from inventory.history import run_log

    folder = Path(shutil.copytree(two_runs.store.folder, tmp_path / "history"))
    run_id = History(folder).store.run_ids()[-1]
    run_log.append(folder, {"run_id": run_id, "recorded": True, "of_later": [1], "version": "9.9"})
    assert prove(History(folder).store).problems.num_rows == 0
    assert run("history", "--history", folder).code == 0
