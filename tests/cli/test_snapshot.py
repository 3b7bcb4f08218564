"""``lms-inventory snapshot`` and ``check`` as people and schedules run them."""

import json
import re
from pathlib import Path

import pytest
from support.cli_runner import TOKEN, clean, run
from support.hostile_servers import Hostile, answer

import inventory
from inventory.run_ids import time_of
from inventory.stub_server import StubServer, inventory_before

DEAD = "dead=127.0.0.1:9"
REFUSED_LINE = (
    "lms-inventory: dead: could not reach http://127.0.0.1:9: connection refused. Is the LM Studio server running? "
    "Start it on that machine with: lms server start; or give its address: --server http://HOST:PORT\n"
)


def test_done_and_every_server_answered(tmp_path: Path) -> None:
    """Exit 0; the report goes to stdout, nothing to stderr; each -o is a file."""
    with StubServer(inventory_before()) as server:
        done = run(
            "snapshot", "--server", server.url, "-o", "a.csv", "-o", "b.parquet", "-o", "c.xlsx", "--grain", "both",
            cwd=tmp_path,
        )  # fmt: skip
    assert (done.code, done.later.err) == (0, "")
    assert done.out.startswith("Snapshot 20")
    names = ["a.instances.csv", "a.models.csv", "b.instances.parquet", "b.models.parquet", "c.xlsx"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for name in ("a.csv", "b.parquet", "c.xlsx"):
        assert len(inventory.read(tmp_path / name).models) == 6


def test_json_is_one_object_and_nothing_else(tmp_path: Path) -> None:
    """--json prints the documented object on one line, also when a server failed."""
    with StubServer(inventory_before()) as server:
        done = run("snapshot", "--json", "--server", f"a={server.url}", "--server", DEAD, cwd=tmp_path)
    assert done.code == 3
    assert done.later.err == REFUSED_LINE
    whole = json.loads(done.out)
    assert [*whole] == ["tool", "version", "schema_version", "command", "data"]
    assert (whole["tool"], whole["command"], whole["version"]) == ("lms-inventory", "snapshot", inventory.__version__)
    assert [*whole["data"]] == ["run_id", "observations", "models", "instances"]
    assert [row["status"] for row in whole["data"]["observations"]] == ["ok", "unreachable"]
    assert [len(whole["data"][name]) for name in ("models", "instances")] == [6, 3]
    assert re.fullmatch(r"....-..-..T..:..:..\.......Z", whole["data"]["observations"][0]["observed_at"])


def test_quiet_prints_errors_only(tmp_path: Path) -> None:
    """-q leaves stdout empty; what was not read is still told."""
    with StubServer(inventory_before()) as server:
        assert run("snapshot", "-q", "--server", server.url, cwd=tmp_path).later == (0, "", "")
    assert run("snapshot", "-q", "--server", DEAD) == (3, "", REFUSED_LINE)


def test_a_partial_failure_is_written_and_told(tmp_path: Path) -> None:
    """Exit 3: the servers that answered are in the file, the others in a line on stderr."""
    with StubServer(inventory_before()) as server:
        done = run("snapshot", "--server", f"a={server.url}", "--server", DEAD, "-o", "a.csv", cwd=tmp_path)
    assert (done.code, done.later.err) == (3, REFUSED_LINE)
    assert "1 of 2 servers read; dead unreachable" in done.out
    assert len(inventory.read(tmp_path / "a.csv").models) == 6


@pytest.mark.parametrize("flags", [[], ["-q"], ["--json"]], ids=str)
def test_nothing_read_leaves_tables_as_they_were(flags: list[str], tmp_path: Path) -> None:
    """When no server could be read, CSV and Parquet stay, a workbook says so, and it is told."""
    for name in ("a.csv", "b.parquet"):
        (tmp_path / name).write_text("before")
    done = run("snapshot", *flags, "--server", DEAD, "-o", "a.csv", "-o", "b.parquet", "-o", "c.xlsx", cwd=tmp_path)
    assert done.code == 3
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.parquet").read_text() == "before"
    assert (tmp_path / "c.xlsx").exists()
    for name in ("a.csv", "b.parquet"):
        told = done.err if flags else done.out
        assert re.search(rf"{name} .*left as it was: no server could be read", told)


def test_a_missing_folder_is_told_before_anybody_is_asked(tmp_path: Path) -> None:
    """Exit 4 with one line, and the server hears nothing."""
    with Hostile(answer(b"")) as server:
        (tmp_path / "file").touch()
        for target in (tmp_path.parent / "none/a-{date}.csv", "../none/a.csv", "x" * 5000 + "/a.csv", "file/a.csv"):
            done = run("snapshot", "--server", server.url, "-o", target, cwd=tmp_path)
            assert done.code == 4
            assert done.err.startswith("lms-inventory: ")
            assert done.err.count("\n") == 1
            assert done.err.endswith("Create the folder first\n")
            assert str(target) in done.err, "as it was given, with no date that nobody gave"
        assert server.requests == []
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_missing_folders_are_made(tmp_path: Path) -> None:
    """Below the working directory, and wherever their names have a placeholder, also of both grains and of changes."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "work").mkdir()
    (tmp_path / "a.json").write_text('{"models": []}')
    targets = ("reports/{month}/x.csv", tmp_path / "work/deep/y.md", tmp_path / "elsewhere/{week}/{date}/z.xlsx")
    given = [word for target in targets for word in ("-o", target)]
    one = ("--server", "s=file:../a.json", "--history", "h")
    done = run("snapshot", *one, *given, "--grain", "both", "--json", cwd=tmp_path / "work")
    assert (done.code, done.later.err) == (0, "")
    moment = time_of(done.data["run_id"])
    week = f"{moment.isocalendar().year}-W{moment.isocalendar().week:02}"
    assert {path.name for path in tmp_path.joinpath("work/reports", f"{moment:%Y-%m}").iterdir()} == {
        "x.models.csv",
        "x.instances.csv",
    }
    assert (tmp_path / "work/deep/y.md").is_file()
    assert tmp_path.joinpath("elsewhere", week, f"{moment:%Y-%m-%d}", "z.xlsx").is_file()
    assert run("snapshot", *one, "-q", cwd=tmp_path / "work").code == 0
    assert run("diff", "--history", "h", "-o", "changes/d.csv", cwd=tmp_path / "work").code == 0
    assert (tmp_path / "work/changes/d.csv").is_file()


@pytest.mark.parametrize(
    "outputs", [["a.txt"], ["a"], ["a.csv", "./a.csv"], ["{day}.csv"], ["a.csv", "b.pdf"]], ids=str
)
def test_wrong_targets_are_usage_errors(outputs: list[str], tmp_path: Path) -> None:
    """An unknown format or placeholder, or one file twice, ends in 2 before anybody is asked."""
    with Hostile(answer(b"")) as server:
        done = run("snapshot", "--server", server.url, *(f"-o{output}" for output in outputs), cwd=tmp_path)
        assert server.requests == []
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert not any(tmp_path.iterdir())


def test_a_target_that_cannot_be_written_spares_the_others(tmp_path: Path) -> None:
    """A folder in the place of a file ends in 4 and is named; the other targets are written."""
    (tmp_path / "a.csv").mkdir()
    with StubServer(inventory_before()) as server:
        done = run("snapshot", "--server", server.url, "-o", "a.csv", "-o", "b.csv", cwd=tmp_path)
    assert done.code == 4
    assert done.later.err.startswith("lms-inventory: a.csv could not be written: ")
    assert (tmp_path / "b.csv").is_file()


def test_placeholders_are_filled_in(tmp_path: Path) -> None:
    """{date}, {time} and {run_id} are the run's own, in UTC."""
    with StubServer(inventory_before()) as server:
        done = run("snapshot", "--json", "--server", server.url, "-o", "{date}_{time}_{run_id}.csv", cwd=tmp_path)
    run_id = done.data["run_id"]
    (path,) = tmp_path.iterdir()
    day, clock = run_id[:8], run_id[9:15]
    assert path.name == f"{day[:4]}-{day[4:6]}-{day[6:]}_{clock}_{run_id}.csv"


def test_two_servers_with_one_name_end_in_2() -> None:
    """Their rows could not be told apart."""
    done = run("snapshot", "--server", "a=127.0.0.1:9", "--server", "a=127.0.0.1:10")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "two servers are named 'a'" in done.err


def test_a_token_that_is_missing_or_wrong_is_told_apart() -> None:
    """Without a token the advice is to set one, with a wrong one to set another; the right one is accepted."""
    with StubServer(inventory_before(), token=TOKEN) as server:
        done = run("check", "--server", server.url)
        assert done.code == 3
        assert "the server wants an API token" in done.out
        done = run("check", "--server", server.url, env=clean(LM_API_TOKEN=TOKEN[:-1] + "x"))
        assert done.code == 3
        assert "did not accept the API token" in done.out
        assert run("check", "--server", server.url, env=clean(LM_API_TOKEN=TOKEN)).code == 0


def test_check_writes_nothing(tmp_path: Path) -> None:
    """Check explains and leaves no file behind."""
    with StubServer(inventory_before()) as server:
        done = run("check", "--server", f"a={server.url}", "--server", DEAD, cwd=tmp_path)
    assert (done.code, done.err) == (3, "")
    assert "ok   6 models, 3 loaded instances, 64.13 GB" in done.out
    assert "connection refused" in done.out
    assert not any(tmp_path.iterdir())
