"""Files that went through other hands: what can be read is read by column name, and what is missing is said."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import polars
import pyarrow as pa
import pytest
from pyarrow import parquet
from support.snapshots import RUN, convert, fleet, same, snapshot

import inventory
from inventory import Snapshot, schema
from inventory.errors import FileError
from inventory.tables import rows

FLEET = fleet()
MODELS = FLEET.tables["models"]
NAMES = schema.MODELS.names


def read_same(path: Path, *, blanks: bool = False, taken: Snapshot = FLEET) -> Snapshot:
    """What is read, once it is known that nothing has changed in it, whichever side it is on."""
    result = inventory.read(path)
    for changes in (inventory.compare(taken, result), inventory.compare(result, taken)):
        assert rows(changes.table) == []
    if not blanks:
        same(taken, result, "models")
    return result


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A Parquet file of ours."""
    FLEET.write(tmp_path / "ours.parquet")
    return tmp_path / "ours.parquet"


def _with_types(frame: polars.DataFrame) -> polars.DataFrame:
    return frame.with_columns(
        polars.col("ordinal").cast(polars.Int8),
        polars.col("type").cast(polars.Categorical),
        polars.col("size_bytes").cast(polars.UInt64),
        polars.col("params_count").cast(polars.Float64),
        polars.col("max_context_length").cast(polars.Utf8),
    )


PARQUET: dict[str, Callable[[Path, Path], Any]] = {
    "pandas": lambda ours, path: pd.read_parquet(ours).to_parquet(path),
    "pandas, its own types": lambda ours, path: (
        pd.read_parquet(ours).astype({"type": "category", "size_bytes": "float64"}).to_parquet(path)
    ),
    "pandas, without attributes": lambda ours, path: pd.DataFrame(pd.read_parquet(ours).to_dict("list")).to_parquet(
        path
    ),
    "polars": lambda ours, path: polars.read_parquet(ours).write_parquet(path),
    "polars, other types": lambda ours, path: _with_types(polars.read_parquet(ours)).write_parquet(path),
    "DuckDB": lambda ours, path: duckdb.sql(f"COPY (SELECT * FROM '{ours}') TO '{path}'"),
    "DuckDB, version 2": lambda ours, path: duckdb.sql(
        f"COPY (SELECT * FROM '{ours}') TO '{path}' (FORMAT parquet, PARQUET_VERSION v2)"
    ),
    "DuckDB, other order": lambda ours, path: duckdb.sql(
        f"COPY (SELECT extra, * EXCLUDE (extra) FROM '{ours}') TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 2)"
    ),
    "Arrow, large texts": lambda _, path: parquet.write_table(
        MODELS.cast(
            pa.schema([(one.name, pa.large_string() if one.type == pa.string() else one.type) for one in MODELS.schema])
        ),
        path,
    ),
    "Arrow, dictionaries": lambda _, path: parquet.write_table(
        MODELS.set_column(3, "type", MODELS.column("type").dictionary_encode()), path
    ),
}


@pytest.mark.parametrize("way", PARQUET)
def test_parquet(way: str, ours: Path, tmp_path: Path) -> None:
    """Whoever wrote it again: the same cells, and it is said that only servers with rows are known."""
    path = tmp_path / "again.parquet"
    PARQUET[way](ours, path)
    result = read_same(path)
    (note,) = result.gaps.notes
    assert note == f"{path}: another program wrote it again: servers that have rows count as read, others are not known"
    assert set(result.tables["observations"].column("status").to_pylist()) == {"ok"}


def test_statuses_survive_pandas(tmp_path: Path) -> None:
    """What pandas keeps of a file says which answer was in doubt; of a server without rows it is not known."""
    original = snapshot([{"server": "s", "key": "a", "ordinal": 0}], status="suspect")
    original.write(tmp_path / "x.parquet")
    pd.read_parquet(tmp_path / "x.parquet").to_parquet(tmp_path / "y.parquet")
    result = inventory.read(tmp_path / "y.parquet")
    assert [(row["server"], row["status"], row["run_id"]) for row in rows(result.tables["observations"])] == [
        ("s", "suspect", RUN)
    ]
    snapshot().write(tmp_path / "x.parquet")
    pd.read_parquet(tmp_path / "x.parquet").to_parquet(tmp_path / "y.parquet")
    assert inventory.read(tmp_path / "y.parquet").tables["observations"].num_rows == 0


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("size_bytes", "abc", "row 2, column size_bytes: 'abc' is not a whole number"),
        ("size_bytes", 1.5, "row 2, column size_bytes: '1.5' is not a whole number"),
        ("size_bytes", 2**63, "row 2, column size_bytes: '9223372036854775808' is not a whole number of 64 bits"),
        ("capabilities_vision", "perhaps", "row 2, column capabilities_vision: 'perhaps' is neither true nor false"),
        ("type", 5, "column type holds int64 where texts should be"),
        ("type", ["llm"], "column type holds list<element: string> where single values should be"),
    ],
)
def test_a_value_that_is_none(column: str, values: Any, said: str, tmp_path: Path) -> None:
    """A value that cannot be one of its column is told with its row."""
    first: Any = "1" if isinstance(values, str) else type(values)(1) if not isinstance(values, list) else ["x"]
    place = NAMES.index(column)
    kind = pa.uint64() if values == 2**63 else None
    changed = MODELS.slice(0, 2).set_column(place, column, pa.array([first, values], kind))
    parquet.write_table(changed, tmp_path / "x.parquet")
    with pytest.raises(FileError) as caught:
        inventory.read(tmp_path / "x.parquet")
    assert said in caught.value.what


def test_texts_that_share_their_beginnings(tmp_path: Path) -> None:
    """An encoding in which few bytes stand for long texts is refused by its name."""
    texts = [item.name for item in MODELS.schema if item.type == pa.string()]
    encodings = dict.fromkeys(texts, "DELTA_BYTE_ARRAY")
    parquet.write_table(MODELS, tmp_path / "x.parquet", use_dictionary=False, column_encoding=encodings)
    with pytest.raises(FileError, match="column server is encoded as DELTA_BYTE_ARRAY"):
        inventory.read(tmp_path / "x.parquet")


def book(path: Path) -> openpyxl.Workbook:
    """A workbook of ours as openpyxl opens it."""
    FLEET.write(path)
    return openpyxl.load_workbook(path)


def _total(sheet: Any) -> None:
    sheet.append(["Total", None, None, *[None] * 6, "=SUM(J2:J99)"])
    sheet.append([None, None, None, *[None] * 6, 1.5e11])


def _move(sheet: Any) -> None:
    lines = [list(line) for line in sheet.iter_rows(values_only=True)]
    for number, line in enumerate(lines, 1):
        for place, value in enumerate([*line[5:], *line[:5]], 1):
            sheet.cell(number, place).value = value


def _sort(sheet: Any) -> None:
    header, *lines = [list(line) for line in sheet.iter_rows(values_only=True)]
    for number, line in enumerate([header, *reversed(lines)], 1):
        for place, value in enumerate(line, 1):
            sheet.cell(number, place).value = value


WORKBOOKS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "saved again": (lambda _: None, ""),
    "a column in front": (lambda sheet: sheet.insert_cols(1), ""),
    "a column of one's own": (lambda sheet: sheet.insert_cols(3), ""),
    "rows in front": (lambda sheet: (sheet.insert_rows(1, 3), sheet.cell(1, 1, "Our models")), ""),
    "an empty row": (lambda sheet: sheet.insert_rows(4), ""),
    "moved columns": (_move, ""),
    "sorted": (_sort, ""),
    "totals": (_total, "ignored, such as a total: it has no key"),
}


@pytest.mark.parametrize("way", WORKBOOKS)
def test_workbook(way: str, tmp_path: Path) -> None:
    """A workbook to which somebody did something is read by the names of its columns."""
    path = tmp_path / "x.xlsx"
    opened = book(path)
    change, messages = WORKBOOKS[way]
    change(opened["Models"])
    opened.create_sheet("Notes", 0)["A1"] = "server and key"
    opened.save(path)
    result = read_same(path, blanks=True)
    assert result.tables["models"].num_rows == MODELS.num_rows
    assert bool(result.gaps.notes) == bool(messages)
    assert all(messages in note and str(path) in note and "sheet Models: row" in note for note in result.gaps.notes)
    assert result.run_id == RUN


def test_workbook_without_evidence(tmp_path: Path) -> None:
    """Without the sheet that says who was read, servers that have rows count as read, and that is said."""
    path = tmp_path / "x.xlsx"
    opened = book(path)
    del opened["Observations"]
    opened.save(path)
    result = read_same(path, blanks=True)
    assert result.gaps.notes == (
        f"{path}: no sheet Observations: servers that have rows count as read, others are not known",
    )
    assert result.run_id == ""


def test_a_frame_as_a_workbook(tmp_path: Path) -> None:
    """A table that pandas writes into a sheet with another name is found by its columns."""
    path = tmp_path / "x.xlsx"
    write(FLEET.models, path)
    assert read_same(path, blanks=True).grains == ("model",)


def test_evidence_without_a_server(tmp_path: Path) -> None:
    """Rows of a server of which nothing says that it was read are not compared, and that is said."""
    path = tmp_path / "x.xlsx"
    opened = book(path)
    server = opened["Observations"]["A2"].value
    opened["Observations"].delete_rows(2)
    opened.save(path)
    (note,) = inventory.read(path).gaps.notes
    assert f"rows of {server} are not compared" in note


def test_a_cell_that_is_none_of_its_column(tmp_path: Path) -> None:
    """It is told with its sheet, row and column."""
    path = tmp_path / "x.xlsx"
    opened = book(path)
    place = next(cell.column for cell in opened["Models"][1] if cell.value == "Size")
    opened["Models"].cell(3, place).value = "much"
    opened.save(path)
    with pytest.raises(FileError, match="sheet Models: row 3, column Size: 'much' is not a whole number"):
        inventory.read(path)


def test_a_newer_version(tmp_path: Path) -> None:
    """A newer version's files are read as far as they are known, and it is said that it wrote them."""
    import json

    path = tmp_path / "x.parquet"
    FLEET.write(path)
    table = parquet.read_table(path)
    about = json.loads(table.schema.metadata[b"lms-inventory"]) | {"schema_version": 99, "version": "9.0.0"}
    newer = table.append_column("not_yet_known", pa.array(["mit"] * table.num_rows))
    parquet.write_table(newer.replace_schema_metadata({b"lms-inventory": json.dumps(about)}), path)
    result = read_same(path)
    assert [note.removeprefix(f"{path}: ") for note in result.gaps.notes] == [
        "column not_yet_known ignored: it was written by a newer version, or added by hand",
        "lms-inventory 9.0.0 wrote it, which is newer than this one",
    ]
    opened = book(tmp_path / "x.xlsx")
    evidence = opened["Observations"]
    place = next(cell.column for cell in evidence[1] if cell.value == "Tool version")
    for line in range(2, evidence.max_row + 1):
        evidence.cell(line, place).value = "9.0.0"
    opened.save(tmp_path / "x.xlsx")
    (note,) = read_same(tmp_path / "x.xlsx", blanks=True).gaps.notes
    assert note.endswith("lms-inventory 9.0.0 wrote it, which is newer than this one")


def write(frame: pd.DataFrame, path: Path) -> None:
    """Write a file as pandas does."""
    if path.suffix == ".xlsx" and "as_of" in frame:  # pandas writes no times with a zone into workbooks
        frame = frame.assign(as_of=frame["as_of"].dt.tz_localize(None))
    ways: dict[str, Callable[..., Any]] = {"csv": frame.to_csv, "parquet": frame.to_parquet, "xlsx": frame.to_excel}
    ways[path.suffix[1:]](path, index=False)


COLUMNS = [name for name in NAMES if name not in ("server", "key")]


@pytest.mark.parametrize("suffix", ["csv", "parquet", "xlsx"])
@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_less(suffix: str, name: str, tmp_path: Path) -> None:
    """A column that the file lacks is null and not compared; all are named but ordinals, which follow, and the age."""
    path = tmp_path / f"x.{suffix}"
    frame = MODELS.drop_columns([name]).to_pandas()
    write(frame, path)
    result = read_same(path, blanks=True)
    if name == "ordinal":
        assert result.tables["models"].column(name).to_pylist() == MODELS.column(name).to_pylist()
    else:
        assert result.tables["models"].column(name).null_count == MODELS.num_rows
        assert any(f"no column {name}" in note for note in result.gaps.notes) == (name != "as_of")


@pytest.mark.parametrize("suffix", ["csv", "parquet", "xlsx"])
@pytest.mark.parametrize("place", [0, 1, 7, len(NAMES)])
def test_a_column_more(suffix: str, place: int, tmp_path: Path) -> None:
    """An unknown column is left aside and named; a field of that name in ``extra`` of the other side is no news."""
    path = tmp_path / f"x.{suffix}"
    frame = FLEET.models
    frame.insert(place, "license_name", "mit")
    write(frame, path)
    result = read_same(path, blanks=True)
    assert any("column license_name ignored" in note for note in result.gaps.notes)
    extra = ['{"license": {"name": "mit"}}'] * MODELS.num_rows
    with_field = MODELS.set_column(NAMES.index("extra"), "extra", pa.array(extra))
    shown = Snapshot({**FLEET.tables, "models": with_field.cast(MODELS.schema)})
    plain = Snapshot(
        {
            **FLEET.tables,
            "models": MODELS.set_column(
                NAMES.index("extra"), MODELS.field("extra"), pa.nulls(MODELS.num_rows, pa.string())
            ),
        }
    )
    without = Snapshot({**result.tables, "models": plain.tables["models"]}, result.grains, gaps=result.gaps)
    assert inventory.compare(without, shown).table.num_rows == 0
    assert inventory.compare(plain, shown).table.num_rows > 0


BLANKS = snapshot(
    [{"server": "s", "key": key, "ordinal": 0, "publisher": publisher} for key, publisher in (("a", ""), ("b", None))],
    [
        {
            "server": "s",
            "key": "a",
            "ordinal": 0,
            "instance_id": one,
            "instance_ordinal": 0,
            "config_reasoning_budget_message": two,
        }
        for one, two in (("", ""), ("x", None))
    ],
)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "xlsx"])
def test_blanks_kept(suffix: str, tmp_path: Path) -> None:
    """In files that we wrote, an empty text and none are told apart."""
    BLANKS.write(tmp_path / f"x.{suffix}", "both")
    result = inventory.read(tmp_path / f"x.{suffix}")
    same(BLANKS, result, "models", "instances")
    assert not result.gaps.blanks
    other = snapshot(
        [row | {"publisher": None} for row in rows(BLANKS.tables["models"])], rows(BLANKS.tables["instances"])
    )
    assert inventory.compare(result, other).table.num_rows == 1


@pytest.mark.parametrize("way", ["openpyxl", pytest.param("LibreOffice", marks=pytest.mark.long)])
def test_blanks_lost_in_a_workbook(way: str, tmp_path: Path) -> None:
    """Programs that save a workbook again drop empty texts: then they are compared as if they were none."""
    path = tmp_path / "x.xlsx"
    BLANKS.write(path)
    if way == "openpyxl":
        openpyxl.load_workbook(path).save(path)
    else:
        path = convert(path, "xlsx")
    assert read_same(path, blanks=True, taken=BLANKS).gaps.blanks


def test_blanks_lost_in_a_csv_file(tmp_path: Path) -> None:
    """So do those that save CSV without quotes."""
    path = tmp_path / "x.csv"
    BLANKS.write(path, "both")
    for name in ("x.models.csv", "x.instances.csv"):
        with (tmp_path / name).open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file))
        with (tmp_path / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(lines)
    assert read_same(path, blanks=True, taken=BLANKS).gaps.blanks
