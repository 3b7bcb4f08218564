"""The files of a history: where they are, what is in them, and that they are written once."""

import contextlib
import fcntl
import json
import os
import re
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from support.history_builders import Fleet, Merging, collected, day, files, made, model, run, told

from inventory import History
from inventory.errors import ConfigurationError, FileError
from inventory.history.recorder import record
from inventory.history.retention import carry_out, plan
from inventory.history.storage.checksum import read_verified, rows_sha256, write_checksummed
from inventory.history.storage.data_file import KINDS, listed
from inventory.history.storage.foreign import foreign_files
from inventory.history.storage.store import Store
from inventory.history.verify import prove
from inventory.tables import rows, values

TWO: Fleet = {"a": [model("x", "i"), model("y")], "b": [model("x", "i"), model("y")]}


def names(history: History) -> set[str]:
    """The files of a history, from its folder."""
    return {str(path.relative_to(history.store.folder)) for path in files(history)}


def test_the_layout(tmp_path: Path) -> None:
    """The first run writes one file of each kind under its month; two servers with one answer share the rows."""
    history, [first] = made(tmp_path, TWO)
    assert names(history) == {f"{kind}/month=2026-11/{first}.parquet" for kind in KINDS}
    assert {path.name for path in history.store.folder.iterdir()} == {*KINDS, "_tmp"}
    tables = {kind: history.store.read(kind, first).table() for kind in KINDS}
    assert {kind: table.num_rows for kind, table in tables.items()} == {
        "observations": 2,
        "payloads": 1,
        "models": 2,
        "instances": 1,
    }
    assert tables["payloads"].column_names == ["digest", "stored_in", "payload_digest", "body", "fields"]
    assert tables["models"].column_names[:5] == ["digest", "stored_in", "row_digest", "key", "ordinal"]
    [payload] = rows(tables["payloads"])
    assert json.loads(payload["body"]) == {"models": TWO["a"]}
    assert sha256(payload["body"]).hexdigest() == payload["payload_digest"]
    assert "models.size_bytes" in json.loads(payload["fields"])
    assert {row["stored_in"] for table in tables.values() for row in rows(table)} == {first}


def test_an_unchanged_answer_costs_one_row(tmp_path: Path) -> None:
    """A run in which nothing changed writes its observations and no other file; its rows point at the first run."""
    history, [first, second] = made(tmp_path, TWO, TWO)
    assert {name for name in names(history) if second in name} == {f"observations/month=2026-11/{second}.parquet"}
    assert history.load(second).tables["observations"].column("stored_in").to_pylist() == [first, first]
    old, new = (history.load(run_id).tables["models"].drop_columns("as_of") for run_id in (first, second))
    assert new.equals(old)


def test_only_new_answers_are_stored(tmp_path: Path) -> None:
    """Of a run with a changed, a failed and an unchanged server only the change is stored, and nothing twice."""
    other = [model("z")]
    history, ids = made(tmp_path, TWO, {"a": other, "b": TWO["b"], "c": None}, {"a": TWO["a"], "b": other})
    assert rows(history.store.read("models", ids[1]).table())[0]["key"] == "z"
    assert history.store.read("models", ids[1]).table().num_rows == 1
    assert not history.store.path("models", ids[2]).exists()
    found = history.load(ids[2]).tables["observations"].column("stored_in").to_pylist()
    assert found == [ids[0], ids[1]]
    failed = rows(history.load(ids[1]).tables["observations"])[2]
    assert (failed["server"], failed["status"], failed["digest"], failed["stored_in"]) == (
        "c",
        "unreachable",
        None,
        None,
    )


def test_an_answer_that_comes_back_is_found_if_it_was_given_lately(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was last given long ago is stored once more, so that an append costs no more in a long history."""
    monkeypatch.setattr("inventory.history.recorder._RECENT", 3)
    answers: list[Fleet] = [{"s": [model(key)]} for key in "abcabcda"]
    history, ids = made(tmp_path, *answers)
    stored = [row["stored_in"] for run_id in ids for row in history.observed(run_id)]
    assert stored == [*ids[:3], *ids[:3], ids[6], ids[7]]
    assert told(history.diff(ids[0], ids[7]).table) == []
    assert [row["run_id"] for row in rows(history.timeline_table()) if row["change"] == "added"] == ids[1:]
    assert history.lifecycle_table().num_rows == 4
    assert prove(history.store).problems.num_rows == 0


def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    """Folders are 0700 and files 0600, whatever the umask."""
    before = os.umask(0)
    try:
        history, _ = made(tmp_path, TWO)
        history.save_baseline("good")
    finally:
        os.umask(before)
    for path in [history.store.folder, *history.store.folder.rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A second file under one name is refused, the first stays as it was, and nothing is left in the workshop."""
    history, [first] = made(tmp_path, TWO)
    before = {path: path.read_bytes() for path in files(history)}
    with pytest.raises(FileError, match="could not be written"):
        record(history, collected(tmp_path / "answers", {"a": [model("new")]}, day(1), first))
    assert {path: path.read_bytes() for path in files(history)} == before


def test_a_run_that_is_being_written_is_not_written_twice(tmp_path: Path) -> None:
    """The sign of a run is its own: a second writer of the same id is refused in words."""
    store = Store(tmp_path / "h")
    with store.run_marker("20261101T060000.000000Z-0000"):
        assert store.active_runs() == {"20261101T060000.000000Z-0000"}
        with pytest.raises(FileError, match="could not be written"), store.run_marker("20261101T060000.000000Z-0000"):
            pass
        assert store.active_runs() == {"20261101T060000.000000Z-0000"}
    assert store.active_runs() == set()


@pytest.mark.guard("a run says that it is being written")
def test_nothing_of_a_run_that_is_being_written_is_tidied_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run that tidies between two files of this one leaves them; those of one that was killed it removes."""
    history, _ = made(tmp_path, TWO)
    write = Store.write

    def slowly(store: Store, kind: str, *rest: Any, **more: Any) -> str:
        Store(store.folder).clean_up()
        assert Store(store.folder).active_runs(), "else a pruning would remove what this run refers to"
        return write(store, kind, *rest, **more)

    monkeypatch.setattr(Store, "write", slowly)
    second = run(history, {"a": [model("z")], "b": TWO["b"]}, day(1))
    assert prove(history.store).problems.num_rows == 0
    killed = "20261101T060000.000000Z-0000"
    stray = history.store.path("models", second).with_name(f"{killed}.parquet")
    shutil.copy(history.store.path("models", second), stray)
    sign = history.store.workshop / f"{killed}.run"
    with sign.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        history.store.clean_up()
        assert stray.exists(), "its process lives"
    history.store.clean_up()
    assert not stray.exists()
    assert not sign.exists()


@pytest.mark.guard("a committed run keeps its answers")
def test_a_run_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it wrote is removed with its sign, also if it is interrupted; what it committed is not."""
    history, _ = made(tmp_path, TWO)
    before = files(history)
    write = Store.write
    for error in (FileError("the disk is full"), KeyboardInterrupt()):

        def fails(store: Store, kind: str, *rest: Any, error: BaseException = error, **more: Any) -> str:
            if kind == "observations":
                raise error
            return write(store, kind, *rest, **more)

        monkeypatch.setattr(Store, "write", fails)
        with pytest.raises(type(error)):
            run(history, {"a": [model("z")], "b": TWO["b"]}, day(1))
        assert files(history) == before
        assert [*history.store.workshop.iterdir()] == []
    monkeypatch.undo()
    snapshot = collected(tmp_path / "answers", {"a": [model("y")]}, day(2))
    with contextlib.suppress(KeyboardInterrupt), history.store.run_marker(snapshot.run_id):
        for kind in ("payloads", "models", "instances", "observations"):
            history.store.path(kind, snapshot.run_id).write_bytes(b"")
        raise KeyboardInterrupt
    assert history.store.path("models", snapshot.run_id).exists(), "it was committed"


def test_the_sign_of_a_pruned_run(tmp_path: Path) -> None:
    """A run that was killed after its commit, and pruned since, keeps the answers that others point at."""
    history, ids = made(tmp_path, TWO, TWO, TWO)
    carry_out(history.store, plan(history.store, {"last": 1}))
    before = files(history)
    assert history.store.path("payloads", ids[0]) in before
    for run_id in (ids[0], ids[-1]):
        (history.store.workshop / f"{run_id}.run").touch()
    history.store.clean_up()
    assert files(history) == before
    assert [*history.store.workshop.iterdir()] == []


@pytest.mark.parametrize("lost", ["observations", "observations/month=2026-11", "pruned"])
def test_answers_outlive_what_tells_of_them(tmp_path: Path, lost: str) -> None:
    """Where the observations or the record of a pruning are lost, or not copied back yet, a new run removes nothing."""
    history, ids = made(tmp_path, TWO, TWO, {"a": [model("z")]})
    carry_out(history.store, plan(history.store, {"last": 2}))
    assert ids[0] not in history.store.run_ids()
    answers = {path: path.read_bytes() for path in files(history) if path.parent.parent.name in KINDS[1:]}
    (history.store.folder / lost).rename(tmp_path / "away")
    told = {str(row["problem"]) for row in rows(prove(history.store).problems)}
    assert "belongs to no recorded run" in told
    new = run(history, {"a": [model("z")]}, day(9))
    assert answers.items() <= {path: path.read_bytes() for path in files(history)}.items()
    for path in (history.store.folder / lost).rglob("*.parquet"):
        shutil.move(path, tmp_path / "away" / path.relative_to(history.store.folder / lost))
    shutil.rmtree(history.store.folder / lost, ignore_errors=True)
    (tmp_path / "away").rename(history.store.folder / lost)
    assert history.load(new).complete
    assert prove(history.store).problems.num_rows == 0


def test_an_answer_whose_file_is_gone_is_stored_again(tmp_path: Path) -> None:
    """A run does not point at an answer that is not all there: what it acknowledges can be read."""
    for kind in ("payloads", "models", "instances"):
        (tmp_path / kind).mkdir()
        history, ids = made(tmp_path / kind, TWO, TWO)
        history.store.path(kind, ids[0]).unlink()
        new = run(history, TWO, day(5))
        assert history.load(new).complete
        assert set(values(history.load(new).tables["observations"], "stored_in")) == {new}


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """A history that is a file, or under one, is an error that says what to do, also for whoever only reads it."""
    (tmp_path / "file").write_text("")
    told = r"could not be (read|written): .+--history DIR"
    for path in (tmp_path / "file", tmp_path / "file" / "history", tmp_path / ("n" * 300)):
        history = History(path)
        readings = (history.runs, history.timeline, history.lifecycle, history.load, history.store.run_ids)
        for reading in (*readings, lambda at=history: prove(at.store).problems):
            with pytest.raises(FileError, match=told):
                reading()
    with pytest.raises(FileError, match=told):
        record(History(tmp_path / "file"), collected(tmp_path / "answers", TWO, day(0)))


def test_a_folder_that_is_not_there_is_an_empty_history(tmp_path: Path) -> None:
    """Nothing was recorded there yet."""
    history = History(tmp_path / "none")
    assert history.runs().empty
    assert history.timeline().empty
    assert history.lifecycle().empty
    assert prove(history.store).problems.num_rows == 0


@pytest.mark.parametrize("name", ["a[b]c", "a*b", "what?", "ünï cödé", "it's"])
def test_any_folder_name(tmp_path: Path, name: str) -> None:
    """The characters that stand for others in file names are only characters."""
    (tmp_path / name).mkdir()
    history, [first, second] = made(tmp_path / name, {"a": [model("x")]}, {"a": [model("y")]})
    assert history.load(first).models["key"].tolist() == ["x"]
    assert len(history.diff(first, second).frame) == 2
    assert len(history.lifecycle()) == 2


@pytest.mark.parametrize(("name", "other"), [("a[b]c", "abc"), ("a*b", "axb"), ("what?", "whats")])
def test_a_folder_that_another_ones_name_would_mean(tmp_path: Path, name: str, other: str) -> None:
    """What stands for other characters in a folder's name does not take in the folder of that name beside it."""
    for folder in (name, other):
        (tmp_path / folder).mkdir()
    history, ids = made(tmp_path / name, {"a": [model("x")]}, {"a": [model("y")]})
    shutil.copytree(history.store.folder, tmp_path / other / "history")
    assert history.load(ids[0]).models["key"].tolist() == ["x"]
    assert len(history.diff(*ids).frame) == 2
    assert len(history.runs()) == 2


@pytest.mark.guard("the seal")
def test_a_seal_covers_every_byte() -> None:
    """A sealed file tells what it was told; with any one byte changed it tells nothing."""
    body = write_checksummed(pa.table({"a": ['"seal": "' + "0" * 64 + '"', '{"tool": "lms-inventory"']}), {"kind": "k"})
    about = read_verified(body)
    assert about is not None
    assert about["kind"] == "k"
    for place in range(len(body)):
        assert read_verified(body[:place] + bytes([body[place] ^ 1 << place % 8]) + body[place + 1 :]) is None
        assert read_verified(body[:place]) is None


def test_a_foreign_file_holds_no_runs(tmp_path: Path) -> None:
    """Whatever somebody put into a month's folder is no file of a run, nor in the way of one; it is named."""
    history, ids = made(tmp_path, TWO, TWO)
    for name in ("notes.parquet", "merged.parquet", "x.txt"):
        path = history.store.path("observations", ids[0]).with_name(name)
        path.write_bytes(b"no such thing as a footer")
        assert listed(path) == frozenset()
    assert History(history.store.folder).store.run_ids() == ids
    assert prove(history.store).problems.num_rows == 0
    foreign = [Path(row["file"]).name for row in foreign_files(history.store)]
    assert foreign == ["merged.parquet", "notes.parquet", "x.txt"]


@pytest.mark.parametrize(
    "said", ["", None, {}, {"runs": 5}, {"runs": [5]}, {"runs": ["no id"]}, {"runs": {}}, {"run_id": 5}, {"runs": None}]
)
def test_a_merged_file_that_says_what_cannot_be(tmp_path: Path, said: Any) -> None:
    """Where it should say which runs it holds stands something else: it is damaged, for every reading."""
    history, ids = made(tmp_path, TWO, TWO)
    merged = history.store.path("observations", ids[0]).with_name("merged-0123456789abcdef.parquet")
    about = json.dumps({"tool": "lms-inventory", "kind": "observations", **said}) if isinstance(said, dict) else said
    footer = b"" if about is None else about.encode()
    merged.write_bytes(b"" if about == "" else b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1")
    for reading in (lambda: listed(merged), History(history.store.folder).runs_table):
        with pytest.raises(FileError, match=re.escape(f"{merged} is damaged")):
            reading()
    [problem] = rows(prove(history.store).problems)
    assert problem["file"] == str(merged.relative_to(history.store.folder))


def test_columns_without_values_do_not_count(tmp_path: Path) -> None:
    """The digest of rows stays the same when a version adds a column that is empty for them."""
    history, [first] = made(tmp_path, TWO)
    table = history.store.read("models", first).table()
    wider = table.append_column("added_later", pa.nulls(table.num_rows, pa.string()))
    assert rows_sha256(wider) == rows_sha256(table)
    assert rows_sha256(table.slice(1)) != rows_sha256(table)


def test_others_read_it(tmp_path: Path) -> None:
    """DuckDB reads the tables without this tool: the models of the last run, by digest and stored_in."""
    history, [_, second] = made(tmp_path, TWO, {"a": [model("z", size_bytes=3)], "b": TWO["b"]})
    folder = history.store.folder
    answer = duckdb.sql(
        f"""SELECT o.server, m.key FROM read_parquet('{folder}/observations/*/*.parquet') o
            JOIN read_parquet('{folder}/models/*/*.parquet') m USING (digest, stored_in)
            WHERE o.run_id = '{second}' ORDER BY ALL"""
    )
    assert answer is not None
    assert answer.fetchall() == [("a", "z"), ("b", "x"), ("b", "y")]


def test_each_file_is_chained(tmp_path: Path) -> None:
    """An observations file carries the digests of its run's other files and of the run before."""
    history, [first, second] = made(tmp_path, TWO, TWO)
    about = history.store.read("observations", second).about
    body = history.store.path("observations", first).read_bytes()
    assert about["previous"] == {"run_id": first, "sha256": sha256(body).hexdigest()}
    assert about["files"] == {}
    kept = history.store.read("observations", first).about
    assert kept["previous"] is None
    assert kept["files"] == {kind: history.store.read(kind, first).sha256 for kind in KINDS[1:]}


def test_baselines(tmp_path: Path) -> None:
    """A baseline is frozen once: the same run again is nothing new, another run or a bad name is refused."""
    history, [first, second] = made(tmp_path, TWO, TWO)
    assert history.save_baseline("approved", first) == first
    history.save_baseline("approved", first)
    assert history.baseline("approved") == first
    with pytest.raises(ConfigurationError, match="exists already"):
        history.save_baseline("approved", second)
    for name in ("", "../x", "a/b", ".hidden", "x" * 65):
        with pytest.raises(ConfigurationError, match="cannot be"):
            history.save_baseline(name)
    with pytest.raises(ConfigurationError, match=re.escape("There are: approved")):
        history.baseline("other")


def test_months_have_their_folders(tmp_path: Path) -> None:
    """A run is filed under the month of its id."""
    history, [first] = made(tmp_path, TWO)
    later = run(history, TWO, day(40))
    assert history.store.run_ids() == [first, later]
    assert history.store.path("observations", later).parent.name == "month=2026-12"
    assert history.store.path("observations", later).exists()


def test_an_older_versions_history_is_read(tmp_path: Path) -> None:
    """Files that an older version wrote, without columns that came later, are read and go on; those are null there."""
    lost = {"observations": "warnings", "models": "variants", "instances": "config_parallel", "payloads": "body"}
    instances = [{"id": "i", "config": {"parallel": 4}}]
    first_models = [{**model("x", variants=["x@4"]), "loaded_instances": instances}]
    history, [first] = made(tmp_path, {"a": first_models})
    for kind, name in lost.items():
        file = history.store.read(kind, first)
        file.path.write_bytes(write_checksummed(file.table().drop_columns([name]), {**file.about, "schema_version": 0}))
    history = History(history.store.folder)
    assert history.load(first).models["variants"].isna().all()
    assert history.load(first).instances["config_parallel"].isna().all()
    second = run(history, {"a": [*first_models, model("y", variants=["y@4"])]}, day(1))
    assert {row[2] for row in told(history.diff(first, second).table) if row[1] == "added"} == {"y"}
    assert len(history.runs()) == 2
    assert set(history.lifecycle()["key"]) == {"x", "y"}
    assert history.load(second).models["variants"].tolist() == ['["x@4"]', '["y@4"]']
    problems = {row["problem"] for row in rows(prove(history.store).problems)}
    assert problems == {"differs from what the run wrote"}, "true here, and no word about the rows"


def test_a_reading_while_files_are_merged_is_made_again(tmp_path: Path) -> None:
    """What was missing because files were being merged is read once they are there; what stays missing is told."""
    history, [run_id] = made(tmp_path, {"a": [model("x")]})
    path = history.store.path("models", run_id)
    body = path.read_bytes()
    path.unlink()
    store = Store(history.store.folder)
    with pytest.raises(FileError, match="could not be read"):
        store.retry_if_changed(lambda: store.read("models", run_id))
    store.months = Merging(store.folder, path, body)
    assert store.retry_if_changed(lambda: store.read("models", run_id)).table().num_rows == 1
