"""``lms-inventory diff`` as people run it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.cli_runner import Done, run

from inventory import History
from inventory.stub_server import StubServer, inventory_after, inventory_before

Rows = list[dict[str, Any]]


def diff(past: Path, *arguments: str | Path) -> Done:
    """Compare in a history."""
    return run("diff", *arguments, "--history", past)


def changed(past: Path, *arguments: str | Path) -> list[tuple[str, str, str]]:
    """The change, server and key of each row of a comparison."""
    done = diff(past, *arguments, "--json")
    assert (done.code, done.err) == (0, "")
    return [(row["change"], row["server"], row["instance_id"] or row["key"]) for row in done.data["changes"]]


def test_previous_and_latest_are_the_default(past: Path) -> None:
    """Without references the newest two runs are compared, each server with its own last complete answer."""
    assert (
        diff(past).out
        == """\
2026-11-12 06:00:04 UTC -> 2026-11-13 06:00:04 UTC

Removed (1)
  - model     google/gemma-4-26b-a4b @ laptop      26B-A4B  Q4_K_M   17.99 GB

Unloaded (1)
  - instance  google/gemma-4-26b-a4b @ laptop     google/gemma-4-26b-a4b  context 4,096

models +0 -1 ~0   instances +0 -1 ~0   size -17.99 GB

Not compared
  rack:8080: seen for the first time: a baseline, last read 2026-11-13 06:00 UTC
"""
    )


def test_a_server_that_was_not_read_is_not_gone(past: Path) -> None:
    """Of a server that failed nothing is removed; it is listed with the reason and when it was last read."""
    done = diff(past, "latest~2", "latest~1", "--json", "--fail-on", "any")
    assert done.code == 0
    assert done.data == {
        "changes": [],
        "not_compared": [
            {"server": "laptop", "reason": "not read now: unreachable", "last_read": "2026-11-11T06:00:04.000000Z"}
        ],
        "hints": [],
    }


def test_references_of_every_kind_mean_the_run(past: Path) -> None:
    """A run id, its beginning, a date, a time and a distance are the same run."""
    first, second = History(past).store.run_ids()[:2]
    expected = changed(past, first, second)
    assert len(expected) == 8
    for old, new in (
        (first[:20], "20261111"),
        ("2026-11-10", "2026-11-11T23:00Z"),
        ("2026-11-10 06:00:05+00:00", "latest~2"),
    ):
        assert changed(past, old, new) == expected


def test_mirror_and_identity(past: Path) -> None:
    """Diff B A is the mirror of diff A B, and diff A A is empty."""
    there, back = (
        {
            (row["change"], row["key"], row["field"], json.dumps(row["old"]), json.dumps(row["new"]))
            for row in diff(past, *refs).data["changes"]
        }
        for refs in (("latest~3", "latest~2", "--json"), ("latest~2", "latest~3", "--json"))
    )
    opposite = {"added": "removed", "removed": "added", "reconfigured": "reconfigured"}
    assert {(opposite[change], key, field, new, old) for change, key, field, old, new in there} == back
    assert "\nNo changes\n" in diff(past, "latest~2", "latest~2").out
    assert changed(past, "latest:laptop", "latest:laptop") == []


def test_values_of_changes_have_their_types(past: Path) -> None:
    """JSON has numbers, lists and objects where the tables have text; --jsonl has the same rows, one a line."""
    refs = ("latest~3", "latest~2")
    changes = diff(past, *refs, "--json").data["changes"]
    values = {(row["change"], row["field"]): (row["old"], row["new"]) for row in changes}
    assert all(isinstance(value, int) for value in values["reconfigured", "size_bytes"])
    assert all(isinstance(value, list) for value in values["reconfigured", "variants"])
    assert all(isinstance(value, str) for value in values["reconfigured", "quantization_name"])
    added = next(row["new"] for row in changes if row["change"] == "added" and row["grain"] == "model")
    assert isinstance(added["size_bytes"], int)
    assert isinstance(added["capabilities_vision"], bool)
    assert [json.loads(line) for line in diff(past, *refs, "--jsonl").out.splitlines()] == changes


def test_two_machines_are_compared(past: Path) -> None:
    """RUN:SERVER is one server of a run, also when its name has a colon; one that failed is told."""
    assert changed(past, "latest~2:desktop", "latest:rack:8080") == [
        ("removed", "rack:8080", "openai/gpt-oss-20b"),
        ("unloaded", "rack:8080", "openai/gpt-oss-20b"),
        ("unloaded", "rack:8080", "openai/gpt-oss-20b:2"),
    ]
    done = diff(past, "2026-11-12:desktop", "2026-11-12T12:00Z:laptop")
    assert "2026-11-12 06:00:04 UTC desktop -> 2026-11-12 06:00:04 UTC laptop" in done.out
    assert "laptop: not read now: unreachable, last read 2026-11-11 06:00 UTC" in done.out
    heads = [line for line in done.out.splitlines()[1:] if line and line[0] not in " m"]
    assert heads == ["Only on laptop (4)", "Different (1)", "Not compared"]
    done = diff(past, "2026-11-12:laptop", "2026-11-12:desktop")
    assert "\nOnly on laptop (4)\n" in done.out
    done = diff(past, "2026-11-10:desktop", "2026-11-11:laptop", "--json")
    assert {row["change"] for row in done.data["changes"]} == {"added", "reconfigured"}, "JSON keeps the words"
    done = diff(past, "2026-11-10:desktop", "2026-11-11:desktop")
    assert "No changes" in done.out, "one machine at two times"


def test_nothing_compared_is_not_no_changes(past: Path) -> None:
    """Where no server was compared there are no counts of nothing, but why."""
    done = diff(past, "latest~2", "latest~1", "--server", "laptop")
    assert (
        done.out
        == """\
2026-11-11 06:00:04 UTC -> 2026-11-12 06:00:04 UTC

Not compared: 1 unreachable
  laptop: not read now: unreachable, last read 2026-11-11 06:00 UTC
"""
    )
    assert "models +0 -0 ~0" in diff(past, "latest~2", "latest~1").out, "desktop was compared"


def test_a_server_that_is_older_than_its_run_says_so(past: Path) -> None:
    """The heading of a comparison of two servers names the time of an older response."""
    heading = diff(past, "latest~1:laptop", "latest~1:desktop").out.splitlines()[0]
    assert heading == (
        "2026-11-12 06:00:04 UTC laptop (as of 2026-11-11 06:00:04 UTC) -> 2026-11-12 06:00:04 UTC desktop"
    )


def test_server_and_ignore(past: Path) -> None:
    """--server keeps to some servers, --ignore leaves fields out, by globs."""
    refs = ("latest~3", "latest~2")
    assert changed(past, *refs, "--server", "desktop") == []
    everything = ("quantization_*", "s?ze_bytes", "selected_variant", "variants", "config_*")
    found = changed(past, *refs, "--server", "laptop", *(f"--ignore={pattern}" for pattern in everything))
    assert [change for change, _, _ in found] == ["added", "removed"]


def test_one_change_is_one_line(past: Path) -> None:
    """What follows from another quantization is folded into its line; --all-fields shows it."""
    out = diff(past, "latest~3", "latest~2").out
    assert "      Quantization  Q8_0 -> Q4_K_M (15.58 -> 9.05 GB)\n" in out
    assert "Bits per weight" not in out
    assert "      Bits per weight   8 -> 4\n" in diff(past, "latest~3", "latest~2", "--all-fields").out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nope"], "there is no run 'nope'. There are 4: 20261110T060004.000000Z-"),
        (["latest~9"], "there is no run 'latest~9'. There are 4: "),
        (["2026-11-09"], "there is no run '2026-11-09'. There are 4: "),
        (["2026-11-09T06:00"], "there is no run '2026-11-09T06:00'. There are 4: "),
        (["20261"], "'20261' matches 4 runs. Use a longer prefix: 20261110T060004"),
        (["latest:nobody"], "there is no server 'nobody'. There are: desktop, laptop, rack:8080"),
        (["--server", "nobody"], "there is no server 'nobody'. There are: desktop, laptop, rack:8080"),
        (["baseline:none"], "there is no baseline 'none'. There are: none; save one"),
        (["-o", "a.pdf"], "a.pdf: unknown format"),
        (["-o", "{day}.csv"], "{day}.csv: unknown placeholder"),
    ],
    ids=str,
)
def test_wrong_references_list_what_there_is(arguments: list[str], told: str, past: Path) -> None:
    """They end in 2 with one line."""
    done = diff(past, *arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith(f"lms-inventory: {told}")


def test_an_empty_history_says_what_to_do(tmp_path: Path) -> None:
    """Without a run there is nothing to compare: exit 4, the place is named, and no folder is made."""
    done = diff(tmp_path / "none")
    assert (done.code, done.err.count("\n")) == (4, 1)
    assert f"there is no history at {tmp_path / 'none'}: the folder does not exist" in done.err
    assert not (tmp_path / "none").exists()


@pytest.mark.long
def test_files_stand_for_runs(past: Path, tmp_path: Path) -> None:
    """A run exported in any format is the same as in the history; another run's file shows the changes."""
    outputs = [f"-o{tmp_path / name}" for name in ("a.csv", "a.parquet", "a.xlsx")]
    assert run("export", "latest~3", *outputs, "--grain", "both", "--history", past).code == 0
    expected = changed(past, "latest~3", "latest~2")
    for name in ("a.csv", "a.parquet", "a.xlsx"):
        assert changed(past, tmp_path / name, "latest~3") == []
        assert changed(past, tmp_path / name, "latest~2") == expected
    assert changed(past, tmp_path / "a.csv", tmp_path / "a.xlsx") == []
    done = diff(past, tmp_path / "a.xlsx", "2026-11-12")
    assert "laptop: not read now: unreachable, last read 2026-11-11 06:00 UTC" in done.out
    done = diff(past, "latest", tmp_path / "missing.csv")
    assert (done.code, done.err.count("\n")) == (4, 1)


@pytest.mark.long
def test_a_file_has_no_date(past: Path, tmp_path: Path) -> None:
    """A target's {date} is a run's: against a file that tells none it is refused, and a plain name is not."""
    snapshot = tmp_path / "x.csv"
    assert run("export", "latest", "-o", snapshot, "--history", past).code == 0
    done = diff(past, "previous", snapshot, "-o", tmp_path / "{date}.csv")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "does not name its run. Use a name without placeholders" in done.err
    assert diff(past, "previous", snapshot, "-o", tmp_path / "y.csv").code == 0
    assert {path.name for path in tmp_path.glob("*.csv")} == {"x.csv", "y.csv"}


def test_changes_are_written_in_every_format(past: Path, tmp_path: Path) -> None:
    """-o writes the changes; one that cannot be written ends in 4 and spares the others."""
    names = ("{date}.csv", "b.parquet", "c.xlsx")
    assert diff(past, "latest~3", "latest~2", *(f"-o{tmp_path / name}" for name in names)).code == 0
    for read in (
        pd.read_csv(tmp_path / "2026-11-11.csv"),
        pd.read_parquet(tmp_path / "b.parquet"),
        pd.read_excel(tmp_path / "c.xlsx", sheet_name="Changes"),
    ):
        assert len(read) == 8
    (tmp_path / "d.csv").mkdir()
    done = diff(past, "-o", tmp_path / "d.csv", "-o", tmp_path / "e.csv")
    assert (done.code, done.err.count("\n"), (tmp_path / "e.csv").is_file()) == (4, 1, True)


def test_fail_on(past: Path) -> None:
    """--fail-on ends in 10 if what it names happened."""
    assert diff(past, "latest~3", "latest~2", "--fail-on", "reconfigured").code == 10
    assert diff(past, "latest~3", "latest~2", "--fail-on", "loaded,reported").code == 0


def test_drift_from_a_baseline(past: Path, tmp_path: Path) -> None:
    """A baseline is compared with the latest run, or with another one."""
    shutil.copytree(past, tmp_path / "h")
    assert run("baseline", "set", "approved", "latest~3", "--history", tmp_path / "h").code == 0
    assert changed(tmp_path / "h", "baseline:approved", "latest~2") == changed(past, "latest~3", "latest~2")
    assert ("removed", "laptop", "google/gemma-4-26b-a4b") in changed(tmp_path / "h", "baseline:approved")


@pytest.mark.long
def test_live_asks_now(tmp_path: Path) -> None:
    """Live asks the servers of the newest run, records nothing, and ends in 3 if one is not read."""
    with StubServer(inventory_before()) as server:
        run("snapshot", "-q", "--server", f"a={server.url}", "--history", tmp_path)
        server.models = inventory_after()
        done = diff(tmp_path, "latest", "live", "--json", "--fail-on", "added")
        assert (done.code, len(done.data["changes"])) == (10, 8)
        assert [row["change"] for row in diff(tmp_path, "live", "latest", "--json").data["changes"]][:1] == ["added"]
    done = diff(tmp_path, "latest", "live", "--json")
    assert (done.code, done.data["changes"]) == (3, [])
    assert done.data["not_compared"][0]["reason"] == "not read now: unreachable"
    assert len(History(tmp_path).store.run_ids()) == 1


def test_a_possible_rename_is_said_beside(tmp_path: Path) -> None:
    """A key that came while its like went is added and removed, with a hint, where something else differs too."""
    answer = tmp_path / "a.json"
    models = inventory_before()
    for key, params in (("microsoft/phi-4", "14B"), ("microsoft/phi-4-new", "15B")):
        models[2] |= {"key": key, "params_string": params}
        answer.write_text(json.dumps({"models": models}))
        run("snapshot", "-q", "--server", f"a=file:{answer}", "--history", tmp_path / "h")
    out = diff(tmp_path / "h").out
    assert out.count("possible rename of ") >= 1
    assert "Added (1)" in out
