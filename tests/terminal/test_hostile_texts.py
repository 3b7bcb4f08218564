"""Whatever servers, models and settings are called: a terminal shows the names, and acts on none of them."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from support.snapshots import PIECES, names
from support.snapshots import snapshot as snapshot_of
from support.workbooks import full, run

from inventory import schema
from inventory.config.effective import Setting
from inventory.report import fleet
from inventory.report.change_lines import describe_changes
from inventory.report.facts import Report
from inventory.schema.derived import LIFECYCLE, SERVERS, TIMELINE
from inventory.tables import rows, table_of
from inventory.terminal import fleet as fleet_texts
from inventory.terminal import history, listing
from inventory.terminal.changes import changes_text
from inventory.terminal.servers import servers_text
from inventory.terminal.settings import server_notes, settings_text
from inventory.terminal.snapshot import check_text, snapshot_text
from inventory.text import UNLIMITED
from terminal.test_history import one_life

STYLE = re.compile(r"\x1b\[(?:[0-9]|3[0-9])?m")
"""One of the styles that this tool writes itself; no name under test has one."""


def texts(name: str) -> Iterator[str]:
    """Every text for a terminal, with a name wherever one comes from elsewhere."""
    report = full(name, name + "y")
    snapshot, changes = report.snapshot, report.changes
    assert changes is not None
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    notes = server_notes([Setting("token", name, server=name), Setting("labels", {name: name}, server=name)])
    yield snapshot_text(report, 1.0, since=moment)
    server = {"server": name, "key": name, "ordinal": 0}
    odd = snapshot_of([server], url=name, model_count=1, instance_count=0, warnings=json.dumps([name]))
    for checked in (odd, snapshot_of([server], url=name, status="timeout", error=name)):
        yield check_text(Report(checked).servers, notes=notes)
    yield settings_text([Setting("output", name, "file", name)])
    yield changes_text(describe_changes(changes), name)
    for grain in schema.GRAINS:
        result = listing.sorted_rows(snapshot, grain, None)
        for view in (None, listing.View(names=schema.GRAIN_TABLES[grain].names), listing.View(UNLIMITED)):
            yield "".join(listing.rows_text(snapshot, result, grain, view=view))
    change = dict.fromkeys(TIMELINE.names) | {"server": name, "grain": "model", "observed_at": moment}
    change |= {"change": "reconfigured", "field": name, "old": name, "new": name, "instance_id": name}
    life = one_life(server=name, key=name)
    yield history.life_text(name, [life], [change], {name: 9})
    yield "".join(history.unused_text(table_of(LIFECYCLE, [life]), 9))
    odd_run = run(1, None, error=name, read=0) | {"servers": 2, "unread": json.dumps([name])}
    yield history.runs_text([run(0), odd_run])
    server = dict.fromkeys(SERVERS.names) | {"server": name, "status": "ok", "runs_asked": 1, "runs_read": 0}
    yield servers_text([server | {"labels": json.dumps({name: name})}], timedelta(days=7))
    groups: dict[str, str | None] = {row["server"]: name for row in rows(snapshot.tables["observations"])}
    yield fleet_texts.models_text(rows(fleet.models_by_key(snapshot)), name)
    yield fleet_texts.groups_text(rows(fleet.models_by_group(snapshot, groups)), name, name)
    yield fleet_texts.change_groups_text(
        rows(fleet.changes_by_group(changes, groups)), describe_changes(changes), name, name
    )


def unprintable(text: str) -> set[str]:
    """What a terminal may act on, beside line feeds and our own styles."""
    return {character for character in STYLE.sub("", text) if not character.isprintable()} - {"\n"}


@pytest.mark.parametrize("name", [piece for piece in PIECES if not piece.isprintable()], ids=ascii)
def test_what_a_terminal_acts_on_is_made_visible(name: str) -> None:
    """A control character, an escape sequence or a line break in a name reaches no terminal."""
    for text in texts(f"a{name}b"):
        assert unprintable(text) == set()


@given(names.filter(bool))
@settings(max_examples=settings().max_examples // 2)
def test_no_name_acts_on_a_terminal(name: str) -> None:
    """Nor does any mixture of them."""
    for text in texts(name):
        assert unprintable(text) == set()
