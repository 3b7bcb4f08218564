"""``lms-inventory show`` and ``export`` as people run them."""

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from support.cli_runner import Done, clean, run

import inventory
from inventory.stub_server import inventory_before
from inventory.text import width

KEYS = {"google/gemma-4-26b-a4b", "openai/gpt-oss-20b"}


def show(past: Path, *arguments: str | Path, env: dict[str, str] | None = None) -> Done:
    """Show a snapshot of a history."""
    return run("show", *arguments, "--history", past, env=env)


def test_the_models_of_a_run(past: Path) -> None:
    """Totals first, then the models, the largest first; in a pipe in one table with the server and the type in it."""
    assert show(past, "2026-11-12", "--this-run") == (
        0,
        """\
2 models, 30.10 GB, 3 loaded on 1 server

Server   Key                     Type  Params   Architecture  Quantization      Size  Max context  Loaded
desktop  google/gemma-4-26b-a4b  llm   26B-A4B  gemma4        Q4_K_M        17.99 GB      262,144       1
desktop  openai/gpt-oss-20b      llm   20B      gpt-oss       MXFP4         12.11 GB      131,072       2

1 of 2 servers read; laptop unreachable
""",
        "",
    )


def test_a_server_that_was_not_read_is_shown_as_of_earlier(past: Path) -> None:
    """Not read is not gone: the state has its last complete answer, and says when that was given."""
    done = show(past, "2026-11-12")
    assert (done.code, done.err) == (0, "")
    assert sorted(line.split()[0] for line in done.out.splitlines()[3:-2]) == ["desktop"] * 2 + ["laptop"] * 6
    assert {line.split()[0] for line in done.out.splitlines() if "2026-11-11 06:00 UTC" in line} == {"laptop"}
    assert done.out.startswith("8 models, 78.60 GB, 6 loaded on 2 servers\n\nServer ")
    assert done.out.endswith("State at 2026-11-12 06:00:04 UTC: 1 of 2 servers read now; laptop as of 11 Nov\n")
    rows = show(past, "2026-11-12", "--json").data["models"]
    assert {(row["server"], row["as_of"]) for row in rows} == {
        ("desktop", "2026-11-12T06:00:04.000000Z"),
        ("laptop", "2026-11-11T06:00:04.000000Z"),
    }


def test_there_is_no_column_of_ages_where_no_row_has_one(past: Path) -> None:
    """Those rows that are shown are of now; what is older than they are is among the others."""
    done = show(past, "2026-11-12", "--filter", "server=desktop")
    assert (done.code, "As of" in done.out, "desktop" in done.out) == (0, False, True)


def test_a_run_over_few_servers_hides_no_other(past: Path) -> None:
    """The newest run did not ask desktop, which is in the state, and not in what that run read."""
    servers = {row["server"] for row in show(past, "2026-11-13", "--json").data["models"]}
    assert servers == {"desktop", "laptop", "rack:8080"}
    servers = {row["server"] for row in show(past, "2026-11-13", "--this-run", "--json").data["models"]}
    assert servers == {"laptop", "rack:8080"}
    assert {row["server"] for row in show(past, "2026-11-13:desktop", "--json").data["models"]} == {"desktop"}


def test_columns_and_order_are_chosen(past: Path) -> None:
    """--columns, --sort and --limit choose; of several servers each row names its own, whatever is printed."""
    chosen = ("previous", "--this-run", "--sort", "size", "--columns", "key, size,capabilities_vision")
    assert (
        show(past, *chosen).out
        == """\
2 models, 30.10 GB, 3 loaded on 1 server

Server   Key                         Size  Vision
desktop  openai/gpt-oss-20b      12.11 GB  no
desktop  google/gemma-4-26b-a4b  17.99 GB  yes

1 of 2 servers read; laptop unreachable
"""
    )
    rows: list[dict[str, Any]] = show(past, *chosen, "--json", "--limit", "1").data["models"]
    assert rows == [
        {"server": "desktop", "key": "openai/gpt-oss-20b", "size_bytes": 12_109_566_560, "capabilities_vision": False}
    ]
    assert [row["key"] for row in show(past, *chosen[:2], "--sort", "-size_bytes", "--json").data["models"]] == [
        "google/gemma-4-26b-a4b",
        "openai/gpt-oss-20b",
    ]


def test_every_form_has_the_rows(past: Path) -> None:
    """CSV, JSON, JSON lines and Markdown hold the same rows; lists are lists in JSON."""
    chosen = ("latest", "--columns", "key,variants,size", "--filter", "size>10GB")
    rows = show(past, *chosen, "--json").data["models"]
    assert rows
    assert all(isinstance(row["variants"], list) for row in rows)
    for form in (["--jsonl"], ["--format", "jsonl"]):
        assert [json.loads(line) for line in show(past, *chosen, *form).out.splitlines()] == rows
    assert show(past, *chosen, "--format", "json") == show(past, *chosen, "--json")
    parsed = list(csv.DictReader(StringIO(show(past, *chosen, "--format", "csv").out)))
    assert [row["key"] for row in parsed] == [row["key"] for row in rows]
    assert f"## models ({len(rows)})" in show(past, *chosen, "--format", "md").out
    done = show(past, "--json", "--format", "csv")
    assert (done.code, done.err) == (
        2,
        "lms-inventory: --format csv and --json exclude each other. Give one of them\n",
    )


def test_servers_and_rows_are_selected(past: Path) -> None:
    """--server and --filter select; the line on top says of how many models, wrong names get a question."""
    done = show(past, "--server", "laptop", "--server", "desktop", "--filter", "loaded>0", "--filter", "quant=mxfp*")
    assert done.out.startswith("2 of 7 models, 24.22 GB, 4 loaded on 2 servers\n")
    for wrong, near in (
        (["--server", "lptop"], "Did you mean 'laptop'?"),
        (["--filter", "siez>1"], "Did you mean 'size'?"),
        (["--filter", "size=>1"], "Did you mean '>='?"),
        (["--columns", "keyy"], "Did you mean 'key'?"),
        (["--where", "site=Rome"], "No server has labels"),
    ):
        done = show(past, *wrong)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
        assert near in done.err


def test_selected_rows_are_exported(past: Path, tmp_path: Path) -> None:
    """Files hold the servers and rows that were selected, and a report says that it does not hold all."""
    chosen = ("--history", past, "--server", "laptop", "--filter", "size>10GB")
    names = ("a.csv", "b.parquet", "c.xlsx", "d.md", "e.html")
    done = run("export", *chosen, *(f"-o{tmp_path / name}" for name in names))
    assert (done.code, done.err) == (0, "")
    expected = {row["key"] for row in show(past, *chosen[2:], "--json").data["models"]}
    for name in names[:3]:
        models = inventory.read(tmp_path / name).models
        assert (set(models["key"]), set(models["server"])) == (expected, {"laptop"})
    for name in names[3:]:
        assert "size&gt;10GB" in (text := (tmp_path / name).read_text()) or "size>10GB" in text
        assert "Not compared: not all rows are in this report" in text
    done = run("export", "--history", past, "--filter", "size>", "-o", tmp_path / "f.csv")
    assert (done.code, done.out, (tmp_path / "f.csv").exists()) == (2, "", False)


@pytest.mark.parametrize("columns", [80, 100, 120, 200])
@pytest.mark.parametrize("grain", ["model", "instance"])
def test_no_line_is_wider_than_the_terminal(grain: str, columns: int, past: Path) -> None:
    """Servers are a column where that fits, and headings elsewhere; --wide shows everything."""
    narrow = show(past, "--grain", grain, env=clean(COLUMNS=str(columns))).out
    assert max(map(width, narrow.splitlines())) <= columns
    wide = show(past, "--grain", grain, "--wide", env=clean(COLUMNS=str(columns))).out
    assert wide == show(past, "--grain", grain).out
    in_column = "Server " in narrow
    assert in_column == (not any(line.startswith("laptop") and ": " in line for line in narrow.splitlines()))
    assert in_column or columns < 200
    assert columns > 80 or not in_column


def test_the_instances_of_one_server(past: Path) -> None:
    """--grain instance shows what is loaded; RUN:SERVER is one server."""
    assert (
        show(past, "latest~2:laptop", "--grain", "instance", env=clean(COLUMNS="100")).out
        == """\
3 loaded instances on 1 server

Instance                Key                     Quantization      Size  Context  Unloads in
google/gemma-4-26b-a4b  google/gemma-4-26b-a4b  Q4_K_M        17.99 GB    4,096           -
openai/gpt-oss-20b      openai/gpt-oss-20b      MXFP4         12.11 GB   32,768           -
openai/gpt-oss-20b:2    openai/gpt-oss-20b      MXFP4         12.11 GB  131,072           -

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
        assert "2 models, 30.10 GB, 3 loaded on 1 server" in show(past, tmp_path / name).out
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
