"""No line is wider than the terminal, whatever names, values and errors there are; and nothing of a key is lost."""

import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click import unstyle
from hypothesis import example, given, settings
from hypothesis import strategies as st

import inventory
from inventory import schema
from inventory.config.effective import Setting
from inventory.formats import WrittenFile
from inventory.report.change_lines import ChangeSection, describe_changes
from inventory.report.facts import Report
from inventory.schema import derived
from inventory.tables import table_of
from inventory.terminal.changes import changes_text
from inventory.terminal.fleet import change_groups_text, groups_text, models_text
from inventory.terminal.history import life_text, runs_text, unused_text
from inventory.terminal.servers import servers_text
from inventory.terminal.settings import settings_text
from inventory.terminal.snapshot import check_text, files_text, snapshot_text
from inventory.text import width

WIDTHS = (80, 100, 120, 200)
NOW = datetime(2026, 11, 23, 6, 0, 4, 123456, tzinfo=UTC)
NAMES = st.one_of(
    st.text(min_size=1, max_size=30),
    st.sampled_from(["publisher/" + "k" * 150, "模型" * 60, "word " * 40, "a-b/c@q4" * 12, "e\u0301" * 50, "x"]),
)
NUMBERS = st.none() | st.integers(0, 2**63 - 1)
MODELS = st.lists(
    st.fixed_dictionaries(
        {"key": NAMES, "display_name": st.none() | NAMES, "size_bytes": NUMBERS, "params_string": st.none() | NAMES},
        optional={
            "type": NAMES,
            "quantization": st.fixed_dictionaries({"name": NAMES, "bits_per_weight": st.integers(1, 16)}),
            "variants": st.lists(NAMES, max_size=4),
            "loaded_instances": st.lists(st.fixed_dictionaries({"id": NAMES}), max_size=2),
            "licence_of_the_weights_and_of_the_code_around_them_and_more": NAMES,
        },
    ),
    max_size=4,
)
BODIES = st.none() | MODELS


def fits(text: str, columns: int) -> None:
    """No line is wider, none ends in spaces, and nothing acts on the terminal."""
    for line in unstyle(text).splitlines():
        assert width(line) <= columns, line
        assert line == line.rstrip()


def row(table: schema.Table, **values: Any) -> dict[str, Any]:
    """A row of a table, empty but for what is given."""
    return dict.fromkeys(table.names) | values


@example([([{"key": "a", "params_string": "7B"}], [{"key": "a", "params_string": "8B "}])], "s")
@settings(max_examples=settings().max_examples // 2)
@given(st.lists(st.tuples(BODIES, BODIES), min_size=1, max_size=6), st.sampled_from(["s", "rack-of-the-site" * 5]))
def test_runs_and_changes_fit(bodies: list[tuple[Any, Any]], name: str) -> None:
    """What one run read, what changed, and what failed."""
    sides = []
    with tempfile.TemporaryDirectory() as folder:
        for side in (0, 1):
            servers = []
            for number, pair in enumerate(bodies):
                path = Path(folder) / f"{number}-{side}.json"
                if pair[side] is not None:
                    path.write_text(json.dumps({"models": pair[side]}))
                servers.append(f"{name}{number}=file:{path}")
            sides.append(inventory.collect(servers, clock=lambda: NOW))
    changes = inventory.compare(sides[0], sides[1])
    report = Report(sides[1], changes)
    names = [row["server"] for row in report.servers]
    for columns in WIDTHS:
        fits(snapshot_text(report, 0.4, (), columns, NOW), columns)
        fits(check_text(report.servers, columns, dict.fromkeys(names, "timeout 5 s; " * 20)), columns)
        fits(check_text(report.servers, columns, each=True), columns)
        for all_fields in (False, True):
            section = describe_changes(changes, names, all_fields=all_fields)
            fits(changes_text(section, f"{name} -> now", columns), columns)
        if section.nothing_compared:
            assert "+0" not in changes_text(section, "t", columns) + snapshot_text(report, 0.4, (), columns, NOW)


@settings(max_examples=settings().max_examples // 2)
@given(NAMES, NAMES, NUMBERS, st.sampled_from(["ok", "partial", "failed", "misdated"]), st.integers(2, 999_999))
def test_the_history_fits(server: str, key: str, size: int | None, status: str, number: int) -> None:
    """The runs, the life of a model, what nobody loads, the servers and the counts over them."""
    run = {"run_id": f"20261123T060004.{number:06}Z-3f9a", "servers": 9, "servers_ok": int(status != "failed")}
    counts = {"model_count": number, "instance_count": number, "size_bytes": size, "added": number, "removed": 1}
    runs = [
        row(derived.RUNS, **run, **counts, status=status, reconfigured=number, error=key, unread=f'["{"u" * 90}"]'),
        row(derived.RUNS, **run | {"run_id": "20261123T060004.000001Z-3f9a"}, **counts, status="ok", reconfigured=1),
    ]
    life = row(derived.LIFECYCLE, server=server, key=key, size_bytes=size, first_seen=NOW, last_seen=NOW,
               last_loaded=NOW, days_present=number, runs_present=number, runs_loaded=1, present=False)  # fmt: skip
    change = row(derived.TIMELINE, server=server, key=key, grain="model", change="reconfigured", field=key, old=key,
                 new=key, observed_at=NOW)  # fmt: skip
    one = row(derived.SERVERS, server=server, labels='{"s": "' + "R" * 90 + '"}', status="unreachable", last_read=NOW,
              days_silent=8.0, runs_asked=9, runs_read=1, model_count=number, size_bytes=size)  # fmt: skip
    fleet = row(derived.FLEET, key=key, servers=number, size_bytes=size, quantizations='{"' + "Q" * 50 + '": 3}')
    group = row(derived.GROUPS, name=server, servers=number, different_models=number, size_bytes=size)
    changed = row(derived.CHANGE_GROUPS, name=server, servers=2, not_compared=0, size_difference=size or 0) | {
        name: number for words in derived.COUNTED.values() for name in words.values()
    }
    nothing = ChangeSection(counts={"model": dict.fromkeys(schema.CHANGES_WORDS, number)})
    for columns in WIDTHS:
        fits(runs_text(runs, columns=columns, sizes={row["run_id"]: counts for row in runs}), columns)
        fits(life_text(key, [life], [change], {server: number}, columns), columns)
        lives = table_of(derived.LIFECYCLE, [life, life | {"last_loaded": None}])
        fits("".join(unused_text(lives, 30, columns)), columns)
        fits(servers_text([one, one | {"last_read": None}], timedelta(7), 3, columns), columns)
        fits(models_text([fleet], key, columns), columns)
        fits(groups_text([group], server, key, columns), columns)
        fits(change_groups_text([changed], nothing, server, key, columns), columns)
        fits(files_text([WrittenFile(Path(key.replace("\0", "")), "models", 7, 9)], columns), columns)


@given(NAMES, NAMES)
def test_settings_fit(value: str, origin: str) -> None:
    """A long path is folded."""
    for columns in WIDTHS:
        fits(settings_text([Setting("history", value, origin, origin, None)], columns), columns)


@pytest.mark.parametrize("columns", WIDTHS)
def test_the_key_is_whole(columns: int) -> None:
    """What is folded can be put together again."""
    key = "publisher/" + "".join(map(str, range(100)))
    lines = unstyle(life_text(key, [], [], {}, columns)).split()
    assert "".join(lines) == key
