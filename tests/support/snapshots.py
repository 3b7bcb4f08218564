"""What the tests of the formats share: snapshots, hostile texts, LibreOffice."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

import inventory
from inventory import Snapshot, schema
from inventory.tables import build

BODIES = Path(__file__).parent.parent / "payloads" / "v1"
MOMENT = datetime(2026, 11, 23, 6, 0, 4, 123457, tzinfo=UTC)
RUN = "20261123T060004.123457Z-3f9a"

_PAYLOADS = ("=1+1", "+1+1", "-1+1", "@SUM(1)", '=HYPERLINK("http://x","y")', "=cmd|' /C calc'!A0")
_BEFORE = (
    "",
    "'",
    "''",
    " ",
    "\t",
    "\r",
    "\n",
    "\x00",
    '"',
    '""',
    "a;",
    "a; ",
    'a;"',
    "a;\x00",
    "a;'",
    "a\t",
    "x;y\r\n",
)
HOSTILE = [
    *(before + payload for before in _BEFORE for payload in _PAYLOADS[:4]),
    *_PAYLOADS[4:],
    *(
        "#N/A",
        "#REF!",
        "#DIV/0!",
        "#NAME?",
        "a;#N/A",
        "Err:502",
        "=",
        "-",
        "'",
        "|x",
        "%x",
        "TRUE",
        "1e5",
        "007",
        "{=1+1}",
    ),
    *(
        "\uff1d1+1",
        "a;\uff0b1",
        "\ufeff=1+1",
        "\u200b=1+1",
        "_x0041_",
        "_x005F_x0041_",
        "2024-01-01",
        " x ",
        "a\nb",
        "\t",
    ),
]
"""Texts that some spreadsheet, with some separator, takes for a formula, an error or another value."""

TEXTS = (schema.TEXT, schema.LIST, schema.OBJECT)


def table(one: schema.Table, rows: list[dict[str, Any]]) -> Any:
    """An Arrow table of rows; a column that a row lacks is null."""
    return build(one, {name: [row.get(name) for row in rows] for name in one.names})


def snapshot(
    models: list[dict[str, Any]] = [],  # noqa: B006 - never changed
    instances: list[dict[str, Any]] = [],  # noqa: B006
    **observed: Any,
) -> Snapshot:
    """A snapshot of these rows, and an observation of each server in them, or of one that has none."""
    servers = sorted({row["server"] for row in (*models, *instances)}) or ["s"]
    seen = {"run_id": RUN, "status": "ok", "observed_at": MOMENT} | observed
    tables = {
        "observations": table(schema.OBSERVATIONS, [{"server": server} | seen for server in servers]),
        "models": table(schema.MODELS, models),
        "instances": table(schema.INSTANCES, instances),
    }
    return Snapshot(tables)


def fleet() -> Snapshot:
    """Every captured answer, read as one run."""
    servers = [inventory.Server(f"file:{path}", path.stem) for path in sorted(BODIES.glob("*.json"))]
    return inventory.collect(servers, clock=lambda: MOMENT, run_id=RUN)


def hostile() -> Snapshot:
    """One model and one instance per hostile text, which stands in every text column."""
    rows = {
        item.name: [
            {column.name: text if column.kind in TEXTS else 0 if column.key else None for column in item.columns}
            for text in HOSTILE
        ]
        for item in schema.GRAIN_TABLES.values()
    }
    return snapshot(rows["models"], rows["instances"])


def same(one: Snapshot, other: Snapshot, *names: str) -> None:
    """Both hold the same cells and types in the tables named, or in all."""
    for name in names or tuple(one.tables):
        assert one.tables[name].equals(other.tables[name], check_metadata=True), name


def extra(value: Mapping[str, Any]) -> str:
    """A cell of a JSON object as this tool writes it."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(HOSTILE)
integer = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, 2**53 - 1, 2**53, 2**53 + 1, -(2**53) - 1])
number = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.1 + 0.2, 1e16, 5e-324, -0.0])
leaf = text | integer | number | st.booleans() | st.none()
KINDS: dict[str, st.SearchStrategy[Any]] = {
    schema.TEXT: text,
    schema.INTEGER: integer,
    schema.NUMBER: number,
    schema.BOOLEAN: st.booleans(),
    # Until then a cell of Excel, which counts days in a double, holds microseconds.
    schema.TIME: st.datetimes(datetime(1971, 1, 1), datetime(2079, 6, 6), timezones=st.just(UTC)),  # noqa: DTZ001
    schema.LIST: st.lists(text, max_size=2).map(lambda several: json.dumps(several, ensure_ascii=False)),
    schema.OBJECT: st.dictionaries(text, leaf | st.dictionaries(text, leaf, max_size=2), max_size=2).map(extra),
}


def table_rows(table: schema.Table) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Rows with any value, or null, in every column; keys are never null."""
    cells = {
        column.name: KINDS[column.kind] if column.key else KINDS[column.kind] | st.none() for column in table.columns
    }
    return st.lists(st.fixed_dictionaries(cells), max_size=3)


def fitting(models: list[dict[str, Any]], instances: list[dict[str, Any]]) -> Snapshot:
    """A snapshot of rows whose ordinals differ, and whose instances belong to one of the models."""
    for number, model in enumerate(models):
        model["ordinal"] = number
    belongs = ("server", "key", "ordinal")
    for number, instance in enumerate(instances if models else []):
        model = models[number % len(models)]
        instance |= {"instance_ordinal": number} | {name: model[name] for name in belongs}
    return snapshot(models, instances if models else [])


snapshots = st.builds(fitting, table_rows(schema.MODELS), table_rows(schema.INSTANCES))


PIECES = [
    *(
        "|",
        "\\|",
        "`",
        "``",
        "```",
        "`" * 90,
        "\\",
        "\\\\",
        " ",
        "  ",
        "\t",
        "\n",
        "\r\n",
        "\u2028",
        "\x00",
        "\x1b[31;7m",
    ),
    *(
        "\x1b]8;;http://evil.example\x07",
        "\x9b2J",
        "\u200b",
        "\u200d",
        "\ufeff",
        "\u202e",
        "\u05e9\u05dc",
        "\u6a21\u578b",
        "\xa0",
    ),
    *(
        "mail x@evil.example",
        "x@evil.example",
        "mailto:x@evil.example",
        "xmpp:x@evil.example/a",
        "evil.example",
        "a@b.c",
    ),
    *(
        "http://evil.example",
        "https://evil.example/a?b=c&d",
        "ftp://evil.example",
        "www.evil.example",
        "WWW.evil.example",
    ),
    *("@everyone", "#123", "GH-123", "owner/repo#1", "deadbeefcafe", "!5", "%1", ":smile:", "$x^2$", "$`x`$", "$$"),
    *(
        "[x](http://evil.example)",
        "![x](http://evil.example/a.png)",
        "[^1]",
        "[^1]: x",
        "[x]",
        "[x]: http://evil.example",
        "[ ] ",
    ),
    *("<b>", "</td>", "</code>", "<!--", "-->", "<script>", "<http://evil.example>", "<x@evil.example>", "<img src=x>"),
    *(
        "&lt;",
        "&#124;",
        "&#x60;",
        "&amp;",
        "&",
        "*",
        "**",
        "_",
        "__",
        "~",
        "~~",
        "^",
        "==",
        "'",
        '"',
        "<",
        ">",
        "(",
        ")",
        "]]>",
    ),
    *("# x", "- x", "1. x", "> x", "---", "    x", ":", ": ", "a", "B7", "qwen/qwen3-8b", "Q4_K_M", ".", "..."),
]
"""What some reader of Markdown, HTML or terminals takes for more than a text, alone or beside another."""

names = st.lists(
    st.sampled_from(PIECES) | st.text(st.characters(exclude_categories=["Cs"]), max_size=3), max_size=6
).map("".join)
"""Names that a server may give its models."""


def convert(source: Path, to: str, infilter: str = "", *others: Path) -> Path:
    """The file that LibreOffice makes of a file; those of others, converted at the same time, lie beside it."""
    program = shutil.which("soffice")
    if program is None:
        pytest.skip("no LibreOffice here; get it with: apt-get install libreoffice-calc")
    folder = source.parent / f"as-{to}"
    profile = source.parent / "profile"
    command = [program, f"-env:UserInstallation=file://{profile}", "--headless", "--convert-to", to]
    command += [f"--infilter={infilter}"] if infilter else []
    subprocess.run([*command, "--outdir", folder, source, *others], check=True, capture_output=True, timeout=60)
    return folder / f"{source.stem}.{to}"
