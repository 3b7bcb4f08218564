"""Workbooks as packages: what strict readers want of zip files, of names and of links between parts."""

import json
import os
import posixpath
import re
import shutil
import subprocess
import zipfile
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest
from openpyxl.utils import range_boundaries
from support.snapshots import fleet, hostile, same, table
from support.workbooks import STATES

import inventory
from inventory import Snapshot, schema
from inventory.formats import xlsx
from inventory.formats.xlsx.cells import list_text
from inventory.formats.xlsx.columns import names_of
from inventory.formats.xlsx.content import READ
from inventory.formats.xlsx.package import Package
from inventory.report.facts import Report
from inventory.schema import derived
from inventory.schema.derived import BREAKDOWN, CHANGE_GROUPS, FLEET, GROUPS, PROBLEMS
from inventory.tables import rows

READERS = Path(__file__).with_name("readers.cjs")
HISTORY = {"history", "verlauf", "historique", "historial", "cronologia", "hist\u00f3rico", "historik", "\u5c65\u6b74"}
"""A name that Excel keeps for itself, in some of its languages."""

TABLES = {
    one.name: one
    for one in (
        *(schema.OBSERVATIONS, schema.MODELS, schema.INSTANCES, schema.CHANGES),
        *(derived.RUNS, derived.LIFECYCLE, derived.TIMELINE, BREAKDOWN, PROBLEMS, FLEET, GROUPS, CHANGE_GROUPS),
    )
}
"""What commands write with -o."""

_CELL = re.compile(r"[a-z]{1,3}[0-9]+|r[0-9]*c?[0-9]*|c[0-9]*", re.IGNORECASE)
_ESCAPE = re.compile(r"_x([0-9A-F]{4})_")
_RELATIONSHIP = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"


WORKBOOKS = (*STATES, "tables")


@pytest.fixture(params=WORKBOOKS)
def body(request: pytest.FixtureRequest) -> bytes:
    """Each kind of workbook."""
    return workbook(request.param)


@cache
def workbook(name: str) -> bytes:
    """The workbook of a state, or of all tables."""
    if name == "tables":
        return xlsx.encode_tables([(one, table(one, [])) for one in TABLES.values()])
    return xlsx.encode(STATES[name], "both")


def test_any_reader_can_unpack_it(body: bytes) -> None:
    """No part needs more of a reader than to know compression, and each says its sizes where it begins."""
    with zipfile.ZipFile(BytesIO(body)) as archive:
        for part in archive.infolist():
            assert max(part.extract_version, part.create_version) <= 20, part
            assert part.flag_bits & 0b1001 == 0, f"{part.filename} is encrypted, or its sizes stand after it"
            begins = body[part.header_offset : part.header_offset + 30]
            sizes = [int.from_bytes(begins[at : at + 4], "little") for at in (18, 22)]
            assert sizes == [part.compress_size, part.file_size], part


def test_a_part_beyond_two_gigabytes_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the size needs it, and only there, a part is ZIP64; it is written once."""
    path = tmp_path / "x.zip"
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 199)
    with Package(path, {}) as archive:
        archive.pour("large", lambda: [bytes(100), memoryview(bytes(100))])
        archive.pour("small", lambda: [bytes(100), bytes(99)])
    with zipfile.ZipFile(path) as archive_read:
        assert archive_read.testzip() is None
        assert [archive_read.read(name) for name in archive_read.namelist()] == [bytes(200), bytes(199)]
        assert {part.filename: part.extract_version for part in archive_read.infolist()} == {"large": 45, "small": 20}


def test_names_are_legal(body: bytes) -> None:
    """Sheets, tables and defined names are called what Excel lets people call them, each differently."""
    book = openpyxl.load_workbook(BytesIO(body))
    titles = book.sheetnames
    assert len({title.casefold() for title in titles}) == len(titles)
    for title in titles:
        assert 1 <= len(title) <= 31
        assert not re.search(r"[\[\]:*?/\\\x00-\x1f]|^'|'$", title), title
        assert title.casefold() not in HISTORY
    names = [*book.defined_names, *(name for sheet in book for name in sheet.tables)]
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        assert re.fullmatch(r"[A-Za-z_\\][\w.\\]{0,254}", name), name
        assert not _CELL.fullmatch(name), f"{name} is a cell"
    for defined in book.defined_names.values():
        where, _, cells = str(defined.attr_text).rpartition("!")
        assert where.strip("'") in titles
        assert range_boundaries(cells)


def test_everything_leads_somewhere(body: bytes) -> None:
    """Each part is well-formed and declared, and each link leads to a part, sheet or table that is there."""
    with zipfile.ZipFile(BytesIO(body)) as archive:
        parts = {name: ElementTree.fromstring(archive.read(name)) for name in archive.namelist()}
    titles = {str(sheet.get("name")) for sheet in parts["xl/workbook.xml"].iter() if sheet.tag.endswith("}sheet")}
    declared = {str(item.get("PartName", "")) for item in parts["[Content_Types].xml"]}
    reached = {"[Content_Types].xml"}
    for name, tree in parts.items():
        folder, _, own = name.rpartition("/")
        links = parts.get(f"{folder}/_rels/{own}.rels", ElementTree.Element("none"))
        used = {value for part in tree.iter() for key, value in part.items() if key.startswith(_RELATIONSHIP)}
        assert used <= {str(link.get("Id")) for link in links}, name
        targets = [str(link.get("Target")) for link in tree] if name.endswith(".rels") else []
        for target in targets:
            assert not target.startswith("/"), (
                f"{name}: {target} leads there from the root, which exceljs cannot follow"
            )
            reached.add(posixpath.normpath(posixpath.join(posixpath.dirname(folder), target)))
        for element in tree.iter():
            if element.tag.endswith("}f") and element.text:
                assert element.text.rpartition("!")[0].strip("'") in titles
            if place := element.get("location"):
                assert place.rpartition("!")[0].strip("'") in titles
    assert reached == {name for name in parts if not name.endswith(".rels")}
    assert {name for name in reached if f"/{name}" not in declared} == {"[Content_Types].xml"}


def test_drawings_are_named_as_excel_names_them() -> None:
    """Elements of a drawing have the prefix that Excel gives them, without which exceljs sees no drawing."""
    with zipfile.ZipFile(BytesIO(workbook("normal"))) as archive:
        drawing = archive.read("xl/drawings/drawing1.xml")
    assert set(re.findall(rb"</?(\w+)[: />]", drawing)) == {b"xdr", b"a", b"c"}


def test_workbooks_of_before_are_read(tmp_path: Path) -> None:
    """A workbook whose sheet of runs is called History, with ZIP64 throughout, is read as it was."""
    old = tmp_path / "old.xlsx"
    original = fleet()
    with (
        zipfile.ZipFile(BytesIO(xlsx.encode(Report(original), "both"))) as archive,
        zipfile.ZipFile(old, "w") as created,
    ):
        for name in archive.namelist():
            with created.open(name, "w", force_zip64=True) as part:
                part.write(re.sub(rb"\bRuns\b", b"History", archive.read(name)))
    assert "History" in openpyxl.load_workbook(old).sheetnames
    assert {part.extract_version for part in zipfile.ZipFile(old).infolist()} == {45}
    same(original, inventory.read(old))


def javascript(*paths: Path) -> list[dict[str, Any]]:
    """What SheetJS and exceljs see of workbooks."""
    modules, node = os.environ.get("LMS_TEST_NODE_MODULES"), shutil.which("node")
    if node is None or modules is None:
        pytest.skip(
            "no SheetJS and exceljs here; get them with: npm install --prefix FOLDER xlsx@0.18.5 exceljs@4.4.0, and "
            "set LMS_TEST_NODE_MODULES=FOLDER/node_modules"
        )
    done = subprocess.run(
        [node, READERS, *paths], env={**os.environ, "NODE_PATH": modules}, check=True, capture_output=True, timeout=120
    )
    texts: list[dict[str, Any]] = json.loads(done.stdout)
    return texts


def _differences(taken: Snapshot, sheets: dict[str, list[list[Any]]]) -> list[Any]:
    """The cells in which a reader sees something else than was written; times are left out, which each has its own way.

    An empty text may be an empty cell. exceljs leaves Excel's escapes in texts as they stand.
    """
    result = []
    for item in schema.GRAIN_TABLES.values():
        heads, *lines = sheets[item.name.capitalize()]
        head = names_of(heads, READ[item.name])
        written = rows(taken.tables[item.name])
        for line, row in zip(lines[: len(written)], written, strict=True):
            cells = dict.fromkeys(head) | dict(zip(head, line, strict=False))
            for column in item.columns:
                value, expected = cells[column.name] or None, row[column.name] or None
                if expected and column.kind == schema.LIST:
                    expected = list_text(expected, column.name)
                plain = _ESCAPE.sub(lambda code: chr(int(code[1], 16)), value) if isinstance(value, str) else value
                if expected not in (value, plain) and column.kind != schema.TIME:
                    result.append((column.name, expected, value))
    return result


def test_javascript_reads_them(tmp_path: Path) -> None:
    """SheetJS and exceljs open each workbook, see every sheet, the cells as they are, and nothing that calculates."""
    bodies = {name: workbook(name) for name in WORKBOOKS} | {"fleet of answers": xlsx.encode(Report(fleet()), "both")}
    for name, body in bodies.items():
        (tmp_path / f"{name}.xlsx").write_bytes(body)
    texts = javascript(*(tmp_path / f"{name}.xlsx" for name in bodies))
    for (name, body), readers in zip(bodies.items(), texts, strict=True):
        titles = openpyxl.load_workbook(BytesIO(body), read_only=True).sheetnames
        for reader, seen in readers.items():
            assert list(seen["sheets"]) == titles, (name, reader)
            assert seen["live"] == 0, (name, reader)
            for original in {"hostile": [hostile()], "fleet of answers": [fleet()]}.get(name, []):
                assert _differences(original, seen["sheets"]) == [], (name, reader)
