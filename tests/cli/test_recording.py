"""``lms-inventory snapshot`` with the history that it records into."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile import Hostile, answer

import inventory
from cli.running import Done, clean, run
from inventory import History
from inventory.demo import StandIn, inventory_after, inventory_before

DEAD = "dead=127.0.0.1:9"


@pytest.fixture
def server() -> Iterator[StandIn]:
    """A stand-in that wants no token."""
    with StandIn(inventory_before()) as one:
        yield one


def take(server: StandIn, *more: str | Path, cwd: Path | None = None) -> Done:
    """Take a snapshot of a stand-in."""
    return run("snapshot", "--server", f"a={server.url}", "--recheck", "0", *more, cwd=cwd)


def statuses(folder: Path) -> list[list[str]]:
    """The statuses of each recorded run."""
    history = History(folder)
    return [[row["status"] for row in history.observed(run_id)] for run_id in history.store.run_ids()]


def test_it_is_recorded_where_the_environment_says(server: StandIn, tmp_path: Path) -> None:
    """By default a run is recorded: in LMS_INVENTORY_HISTORY, else in the platform's data directory."""
    assert take(server).code == 0
    assert statuses(Path(clean()["LMS_INVENTORY_HISTORY"])) == [["ok"]]
    env = clean(HOME=str(tmp_path), XDG_DATA_HOME=str(tmp_path / "data"))
    del env["LMS_INVENTORY_HISTORY"]
    done = run("snapshot", "-q", "--server", server.url, env=env)
    assert done == (0, "", "")
    assert list(tmp_path.rglob("observations/*/*.parquet"))


def test_no_history_leaves_none(server: StandIn) -> None:
    """--no-history writes nothing at all and compares with nothing."""
    done = take(server, "--no-history")
    assert (done.code, "Changes" in done.out) == (0, False)
    assert not Path(clean()["LMS_INVENTORY_HISTORY"]).exists()


def test_failures_are_recorded(server: StandIn, tmp_path: Path) -> None:
    """A server that was not read is a row of the history too, also when none was read."""
    assert take(server, "--server", DEAD, "--history", tmp_path).code == 3
    assert run("snapshot", "-q", "--server", DEAD, "--history", tmp_path).code == 3
    assert statuses(tmp_path) == [["ok", "unreachable"], ["unreachable"]]


def test_what_changed_since_the_run_before_is_told(server: StandIn, tmp_path: Path) -> None:
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
def test_fail_on(server: StandIn, tmp_path: Path) -> None:
    """Exit 10 only if what was named happened; a first run is a baseline; a failed server beats it with 3."""
    assert take(server, "--history", tmp_path, "--fail-on", "any").code == 0
    server.models = inventory_after()
    assert take(server, "--history", tmp_path, "--fail-on", "removed, added").code == 10
    assert take(server, "--history", tmp_path, "--fail-on", "any").code == 0
    server.models = inventory_before()
    assert take(server, "--history", tmp_path, "--fail-on", "loaded,unloaded", "--json").code == 0
    server.models = inventory_after()
    done = take(server, "--history", tmp_path, "--fail-on", "any", "--server", DEAD, "-q")
    assert (done.code, done.err.count("\n")) == (3, 1)


@pytest.mark.parametrize("words", ["", "added,gone", "Added", "any,"])
def test_an_unknown_word_is_told_before_anybody_is_asked(words: str) -> None:
    """It ends in 2 with one line that lists the words, and the server hears nothing."""
    with Hostile(answer(b"")) as server:
        done = run("snapshot", "--server", server.url, "--fail-on", words)
        assert server.requests == []
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "Use added, removed, reconfigured, loaded, unloaded, reported, unreported, any" in done.err


def test_an_answer_that_lost_most_models_is_doubted_once(server: StandIn, tmp_path: Path) -> None:
    """Suspect ends in 3, is shown and kept, and is believed when the next run says the same."""
    take(server, "--history", tmp_path)
    server.models = inventory_before()[:1]
    outputs = ("-o", "a.csv", "-o", "a.parquet")
    done = take(server, "--history", tmp_path, *outputs, "--fail-on", "any", cwd=tmp_path)
    assert done.code == 3
    assert done.err.startswith("lms-inventory: a: only 1 of 6 models are left")
    assert "  Servers         0 of 1   read   1 suspect\n  Models               1   1 llm\n" in done.out
    assert len(inventory.read(tmp_path / "a.parquet").models) == 1
    assert "left as it was: the answer of a is in doubt" in " ".join(done.out.split())
    assert not (tmp_path / "a.csv").exists()  # where its doubt would be lost
    assert "1 model, 17.99 GB, 1 loaded instance, 1 server suspect" in run("show", "--history", tmp_path).out
    assert take(server, "--history", tmp_path, "--fail-on", "removed").code == 10
    assert statuses(tmp_path) == [["ok"], ["suspect"], ["ok"]]


def test_accept_suspect_believes_at_once(server: StandIn, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("flags", [[], ["-q"], ["--json"]], ids=str)
def test_a_history_that_cannot_be_written_spares_the_files(flags: list[str], server: StandIn, tmp_path: Path) -> None:
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


class Recovering(StandIn):
    """A stand-in whose first answer after ``starting`` is set is that of a cold start: nothing but one model."""

    starting = False
    asked = 0

    def answer(self, method: str, path: str, authorization: str) -> tuple[int, Any]:
        """One model once, then all of them."""
        self.asked += 1
        if self.starting:
            self.starting = False
            return 200, {"models": self.models[:1]}
        return super().answer(method, path, authorization)


def test_a_server_that_recovers_is_believed(tmp_path: Path) -> None:
    """A server that has recovered after the pause is ok; the pause is that of --recheck."""
    with Recovering(inventory_before()) as recovering:
        arguments = ("snapshot", "-q", "--server", f"a={recovering.url}", "--history", tmp_path)
        assert run(*arguments).code == 0
        recovering.starting, began = True, time.monotonic()
        assert run(*arguments, "--recheck", "1.5") == (0, "", "")
        assert time.monotonic() - began >= 1.5
        assert recovering.asked == 3
        recovering.starting = True
        assert run(*arguments, "--accept-suspect").code == 0
        assert recovering.asked == 4, "believed at once"
    assert statuses(tmp_path) == [["ok"]] * 3
    assert run("diff", "--history", tmp_path, "--json").data["changes"], "the small answer was compared"
