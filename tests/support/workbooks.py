"""What the tests of workbooks share: runs in every state, and workbooks as openpyxl sees them."""

import json
import zipfile
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.workbook import Workbook

import inventory
from inventory import Server, Snapshot, schema
from inventory.formats import xlsx
from inventory.report.facts import Report
from inventory.tables import table_of
from support.snapshots import HOSTILE, MOMENT, hostile, snapshot
from support.states import carried

TITLES = [
    *("Summary", "Models", "Instances", "Servers", "Changes", "Runs", "Breakdown", "Evidence", "Observations"),
    "Dictionary",
]
TABLE_TITLES = [title for title in TITLES if title not in ("Summary", "Evidence")]
"""The sheets that are tables."""

CET = timezone(timedelta(hours=1), "CET")
SINCE = "2026-11-22 06:00:04 UTC"
SCRIPTS = ("模型 千問 " * 60, "نموذج اللغة", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "मॉडल", "x" * 40_000)


def model(key: str, size: int | None = 10**9, server: str = "s", **fields: Any) -> dict[str, Any]:
    """A row of the models table."""
    given = {"type": "llm", "publisher": "p", "display_name": key.upper(), "quantization_name": "Q4_K_M"}
    return {"server": server, "key": key, "ordinal": 0, "size_bytes": size, **given, **fields}


def run(day: int, size: int | None = 10**9, *, servers: int = 1, read: int = 1, **fields: Any) -> dict[str, Any]:
    """A row of the runs of a history; without a size it read nothing."""
    read = 0 if size is None else read
    status = "failed" if size is None else "ok" if read == servers else "partial"
    counts = {"model_count": None if size is None else 1, "instance_count": None if size is None else 0}
    moment = datetime(2026, 11, 1, 6, tzinfo=UTC) + timedelta(days=day)
    shown = {
        "run_id": f"{moment:%Y%m%dT%H%M%S}.000000Z-0000",
        "collected_at": moment,
        "status": status,
        "unread": None,
        "error": None,
    }
    changes = {"added": 1, "removed": 0, "renamed": 0, "reconfigured": 2}
    return {**shown, **counts, **changes, "servers": servers, "servers_ok": read, "size_bytes": size, **fields}


def changed(before: list[dict[str, Any]], after: list[dict[str, Any]], runs: list[dict[str, Any]]) -> Report:
    """A run that is compared with another."""
    old, new = snapshot(before), snapshot(after)
    return Report(new, inventory.compare(old, new), SINCE, runs, CET, carried(runs))


def full(text: str, other: str) -> Report:
    """An overview in which a text stands in every column that holds one, with changes of every kind."""
    kinds: dict[str, Any] = {schema.TEXT: text, schema.LIST: json.dumps([text]), schema.INTEGER: 7, schema.NUMBER: 7.5}
    rows: list[dict[str, Any]] = [
        {column.name: kinds.get(column.kind) for column in item.columns} | {"ordinal": 0, "instance_ordinal": 0}
        for item in (schema.MODELS, schema.INSTANCES)
    ]
    changed = [{name: other if name not in ("server", "key", "instance_id") and value == text else value
                for name, value in row.items()} for row in rows]  # fmt: skip
    extra = [{"server": text, "key": text + key, "ordinal": 0} for key in ("1", "2")]
    before, after = snapshot([rows[0], extra[0]], [rows[1]]), snapshot([changed[0], extra[1]], [changed[1]], url=text)
    run = {"collected_at": MOMENT, "servers": 1, "servers_ok": 1, "size_bytes": 5, "status": "ok", "error": text}
    run |= {"model_count": 1}
    runs = [{**run, "run_id": text, **dict.fromkeys(("added", "removed", "reconfigured"), 1)}] * 2
    return Report(after, inventory.compare(before, after), text, runs, sizes=carried(runs))


def collected(folder: Path, models: list[dict[str, Any]]) -> Snapshot:
    """A run that really read a server, whose body is kept."""
    path = folder / "answer.json"
    path.write_text(json.dumps({"models": models}))
    return inventory.collect([Server(f"file:{path}", "s")])


def with_instance(**fields: Any) -> Snapshot:
    """A run with one model and one instance of it."""
    instance = {"server": "s", "key": "a", "ordinal": 0, "instance_id": "a", "instance_ordinal": 0, "display_name": "A"}
    return snapshot([model("a", loaded_instance_count=1)], [{**instance, "config_context_length": 4096, **fields}])


def _normal() -> Report:
    before = [model("a"), model("b", 2 * 10**9), model("c")]
    after = [model("a", 3 * 10**9), model("c", quantization_name="Q8_0"), model("d")]
    return changed(before, after, [run(0), run(1, None), run(2, 4 * 10**9)])


def _fleet() -> Report:
    def one(day: int) -> Snapshot:
        return snapshot([model(f"m{n}-{day}", n * 10**9, f"server-{n}", publisher=f"p{n}") for n in range(1, 31)])

    new = one(1)
    rows = new.tables["observations"].to_pylist()
    failed = [
        row | {"status": "timeout", "error": "no answer within 10 s"} if n % 5 == 0 else row
        for n, row in enumerate(rows)
    ]
    removed = {row["server"] for row in failed if row["status"] != "ok"}
    tables = {
        name: [row for row in new.tables[name].to_pylist() if row["server"] not in removed]
        for name in ("models", "instances")
    }
    remaining = Snapshot(
        {name: table_of(schema.TABLES[name], result) for name, result in {**tables, "observations": failed}.items()}
    )
    runs = [run(0, servers=30, read=30), run(1, servers=30, read=24)]
    return Report(remaining, inventory.compare(one(0), remaining), SINCE, runs, CET, carried(runs))


def _names() -> Report:
    texts = [*SCRIPTS, *HOSTILE]
    after = [
        model(f"k{n}", n, display_name=text, publisher=text, quantization_name=text) for n, text in enumerate(texts)
    ]
    return changed([], after, [run(0), run(1, error="=1+1")])


STATES = {
    "normal": _normal(),
    "first run": Report(snapshot([model("a")]), runs=[run(0)]),
    "nothing around it": Report(with_instance()),
    "no models": changed([], [], [run(0, 0), run(1, 0)]),
    "no changes": changed([model("a")], [model("a")], [run(0), run(1)]),
    "no sizes": Report(snapshot([model("a", None)])),
    "many changes": changed([], [model(f"m{n:02}") for n in range(40)], [run(n) for n in range(50)]),
    "fleet": _fleet(),
    "failed": Report(snapshot(status="unreachable", error="=could not be reached. " * 40), runs=[run(0), run(1, None)]),
    "in doubt": Report(snapshot([model("a")], status="suspect", error="most models are gone")),
    "names": _names(),
    "hostile": Report(hostile()),
}
"""A run in each state that a workbook is designed for."""


def opened(overview: Report) -> Workbook:
    """The workbook of a run."""
    return openpyxl.load_workbook(BytesIO(xlsx.encode(overview, "both")))


@cache
def book_of(name: str) -> Workbook:
    """The workbook of a state; to be read only."""
    return opened(STATES[name])


def parts(overview: Report) -> dict[str, bytes]:
    """The files in the package of a workbook."""
    with zipfile.ZipFile(BytesIO(xlsx.encode(overview, "both"))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def texts(book: Workbook, title: str = "Summary") -> list[str]:
    """What the cells of a sheet say, row by row, from the left."""
    return [str(cell.value) for row in book[title].iter_rows() for cell in row if cell.value is not None]


def column_names(book: Workbook, title: str) -> list[str]:
    """The names of the columns of a data sheet in other files, as the Dictionary tells them."""
    heads = [str(cell.value) for cell in book[title][1]]
    if title == "Dictionary":
        return [head.lower().replace(" ", "_") for head in heads]
    lines = book["Dictionary"].iter_rows(min_row=2, max_col=3, values_only=True)
    names = {str(head): str(name) for sheet, head, name in lines if sheet == title}
    return [names[head] for head in heads]


def table(book: Workbook, title: str) -> list[dict[str, Any]]:
    """The rows of a data sheet, by the names that the Dictionary gives its columns."""
    _, *result = book[title].iter_rows(values_only=True)
    names = column_names(book, title)
    rows = [row for row in result if any(value is not None for value in row)]
    return [dict(zip(names, row, strict=True)) for row in rows if not str(row[0]).startswith("No rows: ")]
