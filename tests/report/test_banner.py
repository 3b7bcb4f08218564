"""The banner: the same sentence and step in every form, and no server that was not read is one without models."""

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO

import openpyxl
import pytest
from click import unstyle
from support.html_pages import Page
from support.states import BEFORE, NEVER, NOW, RUN, WHAT, model, observation, state, with_tables

from inventory import Snapshot
from inventory.formats import html, md, xlsx
from inventory.report.facts import Report
from inventory.tables import rows
from inventory.terminal.listing import View, rows_text
from inventory.terminal.snapshot import snapshot_text

ASLEEP = with_tables(
    state(),
    observations=[observation("asleep", "timeout", BEFORE), observation("awake")],
    models=[model("asleep", BEFORE), model("awake")],
)
STEPS = {
    "good": (with_tables(ASLEEP, observations=[observation("asleep"), observation("awake")]), "2 of 2 servers read"),
    "warn": (ASLEEP, "1 of 2 servers read now; asleep as of 27 Nov"),
    "bad": (
        with_tables(ASLEEP, observations=[*rows(ASLEEP.tables["observations"]), NEVER]),
        "1 of 3 servers read now; asleep as of 27 Nov; new never read",
    ),
}


def summary(report: Report) -> str:
    """The texts of the sheet Summary."""
    sheet = openpyxl.load_workbook(BytesIO(xlsx.encode(report, "both")))["Summary"]
    return "\n".join(str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value is not None)


FORMS: dict[str, Callable[[Report], str]] = {
    "html": lambda report: "\n".join(Page(html.encode(report, "both").decode()).texts),
    "md": lambda report: md.encode(report, "both").decode().replace("`", "").replace("**", ""),
    "xlsx": summary,
    "notebook": lambda report: "\n".join(Page(Snapshot.of(report.snapshot)._repr_html_()).texts),
    "snapshot": lambda report: unstyle(snapshot_text(report, 1.0, columns=200)),
    "show": lambda report: unstyle(
        "".join(rows_text(report.snapshot, report.models, "model", report.coverage, View(200)))
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("level", STEPS)
def test_every_form_has_the_same_sentence(form: str, level: str) -> None:
    """Green, amber and red are the same words in the terminal, the workbook, the page, Markdown and the notebook."""
    snapshot, text = STEPS[level]
    report = Report(snapshot)
    assert report.status.level == level
    assert text in FORMS[form](report)


def test_a_state_of_now_grows_stale() -> None:
    """What was read a day before the state's time is stale a week later, and not in the state of that time."""
    snapshot = STEPS["good"][0]
    assert Report(snapshot, now=NOW + timedelta(days=6)).status.level == "good"
    assert Report(snapshot, now=NOW + timedelta(days=8)).status.level == "bad"
    assert Report(snapshot, now=NOW + timedelta(days=8), stale_after=timedelta(days=9)).status.level == "good"
    assert Report(snapshot).status.level == "good"


@pytest.mark.parametrize("form", FORMS)
def test_a_server_that_was_never_read_has_no_models_to_count(form: str) -> None:
    """Nothing is known of it: no form says 0 models."""
    snapshot = with_tables(state(), observations=[NEVER], models=[])
    text = FORMS[form](Report(snapshot))
    assert "0 of 1 server read now; new never read" in text
    assert "0 models" not in text


def test_totals_are_those_of_the_state() -> None:
    """The models of a server that sleeps are counted, and those of none that was never read."""
    report = Report(state(NEVER))
    assert report.totals is not None
    assert (report.totals.models, report.totals.size_bytes) == (4, 4 * 10**9)
    assert {row["name"] for row in report.breakdown if row["by"] == "server"} == {
        "asleep",
        "awake",
        "doubted",
        "weekly",
    }


def test_show_names_its_state() -> None:
    """The last line says of which state they are, and each server that was not read, as of when its rows are."""
    lines = unstyle("".join(rows_text(ASLEEP, ASLEEP.tables["models"], "model"))).splitlines()
    assert lines[0] == "2 models, 2.00 GB, 0 loaded on 2 servers"
    assert lines[-1] == f"State at 2026-11-29 06:00:04 UTC: {STEPS['warn'][1]}"
    assert [line for line in lines if "2026-11-27 06:00 UTC" in line] == [line for line in lines if "asleep" in line][
        :1
    ]


@pytest.mark.parametrize("form", ["html", "md"])
def test_rows_say_their_age_where_it_is_another(form: str) -> None:
    """A column tells it of the rows that are older than the others; where none is, there is no such column."""
    assert "2026-11-27 06:00:04" in FORMS[form](Report(ASLEEP))
    assert "As of" in FORMS[form](Report(ASLEEP))
    assert "As of" not in FORMS[form](Report(STEPS["good"][0]))


@pytest.mark.parametrize("form", ["html", "md", "xlsx"])
def test_reports_name_the_state(form: str) -> None:
    """The line below the title has the time of the state."""
    assert "state at 2026-11-29 06:00:04 UTC" in FORMS[form](Report(ASLEEP))
    assert (ASLEEP.what, ASLEEP.state_of) == (WHAT, RUN)
