"""Spark reads a shared history in its store, if it has a file system for the address, and only what was verified."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from random import Random
from urllib.parse import unquote

import pytest
from support.cli_runner import clean
from support.cli_runner import run as command
from support.history_builders import made, model, opened

from history.engines.conftest import NEEDS_SPARK, SMALL
from history.engines.test_spark import FLEETS_OF_A_WEEK
from inventory import History
from inventory.errors import FileError
from inventory.history.engines import open_engine
from inventory.history.storage import checked_files
from inventory.history.storage.mirrors import MIRROR

VIEW, LOCAL = "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme", "org.apache.hadoop.fs.LocalFileSystem"
needs_spark = [pytest.mark.usefixtures("spark"), *NEEDS_SPARK]


@dataclass(frozen=True)
class Shared:
    """A mirror, and the store of which it is a copy.

    Attributes:
        mirror: the mirror.
        store: the folder of the store.
    """

    mirror: History
    store: Path

    def at(self, address: str, engine: str = "spark") -> History:
        """Open the mirror as that of a store at an address."""
        (self.mirror.store.folder / MIRROR).write_text(json.dumps({"address": address}))
        return opened(self.mirror.store.folder, engine=engine)

    def read(self, history: History) -> list[str]:
        """The files that Spark reads to answer a question about models."""
        store = history.store
        engine = open_engine("spark", store.address)
        engine.open("models", store.checked("models", store.holding()))
        files = engine._session.table("models").inputFiles()  # type: ignore[attr-defined]
        return sorted({unquote(file.rsplit("/", 3)[0]) for file in files})


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shared:
    """A store that holds what its mirror holds, of which the engine reads every file."""
    monkeypatch.setattr(checked_files, "_SMALL", 0)
    history, _ = made(tmp_path, *FLEETS_OF_A_WEEK[:3])
    store = tmp_path / "the [store]"
    shutil.copytree(history.store.folder, store)
    return Shared(history, store)


class TestTheAddress:
    """What is read where."""

    pytestmark = needs_spark

    def test_the_store_is_read_and_nothing_else_than_the_mirror_has(self, shared: Shared) -> None:
        """The answers are those of the mirror; other files there do not count, and a damaged one is reported."""
        at_store = shared.at(f"file://{shared.store}")
        assert shared.read(at_store) == [f"file://{shared.store}"]
        month = next((shared.store / "models").iterdir())
        shutil.copy(next(month.iterdir()), month / "20261109T060000.000000Z-0000.parquet")
        assert at_store.timeline_table() == shared.mirror.timeline_table()
        assert at_store.state().tables == shared.mirror.state().tables
        for path in (shared.store / "observations").rglob("*.parquet"):
            body = bytearray(path.read_bytes())
            body[len(body) // 2] ^= 1
            path.chmod(0o600)
            path.write_bytes(body)
        with pytest.raises(FileError, match=r"the \[store\]/observations/month=2026-11/\S+ is damaged, and not used"):
            at_store.timeline_table()
        assert shared.at("").timeline_table() == shared.mirror.timeline_table()

    def test_what_the_store_lacks_is_read_here(self, shared: Shared) -> None:
        """A run that was not sent yet is in the mirror only."""
        next((shared.store / "models").rglob("*.parquet")).unlink()
        at_store = shared.at(f"file://{shared.store}")
        assert shared.read(at_store) == [f"file://{shared.mirror.store.folder}"]
        assert at_store.timeline_table() == shared.mirror.timeline_table()

    @pytest.mark.parametrize("address", ["s3://bucket/inventory", "gs://bucket", "az://account/container"])
    def test_an_address_that_spark_cannot_read(self, shared: Shared, address: str) -> None:
        """Without the jars for it the mirror is read."""
        history = shared.at(address)
        assert history.store.address == address
        assert shared.read(history) == [f"file://{shared.mirror.store.folder}"]

    def test_the_file_system_of_the_session(self, shared: Shared) -> None:
        """s3:// is read as s3a, as Spark's configuration says, here in a folder; what is wrong there is reported."""
        from pyspark.sql import SparkSession

        settings = SparkSession.builder.getOrCreate().sparkContext._jsc.hadoopConfiguration()
        settings.set("fs.s3a.impl", VIEW)
        settings.set("fs.viewfs.overload.scheme.target.file.impl", LOCAL)
        bucket = shared.store.rename(shared.store.with_name("bucket"))
        settings.set("fs.viewfs.mounttable.bucket.link./inventory", f"file://{bucket}")
        settings.set("fs.viewfs.ignore.port.in.mount.table.name.impl", "true")
        try:
            history = shared.at("s3://bucket/inventory")
            assert shared.read(history) == ["s3a://bucket/inventory"]
            assert history.timeline_table() == shared.mirror.timeline_table()
            settings.set("fs.viewfs.mounttable.other.link./inventory", f"file://{bucket}")
            settings.set("file.bytes-per-checksum", "many")
            with pytest.raises(FileError, match=r'could not be read by Spark: .*"many"') as caught:
                shared.at("s3://other/inventory").timeline_table()
            assert "\n" not in str(caught.value)
        finally:
            settings.unset("file.bytes-per-checksum")
            settings.unset("fs.s3a.impl")


@pytest.mark.skipif(NEEDS_SPARK[0].args[0], reason=str(NEEDS_SPARK[0].kwargs["reason"]))
def test_the_command(tmp_path: Path) -> None:
    """--engine spark reads a large file of a shared history in the store; with --offline it does not."""
    pytest.importorskip("obstore", reason="the extra objects is not installed: pip install '.[objects]'")
    store, answer = tmp_path / "store", tmp_path / "a.json"
    store.mkdir()
    chance = Random(1)
    env = clean(PYSPARK_SUBMIT_ARGS=SMALL.format(more=""), XDG_CACHE_HOME=str(tmp_path / "cache"))
    env |= {name: os.environ[name] for name in ("JAVA_HOME",) if name in os.environ}
    shared = ("--history", f"file://{store}")
    for _ in range(2):
        models = [model(f"m{number}", description=chance.randbytes(150).hex()) for number in range(4000)]
        answer.write_text(json.dumps({"models": models}))
        done = command("snapshot", "-q", "--server", f"a=file:{answer}", *shared, env=env, capture_output=True)
        assert done.code == 0, done
    asked = ("history", "--model", "m1", "--json", *shared)
    expected = command(*asked, env=env, capture_output=True)
    assert [row["key"] for row in expected.data["changes"]] == ["m1"]
    large = max((store / "models").rglob("*.parquet"), key=lambda path: path.stat().st_size)
    body = bytearray(large.read_bytes())
    body[len(body) // 2] ^= 1
    large.chmod(0o600)
    large.write_bytes(body)
    damaged = command(*asked, "--engine", "spark", env=env, capture_output=True)
    assert (damaged.code, damaged.out) == (4, ""), damaged
    assert f"file://{store}/models/{large.parent.name}/{large.name} is damaged, and not used" in damaged.err
    offline = command(*asked, "--engine", "spark", "--offline", env=env, capture_output=True)
    assert offline.data == expected.data
    assert (offline.code, offline.err) == (expected.code, "")
