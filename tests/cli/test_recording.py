"""``lms-inventory snapshot`` with the history that it records into."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cli_runner import Done, clean, run
from support.hostile_servers import Hostile, answer

import inventory
from inventory import History
from inventory.history.run_log import read
from inventory.stub_server import StubServer, inventory_after, inventory_before

DEAD = "dead=127.0.0.1:9"


@pytest.fixture
def server() -> Iterator[StubServer]:
    """A stand-in that wants no token."""
    with StubServer(inventory_before()) as one:
        yield one


def take(server: StubServer, *more: str | Path, cwd: Path | None = None) -> Done:
    """Take a snapshot of a stand-in."""
    return run("snapshot", "--server", f"a={server.url}", "--recheck", "0", *more, cwd=cwd)


def statuses(folder: Path) -> list[list[str]]:
    """The statuses of each recorded run."""
    history = History(folder)
    return [[row["status"] for row in history.observed(run_id)] for run_id in history.store.run_ids()]


def test_it_is_recorded_where_the_environment_says(server: StubServer, tmp_path: Path) -> None:
    """By default a run is recorded: in LMS_INVENTORY_HISTORY, else in the platform's data directory."""
    assert take(server).code == 0
    assert statuses(Path(clean()["LMS_INVENTORY_HISTORY"])) == [["ok"]]
    env = clean(HOME=str(tmp_path), XDG_DATA_HOME=str(tmp_path / "data"))
    del env["LMS_INVENTORY_HISTORY"]
    done = run("snapshot", "-q", "--server", server.url, env=env)
    assert done.later == (0, "", "")
    assert list(tmp_path.rglob("observations/*/*.parquet"))


def test_no_history_leaves_none(server: StubServer) -> None:
    """--no-history writes nothing at all and compares with nothing."""
    done = take(server, "--no-history")
    assert (done.code, "Changes" in done.out) == (0, False)
    assert not Path(clean()["LMS_INVENTORY_HISTORY"]).exists()


def test_failures_are_recorded(server: StubServer, tmp_path: Path) -> None:
    """A server that was not read is a row of the history too, also when none was read."""
    assert take(server, "--server", DEAD, "--history", tmp_path).code == 3
    assert run("snapshot", "-q", "--server", DEAD, "--history", tmp_path).code == 3
    assert statuses(tmp_path) == [["ok", "unreachable"], ["unreachable"]]


@pytest.mark.long
def test_what_changed_since_the_run_before_is_told(server: StubServer, tmp_path: Path) -> None:
    """The second run tells the difference in size and the changes; the first has nothing to compare with."""
    assert "since" not in take(server, "--history", tmp_path).out
    server.models = inventory_after()
    done = take(server, "--history", tmp_path)
    assert "\n  On disk       48.50 GB   -15.64 GB since the previous snapshot\n" in done.out
    assert re.search(
        r"\n  Changes       models \+1 -1 ~1   instances \+0 -0 ~1   since 20..-..-.. ..:.. UTC\n", done.out
    )
    assert "Changes       models +0 -0 ~0   instances +0 -0 ~0   since" in take(server, "--history", tmp_path).out


@pytest.mark.long
def test_fail_on(server: StubServer, tmp_path: Path) -> None:
    """Exit 10 only if what was named happened; a first run is a baseline; a failed server does not silence it."""
    assert take(server, "--history", tmp_path, "--fail-on", "any").code == 0
    server.models = inventory_after()
    assert take(server, "--history", tmp_path, "--fail-on", "removed, added").code == 10
    assert take(server, "--history", tmp_path, "--fail-on", "any").code == 0
    server.models = inventory_before()
    assert take(server, "--history", tmp_path, "--fail-on", "loaded,unloaded", "--json").code == 0
    server.models = inventory_after()
    done = take(server, "--history", tmp_path, "--fail-on", "any", "--server", DEAD, "-q")
    assert (done.code, done.err.count("\n")) == (10, 1)
    done = take(server, "--history", tmp_path, "--fail-on", "removed", "--server", DEAD, "-q")
    assert (done.code, done.err.count("\n")) == (3, 1)


@pytest.mark.parametrize("words", ["", "added,gone", "Added", "any,"])
def test_an_unknown_word_is_told_before_anybody_is_asked(words: str) -> None:
    """It ends in 2 with one line that lists the words, and the server hears nothing."""
    with Hostile(answer(b"")) as server:
        done = run("snapshot", "--server", server.url, "--fail-on", words)
        assert server.requests == []
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "added, removed, renamed, reconfigured, loaded, unloaded, reported, unreported, any, incomplete" in done.err
    assert ("Did you mean 'added'?" in done.err) == (words == "Added")


@pytest.mark.long
def test_an_answer_that_lost_most_models_is_doubted_once(server: StubServer, tmp_path: Path) -> None:
    """Suspect ends in 3, is shown and kept, and is believed when the next run says the same."""
    take(server, "--history", tmp_path)
    server.models = inventory_before()[:1]
    outputs = ("--this-run", "-o", "a.csv", "-o", "a.parquet")
    done = take(server, "--history", tmp_path, *outputs, "--fail-on", "any", cwd=tmp_path)
    assert done.code == 3
    assert done.err.startswith("lms-inventory: a: only 1 of 6 models are left")
    assert "  Coverage      0 of 1 server read; " in done.out
    assert "  Models               1   1 llm\n" in done.out
    assert "  Changes       not compared: 1 suspect   since " in done.out
    assert len(inventory.read(tmp_path / "a.parquet").models) == 1
    assert "left as it was: the answer of a is in doubt" in " ".join(done.out.split())
    assert not (tmp_path / "a.csv").exists()  # where its doubt would be lost
    shown = run("show", "--this-run", "--history", tmp_path).out
    assert "0 of 1 server read; " in shown
    assert "6 models, " in run("show", "--history", tmp_path).out, "the state has the complete answer before"
    assert "Not compared: 1 suspect\n" in run("diff", "--history", tmp_path).out
    assert take(server, "--history", tmp_path, "--fail-on", "removed").code == 10
    assert statuses(tmp_path) == [["ok"], ["suspect"], ["ok"]]


@pytest.mark.long
def test_accept_suspect_believes_at_once(server: StubServer, tmp_path: Path) -> None:
    """--accept-suspect records the answer as it is."""
    take(server, "--history", tmp_path)
    server.models = []
    assert take(server, "--history", tmp_path, "--accept-suspect", "--fail-on", "removed").code == 10
    assert statuses(tmp_path) == [["ok"], ["ok"]]


def test_a_doubtful_answer_is_asked_for_once_more(tmp_path: Path) -> None:
    """A believed answer costs one request; one that lost most of its models is asked for twice in the same run."""
    bodies = [json.dumps({"models": models}).encode() for models in (inventory_before(), inventory_before()[:1])]
    for body, requests in ((bodies[0], 1), (bodies[1], 2)):
        with Hostile(answer(body)) as one:
            run("snapshot", "-q", "--server", f"a={one.url}", "--history", tmp_path, "--recheck", "0.1")
            assert len(one.requests) == requests


@pytest.mark.long
@pytest.mark.parametrize("flags", [[], ["-q"], ["--json"]], ids=str)
def test_a_history_that_cannot_be_written_spares_the_files(
    flags: list[str], server: StubServer, tmp_path: Path
) -> None:
    """Exit 4 with one line that says what to do; the snapshot is shown, and its files are written."""
    (tmp_path / "blocked").write_text("")
    for folder in ("blocked", "blocked/deeper"):
        done = take(server, *flags, "--history", tmp_path / folder, "-o", "a.csv", cwd=tmp_path)
        assert (done.code, done.err.count("\n")) == (4, 1), done.err
        assert done.err.startswith(
            f"lms-inventory: {tmp_path / folder}/observations could not be read: Not a directory"
        )
        assert "--history DIR" in done.err
        assert (done.out == "") == (flags == ["-q"])
        assert len(inventory.read(tmp_path / "a.csv").models) == 6


@pytest.mark.long
def test_a_server_that_recovers_is_believed(tmp_path: Path) -> None:
    """A server that has recovered after the pause is ok; the pause is that of --recheck."""
    with StubServer(inventory_before()) as recovering:
        arguments = ("snapshot", "-q", "--server", f"a={recovering.url}", "--history", tmp_path)
        assert run(*arguments).code == 0
        recovering.play(inventory_before()[:1], inventory_before())
        began = time.monotonic()
        assert run(*arguments, "--recheck", "0.5") == (0, "", "")
        assert time.monotonic() - began >= 0.5
        assert len(recovering.requests) == 3
        recovering.play(inventory_before()[:1], inventory_before())
        assert run(*arguments, "--accept-suspect").code == 0
        assert len(recovering.requests) == 4, "believed at once"
    assert statuses(tmp_path) == [["ok"]] * 3
    assert run("diff", "--history", tmp_path, "--json").data["changes"], "the small answer was compared"


@pytest.mark.long
def test_what_happened_counts_more_than_who_was_not_read(server: StubServer, tmp_path: Path) -> None:
    """One machine that is off does not silence the alarm: 10 comes before 3, and 4 before both."""
    both = ("--server", "off=file:none.json", "--server", f"a={server.url}", "--history", tmp_path / "h")

    def code(words: str | None, *more: str) -> int:
        chosen = ("--fail-on", words) if words else ()
        return run("snapshot", "-q", *both, *chosen, *more, cwd=tmp_path).code

    (tmp_path / "folder.csv").mkdir()
    assert [code(None), code("any"), code("removed"), code("incomplete")] == [3, 3, 3, 10]
    server.models = inventory_after()
    assert code("added,removed") == 10
    server.models = inventory_before()
    assert code("any", "-o", "folder.csv") == 4
    server.models = inventory_after()
    assert code("renamed,loaded") == 3
    codes = [entry["exit_code"] for entry in read(tmp_path / "h").entries]
    assert codes == [3, 3, 3, 10, 10, 4, 3]


@pytest.mark.long
def test_incomplete_is_a_word_for_diff_and_without_a_history(server: StubServer, tmp_path: Path) -> None:
    """It is said of a comparison with a server that was not read, and needs nothing to compare with."""
    a, off = ("--server", f"a={server.url}"), ("--server", "off=file:off.json")
    (tmp_path / "off.json").write_text('{"models": [{"key": "m"}]}')
    h = ("--history", tmp_path / "h")
    assert run("snapshot", "-q", *a, *off, *h, cwd=tmp_path).code == 0
    assert run("snapshot", "-q", *a, *off, *h, cwd=tmp_path).code == 0
    assert run("diff", *h, "--fail-on", "incomplete").code == 0
    (tmp_path / "off.json").unlink()
    assert run("snapshot", "-q", *a, *off, *h, cwd=tmp_path).code == 3
    assert [run("diff", *h, "--fail-on", words).code for words in ("any", "incomplete")] == [0, 10]
    assert run("diff", *h, "latest", "live", "--fail-on", "incomplete", cwd=tmp_path).code == 10
    assert run("diff", *h, "latest", "live", cwd=tmp_path).code == 3
    none = ("snapshot", "-q", "--no-history", *off)
    assert [run(*none, "--fail-on", words, cwd=tmp_path).code for words in ("incomplete", "any,incomplete")] == [10, 2]


@pytest.mark.long
def test_a_renamed_model_is_no_removed_one(server: StubServer, tmp_path: Path) -> None:
    """The alarm for removed models stays silent; that for renamed ones and for any change does not."""
    codes = []
    for number, words in enumerate(("any", "added,removed,reconfigured,loaded,unloaded", "renamed", "any")):
        server.models = inventory_before()
        server.models[2]["key"] = f"qwen/qwen3-8b-{number}"
        server.models[2] |= {"variants": None, "selected_variant": None}
        arguments = ("--server", f"a={server.url}", "--history", tmp_path / "h", "--fail-on", words)
        codes.append(run("snapshot", "-q", *arguments).code)
    assert codes == [0, 0, 10, 10]


@pytest.mark.long
def test_ignored_fields_do_not_count(tmp_path: Path) -> None:
    """By flag, variable or configuration: no alarm, no count in the journal, the report or the history."""
    h = ("--history", "h")
    ways: list[tuple[tuple[str, ...], dict[str, str], str]] = [
        (("--ignore", "extra.used_at", "--ignore", "extra.sta*"), {}, ""),
        ((), {"LMS_INVENTORY_IGNORE": "extra.used_at extra.state"}, ""),
        ((), {}, '[compare]\nignore = ["extra.used_at", "extra.state"]\n'),
    ]
    for flags, variables, configuration in ways:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        (folder / "inventory.toml").write_text(configuration)
        env = clean(**variables)
        for number in range(3):
            model = {"key": "m", "size_bytes": 1, "used_at": number, "state": str(number)}
            (folder / "a.json").write_text(json.dumps({"models": [model]}))
            asked = ("--server", "a=file:a.json", "--fail-on", "any", "-o", "report.md")
            assert run("snapshot", "-q", *asked, *h, *flags, cwd=folder, env=env).code == 0
        assert "No changes" in (folder / "report.md").read_text()
        assert [sum((entry["changes"] or {}).values()) for entry in read(folder / "h").entries] == [0, 0, 0]
        assert run("diff", *h, *flags, "--fail-on", "any", cwd=folder, env=env).code == 0
        assert run("verify", *h, cwd=folder, env=env).code == 0
        counted = run("history", *h, "--json", cwd=folder, env=env).data["runs"]
        assert [row["reconfigured"] for row in counted] == [None, 0, 0]
        assert len(list((folder / "h" / "models").rglob("*.parquet"))) == 1
