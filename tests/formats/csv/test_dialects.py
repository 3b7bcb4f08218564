"""CSV where the decimal sign is a comma, and what spreadsheets of all countries make of it."""

import csv
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from support.snapshots import HOSTILE, convert, fleet, hostile, same, snapshot, snapshots

import inventory
from inventory import Snapshot, formats, schema
from inventory.config.dialects import PROGRAMS, Dialect, dialect_of
from inventory.errors import ConfigurationError, FileError
from inventory.report.facts import Report
from inventory.tables import rows

DIALECTS = set(PROGRAMS.values())
EACH = pytest.mark.parametrize("dialect", sorted(DIALECTS, key=str), ids=str)
ROW = {
    "server": "s",
    "key": "acme/one",
    "ordinal": 0,
    "type": "llm",
    "quantization_bits_per_weight": 2.06,
    "size_bytes": 4_683_000_000,
    "max_context_length": 32768,
    "capabilities_vision": True,
    "capabilities_trained_for_tool_use": False,
    "extra": '{"a": "b;c"}',
}
ONE = snapshot([ROW, ROW | {"key": "acme/two", "extra": None, "quantization_bits_per_weight": None}])


@EACH
@settings(max_examples=settings().max_examples // 2, deadline=None, suppress_health_check=list(HealthCheck))
@given(taken=snapshots)
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, dialect: Dialect, taken: Snapshot) -> None:
    """Any value that a column can hold comes back from a file in any dialect, null and the empty text apart."""
    path = tmp_path_factory.getbasetemp() / "dialect.csv"
    formats.write(Report(taken), path, "both", dialect)
    result = inventory.read(path)
    same(taken, result, "models", "instances")
    assert not result.gaps.blanks


def test_bytes(tmp_path: Path) -> None:
    """As Excel in a country with a decimal comma reads it: semicolons, and a comma before the decimals."""
    formats.write(Report(ONE), tmp_path / "x.csv", dialect=PROGRAMS["excel-de"])
    body = (tmp_path / "x.csv").read_bytes()
    assert body.startswith(b'\xef\xbb\xbf"server";"key";"ordinal";"type";')
    assert b'\r\n"s";"acme/one";0;"llm";;;;;"2,06";4683000000;' in body


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@EACH
def test_no_formula(tmp_path: Path, dialect: Dialect, separator: str) -> None:
    """Whatever separates its cells, and whatever a reader takes for that, no cell starts a formula."""
    commas = [{"server": "s", "key": f"a,{item}", "ordinal": n} for n, item in enumerate(HOSTILE)]
    original = snapshot(commas + rows(hostile().tables["models"]))
    formats.write(Report(original), tmp_path / "x.csv", dialect=dialect)
    if separator == dialect.separator:
        return  # between quotes it separates nothing; LibreOffice is asked below
    text = (tmp_path / "x.csv").read_bytes().decode("utf-8-sig")
    for piece in text.replace("\r", "\n").replace("\n", separator).split(separator):
        assert not piece.lstrip('" \x00').startswith(("=", "+", "@", "\uff1d", "\uff0b", "\uff20")), piece


@pytest.mark.long
@pytest.mark.parametrize("separator", ["44", "59", "9"])
def test_libreoffice_sees_no_formula(tmp_path: Path, separator: str) -> None:
    """LibreOffice finds none either, in files that are separated by semicolons and by tabs."""
    for name, dialect in (("semicolon", PROGRAMS["excel-de"]), ("tab", PROGRAMS["tab"])):
        commas = [text for item in HOSTILE for text in (f"a,{item}", f"a,\x00 {item}", f'",{item}')]
        models = [{"server": "s", "key": text, "ordinal": n, "description": text} for n, text in enumerate(commas)]
        original = snapshot(models)
        formats.write(Report(original), tmp_path / f"{name}.csv", dialect=dialect)
        same(original, inventory.read(tmp_path / f"{name}.csv"), "models")
        everywhere = snapshot(models + rows(hostile().tables["models"]))
        formats.write(Report(everywhere), tmp_path / f"{name}.csv", dialect=dialect)
    shown = convert(tmp_path / "semicolon.csv", "fods", f"CSV:{separator},34,76", tmp_path / "tab.csv")
    for path in (shown, shown.with_name("tab.fods")):
        body = path.read_text()
        assert body.count("SUM(1)") > len(HOSTILE)
        assert 'table:formula="' not in body
        assert 'value-type="error"' not in body


@pytest.mark.parametrize(
    ("separator", "decimal", "found"),
    [
        (None, None, Dialect()),
        (";", None, Dialect(";")),
        (";", ",", Dialect(";", ",")),
        ("tab", ",", Dialect("\t", ",")),
        ("\t", None, Dialect("\t")),
    ],
)
def test_words(separator: str | None, decimal: str | None, found: Dialect) -> None:
    """What the configuration says of a dialect."""
    assert dialect_of(separator, decimal) == found


def test_one_character_for_both() -> None:
    """A comma cannot separate cells and stand before decimals."""
    for separator in (None, ","):
        with pytest.raises(ConfigurationError, match="separator and decimal are both"):
            dialect_of(separator, ",")


def saved(path: Path, separator: str, words: tuple[str, str], comma: bool, quoting: int = csv.QUOTE_MINIMAL) -> str:
    """A file of ours as a spreadsheet saves it, as text: other separators, its words for true and false."""
    ONE.write(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    known = {"true": words[0], "false": words[1], "2.06": "2,06" if comma else "2.06"}
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=separator, quoting=quoting).writerows(  # type: ignore[arg-type]
            [known.get(cell, cell) for cell in line] for line in lines
        )
    return path.read_bytes().decode()


SAVED = {
    "excel-de": (";", ("WAHR", "FALSCH"), True),
    "excel-fr": (";", ("VRAI", "FAUX"), True),
    "excel-it": (";", ("VERO", "FALSO"), True),
    "excel-es": (";", ("VERDADERO", "FALSO"), True),
    "excel-tr": (";", ("DO\u011eRU", "YANLI\u015e"), True),
    "excel-ru": (";", ("\u0418\u0421\u0422\u0418\u041d\u0410", "\u041b\u041e\u0416\u042c"), True),
    "excel-en": (",", ("TRUE", "FALSE"), False),
    "LibreOffice": (",", ("TRUE", "FALSE"), True),
    "pandas": (",", ("True", "False"), False),
    "Unicode text": ("\t", ("WAHR", "FALSCH"), True),
}
ENDS = {
    "as it is": lambda text: text.encode(),
    "BOM": lambda text: text.encode("utf-8-sig"),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16 BE": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "UTF-16 without a mark": lambda text: text.encode("utf-16-le"),
    "LF": lambda text: text.replace("\r\n", "\n").encode(),
    "CR": lambda text: text.replace("\r\n", "\r").encode(),
    "no last line break": lambda text: text.rstrip("\r\n").encode(),
    "UTF-16, no last line break": lambda text: text.rstrip("\r\n").encode("utf-16"),
    "an empty line": lambda text: (text + "\r\n").encode(),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("program", SAVED)
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL], ids=["few quotes", "all quoted"])
def test_saved_again(tmp_path: Path, program: str, end: str, quoting: int) -> None:
    """A spreadsheet of any country may save it: nothing has changed in it."""
    path = tmp_path / "x.csv"
    path.write_bytes(ENDS[end](saved(path, *SAVED[program], quoting)))
    result = inventory.read(path)
    for changes in (inventory.compare(ONE, result), inventory.compare(result, ONE)):
        assert rows(changes.table) == []
    assert bool(result.gaps.notes) == ("no last line break" in end)


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "Our models;;;"])
def test_lines_in_front(tmp_path: Path, line: str) -> None:
    """A first line that says what separates the cells, or a title, is passed over."""
    path = tmp_path / "x.csv"
    path.write_text(f"{line}\n" + saved(path, *SAVED["excel-de"]), encoding="utf-8")
    assert inventory.compare(ONE, inventory.read(path)).table.num_rows == 0


def test_rows_without_their_last_cells(tmp_path: Path) -> None:
    """Excel leaves out separators at the end of some rows."""
    path = tmp_path / "x.csv"
    text = saved(path, *SAVED["excel-de"])
    path.write_text("".join(line.rstrip(";\r\n") + "\r\n" for line in text.splitlines()), encoding="utf-8", newline="")
    assert inventory.compare(ONE, inventory.read(path)).table.num_rows == 0


def test_a_total(tmp_path: Path) -> None:
    """A row that is of no model is left aside, with its number."""
    path = tmp_path / "x.csv"
    text = saved(path, *SAVED["excel-de"])
    path.write_text(text + "Summe;;;;;;;;;9,366E+09" + ";" * 13 + "\r\n", encoding="utf-8", newline="")
    result = inventory.read(path)
    assert inventory.compare(ONE, result).table.num_rows == 0
    assert result.gaps.notes == (f"{path}: row 4 ignored, such as a total: it has no key",)


WRONG = {
    "4,683E+09": "is a number that a spreadsheet rounded",
    "4.68E+09": "is a number that a spreadsheet rounded",
    "4.683.000.000": "is a number with separators in it",
    "4\u202f683\u202f000\u202f000": "is a number with separators in it",
    "32.768": "is a number with separators in it",
    "4,5": "is not a whole number",
    "abc": "is not a whole number",
    "01. Jan": "is not a whole number",
    "#####": "is not a whole number",
    "9223372036854775808": "is a number beyond 64 bits",
}


@pytest.mark.parametrize("text", WRONG)
@pytest.mark.parametrize("separator", [";", "\t"])
def test_numbers_that_a_spreadsheet_changed(tmp_path: Path, text: str, separator: str) -> None:
    """A number is exact, or the cell that holds another is named."""
    path = tmp_path / "x.csv"
    body = saved(path, separator, ("WAHR", "FALSCH"), True)
    path.write_text(body.replace("4683000000", text, 1), encoding="utf-8", newline="")
    with pytest.raises(FileError) as caught:
        inventory.read(path)
    assert f"row 2, column size_bytes: {text!r} {WRONG[text]}" in caught.value.what


@pytest.mark.parametrize("text", ["4683000000,0", "4683000000.00", " 4683000000 ", "+4683000000"])
def test_numbers_that_are_exact(tmp_path: Path, text: str) -> None:
    """Other ways to write the same whole number are read."""
    path = tmp_path / "x.csv"
    path.write_text(saved(path, *SAVED["excel-de"]).replace("4683000000", text), encoding="utf-8", newline="")
    assert inventory.compare(ONE, inventory.read(path)).table.num_rows == 0


def test_a_number_that_can_be_two(tmp_path: Path) -> None:
    """Where commas or tabs separate the cells, 1,234 can be more than a thousand or little more than one."""
    path = tmp_path / "x.csv"
    path.write_text(saved(path, *SAVED["Unicode text"]).replace("2,06", "1,234"), encoding="utf-16", newline="")
    with pytest.raises(FileError, match="column quantization_bits_per_weight: '1,234' can be read as two numbers"):
        inventory.read(path)


@pytest.mark.long
@pytest.mark.parametrize("way", ["csv", "tsv"])
def test_libreoffice_saves_it(tmp_path: Path, way: str) -> None:
    """What LibreOffice makes of the captured answers when it saves them as CSV again is still the same."""
    original = fleet()
    original.write(tmp_path / "x.csv")
    separator = {"csv": "59", "tsv": "9"}[way]
    shown = convert(tmp_path / "x.csv", "xlsx", "CSV:44,34,76")
    assert inventory.compare(original, inventory.read(shown)).table.num_rows == 0
    again = convert(tmp_path / "x.csv", f"csv:Text - txt - csv (StarCalc):{separator},34,76", "CSV:44,34,76")
    again = tmp_path / "as-csv" / "x.csv" if again.exists() else next(tmp_path.glob("as-*/x.csv"))
    assert inventory.compare(original, inventory.read(again)).table.num_rows == 0


def test_other_programs_write_no_guard(tmp_path: Path) -> None:
    """A text that begins with a quote is itself in a file that nobody guarded."""
    texts = ["'quoted'", "it's", "a, 'b'", "'", "a;'b'"]
    path = tmp_path / "x.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [["server", "key", "description"], *(["s", f"k{n}", item] for n, item in enumerate(texts))]
        )
    assert inventory.read(path).tables["models"].column("description").to_pylist() == texts


def test_every_program_is_read(tmp_path: Path) -> None:
    """What is written for a program is read again; its name says the language or the country."""
    for name, dialect in PROGRAMS.items():
        formats.write(Report(ONE), tmp_path / f"{name}.csv", dialect=dialect)
        same(ONE, inventory.read(tmp_path / f"{name}.csv"), "models")
    assert {"excel-de", "excel-fr", "excel", "semicolon", "tab"} <= PROGRAMS.keys()
    assert schema.MODELS.names[0] == "server"
