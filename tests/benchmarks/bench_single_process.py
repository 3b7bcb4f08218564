"""S8 to S11: one large answer, a thousand servers, and workbooks."""

import re
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import HERE, OURS, Contestant, Costly, Race, Size, Target, Work, peak_mb

if TYPE_CHECKING:
    import pandas as pd

    from inventory import Snapshot

_AT_ONCE = (8, 16, 32, 64, 128)


def _body(folder: Path, numbers: dict[str, int]) -> None:
    from bodies import one_body

    (folder / "answer.json").write_bytes(one_body(numbers["models"]))


def _flattened(folder: Path) -> Work:
    import pandas as pd  # noqa: F401 - what the work imports is there before it begins, as for the other

    from inventory import flatten_models

    body = (folder / "answer.json").read_bytes()

    def work() -> Any:
        table = flatten_models(body)
        return lambda: _of_models(table)

    return work


def _normalized(folder: Path) -> Work:
    import json

    import pandas as pd

    body = (folder / "answer.json").read_bytes()

    def work() -> Any:
        table = pd.json_normalize(json.loads(body)["models"])
        return lambda: _of_models(table)

    return work


def _of_models(table: "pd.DataFrame") -> Any:
    from hashlib import sha256

    keys = sha256("\n".join(sorted(table["key"])).encode()).hexdigest()
    return [len(table), int(table["size_bytes"].sum()), keys]


def _thousand(folder: Path, numbers: dict[str, int]) -> None:
    from bodies import fleet

    (folder / "answer.json").write_bytes(fleet(1, models=20)[0])
    (folder / "count").write_text(str(numbers["servers"]))


def _serve(folder: Path) -> Sequence[str]:
    paths = [str(folder / name) for name in ("answer.json", "addresses")]
    return [sys.executable, str(HERE / "servers.py"), *paths, (folder / "count").read_text()]


def _collected(folder: Path) -> Work:
    import httpx  # noqa: F401
    import pyarrow as pa  # noqa: F401

    from inventory import collect

    addresses = (folder / "addresses").read_text().split()

    def work() -> Any:
        taken = collect(addresses)
        return [len(addresses), taken.tables["models"].num_rows]

    return work


def _bare(at_once: int) -> Callable[[Path], Work]:
    def start(folder: Path) -> Work:
        import asyncio

        import httpx

        addresses = (folder / "addresses").read_text().split()

        async def ask() -> Any:
            places = asyncio.Semaphore(at_once)
            async with httpx.AsyncClient() as client:

                async def one(address: str) -> Any:
                    async with places:
                        return (await client.get(f"{address}/api/v1/models")).raise_for_status().json()

                return await asyncio.gather(*map(one, addresses))

        def work() -> Any:
            answers = asyncio.run(ask())
            return [len(answers), sum(len(answer["models"]) for answer in answers)]

        return work

    return start


def _snapshot(folder: Path, numbers: dict[str, int]) -> None:
    from bodies import fleet
    from generated_histories import Past, keep

    past = Past(fleet(numbers["models"] // 50, models=50))
    keep(past.snapshot, folder / "taken", {})


def _workbook(write: Callable[["Snapshot", Path], None], *imports: str) -> Callable[[Path], Work]:
    """A contestant that writes the snapshot into a workbook; what it costs is memory above its start, in MB."""

    def start(folder: Path) -> Work:
        from importlib import import_module

        from generated_histories import kept

        for name in imports:
            import_module(name)
        snapshot, path = kept(folder / "taken"), folder / "written.xlsx"
        snapshot.models, snapshot.instances, snapshot.observations  # noqa: B018 - pandas is there too
        began = peak_mb()

        def work() -> Any:
            write(snapshot, path)
            above = peak_mb() - began
            return lambda: Costly(_holds(path, snapshot), above)

        return work

    return start


def _holds(path: Path, snapshot: "Snapshot") -> Any:
    """Whether every model is in the workbook: that a sheet has a row for each, and every key is in some cell."""
    models = snapshot.tables["models"]
    most, texts = 0, set()
    with zipfile.ZipFile(path) as book:
        for name in book.namelist():
            if re.search(r"worksheets/sheet|sharedStrings", name):
                content = book.read(name)
                most = max(most, content.count(b"<row "))
                texts |= set(re.findall(rb">([^<>]+)</t>", content))
    path.unlink()
    keys = {key.encode() for key in models.column("key").to_pylist()}
    return [most > models.num_rows, keys <= texts]


def _ours(snapshot: "Snapshot", path: Path) -> None:
    snapshot.write(path)


def _to_excel(snapshot: "Snapshot", path: Path) -> None:
    import pandas as pd

    with pd.ExcelWriter(path, engine="openpyxl") as book:
        for name, table in _tables(snapshot).items():
            table.to_excel(book, sheet_name=name, index=False)


def _xlsxwriter(snapshot: "Snapshot", path: Path) -> None:
    """Styled: a bold and coloured head, thousands, a filter, a frozen head, a width a column."""
    import pandas as pd

    with pd.ExcelWriter(path, engine="xlsxwriter") as book:
        head = book.book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1})
        number = book.book.add_format({"num_format": "#,##0"})
        for name, table in _tables(snapshot).items():
            table.to_excel(book, sheet_name=name, index=False)
            sheet = book.sheets[name]
            for place, column in enumerate(table.columns):
                sheet.set_column(place, place, 18, number if table[column].dtype == "Int64" else None)
                sheet.write(0, place, column, head)
            sheet.autofilter(0, 0, max(len(table), 1), len(table.columns) - 1)
            sheet.freeze_panes(1, 0)


def _write_only(snapshot: "Snapshot", path: Path) -> None:
    """openpyxl, row after row, one style object for each kind of cell."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Side

    book = Workbook(write_only=True)
    head = NamedStyle("head", font=Font(bold=True), fill=PatternFill("solid", fgColor="DDEBF7"))
    line = Border(bottom=Side("thin", color="DDDDDD"))
    plain = NamedStyle("plain", border=line, alignment=Alignment(vertical="top"))
    number = NamedStyle("number", number_format="#,##0", border=line)
    for style in (head, plain, number):
        book.add_named_style(style)
    for name, table in snapshot.tables.items():
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"

        def cell(value: Any, style: str, sheet: Any = sheet) -> Any:
            made = WriteOnlyCell(sheet, value=value)
            made.style = style
            return made

        sheet.append([cell(column, "head") for column in table.column_names])
        columns = [
            column.cast("timestamp[us]") if str(column.type).startswith("timestamp") else column
            for column in table.columns
        ]
        for row in zip(*(column.to_pylist() for column in columns), strict=True):
            sheet.append([cell(value, "number" if isinstance(value, int) else "plain") for value in row])
    book.save(path)


def _tables(snapshot: "Snapshot") -> "dict[str, pd.DataFrame]":
    tables = {"models": snapshot.models, "instances": snapshot.instances, "observations": snapshot.observations}
    for table in tables.values():  # neither library writes times with a zone
        for name in table.select_dtypes("datetimetz"):
            table[name] = table[name].dt.tz_localize(None)
    return tables


ROOMS = (
    Race(
        "S8",
        "flattening one answer, checks on",
        Size({"models": 100_000}, 3),
        Size({"models": 5000}, 3),
        _body,
        (Contestant(OURS, _flattened), Contestant("json.loads and json_normalize", _normalized)),
        (Target("seconds", 1.05, ("json.loads and json_normalize",)),),
    ),
    Race(
        "S9",
        "asking servers on loopback",
        Size({"servers": 1000}, 3),
        Size({"servers": 100}, 2),
        _thousand,
        (
            Contestant(OURS, _collected),
            *(Contestant(f"bare httpx, {count} at once", _bare(count)) for count in _AT_ONCE),
        ),
        (Target("seconds", 1.2, tuple(f"bare httpx, {count} at once" for count in _AT_ONCE)),),
        _serve,
    ),
    Race(
        "S10",
        "Excel report, styled",
        Size({"models": 10_000}, 3),
        Size({"models": 500}, 2),
        _snapshot,
        (
            Contestant(OURS, _workbook(_ours, "openpyxl", "inventory.formats.xlsx")),
            Contestant("pandas.to_excel, unstyled", _workbook(_to_excel, "openpyxl")),
            Contestant("XlsxWriter, styled", _workbook(_xlsxwriter, "xlsxwriter")),
        ),
        (Target("seconds", 0.6, ("pandas.to_excel, unstyled",)),),
    ),
    Race(
        "S11",
        "Excel data sheets; cost in MB above the start",
        Size({"models": 100_000}, 1),
        Size({"models": 1000}, 1),
        _snapshot,
        (
            Contestant(OURS, _workbook(_ours, "openpyxl", "inventory.formats.xlsx")),
            Contestant("openpyxl write_only, styles shared", _workbook(_write_only, "openpyxl")),
        ),
        (Target("seconds", 1.1, ("openpyxl write_only, styles shared",)), Target("cost", 250, ())),
    ),
)
