"""Any bytes as a file give a snapshot that can be compared, or one of our errors; never another exception.

Besides bits, the values themselves are changed: in a workbook's parts, in the cells of a CSV file, and in a Parquet
file's columns, where checksums would hide what the reader makes of them. Files that were once read wrongly stand in
``corpus/files``.
"""

import random
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from support.snapshots import same

import inventory
from inventory import Snapshot, formats, schema
from inventory.errors import InventoryError
from inventory.stub_server import inventory_before
from security.test_fuzz_bodies import TOKENS

HERE = Path(__file__).parent
SEEDS = sorted(path for path in (HERE / "corpus" / "files").iterdir() if path.is_file())
SECONDS = 5
CELLS = [*(token.decode("latin-1") for token in TOKENS), "ok", "1e400", "-1", "0.5", "TRUE", "a\tb", '{"a": 1}', "[1]"]


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """What the mutations begin with."""
    import json

    path = tmp_path_factory.mktemp("fuzz") / "answer.json"
    path.write_text(json.dumps({"models": inventory_before()}))
    return inventory.collect(inventory.Server(f"file:{path}", "s"))


def check(path: Path, taken: Snapshot) -> bool:
    """Whether a file is read, once it is known that what is read can be used."""
    began = time.process_time()
    actual = refused = None
    try:
        actual = inventory.read(path)
    except InventoryError as error:
        refused = error
    assert time.process_time() - began < SECONDS
    if actual is None:
        assert refused is not None
        assert refused.exit_code in (2, 4)
        assert str(path) in str(refused)
        return False
    assert inventory.compare(actual, actual).table.num_rows == 0
    inventory.compare(taken, actual)
    inventory.compare(actual, taken)
    return True


def flipped(chance: random.Random, body: bytes) -> bytes:
    """A file in which bytes were changed, taken out, put in or said twice, here and there."""
    result = bytearray(body)
    for _ in range(chance.choice([1, 1, 2, 5])):
        place = chance.choice([chance.randrange(len(result)), len(result) - 1 - chance.randrange(len(result)) // 8])
        kind = chance.randrange(4)
        if kind == 0:
            result[place] = chance.randrange(256)
        elif kind == 1:
            del result[place : place + chance.choice([1, 4, 100])]
        elif kind == 2:
            result[place:place] = chance.choice(TOKENS)
        else:
            result[place:place] = result[place : place + chance.choice([1, 10, 100])]
        result = result or bytearray(b"x")
    return bytes(result)


def csv_cells(chance: random.Random, path: Path) -> None:
    """Change cells of a CSV file."""
    lines = path.read_bytes().split(b"\r\n")
    line = chance.randrange(1, len(lines) - 1)
    cells = lines[line].split(b",")
    cells[chance.randrange(len(cells))] = chance.choice(CELLS).encode("latin-1")
    lines[line] = b",".join(cells)
    path.write_bytes(b"\r\n".join(lines))


def parquet_cells(chance: random.Random, path: Path) -> None:
    """Change values of a Parquet file, also into those that its types should not hold."""
    table = parquet.read_table(path)
    number = chance.randrange(table.num_columns)
    field = table.schema.field(number)
    values: list[Any] = table.column(number).to_pylist()
    row = chance.randrange(len(values))
    if pa.types.is_string(field.type):
        binary = [None if value is None else value.encode() for value in values]
        binary[row] = chance.choice([None, b"", chance.choice(CELLS).encode("latin-1"), chance.randbytes(5)])
        column = pa.array(binary, pa.binary()).view(pa.string())
    else:
        words: dict[Any, list[Any]] = {pa.int64(): [-1, 2**63 - 1, 0], pa.float64(): [float("nan"), float("inf"), -0.0]}
        if pa.types.is_timestamp(field.type):
            words[field.type] = [datetime(1, 1, 1, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)]
        values[row] = chance.choice([None, *words.get(field.type, [True, False])])
        column = pa.array(values, field.type)
    parquet.write_table(table.set_column(number, field, column), path, compression="zstd", write_page_checksum=True)


def xlsx_parts(chance: random.Random, path: Path) -> None:
    """Change a part of a workbook, and leave the zip file whole."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    read = [name for name in parts if name.startswith("xl/w") or "rels" in name]
    name = chance.choice(read)
    if chance.random() < 0.5:
        parts[name] = flipped(chance, parts[name])
    else:  # a value
        pieces = parts[name].split(b">")
        number = chance.randrange(len(pieces))
        old, _, tag = pieces[number].partition(b"<")
        pieces[number] = (chance.choice(CELLS).encode("latin-1") if old else old) + b"<" + tag
        parts[name] = b">".join(pieces)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


INSIDE: dict[str, Callable[[random.Random, Path], None]] = {
    "csv": csv_cells,
    "parquet": parquet_cells,
    "xlsx": xlsx_parts,
}


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.name)
def test_seed(path: Path, taken: Snapshot) -> None:
    """Every file of the corpus is read or refused."""
    check(path, taken)


@pytest.mark.parametrize("suffix", formats.READABLE)
@pytest.mark.parametrize(
    "examples",
    [60, pytest.param(200, marks=pytest.mark.long), pytest.param(33_334, marks=pytest.mark.full)],
)
def test_mutations(tmp_path: Path, suffix: str, examples: int, taken: Snapshot) -> None:
    """So is every file of ours in which something was changed at random."""
    path = tmp_path / f"x.{suffix}"
    chance = random.Random(examples)
    grains = {grain: tmp_path / f"{grain}.{suffix}" for grain in schema.GRAINS}
    for grain, original in grains.items():
        taken.write(original, grain)
    same(taken, inventory.read(grains["model"]), "models")
    refused = 0
    for number in range(examples):
        path.write_bytes(chance.choice([*grains.values()]).read_bytes())
        if number % 2:
            INSIDE[suffix](chance, path)
        else:
            path.write_bytes(flipped(chance, path.read_bytes()))
        try:
            refused += not check(path, taken)
        except Exception as error:
            raise AssertionError(f"example {number} of {examples}: {path}") from error
    assert 0 < refused < examples
