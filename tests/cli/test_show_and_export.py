"""``lms-inventory show`` and ``export`` as people run them."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.cli_runner import Done, run

import inventory
from inventory.stub_server import inventory_before

KEYS = {"google/gemma-4-26b-a4b", "openai/gpt-oss-20b"}


def show(past: Path, *arguments: str | Path) -> Done:
    """Show a snapshot of a history."""
    return run("show", *arguments, "--history", past)


def test_the_models_of_a_run(past: Path) -> None:
    """Models stand in columns with a line of totals; a server that was not read is told."""
    assert show(past, "2026-11-12", "--this-run") == (
        0,
        """\
Server   Key                     Params   Architecture  Quant       Size  Max context  Loaded
desktop  google/gemma-4-26b-a4b  26B-A4B  gemma4        Q4_K_M  17.99 GB      262,144       1
desktop  openai/gpt-oss-20b      20B      gpt-oss       MXFP4   12.11 GB      131,072       2

2 models, 30.10 GB, 3 loaded instances; 1 of 2 servers read; laptop unreachable
""",
        "",
    )


def test_a_server_that_was_not_read_is_shown_as_of_earlier(past: Path) -> None:
    """Not read is not gone: the state has its last complete answer, and says when that was given."""
    done = show(past, "2026-11-12")
    assert (done.code, done.err) == (0, "")
    assert [line.split()[0] for line in done.out.splitlines()[1:-3]] == ["desktop"] * 2 + ["laptop"] * 6
    assert done.out.endswith(
        "\n8 models, 78.60 GB, 6 loaded instances\n"
        "State at 2026-11-12 06:00:04 UTC: 1 of 2 servers read now; laptop as of 11 Nov\n"
    )
    rows = show(past, "2026-11-12", "--json").data["models"]
    assert {(row["server"], row["as_of"]) for row in rows} == {
        ("desktop", "2026-11-12T06:00:04.000000Z"),
        ("laptop", "2026-11-11T06:00:04.000000Z"),
    }


def test_a_run_over_few_servers_hides_no_other(past: Path) -> None:
    """The newest run did not ask desktop, which is in the state, and not in what that run read."""
    servers = {row["server"] for row in show(past, "2026-11-13", "--json").data["models"]}
    assert servers == {"desktop", "laptop", "rack:8080"}
    servers = {row["server"] for row in show(past, "2026-11-13", "--this-run", "--json").data["models"]}
    assert servers == {"laptop", "rack:8080"}
    assert {row["server"] for row in show(past, "2026-11-13:desktop", "--json").data["models"]} == {"desktop"}


def test_columns_and_order_are_chosen(past: Path) -> None:
    """--columns and --sort choose, with a dash for the greatest first; the same holds for --json."""
    chosen = ("previous", "--this-run", "--sort", "-size_bytes", "--columns", "key, size_bytes,capabilities_vision")
    assert (
        show(past, *chosen).out
        == """\
Key                         Size  capabilities_vision
google/gemma-4-26b-a4b  17.99 GB  yes
openai/gpt-oss-20b      12.11 GB  no

2 models, 30.10 GB, 3 loaded instances; 1 of 2 servers read; laptop unreachable
"""
    )
    rows: list[dict[str, Any]] = show(past, *chosen, "--json").data["models"]
    assert rows[0] == {"key": "google/gemma-4-26b-a4b", "size_bytes": 17_990_911_801, "capabilities_vision": True}
    assert [row["key"] for row in show(past, *chosen[:2], "--sort", "size_bytes", "--json").data["models"]] == [
        "openai/gpt-oss-20b",
        "google/gemma-4-26b-a4b",
    ]


def test_the_instances_of_one_server(past: Path) -> None:
    """--grain instance shows what is loaded; RUN:SERVER is one server."""
    assert (
        show(past, "latest~2:laptop", "--grain", "instance").out
        == """\
Instance                Key                     Quantization      Size  Context  Max context  Unloads in
google/gemma-4-26b-a4b  google/gemma-4-26b-a4b  Q4_K_M        17.99 GB    4,096      262,144           -
openai/gpt-oss-20b      openai/gpt-oss-20b      MXFP4         12.11 GB   32,768      131,072           -
openai/gpt-oss-20b:2    openai/gpt-oss-20b      MXFP4         12.11 GB  131,072      131,072           -

3 loaded instances
State at 2026-11-11 06:00:04 UTC: 1 of 1 server read
"""
    )


@pytest.mark.parametrize(
    "arguments",
    [["--sort", "nope"], ["--sort", "-"], ["--sort", ""], ["--columns", "key,nope"], ["--columns", ""],
     ["--columns", "nope", "--json"], ["--grain", "instance", "--sort", "params_count"]],
    ids=str,
)  # fmt: skip
def test_an_unknown_column_lists_what_there_is(arguments: list[str], past: Path) -> None:
    """It ends in 2 with one line."""
    done = show(past, *arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "There are: server, key, ordinal, " in done.err


@pytest.mark.long
def test_export_and_show_again(past: Path, tmp_path: Path) -> None:
    """A run is exported in every format, and a file is shown as the run is."""
    names = ("{date}.csv", "b.parquet", "c.xlsx")
    done = run("export", "2026-11-12", "--this-run", *(f"-o{tmp_path / name}" for name in names), "--history", past)
    assert (done.code, done.err) == (0, "")
    assert f"  Models     {tmp_path / '2026-11-12.csv'}  2 rows\n" in done.out
    for name in ("2026-11-12.csv", "b.parquet", "c.xlsx"):
        assert set(inventory.read(tmp_path / name).models["key"]) == KEYS
        assert "2 models, 30.10 GB, 3 loaded instances" in show(past, tmp_path / name).out
    done = show(past, tmp_path / "b.parquet", "--grain", "instance")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "the snapshot has no instance rows" in done.err


@pytest.mark.long
def test_an_export_that_cannot_be(past: Path, tmp_path: Path) -> None:
    """Wrong references and formats end in 2; a file that cannot be written in 4; a run without any answer in 3."""
    target = tmp_path / "a.csv"
    assert run("export", "nope", "-o", target, "--history", past).code == 2
    assert run("export", "-o", tmp_path / "a.pdf", "--history", past).code == 2
    assert run("export", "-o", target, "-o", target, "--history", past).code == 2
    (tmp_path / "folder.csv").mkdir()
    for wrong in (tmp_path / "no" / "a.csv", tmp_path / "folder.csv"):
        done = run("export", "-o", wrong, "-o", tmp_path / "b.csv", "--history", past)
        assert (done.code, done.err.count("\n"), str(wrong) in done.err) == (4, 1, True)
    done = run("export", "previous:laptop", "-o", target, "--history", past)
    assert done.code == 0, "its last complete answer"
    target.unlink()
    run("snapshot", "-q", "--server", "a=127.0.0.1:9", "--history", tmp_path / "h")
    done = run("export", "-o", target, "--history", tmp_path / "h")
    assert (done.code, "left as it was: no server could be read" in done.out) == (3, True)
    assert not target.exists()


def test_a_failed_run_hides_nothing(tmp_path: Path) -> None:
    """After a run that read nothing, show, export and snapshot -o have the models, and say as of when they were."""
    answer, history = tmp_path / "a.json", ("--history", tmp_path / "h")
    answer.write_text(json.dumps({"models": inventory_before()[:2]}))
    snapshot = ("snapshot", "-q", "--server", f"a=file:{answer}", *history)
    assert run(*snapshot).code == 0
    [as_of] = {row["as_of"] for row in run("show", "--json", *history).data["models"]}
    answer.unlink()
    assert run(*snapshot, "-o", tmp_path / "state.csv", "-o", tmp_path / "state.md").code == 3
    rows = run("show", "--json", *history).data["models"]
    assert ({row["key"] for row in rows}, {row["as_of"] for row in rows}) == (KEYS, {as_of})
    assert "0 of 1 server read now; a as of " in run("show", *history).out
    assert set(inventory.read(tmp_path / "state.csv").models["key"]) == KEYS
    assert all(key in (tmp_path / "state.md").read_text() for key in KEYS)
    assert run("show", "--this-run", "--json", *history).data["models"] == []
    done = run(*snapshot, "--this-run", "-o", tmp_path / "run.csv")
    assert (done.code, "left as it was: no server could be read" in done.err) == (3, True)
    assert not (tmp_path / "run.csv").exists()
    assert run("export", "-o", tmp_path / "export.csv", *history).code == 0
    assert (tmp_path / "export.csv").read_text() == (tmp_path / "state.csv").read_text()
    assert run("export", "--this-run", "-o", tmp_path / "run.csv", *history).code == 3
