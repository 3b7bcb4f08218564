"""Each limit and each check of a file alone: all but one of them hold, and the error says which does not."""

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow.parquet import read_metadata, write_table
from security.test_hostile_files import rewrite
from support.snapshots import RUN, fleet, snapshot

import inventory
from inventory import Snapshot, formats, limits, schema
from inventory.errors import FileError
from inventory.formats import _limits, _validation, csv
from inventory.formats.csv import foreign
from inventory.formats.parquet import page_headers
from inventory.formats.xlsx import reader

ROW = {"server": "s", "key": "a", "ordinal": 0}
SHEET = "xl/worksheets/sheet2.xml"


def refused(path: Path) -> str:
    """Why a file is refused: what is told, and what led to it."""
    with pytest.raises(FileError) as caught:
        inventory.read(path)
    return f"{caught.value.what} / {caught.value.__cause__}"


def written(folder: Path, suffix: str) -> Path:
    """A file of ours."""
    path = folder / f"x.{suffix}"
    fleet().write(path)
    return path


@pytest.mark.guard("Parquet the pages are looked at")
@pytest.mark.guard("Parquet the footer is looked at")
@pytest.mark.guard("what pages unpack to")
@pytest.mark.guard("elements of a workbook")
@pytest.mark.guard("what a workbook unpacks to")
@pytest.mark.guard("bytes of the rows of a file")
@pytest.mark.parametrize(
    ("suffix", "room", "name", "limit", "said"),
    [
        *((suffix, limits, "FILE_LIMIT", 10, "it has ") for suffix in formats.READABLE),
        ("xlsx", limits, "WORKBOOK_PARTS", 3, " parts"),
        ("xlsx", limits, "WORKBOOK_LIMIT", 1000, "it unpacks to"),
        ("xlsx", limits, "WORKBOOK_ELEMENTS", 10, "more cells"),
        ("xlsx", limits, "XML_NAMES", 5, "more names"),
        ("xlsx", limits, "CELL_TEXT", 8, "a text that no cell can"),
        *((suffix, limits, "CELL_PARTS", 0, "holds more than any answer") for suffix in formats.READABLE),
        *((suffix, limits, "COLUMN_PARTS", 1, "holds more than any answer") for suffix in formats.READABLE),
        ("parquet", limits, "PARQUET_FOOTER", 10, "its footer has"),
        ("parquet", limits, "PARQUET_PAGE", 0, "it unpacks to"),
        ("parquet", limits, "PARQUET_PAGES", 0, "it unpacks to"),
        ("parquet", page_headers, "row_bytes", lambda _: 0, "it unpacks to"),
        ("parquet", limits, "PARQUET_PARTS", 0, "more than the observations"),
        ("parquet", limits, "PARQUET_TEXTS", 0, "its texts take more"),
        ("csv", csv, "row_bytes", lambda _: 0, " lines"),
        ("csv", limits, "CSV_HEADER", 5, "its first line has more than"),
        *((suffix, _limits, "row_bytes", lambda _: 0, "its rows take more") for suffix in ("csv", "xlsx")),
    ],
)
def test_each_limit(
    suffix: str, room: Any, name: str, limit: Any, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is over one limit is refused for it."""
    path = written(tmp_path, suffix)
    inventory.read(path)
    monkeypatch.setattr(room, name, limit)
    assert said in refused(path)


@pytest.mark.parametrize(
    ("room", "name", "limit", "said"),
    [
        (limits, "CSV_LINE", 20, "a line has more than"),
        (limits, "CSV_ROWS", 3, "it has more than 3 rows"),
        (_limits, "row_bytes", lambda _: 0, "its rows take more"),
    ],
)
def test_each_limit_of_what_others_save(
    room: Any, name: str, limit: Any, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A CSV file of another program is read within limits too."""
    path = written(tmp_path, "csv")
    path.write_bytes(path.read_text("utf-8-sig").encode("utf-16"))
    inventory.read(path)
    monkeypatch.setattr(room, name, limit)
    monkeypatch.setattr(foreign, "_BATCH", 2)
    assert said in refused(path)


@pytest.mark.skipif(not Path("/dev/null").is_char_device(), reason="no devices here")
@pytest.mark.parametrize("suffix", formats.READABLE)
def test_only_a_regular_file_is_read(suffix: str, tmp_path: Path) -> None:
    """A device under the name of a file is told as that, before anything is read from it."""
    path = tmp_path / f"x.{suffix}"
    path.symlink_to("/dev/null")
    assert "not a regular file" in refused(path)


def test_the_limit_of_shared_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts that many cells share, as Excel saves them, have a limit together."""
    path = written(tmp_path, "xlsx")
    rewrite(path, {"xl/sharedStrings.xml": b"<sst><si><t>abc</t></si><si><t>def</t></si></sst>"})
    named = b'<Relationship Id="texts" Type="x/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
    rewrite(path, {"xl/_rels/workbook.xml.rels": named}, b"</Relationships>")
    inventory.read(path)
    monkeypatch.setattr(limits, "SHARED_TEXTS", 5)
    assert "its texts have more" in refused(path)


def test_how_a_text_is_pronounced_is_no_part_of_it(tmp_path: Path) -> None:
    """Excel keeps readings beside Japanese texts, and a text in runs of different looks: people see the runs."""
    path = written(tmp_path, "xlsx")
    text = b"<si><r><t>go</t></r><rPh sb='0' eb='1'><t>READ</t></rPh><r><t>ogle</t></r><phoneticPr/></si>"
    rewrite(path, {"xl/sharedStrings.xml": b"<sst>" + text + b"</sst>"})
    named = b'<Relationship Id="texts" Type="x/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
    rewrite(path, {"xl/_rels/workbook.xml.rels": named}, b"</Relationships>")
    rewrite(path, {"xl/worksheets/sheet2.xml": b'<row><c t="s"><v>0</v></c></row></sheetData>'}, b"</sheetData>")
    with path.open("rb") as file:
        parts = reader.WorkbookReader(path, file)
        _, [last] = [*parts.numbered_rows(parts.titles[1])][-1]
    assert last == reader.Cell("s", "google")


@pytest.mark.parametrize(
    ("pattern", "content", "said"),
    [
        (b"^", b"<!DOCTYPE a []>", "a document type"),
        (b"</sheetData>", b'<row><c r="B9"/><c r="A9"/></row></sheetData>', "stands twice"),
        (b"</sheetData>", b'<row r="2"><c r="A2"/></row></sheetData>', "row 2 stands there twice"),
        (b"</sheetData>", b'<row><c r="ZZZZ9"/></row></sheetData>', "no column has this name"),
        (rb"(?<=<v>)[0-9]{2,}(?=</v>)", b"1.5", "not a whole number"),
        (rb"(?<=<v>)[0-9]{2,}(?=</v>)", b"1e16", "not a whole number"),
        (b"</sheetData>", b'<row><c><v>1.5</v></c><c t="s"><v>99</v></c></row></sheetData>', "out of range"),
    ],
)
def test_each_check_of_a_sheet(pattern: bytes, content: bytes, said: str, tmp_path: Path) -> None:
    """A sheet that no program writes is refused for what is odd in it."""
    path = written(tmp_path, "xlsx")
    rewrite(path, {SHEET: content}, pattern)
    assert said in refused(path)


@pytest.mark.parametrize("cells", [b"<c/>" * 20_000, b'<c r="XFD9"/>', b'<c r="A9"/><c r="BZ9"/><c r="XFD9"/>'])
def test_no_row_has_more_cells_than_our_tables_have_columns(cells: bytes, tmp_path: Path) -> None:
    """What stands far on the right is left out, however many cells there are or seem to be."""
    path = written(tmp_path, "xlsx")
    rewrite(path, {SHEET: b'<row r="9000">' + cells + b"</row></sheetData>"}, b"</sheetData>")
    with path.open("rb") as file:
        assert max(len(cells) for _, cells in reader.WorkbookReader(path, file).numbered_rows("Models")) == 64
    assert max(len(item.columns) for item in schema.TABLES.values()) < 64


@pytest.mark.parametrize("suffix", formats.READABLE)
def test_an_empty_file_is_not_begun(suffix: str, tmp_path: Path) -> None:
    """The system's own files tell no size, and may have no end."""
    path = tmp_path / f"x.{suffix}"
    path.touch()
    assert "it is empty" in refused(path)
    if Path("/proc/self/pagemap").exists():
        path.unlink()
        path.symlink_to("/proc/self/pagemap")
        assert "it is empty" in refused(path)


@pytest.mark.parametrize(
    ("observed", "said"),
    [
        ({"run_id": "../../pwned"}, "no run has such an id"),
        ({"run_id": "a\0b"}, "no run has such an id"),
        ({"run_id": "\x1b[31m"}, "no run has such an id"),
        ({"run_id": f"{RUN}x"}, "no run has such an id"),
        ({"status": None}, "no status"),
        ({"status": "fine"}, "no status"),
        ({"observed_at": datetime(1, 1, 1, tzinfo=UTC)}, "at such a time"),
        ({"observed_at": datetime(9999, 12, 31, 23, 59, tzinfo=UTC)}, "at such a time"),
    ],
    ids=str,
)
@pytest.mark.parametrize("suffix", ["parquet", "xlsx"])
def test_what_no_run_can_say_of_itself(suffix: str, observed: dict[str, Any], said: str, tmp_path: Path) -> None:
    """A run's id names files, and its time is told in any zone: a file with others is refused."""
    with pytest.raises(ValueError, match=said):
        _validation.check(snapshot([ROW], **observed))
    path = tmp_path / f"x.{suffix}"
    with contextlib.suppress(Exception):  # some of it cannot even be written
        snapshot([ROW], **observed).write(path)
    if path.exists():
        refused(path)


def test_two_runs_in_one_file() -> None:
    """A file is of one run."""
    item = snapshot([ROW]).tables
    two = snapshot([{**ROW, "server": "t"}], run_id=RUN.replace("3f9a", "0000")).tables["observations"]
    with pytest.raises(ValueError, match="no run has such an id"):
        _validation.check(Snapshot({**item, "observations": pa.concat_tables([item["observations"], two])}))


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (b"\x15\0\x15\1\x15\0\0", "less than nothing"),
        (b"\x15\0\x15\0\x15\1\0", "less than nothing"),
        (b"\x15\0\x15\0\x15\0" + b"\x1c" * 20, "nested too deep"),
        (b"\x15" + b"\xff" * 20, "beyond 64 bits"),
    ],
)
def test_each_check_of_a_page(header: bytes, said: str) -> None:
    """The header of a page that no program writes is refused."""
    with pytest.raises(ValueError, match=said):
        page_headers._header(header, 0)


@pytest.mark.parametrize("name", ["server", "key"])
@pytest.mark.parametrize("suffix", formats.READABLE)
def test_a_table_without_its_names_is_refused(suffix: str, name: str, tmp_path: Path) -> None:
    """Without the server or the key, no row says what it is of: the column that lacks is told."""
    path = tmp_path / f"x.{suffix}"
    models = fleet().tables["models"].drop_columns([name])
    if suffix == "xlsx":
        models.drop_columns("as_of").to_pandas().to_excel(path)  # pandas writes no zones there
        assert "no sheet of models or instances is in it, only Sheet1" in refused(path)
        path = written(tmp_path, suffix)
        rewrite(path, {SHEET: f">{name}_<".encode()}, f">{name.capitalize()}<".encode())
        assert "no row names the columns server and key" in refused(path)
        return
    if suffix == "csv":
        models.to_pandas().to_csv(path, index=False)
    else:
        metadata = read_metadata(written(tmp_path, suffix)).metadata
        write_table(models.replace_schema_metadata(metadata), path)
    assert f"it has no column {name}" in refused(path)


def test_a_csv_file_that_was_cut_off_at_a_line_break_in_a_text(tmp_path: Path) -> None:
    """Every line of such a file is whole, and the text is not."""
    path = tmp_path / "x.csv"
    body = b'\xef\xbb\xbf"server","key","description"\r\n"s","a","x"\r\n"s","b","x\r\n'
    path.write_bytes(body + b'y"\r\n')
    assert inventory.read(path).tables["models"].column("description").to_pylist() == ["x", "x\r\ny"]
    path.write_bytes(body)
    assert "it is cut off inside a text of row 3" in refused(path)


def of_kind(kind: str) -> str:
    """A column of the models that holds such values."""
    return next(column.name for column in schema.MODELS.columns if column.kind == kind)


def with_first(name: str, value: Any, table: str = "models") -> Callable[[Snapshot], None]:
    """A change of the first row of a table."""

    def change(taken: Snapshot) -> None:
        content = taken.tables[table]
        place, field = content.column_names.index(name), content.schema.field(name)
        cells = [value, *content.column(name).to_pylist()[1:]]
        if isinstance(value, bytes):
            offsets = pa.array([0] + [len(value)] * len(cells), pa.int32()).buffers()[1]
            column = pa.Array.from_buffers(field.type, len(cells), [None, offsets, pa.py_buffer(value)])
        else:
            column = pa.array(cells, field.type)
        taken.tables[table] = content.set_column(place, pa.field(name, field.type), column)  # type: ignore[index]

    return change


def doubled(taken: Snapshot) -> None:
    """The first model stands there twice."""
    models = taken.tables["models"]
    taken.tables["models"] = pa.concat_tables([models, models.slice(0, 1)])  # type: ignore[index]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (with_first("description", b"\xff"), "UTF8"),
        (doubled, "stands there twice"),
        (with_first("status", "fine", "observations"), "no status has such a name"),
        (with_first("key", None), "a row without its key"),
        (with_first(of_kind(schema.NUMBER), float("nan")), "is no number"),
        (with_first(of_kind(schema.LIST), "{}"), "is no JSON of its kind"),
        (with_first(of_kind(schema.LIST), "[1]"), "is no JSON of its kind"),
        (with_first(of_kind(schema.OBJECT), "[]"), "is no JSON of its kind"),
        (with_first(of_kind(schema.OBJECT), '{"a": NaN}'), "NaN"),
        (with_first(of_kind(schema.OBJECT), '{"a": "\\ud800"}'), "half of a surrogate pair"),
        (with_first(of_kind(schema.LIST), '["\\udfff"]'), "half of a surrogate pair"),
        (with_first("key", "none such", "instances"), "a model that is not there"),
    ],
)
def test_each_check_of_what_a_file_says(change: Callable[[Snapshot], None], said: str) -> None:
    """A snapshot is sound only if all of it is."""
    original = _validation.check(fleet())
    changed = Snapshot(dict(original.tables), original.grains)
    change(changed)
    with pytest.raises(ValueError, match=said):
        _validation.check(changed)
