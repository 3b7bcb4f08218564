"""``lms-inventory servers`` and ``--fail-on stale:7d``, on histories as people have them."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars
import pytest
from support.cli_runner import Done, run

from inventory import History
from inventory.config.servers import Server
from inventory.operations.snapshot import take_snapshot
from inventory.stub_server import inventory_before

LABELS = {"desk": {"site": "Rome"}, "laptop": {"site": "Oslo"}, "old": {}, "dead": {}}
MODELS = {"desk": 2, "laptop": 1, "old": 3}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs 50, 10, 9 and 0 days ago: old is asked only in the first, laptop sleeps in the last, dead never answers."""
    folder, now = tmp_path_factory.mktemp("fleet"), datetime.now(UTC)
    for server, count in MODELS.items():
        (folder / f"{server}.json").write_text(json.dumps({"models": inventory_before()[:count]}))
    for days, asked in ((50, "old desk"), (10, "desk laptop dead"), (9, "laptop"), (0, "desk laptop dead")):
        if not days:
            (folder / "laptop.json").unlink()
        servers = [Server(f"file:{folder}/{name}.json", name, labels=LABELS[name]) for name in asked.split()]
        moment = now - timedelta(days=days, seconds=5)
        take_snapshot(History(folder / "history"), servers, timeout=10, clock=lambda moment=moment: moment)  # type: ignore[misc]
    return folder / "history"


def servers(history: Path, *arguments: str | Path) -> Done:
    """List the servers of a history."""
    return run("servers", *arguments, "--history", history)


def names(done: Done) -> list[str]:
    """The servers that were listed."""
    return [row["server"] for row in done.data["servers"]]


def test_each_server_is_a_line(fleet: Path) -> None:
    """When it was read last and how often, what it had then, and its labels; a retired one is only counted."""
    done = servers(fleet)
    lines = done.out.splitlines()
    assert (done.code, done.err, lines[0].split()) == (
        0,
        "",
        ["Server", "Status", "Last", "read", "(UTC)", "Days", "Read", "Models", "Size", "Labels"],
    )
    assert [line.split()[:2] for line in lines[1:4]] == [
        ["dead", "unreachable"],
        ["desk", "ok"],
        ["laptop", "unreachable"],
    ]
    assert lines[1].split()[2:] == ["never", "-", "0", "%", "-", "-"]
    assert lines[2].split()[4:] == ["0.0", "100", "%", "2", "30.10", "GB", "site=Rome"]
    assert lines[3].split()[4:] == ["9.0", "67", "%", "1", "17.99", "GB", "site=Oslo"]
    assert lines[4:] == ["", "1 of 3 servers ok; 2 unreachable; 2 stale or never read; 1 retired (--retired)"]
    assert max(map(len, lines)) <= 80


def test_parts_of_the_servers(fleet: Path) -> None:
    """Stale ones, retired ones, those of a label, of a name; with other limits by flag, variable and file."""
    assert names(servers(fleet, "--json")) == ["dead", "desk", "laptop"]
    assert names(servers(fleet, "--stale", "--json")) == ["dead", "laptop"]
    assert names(servers(fleet, "--stale", "--stale-after", "20", "--json")) == ["dead"]
    assert names(servers(fleet, "--retired", "--json")) == ["old"]
    assert names(servers(fleet, "--retire-after", "0", "--json")) == ["dead", "desk", "laptop", "old"]
    assert names(servers(fleet, "--where", "site=*", "--json")) == ["desk", "laptop"]
    assert names(servers(fleet, "--server", "desk", "--json")) == ["desk"]
    assert servers(fleet, "--stale", "--server", "desk").out == "No server is stale, of 1 server\n"


def test_the_settings_reach_every_command(fleet: Path, tmp_path: Path) -> None:
    """[history] retire_after and [report] stale_after hold for the state that show and servers tell."""
    (tmp_path / "inventory.toml").write_text("[history]\nretire_after = 60\n[report]\nstale_after = 30\n")
    shown = run("show", "--json", "--history", fleet, cwd=tmp_path).data["models"]
    assert {row["server"] for row in shown} == {"desk", "laptop", "old"}
    assert {row["server"] for row in run("show", "--json", "--history", fleet).data["models"]} == {"desk", "laptop"}
    assert names(run("servers", "--stale", "--json", "--history", fleet, cwd=tmp_path)) == ["dead", "old"]
    assert "; laptop stale, as of " in run("show", "--history", fleet).out
    assert "; laptop as of " in run("show", "--history", fleet, cwd=tmp_path).out
    (tmp_path / "inventory.toml").write_text("[report]\nstale_after = 0\n")
    done = run("show", "--history", fleet, cwd=tmp_path)
    assert (done.code, "line 2: stale_after cannot be 0" in done.err) == (2, True)


def test_json_and_files_have_every_column(fleet: Path, tmp_path: Path) -> None:
    """Labels are an object in JSON; a file has the same rows."""
    done = servers(fleet, "--json", "-o", tmp_path / "servers.csv", "-o", tmp_path / "servers.parquet")
    desk = done.data["servers"][1]
    assert (desk["labels"], desk["runs_asked"], desk["runs_read"], desk["size_bytes"]) == (
        {"site": "Rome"}, 3, 3, 30_100_478_361,
    )  # fmt: skip
    assert polars.read_csv(tmp_path / "servers.csv")["server"].to_list() == names(done)
    assert polars.read_parquet(tmp_path / "servers.parquet").columns == list(desk)


def test_a_server_is_retired_until_it_is_asked(fleet: Path, tmp_path: Path) -> None:
    """It leaves the state at once, and is back when a run asks for it, even one that cannot read it."""
    history = shutil.copytree(fleet, tmp_path / "h")
    done = run("servers", "retire", "laptop", "dead", "--history", history)
    assert (done.code, done.out) == (
        0, "laptop is retired until a run asks it again\ndead is retired until a run asks it again\n",
    )  # fmt: skip
    assert names(servers(history, "--json")) == ["desk"]
    assert names(servers(history, "--retired", "--json")) == ["dead", "laptop", "old"]
    assert {row["server"] for row in run("show", "--json", "--history", history).data["models"]} == {"desk"}
    assert run("snapshot", "-q", "--server", f"laptop=file:{tmp_path}/none", "--history", history).code == 3
    assert names(servers(history, "--json")) == ["desk", "laptop"]
    assert {row["server"] for row in run("show", "--json", "--history", history).data["models"]} == {"desk", "laptop"}


def test_a_retired_server_has_no_unused_models(fleet: Path) -> None:
    """They are no part of the state, unless the server is asked for."""
    listed = run("unused", "1", "--json", "--history", fleet).data["lifecycle"]
    assert "old" not in {row["server"] for row in listed}
    named = run("unused", "1", "--server", "old", "--json", "--history", fleet).data["lifecycle"]
    assert {row["server"] for row in named} == {"old"}


@pytest.mark.parametrize("command", [["servers", "retire"], ["servers", "--server"]], ids=str)
def test_an_unknown_server_is_refused_with_the_nearest(command: list[str], fleet: Path) -> None:
    """Exit 2 and one line; nothing is retired."""
    done = run(*command, "laptp", "--history", fleet)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "lms-inventory: there is no server 'laptp'. Did you mean 'laptop'? There are: dead, desk, laptop, old\n"
    )


def test_without_a_history(tmp_path: Path) -> None:
    """Exit 4, as everywhere."""
    for command in (["servers"], ["servers", "retire", "a"]):
        done = run(*command, "--history", tmp_path / "none")
        assert (done.code, done.err.count("\n"), "none" in done.err) == (4, 1, True)


@pytest.mark.long
def test_fail_on_stale(fleet: Path, tmp_path: Path) -> None:
    """Exit 10 if a server of the state was last read before, or never: for snapshot and for diff."""
    history = shutil.copytree(fleet, tmp_path / "h")
    run("servers", "retire", "dead", "--history", history)
    for word, code in (("stale:8d", 10), ("stale:1w", 10), ("stale:20d", 0), ("stale:2w", 0)):
        assert run("diff", "--fail-on", word, "--history", history).code == code, word
    assert run("diff", "--fail-on", "stale:1d", "--server", "desk", "--history", history).code == 0
    desk = fleet.parent / "desk.json"
    for word, code in (("removed,stale:8d", 10), ("stale:20d", 0)):
        done = run("snapshot", "-q", "--fail-on", word, "--server", f"desk=file:{desk}", "--history", history)
        assert (done.code, done.err) == (code, ""), word
    assert run("diff", "--fail-on", "stale:99d", "--history", fleet).code == 10, "dead was never read"


@pytest.mark.parametrize(
    "word", ["stale", "stale:", "stale:7", "stale:0d", "stale:d", "stale:7x", "stale:-1d", "stale:7d7"]
)
def test_a_wrong_age_is_refused(word: str, fleet: Path) -> None:
    """Exit 2, and how it is written."""
    done = run("diff", "--fail-on", word, "--history", fleet)
    assert (done.code, done.err) == (
        2,
        f"lms-inventory: --fail-on does not know '{word}'. Write stale:7d or stale:2w: a number of days or weeks\n",
    )
