"""Nothing there is not "all is well": commands that find no history say so, and where they looked."""

import json
import shutil
from pathlib import Path

import pytest
from support.cli_runner import BEGINNING, Done, run

from inventory import History

READING = [
    ("verify",),
    ("verify", "--json"),
    ("show",),
    ("show", "2026-11-01"),
    ("diff",),
    ("diff", "baseline:x"),
    ("diff", "live", "latest"),
    ("history",),
    ("unused", "30"),
    ("history", "--by", "server"),
    ("history", "--model", "m"),
    ("baseline", "set", "x"),
    ("export", "-o", "x.csv"),
    ("prune", "--keep-last", "3"),
    ("prune", "--compact"),
]


@pytest.fixture(autouse=True)
def answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A saved answer in the working directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"models": [{"key": "m", "size_bytes": 1}]}))
    return path


def snapshot(folder: str, *more: str) -> Done:
    """A run into a folder."""
    return run("snapshot", "-q", "--server", "a=file:a.json", "--history", folder, *more)


def made(place: str) -> str:
    """What is said of a place that holds no history, once it is made."""
    if place == "nothing":
        return "the folder does not exist"
    if place == "mount":
        Path(place).mkdir()
        return "the folder is empty"
    if place == "other":
        Path(place).mkdir()
        Path(place, "letter.txt").write_text("")
        return "the folder holds something else"
    assert snapshot("real").code == 0
    if place == "real":
        for path in Path("real").glob("observations/*/*"):
            path.unlink()
        return "holds no run"
    if place == ".":
        return f"there is one at {Path('real').absolute()}"
    return f"is part of the history {Path('real').absolute()}"


@pytest.mark.parametrize("place", ["nothing", "mount", "other", "real", ".", "real/observations", "real/_tmp"])
def test_reading_nothing_ends_in_4(place: str) -> None:
    """One line that names the place and what it is; nothing is printed, written or made there."""
    said = made(place)
    before = sorted(Path().rglob("*"))
    for arguments in READING:
        done = run(*arguments, "--history", place)
        assert done.code == 4, (arguments, done)
        if place != "real" or arguments[0] != "verify":  # which says what is wrong with what is left
            assert (done.out, done.err.count("\n")) == ("", 1), (arguments, done)
            assert said in done.err
            assert str(Path(place).absolute()) in done.err
    assert sorted(Path().rglob("*")) == before


@pytest.mark.long
def test_files_need_no_history() -> None:
    """What is read from files or from the servers asks for none."""
    for name in ("a.csv", "b.parquet"):
        assert run("snapshot", "-q", "--no-history", "--server", "a=file:a.json", "-o", name).code == 0
    for arguments in (("diff", "a.csv", "b.parquet"), ("show", "a.csv"), ("export", "a.csv", "-o", "c.csv")):
        assert run(*arguments, "--history", "nothing").code == 0
    assert run("diff", "a.csv", "latest", "--history", "nothing").code == 4


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_new_history_is_said_to_be_one(more: tuple[str, ...]) -> None:
    """The first run into a place says so on stderr, with the place, also with -q; the next ones do not."""
    done = snapshot("h", *more)
    assert (done.code, done.err) == (0, f"{BEGINNING}{Path('h').absolute()}\n")
    assert snapshot("h", *more).err == ""


@pytest.mark.parametrize("place", ["nothing", "mount", "other", "real", ".", "real/observations"])
def test_an_existing_history_can_be_demanded(place: str) -> None:
    """Without one the run ends in 4, asks nobody, and makes nothing; with one it is as without the option."""
    said = made(place)
    before = sorted(Path().rglob("*"))
    done = snapshot(place, "--existing-history", "--fail-on", "any", "-o", "out.csv")
    assert (done.code, done.out, done.err.count("\n"), said in done.err) == (4, "", 1, True)
    assert sorted(Path().rglob("*")) == before
    assert snapshot("good").code == 0
    assert snapshot("good", "--existing-history") == (0, "", "")
    assert run("snapshot", "--no-history", "--existing-history").code == 2


def test_no_history_begins_inside_another() -> None:
    """A folder of a history takes no runs of its own: they would be foreign files in a proven history."""
    said = made("real/observations")
    done = snapshot("real/observations")
    assert (done.code, said in done.err) == (4, True)
    assert run("verify", "--history", "real").code == 0


def test_a_schedule_demands_the_history_that_there_is(tmp_path: Path) -> None:
    """Made while there is a history its command does not begin another; made before, it begins one."""
    new, old = (
        run("schedule", "cron", "--server", "file:a.json", "--history", "h", *more).out
        for more in ((), ("--existing-history",))
    )
    assert ("--existing-history" in new, old.count("--existing-history")) == (False, 1)
    assert snapshot("h").code == 0
    assert run("schedule", "cron", "--server", "file:a.json", "--history", "h").out.count("--existing-history") == 1
    assert len(History(tmp_path / "h").store.run_ids()) == 1
    shutil.rmtree("h")
    assert not Path("h").exists()


@pytest.mark.long
def test_verify_says_what_was_proven() -> None:
    """How many runs and answers there are, and how many answers are kept as an equal one's body."""
    assert snapshot("h").code == 0
    Path("a.json").write_text(json.dumps({"models": [{"size_bytes": 1, "key": "m"}]}))
    assert snapshot("h").code == 0
    data = run("verify", "--json", "--history", "h").data
    assert (data["runs"], data["answers"], data["equal_answers"]) == (2, 2, 1)
    assert (data["problems"], data["remarks"]) == ([], [])
    out = " ".join(run("verify", "--history", "h").out.split())
    assert "1 of 2 responses share the stored body of an equal one" in out
