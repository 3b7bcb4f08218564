"""T8: random fleets with random failures on either side: nothing is falsely added, removed or reconfigured."""

import json
import random
import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.history_builders import Fleet, day, made, model, told

from inventory import Snapshot, compare, schema
from inventory.history.verify import prove
from inventory.normalize.flatten import flatten
from inventory.tables import build, named_rows, rows, table_of

PAIRS = [100, pytest.param(2000, marks=pytest.mark.long)]
"""Fleets of which two looks are compared."""

PUBLISHERS = {"a": "p", "b": "p", "c": "p"}
"""Of the models of which so much is known that they can be renamed."""

FAILURES = [status for status in schema.STATUSES if status != "ok"]
Told = Counter[tuple[Any, ...]]
MIRROR = {
    "added": "removed",
    "removed": "added",
    "loaded": "unloaded",
    "unloaded": "loaded",
    "reconfigured": "reconfigured",
    "renamed": "renamed",
    "reported": "unreported",
    "unreported": "reported",
}

_models = st.lists(
    st.builds(
        lambda key, loaded, size: model(key, *loaded, size_bytes=size, publisher=PUBLISHERS.get(key)),
        st.sampled_from("abcd"),
        st.lists(st.sampled_from("ij"), unique=True),
        st.integers(1, 2),
    ),
    max_size=4,
    unique_by=lambda one: str(one["key"]),
)
FLEETS = st.lists(st.dictionaries(st.sampled_from("stu"), st.none() | _models, min_size=1), min_size=2, max_size=6)


def last(fleets: list[Fleet], number: int, server: str) -> list[dict[str, Any]] | None:
    """What a server said last, at or before a run."""
    answers = [models for fleet in fleets[: number + 1] if (models := fleet.get(server)) is not None]
    return answers[-1] if answers else None


def naive(server: str, old: list[dict[str, Any]] | None, new: list[dict[str, Any]] | None) -> Told:
    """The changes between two answers of a server, by sets of keys."""
    actual: Told = Counter()
    if old is None or new is None:
        return actual
    was, now = ({one["key"]: one for one in models} for models in (old, new))
    held, holds = ({(key, one["id"]) for key in side for one in side[key]["loaded_instances"]} for side in (was, now))
    came, went = now.keys() - was.keys(), was.keys() - now.keys()
    alike = {
        size: tuple(
            [key for key in side if answer[key]["size_bytes"] == size and key in PUBLISHERS]
            for side, answer in ((went, was), (came, now))
        )
        for size in (1, 2)
    }
    renamed = {old[0]: new[0] for old, new in alike.values() if len(old) == len(new) == 1}
    actual.update((server, "renamed", new, None, "key", old, new) for old, new in renamed.items())
    actual.update((server, "added", key, None, None, None, None) for key in came - set(renamed.values()))
    actual.update((server, "removed", key, None, None, None, None) for key in went - renamed.keys())
    followed = {(renamed.get(key, key), name): (key, name) for key, name in held}
    held, kept = {pair for new, pair in followed.items() if new not in holds}, followed.keys()
    holds = holds - kept
    actual.update((server, "loaded", *pair, None, None, None) for pair in holds)
    actual.update((server, "unloaded", *pair, None, None, None) for pair in held)
    actual.update(
        (server, "reconfigured", key, None, "size_bytes", str(was[key]["size_bytes"]), str(now[key]["size_bytes"]))
        for key in was.keys() & now.keys()
        if was[key]["size_bytes"] != now[key]["size_bytes"]
    )
    return actual


def lives(fleets: list[Fleet]) -> dict[tuple[str, str], dict[str, Any]]:
    """The lifecycle, counted run by run; runs are a day apart."""
    actual: dict[tuple[str, str], dict[str, Any]] = {}
    for server in {name for fleet in fleets for name in fleet}:
        seen = [(day(number), fleet[server]) for number, fleet in enumerate(fleets) if fleet.get(server) is not None]
        for key in {one["key"] for _, models in seen for one in models or []}:
            at = {moment: one for moment, models in seen for one in models or [] if one["key"] == key}
            loaded = [moment for moment, one in at.items() if one["loaded_instances"]]
            changed = [
                moment
                for (_, old), (moment, new) in pairwise(seen)
                if any(key == row[2] or (row[1] == "renamed" and key == row[5]) for row in naive(server, old, new))
            ]
            actual[server, key] = {
                "first_seen": min(at),
                "last_seen": max(at),
                "present": max(at) == seen[-1][0],
                "days_present": len(at),
                "runs_present": len(at),
                "runs_loaded": len(loaded),
                "last_loaded": max(loaded, default=None),
                "last_changed": max(changed, default=min(at)),
                "size_bytes": at[max(at)]["size_bytes"],
            }
    return actual


@given(FLEETS)
@settings(
    max_examples=settings().max_examples // 10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_random_fleets(fleets: list[Fleet]) -> None:
    """No false added, removed or reconfigured in any reading, whatever failed or was not asked between."""
    with tempfile.TemporaryDirectory() as folder:
        history, ids = made(Path(folder), *fleets)
        total: Told = Counter()
        for number in range(1, len(ids)):
            expected: Told = Counter()
            for server in fleets[number]:
                expected += naive(server, last(fleets, number - 1, server), last(fleets, number, server))
            changes = history.diff(ids[number - 1], ids[number])
            assert Counter(told(changes.table)) == expected
            total += expected
            for server, models in fleets[number].items():
                if models is None:
                    never = " or before" if last(fleets, number, server) is None else ""
                    assert changes.not_compared[server] == f"not read now{never}: unreachable"
                elif last(fleets, number - 1, server) is None:
                    assert "baseline" in changes.not_compared[server]
                else:
                    assert server not in changes.not_compared
            for server in fleets[number - 1].keys() - fleets[number].keys():
                assert server not in changes.not_compared, "what nobody asked is no news"
        assert Counter(told(history.timeline_table())) == total
        back, forth = (rows(history.diff(*pair).table) for pair in ((ids[-1], ids[0]), (ids[0], ids[-1])))
        # a renamed model's instances are told under its new key, so instances are left to their ids
        assert Counter(
            (row["instance_id"], row["change"], row["field"], row["old"], row["new"]) for row in forth
        ) == Counter((row["instance_id"], MIRROR[row["change"]], row["field"], row["new"], row["old"]) for row in back)
        assert all(history.diff(one, one).table.num_rows == 0 for one in (ids[0], ids[-1]))
        kept = {(row["server"], row["key"]): row for row in rows(history.lifecycle_table())}
        expected_lives = lives(fleets)
        assert kept.keys() == expected_lives.keys()
        for name, life in expected_lives.items():
            assert {field: kept[name][field] for field in life} == life
        counted = rows(history.runs_table())
        assert [row["run_id"] for row in counted] == ids
        assert [row["servers"] for row in counted] == [len(fleet) for fleet in fleets]
        assert [row["servers_ok"] for row in counted] == [
            sum(models is not None for models in fleet.values()) for fleet in fleets
        ]
        assert [row["added"] is not None for row in counted] == [
            any(
                models is not None and any(earlier.get(server) is not None for earlier in fleets[:number])
                for server, models in fleet.items()
            )
            for number, fleet in enumerate(fleets)
        ], "no counts where nothing was compared"
        assert [json.loads(row["unread"]) for row in counted] == [
            sorted(server for server, models in fleet.items() if models is None) for fleet in fleets
        ]
        assert sum(row["added"] or 0 for row in counted) == sum(n for row, n in total.items() if row[1] == "added")
        assert prove(history.store).problems.num_rows == 0


def seen(fleet: Fleet, statuses: dict[str, str]) -> Snapshot:
    """What a run over a fleet saw; a server with a status was not read, or its answer is doubted and kept."""
    tables: dict[str, dict[str, list[Any]]] = {
        name: {column: [] for column in schema.TABLES[name].names} for name in ("models", "instances")
    }
    for server, models in sorted(fleet.items()):
        if models is not None and statuses.get(server, "ok") in ("ok", "suspect"):
            flat = flatten(models)
            for name, table in tables.items():
                for column, values in named_rows(getattr(flat, name), server).items():
                    table[column] += values
    observed = [
        dict.fromkeys(schema.OBSERVATIONS.names) | {"run_id": "r", "server": one, "status": statuses.get(one, "ok")}
        for one in sorted(fleet)
    ]
    actual = {name: build(schema.TABLES[name], columns) for name, columns in tables.items()}
    return Snapshot({"observations": table_of(schema.OBSERVATIONS, observed), **actual})


def drawn(chance: random.Random) -> list[dict[str, Any]]:
    """Some models with some instances."""
    return [
        model(
            key,
            *chance.sample("ij", chance.randrange(3)),
            size_bytes=chance.randint(1, 2),
            publisher=PUBLISHERS.get(key),
        )
        for key in chance.sample("abcd", chance.randrange(5))
    ]


@pytest.mark.parametrize("pairs", PAIRS)
def test_random_failures(pairs: int) -> None:
    """Of two looks at a fleet, each with failures of every kind, only what both could see is told, and all of it."""
    chance = random.Random(pairs)
    changed = unread = 0
    for number in range(pairs):
        sides: list[tuple[Fleet, dict[str, str]]] = []
        for _ in "on":
            fleet: Fleet = {server: drawn(chance) for server in "stuv" if chance.random() < 0.9}
            sides.append((fleet, {server: chance.choice(FAILURES) for server in fleet if chance.random() < 0.3}))
        (old, failed), (new, fails) = sides
        actual = compare(seen(old, failed), seen(new, fails))
        both = [server for server in old.keys() & new.keys() if server not in failed and server not in fails]
        expected: Told = Counter()
        for server in both:
            expected += naive(server, old[server], new[server])
        assert Counter(told(actual.table)) == expected, number
        assert set(actual.not_compared) == (old.keys() | new.keys()) - set(both), number
        changed += bool(expected)
        unread += bool(actual.not_compared)
    assert min(changed, unread) > pairs // 2  # the fleets were worth comparing
