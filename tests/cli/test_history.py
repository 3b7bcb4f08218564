"""``lms-inventory history`` as people run it."""

from pathlib import Path

import pandas as pd
import pytest
from support.cli_runner import Done, clean, run

RUNS = """\
Run (UTC)         Status   Models      Size  Loaded  Added  Removed  Reconf.
2026-11-10 06:00  ok            8  94.23 GB       6  nothing to compare with
2026-11-11 06:00  ok            8  78.60 GB       6      1        1        2
2026-11-12 06:00  partial       2  30.10 GB       3      .        .        .
                  1 of 2 not read: laptop
2026-11-13 06:00  ok            6  48.50 GB       3      .        1        .

4 runs, 3 ok, 1 partial    size \u2588\u2581\u2581\u2581  94.23 GB -> 78.60 GB
(unread servers as last read)
"""


def history(past: Path, *arguments: str | Path, **env: str) -> Done:
    """Ask a history."""
    return run("history", *arguments, "--history", past, env=clean(**env))


def test_the_runs(past: Path) -> None:
    """A line a run with counts, sizes and changes, and the trend; in ASCII where the output can show nothing else."""
    assert history(past, PYTHONIOENCODING="utf-8", COLUMNS="80") == (0, RUNS, "")
    ascii_only = RUNS.translate({0x2588: "^", 0x2581: "_"})
    assert history(past, PYTHONIOENCODING="ascii", COLUMNS="80").out == ascii_only
    assert history(past, PYTHONIOENCODING="utf-8", COLUMNS="100").out.splitlines()[0].endswith("  Reconfigured")
    assert history(past, PYTHONIOENCODING="utf-8").out.splitlines()[0].endswith("  Reconfigured"), "a pipe"


def test_some_runs(past: Path) -> None:
    """--since and --server choose; what is chosen may be nothing, which is not an empty history."""
    assert len(history(past, "--since", "2026-11-12T00:00Z", "--json").data["runs"]) == 2
    rows = history(past, "--server", "desktop", "--json").data["runs"]
    assert [(row["servers"], row["model_count"]) for row in rows] == [(1, 2)] * 3
    assert history(past, "--since", "2027-01-01").out == "No run in that period; the history has 4.\n"


def test_the_servers_that_a_run_did_not_read(past: Path) -> None:
    """--json names them; so does a file, as JSON in a cell."""
    rows = history(past, "--json").data["runs"]
    assert [row["unread"] for row in rows] == [[], [], ["laptop"], []]
    assert [row["added"] for row in rows] == [None, 1, 0, 0]
    assert [row["unread"] for row in history(past, "--server", "desktop", "--json").data["runs"]] == [[]] * 3


def test_one_models_life(past: Path) -> None:
    """--model tells on each server when it was there, how often it was loaded, and each change."""
    assert (
        history(past, "--model", "openai/gpt-oss-20b").out
        == """\
openai/gpt-oss-20b

  desktop
    First seen    2026-11-10 06:00:04 UTC
    Last seen     2026-11-12 06:00:04 UTC
    Present       3 days, 3 of 3 runs
    Loaded        in 100 % of them, last 2026-11-12 06:00:04 UTC
    Size          12.11 GB

  laptop
    First seen    2026-11-10 06:00:04 UTC
    Last seen     2026-11-13 06:00:04 UTC
    Present       3 days, 3 of 3 runs
    Loaded        in 100 % of them, last 2026-11-13 06:00:04 UTC
    Size          12.11 GB
    2026-11-11 06:00:04 UTC  ~ instance openai/gpt-oss-20b:2 Context  65,536 -> 131,072
"""
    )
    data = history(past, "--model", "microsoft/phi-4", "--server", "laptop", "--json").data
    assert {row["field"] for row in data["changes"]} >= {"quantization_name", "size_bytes"}
    assert [row["server"] for row in data["lifecycle"]] == ["laptop"]
    gone = history(past, "--model", "mistralai/codestral-22b-v0.1").out
    assert "  laptop   no longer there\n" in gone
    assert "    2026-11-11 06:00:04 UTC  - model removed\n" in gone


@pytest.mark.long
def test_a_model_is_found_by_a_part_of_its_key(past: Path) -> None:
    """Its end, its display name, or a pattern for several; what means several or none is an error."""
    shown = history(past, "--model", "openai/gpt-oss-20b").out
    for text in ("gpt-oss-20b", "GPT-OSS", "gpt-oss-*"):
        assert history(past, "--model", text).out == shown, text
    done = history(past, "--model", "*/*")
    assert [line for line in done.out.splitlines() if line and line[0] != " "] == sorted(
        {row["key"] for row in history(past, "--model", "*/*", "--json").data["lifecycle"]}
    )
    done = history(past, "--model", "g", "--server", "desktop")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(
        "lms-inventory: 'g' matches 2 models on desktop: google/gemma-4-26b-a4b, openai/gpt-oss-20b. Write more "
    )
    done = history(past, "--model", "gtp-oss-20b")
    assert (done.code, "Did you mean 'openai/gpt-oss-20b'?" in done.err) == (2, True)


def test_answers_are_written(past: Path, tmp_path: Path) -> None:
    """-o writes what is shown, in every format."""
    targets = [tmp_path / name for name in ("a.csv", "b.parquet", "c.xlsx")]
    assert history(past, *(f"-o{target}" for target in targets)).code == 0
    frames = [pd.read_csv(targets[0]), pd.read_parquet(targets[1]), pd.read_excel(targets[2], sheet_name=0)]
    assert [len(frame) for frame in frames] == [4, 4, 4]
    assert history(past, "--model", "microsoft/phi-4", "-o", tmp_path / "d.parquet").code == 0
    assert set(pd.read_parquet(tmp_path / "d.parquet")["key"]) == {"microsoft/phi-4"}


def test_an_empty_history(tmp_path: Path) -> None:
    """There is nothing to show, which is not the same as nothing to worry about; nothing is made."""
    folder = tmp_path / "none"
    for arguments in ((), ("--json",)):
        done = history(folder, *arguments)
        assert (done.code, done.out, f"there is no history at {folder}" in done.err) == (4, "", True), arguments
    assert not folder.exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--server", "nobody"], "there is no server 'nobody'. There are: desktop, laptop, rack:8080"),
        (["--model", "nope"], "no run has seen the model 'nope'. "),
        (["--since", "soon"], "'soon' is neither a date nor a time. Write 2026-11-23, 2026-11, "),
        (["-o", "/none/a.csv"], "/none/a.csv cannot be written: there is no folder /none. "),
    ],
    ids=str,
)
def test_what_cannot_be_answered_is_told(arguments: list[str], told: str, past: Path) -> None:
    """Wrong questions are one line that says what there is, in 2; a missing folder ends in 4."""
    done = history(past, *arguments)
    assert (done.code, done.out, done.err.count("\n")) == (4 if "-o" in arguments else 2, "", 1)
    assert done.err.startswith(f"lms-inventory: {told}")
