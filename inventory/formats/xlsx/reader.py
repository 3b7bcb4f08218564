"""The parts of a workbook, read piece by piece and within limits: a part may be made to unpack or to grow without end.

openpyxl, which writes our workbooks, reads them without such limits, and takes three times as long. The names of
elements and attributes are those of ECMA-376 Part 1 (SpreadsheetML 18.3 and 18.4), whatever their namespace: the strict
variant has others.
"""

import zipfile
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple
from xml.parsers import expat

from inventory import limits
from inventory.formats._limits import size_of, too_large
from inventory.formats._unreadable import Unreadable, check_workbook
from inventory.formats.xlsx.package import MOMENT

_ENTRY = b"PK\x01\x02"  # how the directory of a zip file begins each entry
_PIECE = 2**16
_WORKBOOK = "xl/workbook.xml"

Attributes = dict[str, str]


class Cell(NamedTuple):
    """A cell as it stands in the file: its type (``n``, ``s``, ``b``, ...) and its text, shared texts looked up."""

    kind: str
    text: str | None


NumberedRow = tuple[int, list[Cell | None]]


class WorkbookReader:
    """The parts of one workbook.

    Args:
        path: its place, for messages.
        file: its bytes; they stay open as long as it is read.

    Raises:
        FileError: it would unpack to too much.
        Unreadable: it is no workbook that can be read.
    """

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path = path
        size = size_of(path)
        entries = sum(piece.count(_ENTRY) for piece in iter(lambda: file.read(_PIECE), b""))
        if entries > limits.WORKBOOK_PARTS:
            raise too_large(path, f"it has {entries:,} parts")
        try:
            self._archive = zipfile.ZipFile(file)
        except zipfile.BadZipFile as error:
            raise Unreadable("it is damaged: a part of the ZIP file is missing", "Copy it again") from error
        unpacked = sum(entry.file_size for entry in self._archive.infolist())
        most = min(limits.WORKBOOK_LIMIT, max(limits.WORKBOOK_ALWAYS, limits.WORKBOOK_RATIO * size))
        if unpacked > most:  # guard: what a workbook unpacks to
            raise too_large(path, f"it unpacks to {unpacked:,} bytes")
        self._elements = 0
        check_workbook(self._archive.namelist())
        targets = self._targets()
        self._sheets = {name: targets[place][1] for name, place in self._named()}
        shared = [place for kind, place in targets.values() if kind == "sharedStrings"]
        self._shared = self._texts(shared[0]) if shared else []

    @property
    def titles(self) -> list[str]:
        """The names of the sheets, in their order."""
        return list(self._sheets)

    @property
    def untouched(self) -> bool:
        """True if no program has saved it again, as far as the times in it tell."""
        return all(entry.date_time == MOMENT for entry in self._archive.infolist())

    def numbered_rows(self, title: str) -> Iterator[NumberedRow]:
        """Read the rows of a sheet, each with its number and its cells, with None for each that is not there."""
        sheet = _Sheet(self._shared)
        for _ in self._walk(self._sheets[title], sheet.begin, sheet.end, sheet.add_text):
            yield from sheet.finished_rows()

    def _targets(self) -> dict[str, tuple[str, str]]:
        """Read the parts that the workbook names: their kinds and paths, by the id that it gives them."""
        targets = {}
        folder = PurePosixPath(_WORKBOOK).parent

        def begin(name: str, attributes: Attributes) -> None:
            if name == "Relationship":
                kind = attributes["Type"].rpartition("/")[2]
                target = attributes["Target"]
                targets[attributes["Id"]] = kind, target[1:] if target.startswith("/") else str(folder / target)

        self._read("xl/_rels/workbook.xml.rels", begin)
        return targets

    def _named(self) -> list[tuple[str, str]]:
        """Read the name of each sheet, and the id of its part."""
        names = []

        def begin(name: str, attributes: Attributes) -> None:
            if name == "sheet":
                words = {_local(word): value for word, value in attributes.items()}
                names.append((words["name"], words["id"]))

        self._read(_WORKBOOK, begin)
        return names

    def _texts(self, part: str) -> list[str]:
        """Read the texts that cells share."""
        texts: list[str] = []
        pieces: list[str] = []
        inside = _Inside()
        total = 0

        def end(name: str) -> None:
            nonlocal total
            inside.end(name)
            if name == "si":
                texts.append("".join(pieces))
                pieces.clear()
                total += len(texts[-1])
                if total > limits.SHARED_TEXTS:
                    raise too_large(self._path, f"its texts have more than {limits.SHARED_TEXTS:,} characters")

        def add_text(text: str) -> None:
            if inside.text:
                pieces.append(text)

        self._read(part, lambda name, _: inside.begin(name), end, add_text)
        return texts

    def _read(
        self,
        part: str,
        begin: Callable[[str, Attributes], None],
        end: Callable[[str], None] = lambda _: None,
        add_text: Callable[[str], None] = lambda _: None,
    ) -> None:
        deque(self._walk(part, begin, end, add_text), 0)

    def _walk(
        self,
        part: str,
        begin: Callable[[str, Attributes], None],
        end: Callable[[str], None],
        add_text: Callable[[str], None],
    ) -> Iterator[None]:
        """Tell of the elements and texts of a part; comes back after each piece of it."""
        packed = self._archive.getinfo(part).compress_size
        in_part = max(limits.PART_ELEMENTS, limits.PART_RATIO * packed // 2)
        elements = 0  # Of this part: others are read between its pieces.

        def counted(name: str, attributes: Attributes) -> None:
            nonlocal elements
            elements += 1
            self._elements += 1
            if elements > in_part or self._elements > limits.WORKBOOK_ELEMENTS:  # guard: elements of a workbook
                raise too_large(self._path, "it has more cells than a workbook of its size")
            begin(_local(name), attributes)

        def refuse(*_: object) -> None:
            raise ValueError("a document type, which can stand for anything")

        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = counted
        parser.EndElementHandler = lambda name: end(_local(name))
        parser.CharacterDataHandler = add_text
        parser.StartDoctypeDeclHandler = refuse
        with self._archive.open(part) as source:
            while piece := source.read(_PIECE):
                parser.Parse(piece, False)
                if len(parser.intern) > limits.XML_NAMES:
                    raise too_large(self._path, "it has more names than a workbook needs")
                yield
            parser.Parse(b"", True)
            yield


def _local(name: str) -> str:
    """Remove the prefix of its namespace from a name."""
    return name.rpartition(":")[2] if ":" in name else name


class _Inside:
    """Return whether a text is one that people see: within ``t``, and not how it is pronounced (``rPh``)."""

    def __init__(self) -> None:
        self.text = False
        self._spoken = False

    def begin(self, name: str) -> None:
        if name == "rPh":
            self._spoken = True
        elif name == "t":
            self.text = not self._spoken

    def end(self, name: str) -> None:
        if name == "rPh":
            self._spoken = False
        elif name == "t":
            self.text = False


class _Sheet:
    """Takes the cells out of a sheet."""

    def __init__(self, shared: list[str]) -> None:
        self._shared = shared
        self._rows: list[NumberedRow] = []
        self._row: list[Cell | None] = []
        self._number = 0
        self._kind = "n"
        self._value = False
        self._inside = _Inside()
        self._pieces: list[str] = []
        self._characters = 0
        self._has_text = False
        self._places: dict[str, int] = {}

    def begin(self, name: str, attributes: Attributes) -> None:
        """Begin an element."""
        if name == "c":
            self._kind = attributes.get("t", "n")
            self._pieces.clear()
            self._characters = 0
            self._has_text = False
            if reference := attributes.get("r"):
                missing = self._place(reference.rstrip("0123456789")) - len(self._row)
                if missing < 0:
                    raise ValueError("a cell that stands twice")
                self._row += [None] * min(missing, limits.READ_COLUMNS - len(self._row))
        elif name == "v":
            self._value = self._has_text = True
        elif name == "row":
            self._row = []
            number = int(attributes.get("r") or self._number + 1)
            if number <= self._number:
                raise Unreadable(f"row {number:,} stands there twice")
            self._number = number
        else:
            self._has_text |= name == "t"
            self._inside.begin(name)

    def end(self, name: str) -> None:
        """End an element."""
        if name == "c":
            text = "".join(self._pieces) if self._has_text else None
            if self._kind == "s" and text is not None:
                text = self._shared[int(text)]
            if len(self._row) < limits.READ_COLUMNS:
                self._row.append(Cell(self._kind, text))
        elif name == "v":
            self._value = False
        elif name == "row":
            self._rows.append((self._number, self._row))
        else:
            self._inside.end(name)

    def add_text(self, text: str) -> None:
        """Add a text."""
        if self._value or self._inside.text:
            self._pieces.append(text)
            self._characters += len(text)
            if self._characters > limits.CELL_TEXT:
                raise ValueError("a text that no cell can hold")

    def finished_rows(self) -> list[NumberedRow]:
        """Return the rows that have ended since the last call."""
        rows, self._rows = self._rows, []
        return rows

    def _place(self, letters: str) -> int:
        """Return the number of a column, 0 for A."""
        if letters not in self._places:
            number = 0
            for letter in letters:
                number = number * 26 + ord(letter) - ord("A") + 1
            if not 0 < number <= limits.SHEET_COLUMNS:
                raise ValueError("no column has this name")
            self._places[letters] = number - 1
        return self._places[letters]
