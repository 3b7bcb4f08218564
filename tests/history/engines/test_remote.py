"""A history at an address that only Spark can read says what DuckDB says of the folder it was copied from."""

import os
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.cli_runner import clean
from support.cli_runner import run as command
from support.history_builders import day, files, made, opened, run
from support.history_builders import model as one_model
from support.webhdfs import FileHost, serving

from history.engines.conftest import NEEDS_SPARK, SMALL
from history.engines.test_spark import FLEETS_OF_A_WEEK, told
from history.test_compaction import FLEETS as FLEETS_OF_MONTHS
from history.test_compaction import months
from inventory import History
from inventory.errors import ConfigurationError, FileError
from inventory.history.compaction import compact
from inventory.history.retention import RetentionPlan, carry_out, plan
from inventory.history.storage.data_file import is_merged
from inventory.history.verify import verify

if TYPE_CHECKING:
    from inventory.history.storage.store import Store

pytestmark = [pytest.mark.usefixtures("spark"), *NEEDS_SPARK]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[FileHost]:
    """A host that serves a folder, which is there yet."""
    folder = tmp_path / "served"
    folder.mkdir()
    with serving(folder) as served:
        yield served


@pytest.fixture
def mount(tmp_path: Path) -> str:
    """An address of a scheme of Hadoop's own, under which the folder ``served`` is found."""
    from pyspark.sql import SparkSession

    name = re.sub(r"[^a-z0-9]", "", tmp_path.name.lower()) + tmp_path.parent.name.partition("-")[2]
    settings = SparkSession.builder.getOrCreate().sparkContext._jsc.hadoopConfiguration()
    settings.set(f"fs.viewfs.mounttable.{name}.link./deep/h", f"file://{tmp_path / 'served'}")
    return f"viewfs://{name}/deep/h"


@pytest.fixture(params=["webhdfs", pytest.param("viewfs", marks=pytest.mark.long)])
def address(request: pytest.FixtureRequest, host: FileHost) -> str:
    """Where the folder ``served`` is found, over HTTP and in another scheme of Hadoop's."""
    return host.address if request.param == "webhdfs" else str(request.getfixturevalue("mount"))


def compare(local: History, remote: History, steps: list[tuple[str, str]]) -> None:
    """Ask both everything."""
    ids = local.store.run_ids()
    assert remote.store.run_ids() == ids
    for (question, expected), (_, found) in zip(told(local, ids, steps), told(remote, ids, steps), strict=True):
        assert found == expected, question


def answers(history: History) -> list[Any]:
    """What a history says to a few questions, and which files it names: asking Spark everything takes long."""
    ids = history.store.run_ids()
    changes = history.diff(ids[0], ids[-1])
    return [ids, history.runs_table(), history.lifecycle_table(), changes.table, changes.skipped]


def test_the_same(host: FileHost, address: str) -> None:
    """A reading is the same as of the folder, names with strange characters included; it names the address."""
    folder = host.folder / "a [b]{c} %20 \u00e9"
    folder.mkdir()
    history, ids = made(folder, *FLEETS_OF_A_WEEK[:3])
    history.save_baseline("good", ids[1])
    there = f"{address}/{folder.name}/history"
    remote = opened(there, engine="spark")
    assert answers(remote) == answers(history)
    assert remote.baseline("good") == ids[1]
    assert repr(remote) == f"<History {there}: 3 runs>"


@pytest.mark.long
def test_a_week(host: FileHost, address: str) -> None:
    """Every reading is the same."""
    history, ids = made(host.folder, *FLEETS_OF_A_WEEK)
    for hour in (1, 2):
        models = [one_model("x"), one_model(f"h{hour}", "i")]
        ids.append(run(history, {"a": models, "c": None}, day(4) + timedelta(hours=hour)))
    assert history.timeline_table().num_rows > 20
    compare(history, opened(f"{address}/history", engine="spark"), [(ids[-1], ids[0]), (ids[0], "latest")])


def test_many_months(host: FileHost, address: str) -> None:
    """Merged files and pruned runs are read like others."""
    history, _ = months(host.folder)
    carry_out(history.store, plan(history.store, {"monthly": 2, "last": 4}))
    compact(history.store)
    run(history, FLEETS_OF_MONTHS[0], day(80))
    assert any(map(is_merged, files(history)))
    remote = opened(f"{address}/history/", engine="spark")
    assert answers(remote) == answers(history)
    assert remote.store.pruned() == history.store.pruned() != {}


def test_a_run_more(host: FileHost, address: str) -> None:
    """What is put beside the others meanwhile is found by who has the history open; files that stay are read once."""
    history, ids = made(host.folder, *FLEETS_OF_A_WEEK[:2])
    remote = opened(f"{address}/history", engine="spark")
    assert remote.diff().table == history.diff().table
    ids.append(run(history, FLEETS_OF_A_WEEK[2], day(2)))
    assert answers(remote) == answers(history)
    host.opened.clear()
    paths, _ = remote.store.checked("models", ids)
    assert [path.name for path in paths] == [f"{run_id}.parquet" for run_id in ids]
    assert host.opened == []


@pytest.mark.parametrize("merge", [False, True])
def test_damage(host: FileHost, address: str, merge: bool) -> None:
    """A flipped bit, a file cut short and a missing one are found before anything of them is used, also later on."""
    history, ids = months(host.folder)
    if merge:
        compact(history.store)
    remote = opened(f"{address}/history", engine="spark")
    before = remote.diff(ids[0], ids[-1]).table
    path = next(path for path in files(history) if path.parts[-3] == "models" and is_merged(path) == merge)
    there = f"{address}/{path.relative_to(host.folder)}"
    body = path.read_bytes()
    path.chmod(0o600)
    for harm in (body[:40] + bytes([body[40] ^ 1]) + body[41:], body[:-3], b"", body[:-9] + b"\xff" + body[-8:]):
        path.write_bytes(harm)
        os.utime(path, (1, len(harm)))  # another time, however fast this was
        for reader in (remote, opened(f"{address}/history", engine="spark")):
            with pytest.raises(FileError, match=re.escape(f"{there} is damaged")):
                reader.diff(ids[0], ids[-1])
    path.unlink()
    if not merge:  # else nobody knows which file it was
        with pytest.raises(FileError, match=re.escape(f"{there} could not be read: it is not there")):
            remote.diff(ids[0], ids[-1])
    path.write_bytes(body)
    assert remote.diff(ids[0], ids[-1]).table == before == history.diff(ids[0], ids[-1]).table


def test_files_are_merged_meanwhile(host: FileHost) -> None:
    """A reading whose files are merged while it reads them is made again."""
    history, ids = months(host.folder)
    expected = history.lifecycle_table()
    merged: list[Any] = []
    remote = opened(f"{host.address}/history", engine="spark")

    def merge(path: Path) -> None:
        if path.stem == ids[-1]:  # of the open month, which is not merged
            host.before_open = merge
        else:
            merged.append((path, compact(history.store)))

    host.before_open = merge
    assert remote.lifecycle_table() == expected
    [(path, _)] = merged
    assert not path.exists()


def test_folders_that_are_always_new(host: FileHost) -> None:
    """Where folders have no time of their own, as in an object store, they do not seem to be replaced all the time."""
    history, _ = months(host.folder)
    host.always_now = True
    remote = opened(f"{host.address}/history", engine="spark")
    assert set(remote.store.months.partitions().values()) == {0}
    assert remote.diff().table == history.diff().table


def test_a_copy_from_which_nothing_was_removed(host: FileHost, mount: str) -> None:
    """Files that others took the place of are passed over; where that cannot be, nothing is counted twice."""
    history, _ = months(host.folder)
    keep = host.folder / "copy"
    for _ in range(2):  # with the small files, then also with the merged file of fewer runs
        shutil.copytree(history.store.folder, keep, dirs_exist_ok=True)
        compact(history.store)
    shutil.copytree(history.store.folder, keep, dirs_exist_ok=True)
    late = run(history, FLEETS_OF_MONTHS[2], day(2))
    compact(history.store)
    shutil.copytree(history.store.folder, keep, dirs_exist_ok=True)
    remote = opened(f"{mount}/copy", engine="spark")
    assert answers(remote) == answers(history)
    carry_out(history.store, plan(history.store, {"last": 5}, [late]))
    run(history, FLEETS_OF_MONTHS[1], day(3))
    compact(history.store)
    shutil.copytree(history.store.folder, keep, dirs_exist_ok=True)
    assert len([path for path in (keep / "observations" / "month=2026-11").iterdir() if is_merged(path)]) == 3
    with pytest.raises(FileError, match=rf"{mount}/copy/\S+ holds runs that another file holds too\. .*remove"):
        remote.runs_table()


def _refused(host: FileHost) -> str:
    host.refused.add(host.folder / "history")
    return f"{host.address}/history"


def _gone(_: FileHost) -> str:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        return f"webhdfs://127.0.0.1:{gone.getsockname()[1]}/history"


@pytest.mark.parametrize(
    ("where", "error", "told"),
    [
        ("/nowhere", FileError, r"there is no history at ADDRESS\. "),
        ("/file", FileError, r"ADDRESS is no folder\. "),
        (_refused, FileError, r"ADDRESS could not be read: .*Permission denied: user=reader"),
        (_gone, FileError, r"ADDRESS could not be read: \S*ConnectException: .*Connection refused"),
        ("webhdfs://host.invalid/h", FileError, "ADDRESS could not be read: .*UnknownHostException"),
        ("viewfs://unknown/h", FileError, "ADDRESS could not be read: .*Empty Mount table"),
        ("s3a://bucket/h", ConfigurationError, r"lacks the jar .* s3a:// .*org\.apache\.hadoop:hadoop-aws:3\.[0-9.]+$"),
        ("s3://bucket/h", ConfigurationError, 'at ADDRESS: .*No FileSystem for scheme "s3". For S3, write s3a://$'),
        ("what://ever/h", ConfigurationError, 'at ADDRESS: .*No FileSystem for scheme "what"'),
        ("a b://c/d", ConfigurationError, "at ADDRESS: .*Illegal character"),
    ],
)
def test_what_cannot_be_read(
    host: FileHost, where: str | Callable[[FileHost], str], error: type[Exception], told: str
) -> None:
    """It is told in one line what is wrong with an address, as soon as it is given."""
    (host.folder / "history").mkdir()
    (host.folder / "file").touch()
    if callable(where):
        where = where(host)
    elif where.startswith("/"):
        where = host.address + where
    with pytest.raises(error, match=told.replace("ADDRESS", re.escape(where))) as caught:
        opened(where, engine="spark")
    assert "\n" not in str(caught.value)


def test_a_password_is_not_repeated() -> None:
    """An address with a password in it is refused, without the password."""
    with pytest.raises(ConfigurationError) as caught:
        opened("s3a://key:secret@bucket/h", engine="spark")
    assert "secret" not in str(caught.value)


def test_a_host_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the quarter of an hour that Hadoop does."""
    monkeypatch.setattr("inventory.history.engines._remote._PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        there = f"webhdfs://127.0.0.1:{silent.getsockname()[1]}/h"
        with pytest.raises(FileError, match=f"{there} could not be read: no answer within"):
            opened(there, engine="spark")


def test_no_permission_later_on(host: FileHost) -> None:
    """A file that may not be read is told as that, and not as damaged or missing."""
    history, ids = made(host.folder, *FLEETS_OF_A_WEEK[:2])
    history.save_baseline("good", ids[0])
    remote = opened(f"{host.address}/history", engine="spark")
    host.refused.add(history.store.path("models", ids[0]))
    with pytest.raises(FileError, match=r"models/.*Permission denied"):
        remote.lifecycle_table()
    host.refused.add(history.store.folder / "observations")
    with pytest.raises(FileError, match=r"history/observations could not be read: .*Permission denied"):
        remote.runs_table()
    host.refused.clear()
    host.refused.add(history.store.folder / "baselines" / "good.txt")
    with pytest.raises(FileError, match=r"good\.txt could not be read: .*Permission denied"):
        remote.baseline("good")


def test_nothing_is_written_there(host: FileHost, mount: str) -> None:
    """What would write is refused before it does anything, and so is the proof of all files."""
    history, ids = made(host.folder, *FLEETS_OF_A_WEEK[:2])
    before = {path: path.stat().st_mtime_ns for path in host.folder.rglob("*")}
    remote = opened(f"{mount}/history", engine="spark")
    snapshot = history.load()
    writing: list[Callable[[Store], object]] = [
        lambda _: remote.save_baseline("good"),
        lambda store: store.write("observations", ids[0], snapshot.tables["observations"]),
        lambda store: store.run_marker(ids[0]).__enter__(),
        lambda store: store.clean_up(),
        lambda store: store.remove("models", ids[0]),
        lambda store: carry_out(store, RetentionPlan((ids[1],), (ids[0],), ())),
        compact,
        verify,
    ]
    for write in writing:
        with pytest.raises(ConfigurationError, match=f"at {mount}/history\\S* can only be read"):
            write(remote.store)
    assert {path: path.stat().st_mtime_ns for path in host.folder.rglob("*")} == before


def test_the_commands(tmp_path: Path) -> None:
    """History and diff print what DuckDB prints of the folder; every other command says that it needs a folder."""
    history, _ = made(tmp_path, *FLEETS_OF_A_WEEK[:3])
    mount = f"--conf spark.hadoop.fs.viewfs.mounttable.default.link./h=file://{history.store.folder} "
    env = clean(PYSPARK_SUBMIT_ARGS=mount + SMALL.format(more=""))
    env |= {name: os.environ[name] for name in ("JAVA_HOME",) if name in os.environ}
    there = ("--history", "viewfs:///h")
    done = command("history", "--engine", "spark", *there, env=env, capture_output=True)
    assert done == command("history", "--history", history.store.folder)
    assert done.err == ""
    refused: list[list[str | Path]] = [
        ["history"],
        ["diff"],
        ["show"],
        ["verify"],
        ["prune", "--keep-last", "1"],
        ["snapshot"],
        ["export", "-o", tmp_path / "x.csv"],
        ["history", "baseline", "good"],
    ]
    for arguments in refused:
        done = command(*arguments, *there)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
        assert done.err.startswith("lms-inventory: there is no folder viewfs:///h: ")
