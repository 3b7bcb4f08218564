"""What every format must do, by contract: a new one is tested the moment its word is in."""

import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from support.snapshots import RUN, fleet, same, snapshot, snapshots

import inventory
from inventory import Snapshot, formats, schema
from inventory.errors import ConfigurationError, FileError
from inventory.report.facts import Report
from inventory.schema.derived import NOT_COMPARED
from inventory.tables import rows as rows_of
from inventory.tables import table_of

FORMATS = pytest.mark.parametrize("suffix", formats.FORMATS)
TABLES = pytest.mark.parametrize("suffix", formats.TABLES)
REPORTS = pytest.mark.parametrize("suffix", formats.REPORTS)
READABLE = pytest.mark.parametrize("suffix", formats.READABLE)
ONLY_FOR_PEOPLE = pytest.mark.parametrize("suffix", sorted(set(formats.FORMATS) - set(formats.READABLE)))
SHOWN = ("models", "instances")


def back(taken: Snapshot, path: Path) -> Snapshot:
    """What is read after everything was written to a path."""
    taken.write(path, "both")
    return inventory.read(path)


@READABLE
def test_captured_answers(tmp_path: Path, suffix: str) -> None:
    """Every captured answer comes back with the same cells and types."""
    original = fleet()
    result = back(original, tmp_path / f"x.{suffix}")
    same(original, result, *SHOWN)
    assert result.grains == schema.GRAINS
    assert inventory.compare(original, result).table.num_rows == 0


@READABLE
def test_no_rows(tmp_path: Path, suffix: str) -> None:
    """A server without models makes a file without rows, whose columns keep their types."""
    same(snapshot(), back(snapshot(), tmp_path / f"x.{suffix}"), *SHOWN)


@pytest.mark.long
def test_same_bytes(tmp_path: Path) -> None:
    """The same snapshot makes the same bytes, at another time too."""
    first, second = ([tmp_path / f"{n}.{suffix}" for suffix in formats.FORMATS] for n in "12")
    for path in first:
        fleet().write(path)
    time.sleep(2.1)  # times in a zip file count every other second
    for path in second:
        fleet().write(path)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


@FORMATS
def test_snapshot_kept(tmp_path: Path, suffix: str) -> None:
    """Writing does not change the snapshot."""
    original = fleet()
    original.write(tmp_path / f"x.{suffix}", "both")
    same(original, fleet())


@FORMATS
def test_capital_suffix(tmp_path: Path, suffix: str) -> None:
    """The case of the suffix does not matter."""
    (large,) = snapshot().write(tmp_path / f"x.{suffix.upper()}")
    (small,) = snapshot().write(tmp_path / f"x.{suffix}")
    assert large.read_bytes() == small.read_bytes()
    if suffix in formats.READABLE:
        same(inventory.read(large), inventory.read(small))


@ONLY_FOR_PEOPLE
def test_what_is_only_for_people(tmp_path: Path, suffix: str) -> None:
    """A report that cannot be read back says so, and which formats can."""
    path = tmp_path / f"x.{suffix}"
    assert fleet().write(path) == [path]
    with pytest.raises(ConfigurationError, match="cannot be read back") as caught:
        inventory.read(path)
    assert all(f".{item}" in str(caught.value) for item in formats.READABLE)


@ONLY_FOR_PEOPLE
@settings(max_examples=settings().max_examples // 3, deadline=None, suppress_health_check=list(HealthCheck))
@given(before=snapshots, after=snapshots)
def test_anything_can_be_told(suffix: str, before: Snapshot, after: Snapshot) -> None:
    """Any text, number and null in any column, and any changes, can be written, twice with the same bytes."""
    overview = Report(after, inventory.compare(before, after), "before")
    member = import_module(f"inventory.formats.{suffix.partition('.')[0]}")
    tables = [(item, after.tables[name]) for name, item in schema.TABLES.items() if name in after.tables]
    assert member.encode(overview, "both") == member.encode(overview, "both")
    if suffix not in formats.SNAPSHOTS_ONLY:
        assert member.encode_tables(tables) == member.encode_tables(tables)
    member.encode(overview, "both").decode()


@pytest.mark.parametrize("suffix", formats.SNAPSHOTS_ONLY)
def test_what_holds_snapshots_only(tmp_path: Path, suffix: str) -> None:
    """A format that has no place for other tables refuses them, and names those that have; nothing is written."""
    changes = inventory.compare(snapshot(), snapshot())
    with pytest.raises(ConfigurationError, match="holds the state, and no other tables") as caught:
        formats.write_tables([(schema.CHANGES, changes.table)], tmp_path / f"x.{suffix}")
    assert ".csv" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", sorted({*formats.FORMATS} - {*formats.SNAPSHOTS_ONLY}))
def test_tables_that_are_no_snapshot(tmp_path: Path, suffix: str) -> None:
    """Tables such as changes can be written in every format, with and without rows."""
    changes = inventory.compare(snapshot(), snapshot([{"server": "s", "key": "new-model", "ordinal": 0}]))
    path = tmp_path / f"x.{suffix}"
    for each in (changes, inventory.compare(snapshot(), snapshot())):
        formats.write_tables([(schema.CHANGES, each.table), (NOT_COMPARED, each.skipped)], path)
        if suffix not in ("parquet", "xlsx"):
            assert (b"new-model" in path.read_bytes()) == bool(each.table.num_rows)
    assert path.stat().st_size > 0


@TABLES
def test_pair(tmp_path: Path, suffix: str) -> None:
    """Both grains make NAME.models and NAME.instances, and the name alone finds the pair."""
    written = formats.write(Report(fleet()), tmp_path / f"a.b.{suffix}", "both")
    assert [(item.path.name, item.holds) for item in written] == [
        (f"a.b.models.{suffix}", "models"),
        (f"a.b.instances.{suffix}", "instances"),
    ]
    assert all(item.size == item.path.stat().st_size and not item.skipped for item in written)
    assert [item.rows for item in written] == [fleet().tables[name].num_rows for name in SHOWN]
    same(fleet(), inventory.read(tmp_path / f"a.b.{suffix}"), *SHOWN)


@TABLES
def test_swapped_pair(tmp_path: Path, suffix: str) -> None:
    """Files with each other's names are not taken for a pair."""
    formats.write(Report(fleet()), tmp_path / f"x.models.{suffix}", "instance")
    formats.write(Report(fleet()), tmp_path / f"x.instances.{suffix}", "model")
    with pytest.raises(FileError, match="not of one run"):
        inventory.read(tmp_path / f"x.{suffix}")


@TABLES
def test_a_file_beside_a_pair(tmp_path: Path, suffix: str) -> None:
    """A name means the file that has it, if there is one, and not the pair beside it."""
    fleet().write(tmp_path / f"x.{suffix}", "both")
    snapshot().write(tmp_path / f"x.{suffix}")
    result = inventory.read(tmp_path / f"x.{suffix}")
    assert (result.tables["models"].num_rows, result.grains) == (0, ("model",))


@TABLES
def test_strange_pair(tmp_path: Path, suffix: str) -> None:
    """Instances of models that are not in the file beside them are not taken for a pair, though both name one run."""
    whole = fleet()
    few = Snapshot({**whole.tables, "models": whole.tables["models"].slice(0, 1)}, whole.grains)
    formats.write(Report(few), tmp_path / f"x.models.{suffix}", "model")
    formats.write(Report(whole), tmp_path / f"x.instances.{suffix}", "instance")
    with pytest.raises(FileError, match="not of one run: an instance of a model that is not there"):
        inventory.read(tmp_path / f"x.{suffix}")


@pytest.mark.parametrize("grain", schema.GRAINS)
@TABLES
def test_one_grain(tmp_path: Path, suffix: str, grain: str) -> None:
    """A file of one grain says that it lacks the other, which is then neither compared nor written as empty."""
    path = tmp_path / f"x.{suffix}"
    fleet().write(path, grain)
    result = inventory.read(path)
    assert result.grains == (grain,)
    assert inventory.compare(fleet(), result).table.num_rows == 0
    (other,) = set(schema.GRAINS) - {grain}
    for wanted in (other, "both"):
        with pytest.raises(ConfigurationError, match=f"no {other} rows"):
            result.write(tmp_path / f"y.{suffix}", wanted)
    for report in formats.REPORTS:
        assert result.write(tmp_path / f"x.{report}")
        if report in formats.READABLE:
            again = inventory.read(tmp_path / f"x.{report}")
            assert again.grains == (grain,)
            same(result, again)


@TABLES
@pytest.mark.parametrize("grain", formats.GRAINS)
def test_nothing_read_table(tmp_path: Path, suffix: str, grain: str) -> None:
    """When no server could be read, the files of tables are left as they were, and that is said."""
    path = tmp_path / f"x.{suffix}"
    fleet().write(path, grain)
    before = {item: item.read_bytes() for item in tmp_path.iterdir()}
    for status in set(schema.STATUSES) - {"ok", "suspect"}:
        original = snapshot(status=status)
        assert original.write(path, grain) == []
        assert all("no server could be read" in item.skipped for item in formats.write(Report(original), path, grain))
    assert {item: item.read_bytes() for item in tmp_path.iterdir()} == before


@REPORTS
def test_nothing_read_report(tmp_path: Path, suffix: str) -> None:
    """When no server could be read, a report is written and says so."""
    original = snapshot(status="timeout", error="no answer within 10 s")
    path = tmp_path / f"x.{suffix}"
    assert original.write(path) == [path]
    if suffix in formats.READABLE:
        same(original, inventory.read(path))
    else:
        assert b"no answer within 10 s" in path.read_bytes()


@pytest.mark.parametrize("name", ["x", "x.", "x.xls", "x.json", "x.csv.gz", ".csv", "x.csv "])
def test_unknown_suffix(tmp_path: Path, name: str) -> None:
    """An unknown suffix is refused, with the ones that are known, and nothing is written."""
    todo = (
        lambda: fleet().write(tmp_path / name),
        lambda: inventory.read(tmp_path / name),
        lambda: formats.output_paths(tmp_path / name, "model"),
    )
    for item in todo:
        with pytest.raises(ConfigurationError) as caught:
            item()
        assert all(f".{suffix}" in str(caught.value) for suffix in formats.FORMATS)
    assert list(tmp_path.iterdir()) == []


@FORMATS
@pytest.mark.parametrize("grain", ["", "models", "Model", "all"])
def test_unknown_grain(tmp_path: Path, suffix: str, grain: str) -> None:
    """An unknown grain is refused, with the ones that are known, and nothing is written."""
    with pytest.raises(ConfigurationError, match="model, instance, both"):
        fleet().write(tmp_path / f"x.{suffix}", grain)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", sorted({*formats.FORMATS} - {*formats.UNMARKED}))
def test_suspect_written(tmp_path: Path, suffix: str) -> None:
    """A suspect answer was read, and is written where its status is."""
    original = snapshot([{"server": "s", "key": "a", "ordinal": 0}], status="suspect")
    assert original.write(tmp_path / f"x.{suffix}")
    if suffix in formats.READABLE:
        same(original, inventory.read(tmp_path / f"x.{suffix}"))


def in_doubt() -> Snapshot:
    """A server that was read completely, one whose answer is in doubt, one without models, and one that was off."""
    rows = [{"server": server, "key": key, "ordinal": 0} for server, key in (("good", "a"), ("doubt", "left"))]
    tables = dict(snapshot(rows).tables)
    statuses = {"doubt": "suspect", "empty": "ok", "good": "ok", "off": "timeout"}
    tables["observations"] = table_of(
        schema.OBSERVATIONS,
        [
            dict.fromkeys(schema.OBSERVATIONS.names) | {"run_id": RUN, "server": server, "status": status}
            for server, status in statuses.items()
        ],
    )
    return Snapshot(tables)


@pytest.mark.parametrize("grain", formats.GRAINS)
@pytest.mark.parametrize("suffix", formats.UNMARKED)
def test_suspect_left_out(tmp_path: Path, suffix: str, grain: str) -> None:
    """A format that has no place for a status holds nothing of a suspect answer, and it is told what is left out."""
    written = formats.write(Report(in_doubt()), tmp_path / f"x.{suffix}", grain)
    assert [item.without for item in written] == [("doubt",)] * len(written)
    result = inventory.read(tmp_path / f"x.{suffix}")
    if "model" in result.grains:
        assert result.tables["models"].column("server").to_pylist() == ["good"]
        assert written[0].rows == 1


@pytest.mark.parametrize("suffix", formats.UNMARKED)
def test_only_suspect(tmp_path: Path, suffix: str) -> None:
    """If every answer is in doubt, such a file is left as it was."""
    path = tmp_path / f"x.{suffix}"
    fleet().write(path)
    before = path.read_bytes()
    (written,) = formats.write(Report(snapshot([{"server": "s", "key": "a", "ordinal": 0}], status="suspect")), path)
    assert (written.skipped, path.read_bytes()) == ("left as it was: the answer of s is in doubt", before)


@READABLE
@pytest.mark.parametrize("other", formats.READABLE)
def test_no_false_changes_of_servers_not_read(tmp_path: Path, suffix: str, other: str) -> None:
    """Nothing is removed from or added to a server in doubt, one that was off, or one that is not known."""
    whole = snapshot(
        [{"server": server, "key": key, "ordinal": 0} for server in ("doubt", "off", "good") for key in ("a", "left")]
    )
    whole.write(tmp_path / f"whole.{suffix}")
    in_doubt().write(tmp_path / f"doubt.{other}")
    read, doubted = inventory.read(tmp_path / f"whole.{suffix}"), inventory.read(tmp_path / f"doubt.{other}")
    for old, new, word in ((read, doubted, "removed"), (doubted, read, "added")):
        changes = inventory.compare(old, new)
        assert [(row["server"], row["change"]) for row in rows_of(changes.table)] == [("good", word)]
        assert {"doubt", "off"} <= changes.not_compared.keys()
        assert "empty" in changes.not_compared or other == "csv"
        for reason in changes.not_compared.values():
            assert reason not in ("no longer asked", "seen for the first time: a baseline") or other != "csv"


def test_runs_mixed(tmp_path: Path) -> None:
    """A pair whose files tell of two runs is refused."""
    first, second = snapshot(), snapshot(run_id="20261124T060004.123456Z-3f9a")
    replace(first).write(tmp_path / "x.models.parquet")
    second.write(tmp_path / "x.instances.parquet", "instance")
    with pytest.raises(FileError, match="not of one run"):
        inventory.read(tmp_path / "x.parquet")
