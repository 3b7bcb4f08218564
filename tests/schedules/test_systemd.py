"""systemd: its units, read by systemd's own programs."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from inventory.errors import ConfigurationError
from inventory.schedules import DAY, Job
from inventory.schedules.systemd import calendar, files, install_commands, quoted
from schedules.samples import INTERVALS, SLASHED, TIMES, WORDS, job, words


def tool(name: str) -> str:
    """The path of one of systemd's programs."""
    found = shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed: apt-get install systemd")
    return found


def verified(folder: Path, what: Job) -> str:
    """What systemd says against the units; empty if nothing."""
    for file in files(what):
        (folder / file.name).write_bytes(file.body)
    return told(folder, *(file.name for file in files(what)))


def told(folder: Path, *units: str) -> str:
    """What ``systemd-analyze verify`` says about units of a folder, and how it ends if not well."""
    done = subprocess.run(
        [tool("systemd-analyze"), "--user", "--man=no", "verify", *(str(folder / unit) for unit in units)],
        capture_output=True,
        text=True,
        env={"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)},
        check=False,
    )
    return f"{done.stdout}{done.stderr}" + (f"exit {done.returncode}" if done.returncode else "")


@pytest.mark.parametrize("every", [0, 1, 15, 60, 360, DAY])
def test_systemd_finds_nothing_wrong(every: int, tmp_path: Path) -> None:
    """``systemd-analyze verify`` is silent about both units, with every hostile word in the command."""
    assert verified(tmp_path, job(*WORDS, *SLASHED, every=every, at=TIMES)) == ""


def test_what_a_run_writes_is_for_its_user_only() -> None:
    """Files of a run are made with permissions for the user alone, as those of a history are."""
    [service] = [file.body.decode() for file in files(job("x")) if file.name.endswith(".service")]
    assert "UMask=0077" in service[service.index("[Service]") :].splitlines()


def test_systemd_would_find_something_wrong(tmp_path: Path) -> None:
    """It does speak of a program that is not there and of a line that it does not know."""
    assert "not executable" in verified(tmp_path, Job(("/nowhere/python",), (0,), log="x"))
    unit = tmp_path / "lms-inventory.timer"
    unit.write_text(unit.read_text().replace("Persistent=true", "Persistent=perhaps"))
    assert "Failed to parse boolean" in told(tmp_path, unit.name)


@pytest.mark.parametrize("name", ["a b", "50%", "$HOME", "${HOME}", "é", "a;b", "&<>", "#"])
def test_systemd_finds_the_program_in_an_odd_folder(name: str, tmp_path: Path) -> None:
    """A program's path is understood as it is: it is found, and executable."""
    program = tmp_path / name / "python"
    program.parent.mkdir()
    program.symlink_to(shutil.which("true") or "/bin/true")
    assert verified(tmp_path, Job((str(program), "x"), (0,), log="x")) == ""


@pytest.mark.parametrize("sign", "\"'\\")
def test_a_program_that_systemd_cannot_start_is_refused(sign: str) -> None:
    """Quotes and backslashes in the program's own path are told, not written."""
    with pytest.raises(ConfigurationError, match="systemd cannot start"):
        files(Job((f"/opt/a{sign}b/python",), (0,), log="x"))


@limits(max_examples=limits().max_examples // 2, deadline=None)
@given(st.lists(words(), max_size=40))
def test_words_are_read_back_by_systemd(tmp_path_factory: pytest.TempPathFactory, some: list[str]) -> None:
    """systemd-tmpfiles, which reads words as units do, makes a folder of exactly each name."""
    folder = tmp_path_factory.mktemp("words", numbered=True)
    wanted = {word for word in (*some, *WORDS, *SLASHED) if _is_name(word)}
    made = folder / "made"
    (folder / "words.conf").write_text("".join(f"d {quoted(f'{made}/x{word}x')}\n" for word in {"", *wanted}))
    subprocess.run([tool("systemd-tmpfiles"), "--create", folder / "words.conf"], check=True, capture_output=True)
    assert {path.name[1:-1] for path in made.iterdir()} == {"", *wanted}


def _is_name(word: str) -> bool:
    return "/" not in word and len(os.fsencode(word)) < 200


@pytest.mark.parametrize("every", INTERVALS)
def test_an_interval_is_the_one_that_systemd_understands(every: int) -> None:
    """``systemd-analyze calendar`` goes from one run to the next in so many minutes, from midnight on."""
    found = _next(calendar(job(every=every))[0], DAY // every)
    assert found == [f"{at // 60:02}:{at % 60:02}:00" for at in range(0, DAY, every)]


def test_times_are_those_that_systemd_understands() -> None:
    """Each time of day is an event of its own."""
    assert [_next(when, 1) for when in calendar(job(at=TIMES))] == [
        ["00:00:00"], ["06:00:00"], ["18:05:00"], ["23:59:00"]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("period", "days"),
    [
        ("month", ["2026-02-01", "2026-03-01", "2026-04-01"]),
        ("week", ["2026-01-05", "2026-01-12", "2026-01-19"]),
    ],
)
def test_the_first_day_of_a_period_is_the_one_that_systemd_understands(period: str, days: list[str]) -> None:
    """The first of the next months, and the next Mondays."""
    assert _next(calendar(job(first_day_of=period))[0], 3, "(\\S+) 06:00:00") == days


def _next(event: str, times: int, what: str = r"\S+ (\S+)") -> list[str]:
    """The next times of an event after a midnight."""
    command = [tool("systemd-analyze"), "calendar", f"--iterations={times}", "--base-time=2026-01-01 23:59:59", event]
    done = subprocess.run(command, capture_output=True, text=True, env={"TZ": "UTC"}, check=True)
    return re.findall(rf"(?:elapse|Iteration #\d+|Iter\. #\d+): \w+ {what}", done.stdout)


def test_no_variable_is_put_in() -> None:
    """The colon before the program keeps every dollar sign as it is."""
    service = files(Job(("/opt/python", "$HOME", "${A}", "100%"), (0,)))[0].body.decode()
    assert '\nExecStart=:/opt/python "$HOME" "${A}" "100%%"\n' in service


def test_missed_runs_are_made_up_and_spread() -> None:
    """The timer is persistent, late by up to its spread, and wanted at boot."""
    timer = files(job(every=15))[1].body.decode()
    assert "\nPersistent=true\nRandomizedDelaySec=90\n" in timer
    assert "\nWantedBy=timers.target\n" in timer


def test_a_token_is_a_credential() -> None:
    """The service gets the token from a file that systemd reads, and starts without one too."""
    service = files(job())[0].body.decode()
    assert "\nLoadCredential=lm-api-token:%E/lms-inventory/lm-api-token\nSetCredential=lm-api-token:\\n\n" in service


def test_units_that_are_in_their_place_are_not_copied() -> None:
    """Installed into the folder that systemd reads, the steps begin with reading them again."""
    assert install_commands(job(), "/home/a/.config/systemd/user/")[0] == "systemctl --user daemon-reload"
    assert install_commands(job(), "/x/")[0].startswith(
        "mkdir -p ~/.config/systemd/user && cp /x/lms-inventory.service "
    )
