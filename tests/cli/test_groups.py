"""Servers selected and counted by their labels, in diff and history."""

import json
from datetime import UTC, datetime
from pathlib import Path

import polars
import pytest
from support.cli_runner import run

from inventory import History
from inventory.config.servers import Server
from inventory.operations.snapshot import take_snapshot
from inventory.stub_server import inventory_after, inventory_before

LABELS = {
    "laptop": {"site": "Rome", "owner": "Ann"},
    "desk": {"site": "Rome"},
    "gpu": {"site": "Oslo"},
    "new": {},
}


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of four servers with labels: laptop and gpu change, desk does not; gpu moves from Oslo to Bonn."""
    folder = tmp_path_factory.mktemp("labelled")
    for day, moved in ((10, "Oslo"), (11, "Bonn")):
        servers = []
        for name, labels in LABELS.items():
            models = inventory_after() if day == 11 and name in ("laptop", "gpu") else inventory_before()
            (folder / f"{name}.json").write_text(json.dumps({"models": models}))
            own = labels | ({"site": moved} if name == "gpu" else {})
            servers.append(Server(f"file:{folder}/{name}.json", name, labels=own))
        moment = datetime(2026, 11, day, 6, tzinfo=UTC)
        take_snapshot(History(folder / "history"), servers, timeout=10, clock=lambda moment=moment: moment)  # type: ignore[misc]
    return folder / "history"


@pytest.mark.parametrize(
    ("where", "servers"),
    [
        (["site=Rome"], ["laptop"]),
        (["site=*"], ["gpu", "laptop"]),
        (["site=Bonn"], ["gpu"]),
        (["site=Rome", "owner=A*"], ["laptop"]),
    ],
    ids=str,
)
def test_diff_where(where: list[str], servers: list[str], labelled: Path) -> None:
    """The changes of the servers whose labels, as of the newer run, are so."""
    options = [word for one in where for word in ("--where", one)]
    done = run("diff", "--json", "--history", labelled, *options)
    assert (done.code, sorted({row["server"] for row in done.data["changes"]})) == (0, servers)


@pytest.mark.parametrize("command", [["diff"], ["history"], ["history", "--by", "model"], ["unused", "1"]])
def test_where_for_no_server_is_an_error(command: list[str], labelled: Path) -> None:
    """Exit 2, and what there is."""
    done = run(*command, "--where", "site=Oslo", "--history", labelled)
    assert (done.code, done.out) == (2, "")
    assert done.err == "lms-inventory: no server has site=Oslo. There are: owner=Ann; site=Bonn, Rome\n"
    done = run(*command, "--where", "site=Rome", "--server", "gpu", "--history", labelled)
    assert (done.code, done.err) == (2, "lms-inventory: no server has site=Rome. There are: site=Bonn\n")
    done = run(*command, "--where", "site=Rome", "--server", "who", "--history", labelled)
    assert (done.code, done.err.partition(". ")[0]) == (2, "lms-inventory: there is no server 'who'")


def test_diff_by_label(labelled: Path, tmp_path: Path) -> None:
    """A line of counts for each value of the label; the same as a table and as JSON, beside the changes themselves."""
    done = run("diff", "--by", "site", "--history", labelled, "-o", tmp_path / "by.csv", "-o", tmp_path / "by.parquet")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "2026-11-10 06:00:00 UTC -> 2026-11-11 06:00:00 UTC\n"
        "\n"
        "site    Servers    Models  Instances       Size  Not compared\n"
        "Bonn          1  +1 -1 ~1   +0 -0 ~1  -15.64 GB             -\n"
        "Rome          2  +1 -1 ~1   +0 -0 ~1  -15.64 GB             -\n"
        "(none)        1  +0 -0 ~0   +0 -0 ~0                        -\n"
        "\n"
        "models +2 -2 ~2   instances +0 -0 ~2   size -31.28 GB\n"
    )
    data = run("diff", "--by", "site", "--json", "--history", labelled).data
    assert data.keys() == {"groups", "changes", "not_compared", "hints"}
    assert data["groups"] == polars.read_parquet(tmp_path / "by.parquet").to_dicts()
    assert polars.read_csv(tmp_path / "by.csv")["name"].to_list() == ["Bonn", "Rome", None]
    assert run("diff", "--by", "site", "--fail-on", "added", "--history", labelled).code == 10


def test_diff_by_server(labelled: Path) -> None:
    """Each server is a group of its own; --where leaves the others out."""
    done = run("diff", "--by", "server", "--where", "site=*", "--json", "--history", labelled)
    assert [(row["name"], row["added"]) for row in done.data["groups"]] == [("desk", 0), ("gpu", 1), ("laptop", 1)]
    assert run("diff", "--by", "town", "--history", labelled).code == 2


def test_history_by_model(labelled: Path, tmp_path: Path) -> None:
    """On how many servers each model is as of the newest run, in which quantizations."""
    done = run("history", "--by", "model", "--history", labelled, "-o", tmp_path / "fleet.xlsx")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0].startswith("State at 2026-11-11 06:00:00 UTC: 4 of 4 servers read")
    assert lines[2].split() == ["Key", "Servers", "Total", "size", "Loaded", "Quantizations"]
    assert ["microsoft/phi-4", "4", "49.27", "GB", "-", "Q4_K_M", "2,", "Q8_0", "2"] in map(str.split, lines)
    data = run("history", "--by", "model", "--where", "site=Rome", "--json", "--history", labelled).data
    assert {row["key"]: row["servers"] for row in data["fleet"]}["microsoft/phi-4"] == 2
    assert (tmp_path / "fleet.xlsx").stat().st_size > 1000


@pytest.mark.long
def test_history_by_label_and_by_server(labelled: Path) -> None:
    """What the servers of each have as of the newest run."""
    groups = run("history", "--by", "site", "--json", "--history", labelled).data["groups"]
    assert [(row["name"], row["servers"], row["different_models"], row["model_count"]) for row in groups] == [
        ("Bonn", 1, 6, 6), ("Rome", 2, 7, 12), (None, 1, 6, 6),
    ]  # fmt: skip
    done = run("history", "--by", "server", "--server", "desk", "--history", labelled)
    lines = done.out.splitlines()
    assert lines[2].split() == ["Server", "Different", "models", "Models", "Size", "Loaded"], "no column of ones"
    assert lines[3].split()[:2] == ["desk", "6"]
    assert run("history", "--by", "town", "--history", labelled).code == 2


def test_history_where(labelled: Path) -> None:
    """The runs, and one model's life, of the servers whose newest labels are so."""
    found = run("history", "--where", "site=Bonn", "--json", "--history", labelled).data["runs"]
    assert [(row["servers"], row["added"]) for row in found] == [(1, None), (1, 1)]
    lives = run("history", "--where", "owner=Ann", "--model", "microsoft/phi-4", "--json", "--history", labelled).data
    assert [row["server"] for row in lives["lifecycle"]] == ["laptop"]


@pytest.mark.parametrize("more", [["--model", "a"], ["--since", "2026-11-10"]])
def test_one_question_at_a_time(more: list[str], labelled: Path) -> None:
    """--by is about now, and excludes the other questions."""
    done = run("history", "--by", "model", *more, "--history", labelled)
    assert (done.code, "exclude each other" in done.err) == (2, True)


def test_an_empty_history_has_no_fleet(tmp_path: Path) -> None:
    """It is told as that."""
    done = run("history", "--by", "model", "--history", tmp_path)
    assert (done.code, f"there is no history at {tmp_path}" in done.err) == (4, True)
