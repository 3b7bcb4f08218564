"""Many servers at once: on how many a model is, and counts by server or label."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click import unstyle
from hypothesis import given, settings
from hypothesis import strategies as st
from support.history_builders import model
from support.states import NEVER, state

import inventory
from inventory import Snapshot, compare
from inventory.config.labels import group_names
from inventory.config.servers import Server
from inventory.errors import ConfigurationError
from inventory.report import fleet
from inventory.report.change_lines import describe_changes
from inventory.schema import GRAIN_TABLES, MODELS, OBSERVATIONS
from inventory.tables import concat, rows, table_of
from inventory.terminal.fleet import change_groups_text, groups_text, models_text

ROME, OSLO = {"site": "Rome", "owner": "Ann"}, {"site": "Oslo"}


def kind(name: str | None) -> dict[str, Any]:
    """A quantization as LM Studio sends it."""
    return {"quantization": {"name": name, "bits_per_weight": 4}}


def taken(folder: Path, servers: dict[str, tuple[dict[str, str], list[Any] | None]]) -> Snapshot:
    """A snapshot of servers with labels; one without models cannot be read."""
    folder.mkdir(exist_ok=True)
    asked = []
    for name, (labels, models) in servers.items():
        path = folder / f"{name}.json"
        path.unlink(missing_ok=True)
        if models is not None:
            path.write_text(json.dumps({"models": models}))
        asked.append(Server(f"file:{path}", name, labels=labels))
    return inventory.collect(asked)


@pytest.fixture
def before(tmp_path: Path) -> Snapshot:
    """Two servers in Rome, one in Oslo, one without labels."""
    return taken(
        tmp_path / "before",
        {
            "desk": (ROME, [model("a", "a", **kind("Q4")), model("b", **kind("Q8"))]),
            "lap": (ROME, [model("a", "a", "a:2", **kind("Q8"))]),
            "gpu": (OSLO, [model("a", **kind("Q4")), model("a", **kind("Q8")), model("c", size_bytes=None)]),
            "new": ({}, []),
        },
    )


def test_a_sum_that_no_column_can_hold_is_unknown(tmp_path: Path) -> None:
    """Three servers say that a model takes half of all bytes that there can be: no number rather than a wrong one."""
    huge = taken(tmp_path, {name: (ROME, [model("a", size_bytes=2**62)]) for name in ("desk", "lap", "gpu")})
    assert [row["size_bytes"] for row in rows(fleet.models_by_key(huge))] == [None]
    groups = group_names(fleet.labels_of(huge.tables["observations"]), "site")
    assert [row["size_bytes"] for row in rows(fleet.models_by_group(huge, groups))] == [None]


def test_on_how_many_servers_a_model_is(before: Snapshot) -> None:
    """The most common first; a server that has a model twice counts once, but for each quantization that it has."""
    result = rows(fleet.models_by_key(before))
    assert [tuple(row.values()) for row in result] == [
        ("a", None, 3, '{"Q4": 2, "Q8": 2}', 40, 3),
        ("b", None, 1, '{"Q8": 1}', 10, 0),
        ("c", None, 1, '{"not reported": 1}', None, 0),
    ]
    assert unstyle(models_text(result, "Now")) == (
        "Now\n"
        "\n"
        "Key  Servers  Total size  Loaded  Quantizations\n"
        "a          3     0.00 GB       3  Q4 2, Q8 2\n"
        "b          1     0.00 GB       -  Q8 1\n"
        "c          1           -       -  not reported 1\n"
    )


def test_what_the_servers_with_a_label_have(before: Snapshot) -> None:
    """Those without the label come last, and a server without models is counted."""
    labels = fleet.labels_of(before.tables["observations"])
    result = rows(fleet.models_by_group(before, group_names(labels, "site")))
    assert [tuple(row.values()) for row in result] == [
        ("Oslo", 1, 2, 3, 20, 0), ("Rome", 2, 2, 3, 30, 3), (None, 1, 0, 0, 0, 0),
    ]  # fmt: skip
    text = unstyle(groups_text(result, "site", "Now"))
    assert text.splitlines()[2:4] == [
        "site    Servers  Different models  Models     Size  Loaded",
        "Oslo          1                 2       3  0.00 GB       -",
    ]
    assert text.splitlines()[-1].startswith("(none)  ")
    by_server = rows(fleet.models_by_group(before, group_names(labels, "server")))
    assert [(row["name"], row["model_count"]) for row in by_server] == [("desk", 2), ("gpu", 3), ("lap", 1), ("new", 0)]


def test_what_changed_on_the_servers_with_a_label(before: Snapshot, tmp_path: Path) -> None:
    """Counts and sizes add up for each label; a server that was not read now is counted as not compared."""
    after = taken(
        tmp_path / "after",
        {
            "desk": (ROME, [model("a", **kind("Q4")), model("new", **kind("Q4"))]),
            "lap": (ROME, None),
            "gpu": (OSLO, [model("a", **kind("Q5")), model("a", **kind("Q8")), model("c", "c", size_bytes=5)]),
            "new": ({}, []),
        },
    )
    changes = compare(before, after)
    labels = fleet.labels_of(before.tables["observations"], after.tables["observations"])
    table = fleet.changes_by_group(changes, group_names(labels, "site"))
    assert [tuple(row.values()) for row in rows(table)] == [
        ("Oslo", 1, 0, 0, 2, 0, 1, 0, 0, 0, 0),
        ("Rome", 2, 1, 1, 0, 0, 0, 1, 0, 0, 1),
        (None, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    ]
    text = unstyle(change_groups_text(rows(table), describe_changes(changes), "site", "A -> B"))
    assert text == (
        "A -> B\n"
        "\n"
        "site    Servers    Models  Instances  Size  Not compared\n"
        "Oslo          1  +0 -0 ~2   +1 -0 ~0                   -\n"
        "Rome          2  +1 -1 ~0   +0 -1 ~0                   1\n"
        "(none)        1  +0 -0 ~0   +0 -0 ~0                   -\n"
        "\n"
        "models +1 -1 ~2   instances +1 -1 ~0\n"
    )


def test_a_label_that_no_server_has_is_an_error(before: Snapshot) -> None:
    """The error lists what there is to count by; where there are no servers there is nothing to say."""
    labels = fleet.labels_of(before.tables["observations"])
    with pytest.raises(
        ConfigurationError, match=r"no server has the label 'town'\. There are: owner=Ann; site=Oslo, Rome"
    ):
        group_names(labels, "town")
    assert group_names({}, "town") == {}


NAMES = st.sampled_from(["s1", "s2", "s3", "s4"])


@settings(deadline=None)
@given(
    st.lists(st.tuples(NAMES, st.sampled_from("abc"), st.sampled_from(["Q4", "Q8", None]), st.integers(0, 9))),
    st.dictionaries(NAMES, st.sampled_from([None, "Rome", "Oslo"])),
)
def test_groups_add_up(models: list[tuple[str, str, str | None, int]], sites: dict[str, str | None]) -> None:
    """Whatever the fleet: the groups' models and sizes add up to those of all servers; no server is counted twice."""
    asked = {name: sites.get(name) for name in {item[0] for item in models} | sites.keys()}
    blank: dict[str, Any] = dict.fromkeys(MODELS.names) | {"ordinal": 0, "loaded_instance_count": 1}
    result = [
        blank | {"server": server, "key": key, "quantization_name": quantization, "size_bytes": size}
        for server, key, quantization, size in models
    ]
    observed = [
        dict.fromkeys(OBSERVATIONS.names)
        | {"server": name, "status": "ok", "labels": json.dumps({"site": site}) if site else None}
        for name, site in asked.items()
    ]
    snapshot = Snapshot(
        {
            "observations": table_of(OBSERVATIONS, observed),
            "models": table_of(MODELS, result),
            "instances": concat(GRAIN_TABLES["instance"], []),
        }
    )
    labels = fleet.labels_of(snapshot.tables["observations"])
    names = {name: site if any(asked.values()) else None for name, site in asked.items()}
    groups = rows(fleet.models_by_group(snapshot, names))
    assert {name: own.get("site") for name, own in labels.items()} == asked
    assert {row["name"]: row["servers"] for row in groups} == Counter(asked.values())
    assert sum(row["model_count"] for row in groups) == len(models)
    assert sum(row["size_bytes"] for row in groups) == sum(item[3] for item in models)
    for row in rows(fleet.models_by_key(snapshot)):
        having = [item for item in models if item[1] == row["key"]]
        assert row["servers"] == len({item[0] for item in having})
        assert sum(json.loads(row["quantizations"]).values()) == len({(item[0], item[2]) for item in having})
        assert row["loaded_instance_count"] == len(having)


def test_a_group_that_was_never_read_has_no_counts() -> None:
    """Nothing is known of its models; a group with a server that sleeps has those of its last answer."""
    groups = {"asleep": "Rome", "awake": "Rome", "doubted": "Oslo", "weekly": "Oslo", "new": None}
    counts = rows(fleet.models_by_group(state(NEVER), groups))
    assert [(row["name"], row["servers"], row["model_count"]) for row in counts] == [
        ("Oslo", 2, 2), ("Rome", 2, 2), (None, 1, None),
    ]  # fmt: skip
    assert unstyle(groups_text(counts, "site", "Now")).splitlines()[-1].split() == ["(none)", "1", "-", "-", "-", "-"]
