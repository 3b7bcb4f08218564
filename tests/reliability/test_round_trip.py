"""T12: any JSON text, number and null comes back the same from every file and the history: `diff` sees no change."""

import json
import random
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from support.cli_runner import run
from support.snapshots import HOSTILE, same, snapshots

import inventory
from inventory import History, Snapshot, formats, schema
from inventory.history.recorder import record
from inventory.history.storage.shared_rows import without_clocks
from inventory.run_ids import new_run_id

if TYPE_CHECKING:
    from collections.abc import Callable

SHOWN = ("models", "instances")
MOMENT = datetime(2026, 11, 23, 6, tzinfo=UTC)
READABLE = pytest.mark.parametrize("suffix", formats.READABLE)
WORDS = [
    "",
    " ",
    "NaN",
    "nan",
    "null",
    "None",
    "NA",
    "N/A",
    "inf",
    "-0",
    "1e5",
    "007",
    "TRUE",
    "2024-01-01",
    "\\N",
    "[]",
]
NUMBERS = [
    0,
    -1,
    2**53,
    2**53 + 1,
    -(2**53) - 1,
    2**63 - 1,
    -(2**63),
    0.1 + 0.2,
    1e16,
    5e-324,
    -0.0,
    1.7976931348623157e308,
]


def any_text(chance: random.Random) -> str:
    """A text, often of characters that some format treats in its own way."""
    kind = chance.randrange(5)
    if kind == 0:
        return chance.choice(WORDS)
    if kind == 1:
        return chance.choice(HOSTILE)
    if kind == 2:
        return "".join(
            chance.choices("'\"=+-@;, \t\r\n\0\x1f_x0041\x85\u2028\ufeff\uffff\ufffe", k=chance.randrange(12))
        )
    highest = chance.choice([0x7F, 0x7FF, 0xD7FF, 0x10FFFF])
    length = 40_000 if chance.random() < 0.004 else chance.randrange(12)
    codes = (chance.randint(0, highest) for _ in range(length))
    return "".join(chr(code) for code in codes if not 0xD800 <= code < 0xE000)


def any_value(chance: random.Random, depth: int = 0) -> Any:
    """A JSON value."""
    kind = chance.randrange(6 if depth > 2 else 8)
    if kind < 2:
        return any_text(chance)
    if kind == 2:
        return chance.choice(NUMBERS)
    if kind == 3:
        return chance.randint(-(2**63), 2**63 - 1) if chance.random() < 0.5 else chance.uniform(-1e20, 1e20)
    if kind < 6:
        return chance.choice([None, True, False])
    if kind == 6:
        return [any_value(chance, depth + 1) for _ in range(chance.randrange(3))]
    return {any_text(chance): any_value(chance, depth + 1) for _ in range(chance.randrange(3))}


def any_record(chance: random.Random, table: schema.Table, prefix: str) -> dict[str, Any]:
    """An object with a value, often a fitting one, at many of the paths of a table, and at others."""
    record: dict[str, Any] = {}
    fitting: dict[str, Callable[[random.Random], Any]] = {
        schema.TEXT: any_text,
        schema.INTEGER: lambda chance: chance.choice(NUMBERS[:7]),
        schema.NUMBER: lambda chance: chance.choice(NUMBERS[7:]),
        schema.BOOLEAN: lambda chance: chance.random() < 0.5,
        schema.LIST: lambda chance: [any_text(chance) for _ in range(chance.randrange(3))],
    }
    for column in table.columns:
        if column.path.startswith(prefix) and "[]" not in column.path.removeprefix(prefix) and chance.random() < 0.8:
            *outer, last = column.path.removeprefix(prefix).split(".")
            inner = record
            for step in outer:
                inner = inner.setdefault(step, {})
            value = fitting.get(column.kind, any_value)(chance) if chance.random() < 0.8 else any_value(chance)
            inner[last] = value
    return record | {any_text(chance): any_value(chance) for _ in range(chance.randrange(3))}


def any_models(chance: random.Random, number: int) -> list[dict[str, Any]]:
    """Models as no LM Studio would send them, but JSON allows."""
    models = []
    for _ in range(number):
        model = any_record(chance, schema.MODELS, schema.MODEL)
        instances = [any_record(chance, schema.INSTANCES, schema.INSTANCE) for _ in range(chance.randrange(3))]
        models.append(model | {"key": any_text(chance) or "k", "loaded_instances": instances})
    return models


@pytest.fixture(scope="module")
def sources(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The generated cases in each format, as a reference that `diff` takes, and the folder of a history of them."""
    folder = tmp_path_factory.mktemp("round-trip")
    answer = folder / "answer.json"
    answer.write_text(json.dumps({"models": any_models(random.Random(12), request.param)}), encoding="utf-8")
    taken = inventory.collect(inventory.Server(f"file:{answer}", "s"), clock=lambda: MOMENT, run_id=new_run_id(MOMENT))
    assert taken.complete
    record(History(folder / "history"), taken)
    for suffix in formats.READABLE:
        taken.write(folder / f"x.{suffix}", "both")
    return {"history": folder / "history"} | {suffix: folder / f"x.{suffix}" for suffix in formats.READABLE}


def read(sources: dict[str, Path], name: str) -> Snapshot:
    """The cases as one of them has them."""
    path = sources[name]
    return History(path).load("latest") if name == "history" else inventory.read(path)


@pytest.mark.parametrize(
    ("sources", "cases"), [(100, 100), pytest.param(1000, 1000, marks=pytest.mark.long)], indirect=["sources"]
)
def test_every_pair(sources: dict[str, Path], cases: int) -> None:
    """Every file and the history hold the same cells of generated models: nothing has changed. CI takes a thousand."""
    actual = {name: read(sources, name) for name in sources}
    answer = inventory.collect(
        inventory.Server(f"file:{Path(sources['history']).parent / 'answer.json'}", "s"), clock=lambda: MOMENT
    )
    assert answer.tables["models"].num_rows == cases
    assert answer.tables["instances"].num_rows > cases // 2
    shared = replace(answer, tables={name: without_clocks(answer.tables[name]) for name in SHOWN})
    for name, one in actual.items():
        same(shared if name == "history" else answer, one, *SHOWN)
        assert inventory.compare(answer, one).table.num_rows == 0, name
    for old, new in combinations(actual, 2):
        changes = inventory.compare(actual[old], actual[new])
        assert (changes.table.num_rows, changes.not_compared) == (0, {}), (old, new)


@pytest.mark.long
@pytest.mark.parametrize("sources", [1000], indirect=True)
def test_diff_command(sources: dict[str, Path]) -> None:
    """The command says so too, of a run of the history and a file, and of any two files."""
    for old, new in (("latest", "csv"), ("csv", "parquet"), ("parquet", "xlsx"), ("xlsx", "latest")):
        one, other = (str(sources.get(name, name)) for name in (old, new))
        done = run("diff", one, other, "--history", sources["history"], "--fail-on", "any", "--json")
        assert (done.code, done.err) == (0, "")
        assert (done.data["changes"], done.data["not_compared"]) == ([], [])


@pytest.mark.parametrize("first", formats.READABLE)
@pytest.mark.parametrize("sources", [1000], indirect=True)
@pytest.mark.long
def test_through_two_formats(sources: dict[str, Path], tmp_path: Path, first: str) -> None:
    """What one format gave and another wrote is still the same."""
    taken = read(sources, first)
    for second in formats.READABLE:
        taken.write(tmp_path / f"x.{second}", "both")
        same(taken, inventory.read(tmp_path / f"x.{second}"), *SHOWN)


@READABLE
@settings(max_examples=settings().max_examples // 2, deadline=None, suppress_health_check=list(HealthCheck))
@given(taken=snapshots)
def test_any_rows(tmp_path_factory: pytest.TempPathFactory, suffix: str, taken: Snapshot) -> None:
    """Any value that a column can hold comes back, also one that no answer leads to; a failure is made small."""
    path = tmp_path_factory.getbasetemp() / f"round-trip.{suffix}"
    taken.write(path, "both")
    actual = inventory.read(path)
    same(taken, actual, *SHOWN)
    assert inventory.compare(taken, actual).table.num_rows == 0
