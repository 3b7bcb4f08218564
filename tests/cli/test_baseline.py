"""``lms-inventory baseline``: listing, saving and removing."""

import shutil
from pathlib import Path

import pytest
from support.cli_runner import clean, run

from inventory import History


@pytest.fixture
def copy(past: Path, tmp_path: Path) -> Path:
    """A history that may be written into."""
    return Path(shutil.copytree(past, tmp_path / "h"))


def test_a_name_is_given_once(copy: Path) -> None:
    """Giving it to the same run again changes nothing, to another is refused; once it is removed it is free."""
    first, *_, last = History(copy).store.run_ids()
    for _ in range(2):
        done = run("baseline", "set", "good", first[:9] + "0600", "--history", copy)
        assert done == (0, f"The baseline good is run {first}\n", "")
    done = run("baseline", "set", "good", "--history", copy)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.endswith("or remove it: lms-inventory baseline remove good\n")
    done = run("baseline", "remove", "good", "--history", copy)
    assert done == (0, f"The baseline good is removed; run {first} stays\n", "")
    assert run("baseline", "set", "good", "--history", copy).out == f"The baseline good is run {last}\n"
    assert run("verify", "--history", copy).code == 0


def test_baselines_are_listed(copy: Path) -> None:
    """With their runs by time and id, each a reference; nothing there is said, and is no failure."""
    env = clean(TZ="Europe/Rome", COLUMNS="80")
    done = run("baseline", "list", "--history", copy)
    assert done == (0, "No baselines. To save one: lms-inventory baseline set NAME [REF]\n", "")
    first, *_, last = History(copy).store.run_ids()
    run("baseline", "set", "v1.xlsx", "first", "--history", copy)
    run("baseline", "set", "approved", "--history", copy)
    lines = run("baseline", "list", "--history", copy, env=env).out.splitlines()
    assert lines[0].split("  ")[0] == "Baseline"
    assert lines[1] == f"approved  2026-11-13 07:00  {last}"
    assert lines[2] == f"v1.xlsx   2026-11-10 07:00  {first}"
    assert lines[3] == "2 baselines"
    long = "before-the-upgrade-of-all-machines-in-rome"
    run("baseline", "set", long, "--history", copy)
    assert f"\n{long}\n  2026-11-13 07:00 CET\n  {last}\n" in run("baseline", "list", "--history", copy, env=env).out
    assert run("baseline", "list", "--json", "--history", copy).data["baselines"][-1] == {
        "name": "v1.xlsx",
        "run_id": first,
        "observed_at": "2026-11-10T06:00:04.000000Z",
    }
    rows = run("show", "baseline:v1.xlsx", "--json", "--history", copy).data
    assert rows == run("show", "first", "--json", "--history", copy).data


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["set", "a/b"], "a baseline's name cannot be 'a/b'. "),
        (["set", "a", "nope"], "there is no run 'nope'. There are 4: "),
        (["remove", "goood"], "there is no baseline 'goood'. Did you mean 'good'? There are: good"),
        (["remove", "../good"], "there is no baseline '../good'. "),
    ],
    ids=str,
)
def test_mistakes(arguments: list[str], problem: str, copy: Path) -> None:
    """One line with what there is, exit 2, and nothing changes."""
    run("baseline", "set", "good", "--history", copy)
    done = run("baseline", *arguments, "--history", copy)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith(f"lms-inventory: {problem}")
    assert list(History(copy).store.baselines()) == ["good"]


def test_a_damaged_baseline_can_be_removed(copy: Path) -> None:
    """What cannot be read any more is refused by whatever uses it, and can be taken away."""
    run("baseline", "set", "good", "--history", copy)
    (copy / "baselines" / "good.txt").chmod(0o600)
    (copy / "baselines" / "good.txt").write_text("x\n")
    assert run("baseline", "list", "--history", copy).code == 4
    assert run("baseline", "remove", "good", "--history", copy) == (0, "The baseline good is removed\n", "")
    assert run("baseline", "list", "--history", copy).code == 0
