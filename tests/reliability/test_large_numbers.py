"""Whole numbers beyond 64 bits: an unknown field never stops a server, and no digit is lost on any way."""

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.cli_runner import clean, run
from support.hostile_servers import Hostile, answer
from support.snapshots import same

import inventory
from inventory import Snapshot, formats, schema
from inventory.tables import rows

LARGE = 2**64
NUMBERS = {
    "2^63": 2**63,
    "-2^63-1": -(2**63) - 1,
    "2^64-1": LARGE - 1,
    "31 digits": 10**30 + 1,
    "beyond a double": 10**400 + 1,
    "4,300 digits": 10**4299 + 7,
}
TYPED = [
    (table, column)
    for table in schema.GRAIN_TABLES.values()
    for column in table.columns
    if column.path.startswith("models[].") and column.name not in ("key", "loaded_instance_count")
    and "[]" not in column.path.removeprefix("models[].").removeprefix("loaded_instances[].")
    and (table is schema.MODELS or ".loaded_instances[]." in column.path)
]  # fmt: skip


def body(number: int, size: int | None = 5) -> bytes:
    """An answer with the number in unknown fields of both grains, deep and flat, and beside the models."""
    model: dict[str, Any] = {
        "key": "a",
        "size_bytes": size,
        "new": number,
        "deep": {"list": [[number], {"b": number}]},
        "loaded_instances": [{"id": "a", "seed": number, "config": {"context_length": 8, "seed": number}}],
    }
    return json.dumps({"models": [model, {"key": "b", "size_bytes": 7}], "beside": number}).encode()


def _in(path: str, value: int) -> dict[str, Any]:
    """A model with a value at the path of a column."""
    model: dict[str, Any] = {"key": "a"}
    *outer, last = path.removeprefix("models[].").split(".")
    place = model
    for step in outer:
        if step == "loaded_instances[]":
            place["loaded_instances"] = [{}]
            place = place["loaded_instances"][0]
        else:
            place = place.setdefault(step, {})
    place[last] = value
    return model


@pytest.fixture(params=[*NUMBERS.values()], ids=[*NUMBERS])
def number(request: pytest.FixtureRequest) -> int:
    """A number that no column holds."""
    value: int = request.param
    return value


@pytest.fixture
def taken(number: int) -> Iterator[Snapshot]:
    """What a server with it says, over HTTP."""
    with Hostile(answer(body(number))) as server:
        yield inventory.collect(f"s={server.url}")


def test_an_unknown_field_stops_no_server(number: int, taken: Snapshot) -> None:
    """It is kept as it came, every digit of it, and what else the server says is there."""
    (row,) = rows(taken.tables["observations"])
    assert (row["status"], row["model_count"], row["size_bytes"]) == ("ok", 2, 12)
    assert str(number)[:900] in row["warnings"]
    first, second = rows(taken.tables["models"])
    assert json.loads(first["extra"]) == {"new": number, "deep": {"list": [[number], {"b": number}]}}
    assert (first["size_bytes"], second["extra"]) == (5, None)
    (instance,) = rows(taken.tables["instances"])
    assert json.loads(instance["extra"]) == {"seed": number, "config": {"seed": number}}
    assert instance["config_context_length"] == 8


@pytest.mark.parametrize(("table", "column"), TYPED, ids=lambda value: getattr(value, "name", ""))
def test_a_column_that_cannot_hold_it(table: schema.Table, column: schema.Column) -> None:
    """The cell is empty, the value in extra at its path, and a warning says so; nothing else changes."""
    with Hostile(answer(json.dumps({"models": [_in(column.path, LARGE)]}).encode())) as server:
        snapshot = inventory.collect(f"s={server.url}")
    (observed,) = rows(snapshot.tables["observations"])
    assert observed["status"] == "ok"
    (row,) = rows(snapshot.tables[table.name])
    assert row[column.name] is None
    expected = _in(column.path, LARGE)
    expected = expected["loaded_instances"][0] if table is schema.INSTANCES else expected
    expected.pop("key", None)
    assert json.loads(row["extra"]) == expected
    (warning,) = json.loads(observed["warnings"])
    assert "is a whole number beyond 64 bits; the cell is empty, the value kept in extra" in warning


def test_a_size_that_no_column_holds_is_not_added() -> None:
    """The sum is that of the sizes which are known."""
    with Hostile(answer(body(5, size=LARGE))) as server:
        snapshot = inventory.collect(f"s={server.url}")
    (row,) = rows(snapshot.tables["observations"])
    assert (row["status"], row["size_bytes"]) == ("ok", 7)


@pytest.mark.parametrize("suffix", formats.READABLE)
def test_files_hold_every_digit(suffix: str, taken: Snapshot, tmp_path: Path) -> None:
    """Written and read again it is the same, and so says a comparison."""
    path = tmp_path / f"x.{suffix}"
    taken.write(path, "both")
    again = inventory.read(path)
    same(taken, again, "models", "instances")
    assert inventory.compare(taken, again).table.num_rows == 0


@pytest.mark.parametrize("suffix", ["html", "md"])
def test_reports_are_written(suffix: str, taken: Snapshot, tmp_path: Path) -> None:
    """A report for people holds it as well."""
    assert taken.write(tmp_path / f"x.{suffix}")


@settings(max_examples=settings().max_examples // 2, deadline=None)
@given(st.integers(2**63) | st.integers(max_value=-(2**63) - 1), st.booleans())
def test_any_such_number(number: int, typed: bool) -> None:
    """Whatever its digits, through the functions for Python users."""
    model = {"key": "a", "size_bytes" if typed else "new": number}
    cell = inventory.flatten_models({"models": [model]})["extra"][0]
    assert cell == json.dumps({"size_bytes" if typed else "new": number})


@pytest.mark.long
def test_a_history_holds_every_digit(number: int, tmp_path: Path) -> None:
    """Recorded twice it is unchanged; another last digit is one change, told in full; verify proves all of it."""
    path = tmp_path / "a.json"
    where = ("--history", "h")
    for value in (number, number, number + 1):
        path.write_bytes(body(value))
        done = run("snapshot", "-q", *where, "--server", f"s=file:{path}", cwd=tmp_path)
        assert (done.code, done.later.err) == (0, "")
    unchanged = run("diff", "latest~2", "latest~1", "--json", *where, cwd=tmp_path)
    assert (unchanged.code, unchanged.data["changes"]) == (0, [])
    told = run("diff", "--json", *where, cwd=tmp_path)
    assert told.code == 0
    changes = {(row["grain"], row["field"]): row for row in told.data["changes"]}
    assert {change["change"] for change in changes.values()} == {"reconfigured"}
    fields = {("model", "extra.new"), ("model", "extra.deep.list"), ("instance", "extra.seed")}
    assert changes.keys() == fields | {("instance", "extra.config.seed")}
    row = changes["model", "extra.new"]
    assert [int(row["old"]), int(row["new"])] == [number, number + 1]  # as numbers, or as texts of numbers
    for command in (["verify"], ["show"], ["history"], ["diff"], ["history", "--model", "a"]):
        done = run(*command, *where, cwd=tmp_path)
        assert (done.code, "Traceback" in done.err) == (0, False), done.err
    assert run("export", "-o", "x.csv", *where, cwd=tmp_path).code == 0
    csv.field_size_limit(10**6)
    with (tmp_path / "x.csv").open(encoding="utf-8-sig", newline="") as file:
        first = next(csv.DictReader(file))
    assert json.loads(first["extra"])["new"] == number + 1
    loaded = inventory.History(tmp_path / "h").load("latest")
    assert loaded.tables["models"].column("extra")[0].as_py() == first["extra"]


def test_a_number_that_no_double_holds_is_never_infinity(tmp_path: Path) -> None:
    """A real beyond doubles is refused with its place: no reader of JSON could take it from us again."""
    (tmp_path / "a.json").write_text('{"models": [{"key": "a", "new": 1e999}]}')
    done = run("snapshot", "--json", "--no-history", "--server", "s=file:a.json", cwd=tmp_path)
    assert done.code == 3
    assert "Infinity" not in done.out
    (row,) = done.data["observations"]
    assert row["status"] == "invalid"
    assert "models[0].new" in row["error"]


def test_a_million_digits_take_no_time(tmp_path: Path) -> None:
    """Python's own reading of so many digits takes time squared; here they are refused by their number."""
    (tmp_path / "a.json").write_text('{"models": [{"key": "a", "new": ' + "9" * 8_000_000 + "}]}")
    done = subprocess.run(
        [sys.executable, "-m", "inventory", "snapshot", "-q", "--no-history", "--server", "s=file:a.json"],
        cwd=tmp_path, env=clean(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "a whole number of more than 4,300 digits" in done.stderr
