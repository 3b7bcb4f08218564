"""A page that says what the workbook says, needs nothing but itself, and shows every text as a text."""

import base64
import hashlib
import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.history_builders import made, model
from support.html_pages import Page, browsed, contrast, first_pixel, rendered
from support.snapshots import HOSTILE, MOMENT, fleet, hostile, names, snapshot
from support.states import carried
from support.workbooks import full

import inventory
from inventory import Snapshot, schema
from inventory.formats import html
from inventory.formats.html.page import script
from inventory.formats.html.stylesheet import style_sheet
from inventory.formats.html.svg import Point, bars, stacks, trend
from inventory.report.facts import Report
from inventory.report.palette import DARK, LIGHT, TONES, Palette
from inventory.tables import rows, table_of
from inventory.text import escape_invisible

Row = dict[str, Any]
MARKUP = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='x",
    "</td></table></style></title></svg>",
    "<!--",
    "]]>",
    "&lt;b&gt;",
    "&#13;",
    "&",
    "a\r\nb\rc",
    "\x00\x1b[31m\x85",
    "\u202eevil",
    "\u05e9\u05dc\u05d5\u05dd",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "javascript:alert(1)",
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20) | st.sampled_from(
    [*MARKUP, *(one for one in HOSTILE if one)]
)
TEXTS |= names.filter(bool)


def page(overview: Report) -> Page:
    """The page of an overview, walked through."""
    return Page(html.encode(overview, "model").decode())


def runs(count: int, **others: Any) -> list[Row]:
    """Rows of so many runs, one a day."""
    item = {
        "status": "ok",
        "model_count": 1,
        "servers": 2,
        "servers_ok": 2,
        "added": 1,
        "removed": 0,
        "renamed": 0,
        "reconfigured": 2,
    } | others
    return [
        {**item, "run_id": f"r{day:03}", "collected_at": MOMENT + timedelta(days=day), "size_bytes": (day + 1) * 10**9}
        for day in range(count)
    ]


@given(TEXTS, TEXTS)
def test_any_text_is_a_text(text: str, other: str) -> None:
    """A text in any column comes back as it was, with controls made visible, and makes no element or attribute."""
    shown, harmless = page(full(text, text + other)), page(full("x", "xy"))
    assert shown.structure() == harmless.structure()
    assert (
        shown.texts.count(escape_invisible(text)) >= harmless.texts.count("x") // 2
    )  # charts cut names, changes quote blanks
    assert escape_invisible(text + other) in shown.texts


@pytest.mark.parametrize("text", MARKUP)
def test_markup_is_a_text_in_tables(text: str) -> None:
    """The same holds for tables that are no snapshot."""
    tables = [(item, full(text, "y").snapshot.tables[item.name]) for item in (schema.MODELS, schema.OBSERVATIONS)]
    shown = Page(html.encode_tables(tables).decode())
    harmless = [(item, full("x", "y").snapshot.tables[item.name]) for item in (schema.MODELS, schema.OBSERVATIONS)]
    assert shown.structure() == Page(html.encode_tables(harmless).decode()).structure()
    assert escape_invisible(text) in shown.texts


def test_every_hostile_text_is_shown() -> None:
    """A page of every hostile text holds each of them."""
    texts = set(page(Report(hostile())).texts)
    assert {escape_invisible(text) for text in HOSTILE} <= texts


def test_nothing_is_loaded_and_nothing_runs() -> None:
    """The policy allows the style sheet and the script inside and nothing else; no element has code or a style."""
    body = html.encode(full("x", "xy"), "model").decode()
    walked = Page(body)
    assert not {tag for tag, _ in walked.elements} & {"link", "img", "iframe", "object", "form", "base"}
    for tag, attributes in walked.elements:
        assert not {name for name in attributes if name.startswith("on") or name in ("style", "src", "srcset")}, tag
        assert (attributes.get("href") or "#").startswith("#")
    (policy,) = [item["content"] or "" for tag, item in walked.elements if item.get("http-equiv")]
    digest = base64.b64encode(hashlib.sha256(style_sheet().encode()).digest()).decode()
    code = base64.b64encode(hashlib.sha256(script().encode()).digest()).decode()
    allowed = {"style-src": f"'sha256-{digest}'", "script-src": f"'sha256-{code}'"}
    allowed |= dict.fromkeys(("default-src", "base-uri", "form-action"), "'none'")
    assert dict(part.split(" ") for part in policy.split("; ")) == allowed
    assert re.findall(r"<script.*?</script>", body, re.DOTALL) == [f"<script>{script()}</script>"]
    assert body.count(f"<style>{style_sheet()}</style>") == 1
    assert "url(" not in body
    assert "@import" not in body


def test_the_script_only_moves_what_is_there() -> None:
    """It makes no markup or code of a text, sends nothing and keeps nothing."""
    doors = (
        r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|Function\(|import\b|fetch|XMLHttp|Socket|Beacon"
    )
    assert not re.search(doors + r"|setTimeout|location|cookie|Storage|https?:|</", script())


def test_links_and_titles_lead_somewhere() -> None:
    """Each link of the page and each label of a chart names one element."""
    walked = page(full("x", "xy"))
    names = [item["id"] for _, item in walked.elements if "id" in item]
    assert len(names) == len(set(names))
    wanted = {(item["href"] or "")[1:] for tag, item in walked.elements if tag == "a"}
    charts = [item for tag, item in walked.elements if tag == "svg"]
    assert len(charts) == 4
    for chart in charts:
        assert chart["role"] == "img"
        wanted |= set((chart["aria-labelledby"] or "").split())
    assert wanted <= set(names)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast(palette: Palette) -> None:
    """Every text has a contrast of at least 4.5 in both palettes, every bar and line of at least 3."""
    pairs = [("ink", "paper"), ("soft", "paper"), ("link", "paper"), ("ink", "panel"), ("soft", "panel")]
    pairs += [("banner_ink", "banner"), ("banner_soft", "banner"), *((f"{tone}_ink", tone) for tone in TONES.values())]
    colours = asdict(palette)
    for item, other in pairs:
        assert contrast(colours[item], colours[other]) >= 4.5, (item, other)
    for name, colour in colours.items():
        # A text stands on the pale bar, and the changed bar has an outline in the colour of the second one.
        if name.endswith("_bar") and name not in ("pale_bar", "changed_bar"):
            assert contrast(colour, palette.paper) >= 3, name
    assert ".changed-bar{fill:var(--changed-bar);stroke:var(--second-bar)}" in style_sheet()


def test_every_class_has_a_rule() -> None:
    """Each class that the page uses is one that its style sheet knows, and each colour that it names is there."""
    used = {name for _, item in page(full("x", "xy")).elements for name in (item.get("class") or "").split()}
    assert not {name for name in used if f".{name}" not in style_sheet()}
    named = {name.replace("-", "_") for name in re.findall(r"var\(--([a-z-]+)\)", style_sheet())}
    assert named == asdict(LIGHT).keys() - {"pale_bar"}  # of the workbook's data bars


def failed(count: int, of: int) -> Snapshot:
    """A snapshot of so many servers of which some could not be read."""
    original = snapshot([{"server": f"s{n}", "key": "m", "ordinal": 0, "size_bytes": 10**9} for n in range(of)])
    observed = original.observations
    observations = [
        {
            **row,
            "url": f"http://s{n}:1234",
            **({"status": "timeout", "error": f"no answer of s{n}"} if n < count else {}),
        }
        for n, row in enumerate(observed.to_dict("records"))
    ]
    cells = {name: [row[name] for row in observations] for name in schema.OBSERVATIONS.names}
    cells = {name: [None if str(value) == "<NA>" else value for value in values] for name, values in cells.items()}
    cells |= {"observed_at": [MOMENT] * of, "as_of": [None] * of}
    models = original.tables["models"] if count < of else original.tables["models"].slice(0, 0)
    return Snapshot(
        {**original.tables, "models": models, "observations": inventory.tables.build(schema.OBSERVATIONS, cells)}
    )


NOTHING = inventory.compare(snapshot(), snapshot())
STATES = {
    "first": (Report(fleet(), runs=runs(1)), "This is the first run; there is nothing to compare it with"),
    "alone": (Report(fleet()), "No earlier snapshot to compare with"),
    "no models": (Report(snapshot()), "There are no models."),
    "no changes": (Report(snapshot(), NOTHING, "yesterday"), "No changes"),
    "all failed": (Report(failed(3, 3), NOTHING), "Not compared: the collection failed"),
    "one failed": (Report(failed(1, 1)), "0 of 1 server read; no answer of s0"),
    "partly failed": (
        Report(failed(60, 200)),
        "140 of 200 servers read; s0, s1 and 58 more not read (60 timeout)",
    ),
    "long": (Report(snapshot([{"server": "s", "key": "k" * 300, "ordinal": 0}])), "k" * 300),
}


@pytest.mark.parametrize(("overview", "told"), STATES.values(), ids=list(STATES))
def test_states(overview: Report, told: str) -> None:
    """Each state of a collection is said in words, and the figures are those of every report."""
    walked = page(overview)
    assert told in walked.texts
    assert overview.status.text in walked.texts
    for figure in overview.key_figures:
        assert {figure.label, figure.value, figure.note} <= set(walked.texts)


def test_nothing_is_said_of_models_that_nobody_read() -> None:
    """A run that failed has no table of models, rather than an empty one."""
    walked = page(Report(failed(3, 3), NOTHING))
    assert not any(text.startswith(("There are no models", "Models (")) for text in walked.texts)


def test_who_was_not_read() -> None:
    """Of two hundred servers each one that was not read is named with its address and reason."""
    walked = page(Report(failed(60, 200)))
    assert {f"no answer of s{n}" for n in range(60)} <= set(walked.texts)
    assert {f"http://s{n}:1234" for n in range(200)} <= set(walked.texts)


def test_all_rows_are_there() -> None:
    """Every model's key and every instance's id of every captured answer is in the page."""
    texts = set(page(Report(fleet())).texts)
    for name, column in (("models", "key"), ("instances", "instance_id")):
        assert set(map(escape_invisible, fleet().tables[name].column(column).to_pylist())) <= texts


def test_right_to_left() -> None:
    """A text in another script than ours finds its own direction."""
    walked = page(Report(snapshot([{"server": "s", "key": "\u05e9\u05dc\u05d5\u05dd", "ordinal": 0}])))
    assert ("td", {"dir": "auto"}) in walked.elements


@pytest.mark.long
def test_ten_thousand_models_stay_small() -> None:
    """Ten thousand models take less than 5 MB: only columns with values, and no styles in cells."""
    models = [
        {column.name: {"text": "a usual name", "integer": 10**9, "boolean": True}.get(column.kind)
         for column in schema.MODELS.columns} | {"server": f"s{n % 200}", "key": f"publisher/model-{n}", "ordinal": 0}
        for n in range(10_000)
    ]  # fmt: skip
    assert len(html.encode(Report(snapshot(models)), "model")) < 5_000_000


def test_gaps_of_the_trend() -> None:
    """A line joins what was measured, if only in part, which has a hollow point; what is not known is a gap."""
    points = [Point(MOMENT, 1.0), Point(MOMENT, 2.0, whole=False), Point(MOMENT, None), Point(MOMENT, 3.0)]
    points += [Point(MOMENT, 3.0, whole=False, measured=False), Point(MOMENT, 4.0)]
    drawn = trend("t", "Size", points, "GB")
    (line,) = re.findall(r'<path d="([^"]*)" class="line"/>', drawn)
    assert re.sub("[^ML]", "", line) == "MLMMM"
    assert [drawn.count(f'class="{look}"') for look in ("dot", "hollow", "gap")] == [3, 2, 1]
    assert f"not known of the runs of {MOMENT:%Y-%m-%d %H:%M}" in drawn


NUMBERS = st.floats(0, 1e9, allow_nan=False)


@given(st.lists(st.none() | NUMBERS, min_size=1, max_size=100).filter(lambda some: any(v is not None for v in some)))
def test_charts_stay_in_their_frame(found: list[float | None]) -> None:
    """Whatever the figures, everything is drawn inside the picture."""
    moments = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(len(found))]
    whole = [None if value is None else int(value) for value in found]
    charts = [
        trend("a", "t", [Point(moment, value) for moment, value in zip(moments, found, strict=True)], "GB"),
        stacks("b", "t", moments, [("added", "x", whole), ("removed", "y", whole)]),
        bars("c", "t", [(f"n{n}", value or 0, f"{value or 0:.2f} GB") for n, value in enumerate(found)], "x"),
    ]
    for chart in charts:
        wide, tall = map(float, re.findall(r'viewBox="0 0 (\d+) (\d+)"', chart)[0])
        places = [(float(x), float(y)) for x, y in re.findall(r'(?:c?x)="([-\d.]+)" (?:c?y)="([-\d.]+)"', chart)]
        assert places
        assert all(0 <= x <= wide and 0 <= y <= tall for x, y in places)
        assert "nan" not in chart


def test_a_chart_says_its_figures() -> None:
    """What a chart shows stands in its description too."""
    drawn = Page(bars("c", "Size by publisher", [("a&b", 2.0, "2 GB"), ("c", 1.0, "1 GB")], "first-bar"))
    assert {"Size by publisher", "a&b: 2 GB; c: 1 GB", "a&b", "2 GB"} <= set(drawn.texts)


@pytest.mark.long
def test_chromium(tmp_path: Path) -> None:
    """Chromium shows the page light and dark and prints it, and has nothing to say about it on its console."""
    written = tmp_path / "report.html"
    report = Report(fleet(), full("x", "y").changes, "yesterday", runs(30), sizes=carried(runs(30)))
    written.write_bytes(html.encode(report, "model"))
    size = "--window-size=1200,900"
    light = rendered(written, tmp_path / "light.png", size)
    dark = rendered(written, tmp_path / "dark.png", size, "--blink-settings=preferredColorScheme=0")
    assert (first_pixel(light), first_pixel(dark)) == (f"#{LIGHT.paper.lower()}", f"#{DARK.paper.lower()}")
    assert light != rendered(written, tmp_path / "narrow.png", "--window-size=500,900")
    pdf = rendered(
        written, tmp_path / "report.pdf", "--no-pdf-header-footer", "--blink-settings=preferredColorScheme=0"
    )
    sizes = set(re.findall(rb"/MediaBox \[0 0 (\d+)", pdf))
    assert sizes == {b"594", b"841"} or sizes == {b"595", b"842"}  # A4, upright and across


def two_servers() -> Report:
    """A laptop with two models and a workstation with another; a third server was never read."""
    models: list[Row] = [
        {
            "server": "laptop",
            "key": "a/small",
            "display_name": "Small",
            "size_bytes": 10**9,
            "loaded_instance_count": 1,
        },
        {
            "server": "laptop",
            "key": "same",
            "display_name": "same",
            "size_bytes": 2 * 10**9,
            "loaded_instance_count": 0,
        },
        {"server": "station", "key": "b", "display_name": None, "size_bytes": None, "loaded_instance_count": 0},
    ]
    read = snapshot([{"ordinal": 0, **model} for model in models])
    observed = rows(read.tables["observations"])
    never = {**observed[0], "server": "gone", "status": "timeout", "error": "no answer", "as_of": None}
    table = table_of(schema.OBSERVATIONS, [*observed, never])
    return Report(Snapshot({**read.tables, "observations": table}))


def test_models_stand_under_their_servers() -> None:
    """A server is a part to open, with its sums; one that was never read says so in place of an empty table."""
    walked = page(two_servers())
    parts = [text for text in walked.texts if re.match(r"(laptop|station|gone) [^\n]*$", text)]
    assert parts == ["laptop 2 models, 3.00 GB, 1 loaded", "station 1 model", "gone never read"]
    assert [item for tag, item in walked.elements if tag == "details"] == [{"open": None}] * 2
    assert {"Small", "a/small", "Smalla/small"} <= set(walked.texts)
    assert "samesame" not in walked.texts


def test_a_server_that_was_not_read_says_how_old_its_models_are(tmp_path: Path) -> None:
    """Its models stand there as they were last read, with the time beside its name, not in each row."""
    history, _ = made(tmp_path, {"a": [model("m")], "b": [model("n")]}, {"a": [model("m")], "b": None})
    walked = page(Report(history.state()))
    assert {"1 model, 0.00 GB", "1 model, 0.00 GB, as of 2026-11-01 06:00 UTC"} <= set(walked.texts)
    section = (
        html.encode(Report(history.state()), "model").decode().split('<section id="models"')[1].split("<section")[0]
    )
    assert "As of" not in section


def test_many_models_begin_closed() -> None:
    """Of more models than anyone reads at once each server is closed, and nothing is left out."""
    models = [{"server": f"s{n % 2}", "key": f"m{n}", "ordinal": 0} for n in range(101)]
    walked = page(Report(snapshot(models)))
    assert [item for tag, item in walked.elements if tag == "details"] == [{}] * 2
    assert {f"m{n}" for n in range(101)} <= set(walked.texts)


def test_more_rows_than_a_browser_opens_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page shows the rows of the first servers, and says beneath them how many there are and how to get all."""
    models = [{"server": f"s{n // 3}", "key": f"m{n}", "ordinal": 0} for n in range(9)]
    monkeypatch.setattr(html, "MOST_ROWS", 8)
    body = html.encode(Report(snapshot(models)), "model").decode()
    rows_shown = body.split('<section id="models"')[1].split("<section")[0]
    assert [n for n in range(9) if f">m{n}<" in rows_shown] == [*range(6)]
    command = "lms-inventory export -o models.parquet"
    sentence = f"This page shows 6 of 9 models, as browsers open no larger one. To get all: {command}"
    assert {"Models (9)", sentence} <= {*Page(body).texts}
    monkeypatch.setattr(html, "MOST_ROWS", 9)
    assert not [text for text in page(Report(snapshot(models))).texts if text.startswith("Shown")]


def test_a_name_and_its_size_come_first() -> None:
    """On a telephone there is room for two columns: what a model is called, and its size."""
    section = html.encode(two_servers(), "model").decode().split('<section id="models"')[1]
    assert re.findall(r"<th [^>]*>([^<]*)", section)[:2] == ["Model", "Size"]


@pytest.mark.long
def test_browser(tmp_path: Path) -> None:
    """At 1280 and 400 pixels, light and dark: sizes are in sight, axe-core is content; keys sort and filter."""
    long_names = [
        {"server": f"server-{n % 12}", "key": f"publisher-of-models/model-{'name-' * (n % 9)}{n}", "ordinal": 0,
         "display_name": f"Model {n}", "size_bytes": n * 10**8, "params_string": f"{n}B", "publisher": "p" * (n % 40)}
        for n in range(60)
    ]  # fmt: skip
    odd = [("m", "360M", 10), ("b", "7B", 1000), ("c", "12B", 20), ("d", None, None)]
    few: list[Row] = [
        {"server": "s", "key": key, "ordinal": 0, "params_string": params, "size_bytes": size and size * 10**9}
        for key, params, size in odd
    ]
    few[2] |= {"publisher": "Qwen", "quantization_name": "Q4_K_M"}  # what browser.cjs types into the filter
    changed = inventory.compare(snapshot(few[:2]), snapshot([*few[1:], *long_names]))
    reports = [
        Report(snapshot(long_names), changed, "yesterday", runs(9), sizes=carried(runs(9))),
        Report(snapshot(few)),
    ]
    for number, report in enumerate(reports):
        (tmp_path / f"{number}.html").write_bytes(html.encode(report, "model"))
    fleet_seen, seen = browsed(tmp_path / "0.html", tmp_path / "1.html")
    for page in (fleet_seen, seen):
        assert (page["console"], page["violations"], page["wide"], page["plain"]) == ([], [], [], 0)
    assert seen["largestFirst"] == {"sort": "descending", "cells": ["1,000.00 GB", "20.00 GB", "10.00 GB", ""]}
    assert seen["smallestFirst"] == {"sort": "ascending", "cells": ["10.00 GB", "20.00 GB", "1,000.00 GB", ""]}
    assert seen["params"]["cells"] == ["12B", "7B", "360M", ""]
    assert seen["names"] == {"sort": "ascending", "cells": ["b", "c", "d", "m"]}
    assert seen["filtered"] == {"open": ["s"], "rows": 1, "shown": "1 of 4"}
    assert (fleet_seen["filtered"]["open"], fleet_seen["filtered"]["shown"]) == ([], "0 of 60")
    assert seen["before"] == seen["after"] == {"open": ["s"], "rows": 4, "shown": ""}
