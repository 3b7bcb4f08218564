"""cron: its lines, read by a shell, by crontab and by the daemon itself."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given

from inventory.errors import ConfigurationError
from inventory.schedules import DAY, PERIODS
from inventory.schedules.cron import files, install_commands
from schedules.samples import INTERVALS, SLASHED, TIMES, WORDS, job, words

ARGV = "import json, sys; json.dump(sys.argv[1:], open(sys.argv[1], 'w'))"
OWN = "for folder in /var/spool/cron /run /etc/cron.d; do mount -t tmpfs none $folder || exit; done; "
OWN += "mkdir /var/spool/cron/crontabs; mount --bind /dev/null /etc/crontab; "
APART = ["unshare", "--mount", "sh", "-c", OWN + '"$@"', "sh"]  # crontabs that nobody else sees


def lines(body: bytes) -> list[str]:
    """The lines that are no comments."""
    return [line for line in body.decode().splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("every", INTERVALS)
def test_an_interval_comes_as_often_as_it_says(every: int) -> None:
    """Over a day, the minutes and hours of the line are as far apart as was asked."""
    (line,) = lines(files(job(every=every))[0].body)
    minute, hour, *rest = line.split()[:5]
    assert rest == ["*", "*", "*"]
    found = [at for at in range(DAY) if _meant(minute, at % 60) and _meant(hour, at // 60)]
    assert found == list(range(0, DAY, every))


def _meant(field: str, number: int) -> bool:
    """Whether a field of a crontab means a number, as crontab(5) says."""
    base, _, step = field.partition("/")
    return number % int(step or 1) == 0 if base == "*" else number == int(base)


def test_the_first_day_of_a_period_is_in_the_line() -> None:
    """The first of the month, and Monday."""
    fields = [lines(files(job(first_day_of=period))[0].body)[0].split()[:5] for period in PERIODS]
    assert fields == [["0", "6", "1", "*", "*"], ["0", "6", "*", "*", "1"]]


def test_each_time_is_a_line() -> None:
    """Several times of a day are several lines, between the two that tell whose they are."""
    text = files(job("x", at=TIMES))[0].body.decode()
    assert re.findall(r"^(\d+ \d+) \* \* \* \S+ x$", text, re.MULTILINE) == ["0 0", "0 6", "5 18", "59 23"]
    assert text.startswith("# BEGIN lms-inventory\n")
    assert text.endswith("\n# END lms-inventory\n")


@given(words())
@example("100% of %")
def test_a_word_comes_back_from_cron_and_the_shell(word: str) -> None:
    """No percent sign is left that cron would end the command at, and the shell gives the word back."""
    if "\\" in word:
        with pytest.raises(ConfigurationError, match="backslash"):
            files(job(word))
        return
    (line,) = lines(files(job("-c", word))[0].body)
    command = line.split(" ", 5)[5]
    assert "%" not in command.replace("\\%", "")
    assert shlex.split(command.replace("\\%", "%")) == [sys.executable, "-c", word]


@pytest.mark.parametrize("word", SLASHED)
def test_a_backslash_is_refused(word: str) -> None:
    """Crons read a backslash in different ways, so none is written but those before percent signs."""
    with pytest.raises(ConfigurationError, match="cron does not support a path with a backslash"):
        files(job(word))


def test_a_line_that_cron_would_not_take_is_refused() -> None:
    """998 bytes are the most; one more is told, with what to do."""
    room = 998 - len(f"{sys.executable} ")
    assert files(job("x" * room))
    with pytest.raises(ConfigurationError, match=r"at most 998 bytes .* has 999\. List the servers in an"):
        files(job("x" * (room + 1)))


@pytest.fixture(scope="module")
def apart() -> list[str]:
    """How to run something with a crontab of its own."""
    if not shutil.which("crontab") or not shutil.which("unshare"):
        pytest.skip("crontab or unshare is not installed: apt-get install cron")
    tried = subprocess.run([*APART, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"crontabs that nobody else sees need root: {tried.stderr.strip()}")
    return APART


def test_crontab_takes_the_longest_line(apart: list[str], tmp_path: Path) -> None:
    """A command of 998 bytes is one that crontab installs."""
    file = files(job("x" * (998 - len(f"{sys.executable} "))))[0]
    (tmp_path / file.name).write_bytes(file.body)
    subprocess.run([*apart, "crontab", tmp_path / file.name], check=True, capture_output=True)


def test_the_step_replaces_only_our_lines(apart: list[str], tmp_path: Path) -> None:
    """Given twice, with other lines and another schedule before, it leaves those and has ours once."""
    old, new, other = files(job("old"))[0], files(job("new"))[0], files(job("o", name="lms-inventory2"))
    for name, body in (("old", old.body), ("new", new.body), ("other", other[0].body), ("mine", b"1 1 1 1 1 true\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lms-inventory.cron").write_bytes(body)
    (tmp_path / "other" / "lms-inventory.cron").rename(tmp_path / "other" / "lms-inventory2.cron")
    script = [f"crontab {tmp_path}/mine/lms-inventory.cron"]
    script += [install_commands(job(name="lms-inventory2"), f"{tmp_path}/other/")[0]]
    script += [install_commands(job(), f"{tmp_path}/{name}/")[0] for name in ("old", "new", "new")]
    done = subprocess.run([*apart, "sh", "-ec", "\n".join([*script, "crontab -l"])], capture_output=True, check=True)
    assert done.stdout == b"1 1 1 1 1 true\n" + other[0].body + new.body


@pytest.mark.long
def test_the_daemon_starts_it_with_every_word(apart: list[str], tmp_path: Path) -> None:
    """A real cron starts the command within its next minutes, and each hostile word arrives as it was."""
    if not shutil.which("cron"):
        pytest.skip("cron is not installed: apt-get install cron")
    arrived = tmp_path / "50% arrived"
    given = [str(arrived), *WORDS]
    file = files(job("-c", ARGV, *given, every=1))[0]
    (tmp_path / file.name).write_bytes(file.body)
    wait = f"i=0; while [ $i -lt 130 ] && ! [ -s '{arrived}' ]; do sleep 1; i=$((i+1)); done; kill $!"
    script = f"crontab {tmp_path}/{file.name}; cron -f & {wait}"
    subprocess.run([*apart, "sh", "-c", script], check=True, capture_output=True)
    assert json.loads(arrived.read_text()) == given
