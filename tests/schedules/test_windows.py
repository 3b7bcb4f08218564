"""Windows: its task, read as XML, checked against the schema, and its arguments split as Windows does."""

import shutil
import subprocess
from itertools import takewhile
from pathlib import Path
from subprocess import list2cmdline
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.errors import ConfigurationError
from inventory.schedules import DAY, PERIODS, Job
from inventory.schedules.windows import NAMESPACE, files, install_commands
from schedules.samples import INTERVALS, SLASHED, TIMES, WORDS, job, words

SCHEMA = Path(__file__).with_name("task.xsd")
TAKEN = [word for word in (*WORDS, *SLASHED) if "%" not in word and "$(" not in word]


def found(what: Job, path: str) -> list[str]:
    """The texts of the elements at a path of the task, read again."""
    task = ElementTree.fromstring(files(what)[0].body)
    steps = "/".join(f"{{{NAMESPACE}}}{name}" if name else "" for name in path.split("/"))
    return [element.text or "" for element in task.iterfind(f".//{steps}")]


def split(line: str) -> list[str]:
    """The arguments in a command line, as "Parsing C++ command-line arguments" of Microsoft says."""
    arguments, at = [], 0
    while at < len(line):
        if line[at] in " \t":
            at += 1
            continue
        word, quoted = "", False
        while at < len(line) and (quoted or line[at] not in " \t"):
            slashes = sum(1 for _ in takewhile(lambda one: one == "\\", line[at:]))
            at += slashes
            if not line.startswith('"', at):
                word += "\\" * slashes
                if not slashes:
                    word += line[at]
                    at += 1
                continue
            word += "\\" * (slashes // 2)
            if slashes % 2:
                word += '"'
            else:
                quoted = not quoted
            at += 1
        arguments.append(word)
    return arguments


def _between(some: list[str]) -> list[str]:
    """What stands between two percent signs."""
    return list2cmdline(some).split("%")[1:-1]


@given(st.lists(words()))
def test_every_word_comes_back(some: list[str]) -> None:
    """The arguments are those that were given, or Task Scheduler would change them and they are refused."""
    what = job(*some, *TAKEN)
    if "$(" in list2cmdline(some) or any(set(name) - set('\\/:="') == set(name) != set() for name in _between(some)):
        with pytest.raises(ConfigurationError, match="Task Scheduler would replace"):
            files(what)
        return
    assert found(what, "Exec/Command") == [what.command[0]]
    assert split(found(what, "Exec/Arguments")[0]) == list(what.command[1:])


@pytest.mark.parametrize("word", ["%TEMP%", "a%b%c", "$(Arg0)", "%ProgramFiles(x86)%\\a"])
def test_what_would_be_replaced_is_refused(word: str) -> None:
    """Task Scheduler puts something in the place of these, and knows no way not to."""
    with pytest.raises(ConfigurationError, match=r"would replace .* Rename the file or folder"):
        files(job(word))
    assert files(job("50%", "C:\\50% a\\x", "D:\\50% a\\y"))


def test_it_is_utf_16_with_a_byte_order_mark() -> None:
    """Schtasks reads the file as it writes them itself: UTF-16, little end first, lines ending as on Windows."""
    body = files(job("日本"))[0].body
    assert body[:2] == b"\xff\xfe"
    text = body[2:].decode("utf-16-le")
    assert text.startswith('<?xml version="1.0" encoding="UTF-16"?>\r\n<Task version="1.2" xmlns=')
    assert "日本" in text
    assert text.count("\n") == text.count("\r\n")


@pytest.mark.parametrize("every", INTERVALS)
def test_an_interval_is_a_repetition_from_midnight_to_midnight(every: int) -> None:
    """A trigger starts at midnight of each day and repeats; once a day needs no repetition."""
    what = job(every=every)
    assert found(what, "CalendarTrigger/StartBoundary") == ["2026-01-01T00:00:00"]
    assert found(what, "ScheduleByDay/DaysInterval") == ["1"]
    repeated = found(what, "Repetition/Interval"), found(what, "Repetition/Duration")
    assert repeated == (([], []) if every == DAY else ([f"PT{every}M"], ["P1D"]))


def test_each_time_is_a_trigger() -> None:
    """Several times of a day are several triggers of each day, local time."""
    what = job(at=TIMES)
    clocks = [text.removeprefix("2026-01-01T") for text in found(what, "CalendarTrigger/StartBoundary")]
    assert clocks == ["00:00:00", "06:00:00", "18:05:00", "23:59:00"]
    assert found(what, "CalendarTrigger/RandomDelay") == ["PT120S"] * 4


def test_more_times_than_a_task_can_have_are_refused() -> None:
    """A task has at most 48 triggers."""
    assert files(job(at=tuple(range(48))))
    with pytest.raises(ConfigurationError, match="at most 48 times"):
        files(job(at=tuple(range(49))))


def test_missed_runs_are_made_up_also_on_battery() -> None:
    """It starts when the machine is on again, plugged in or not, and not twice at once."""
    names = ("StartWhenAvailable", "DisallowStartIfOnBatteries", "StopIfGoingOnBatteries", "MultipleInstancesPolicy")
    assert [found(job(), f"Settings/{name}")[0] for name in names] == ["true", "false", "false", "IgnoreNew"]


def test_a_program_too_far_away_is_refused() -> None:
    """A path of 260 characters is the longest that Task Scheduler starts."""
    assert files(Job(("C:\\" + "x" * 257,), (0,)))
    with pytest.raises(ConfigurationError, match="longer than 260 characters"):
        files(Job(("C:\\" + "x" * 258,), (0,)))


def test_the_steps_register_the_file() -> None:
    """The file is named in quotes, and a task of the same name is replaced."""
    assert install_commands(job(), "C:\\my tasks\\")[0] == (
        'schtasks /Create /TN lms-inventory /XML "C:\\my tasks\\lms-inventory.xml" /F'
    )


@pytest.mark.parametrize("every", [0, *INTERVALS])
def test_it_is_a_task_as_the_schema_says(every: int, tmp_path: Path) -> None:
    """Xmllint finds every element known, in its order, and every value of its type."""
    done = _checked(files(job(*TAKEN, every=every, at=TIMES))[0].body, tmp_path)
    assert (done.returncode, done.stderr) == (0, "task.xml validates\n")


@pytest.mark.parametrize("period", PERIODS)
def test_the_first_day_of_a_period_is_one_of_the_schema(period: str, tmp_path: Path) -> None:
    """The first of every month, and every Monday."""
    what = job(*TAKEN, first_day_of=period, at=TIMES)
    done = _checked(files(what)[0].body, tmp_path)
    assert (done.returncode, done.stderr) == (0, "task.xml validates\n")
    if period == "month":
        assert found(what, "ScheduleByMonth/DaysOfMonth/Day") == ["1"] * len(TIMES)
        assert all(len(found(what, f"Months/{name}")) == len(TIMES) for name in ("January", "December"))
    else:
        assert len(found(what, "DaysOfWeek/Monday")) == len(TIMES)


@pytest.mark.parametrize(
    ("text", "other"),
    [("PT15M", "15 minutes"), ("RandomDelay", "RandomizedDelay"), ('Context="Author"', 'Context="Nobody"'),
     ("T00:00:00", "T00:00"), ("IgnoreNew", "Ignore"), (">1</Days", ">0</Days")],
)  # fmt: skip
def test_the_schema_would_find_something_wrong(text: str, other: str, tmp_path: Path) -> None:
    """A wrong value, an unknown element and a reference to nothing are found."""
    body = files(job(every=15))[0].body.decode("utf-16")
    assert text in body
    assert _checked(body.replace(text, other).encode("utf-16"), tmp_path).returncode


def _checked(body: bytes, folder: Path) -> subprocess.CompletedProcess[str]:
    if not shutil.which("xmllint"):
        pytest.skip("xmllint is not installed: apt-get install libxml2-utils")
    (folder / "task.xml").write_bytes(body)
    command = ["xmllint", "--nonet", "--noout", "--schema", str(SCHEMA), "task.xml"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
