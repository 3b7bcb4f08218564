"""What holds for every scheduler."""

from pathlib import Path

import pytest

from inventory.errors import ConfigurationError, FileError
from inventory.schedules import (
    DAY,
    GENERATED_BY,
    SCHEDULES,
    Job,
    minutes_between,
    minutes_of,
    open_schedule,
    text_of,
    write,
)
from schedules.samples import INTERVALS, TIMES, job


@pytest.mark.parametrize("scheduler", SCHEDULES)
@pytest.mark.parametrize("every", [0, *INTERVALS])
def test_files_are_marked_and_named_after_the_schedule(scheduler: str, every: int) -> None:
    """Every file says who wrote it, is text, and has the schedule's name in its own."""
    files = open_schedule(scheduler).files(job("a b", every=every, at=TIMES, name="gpu_1"))
    assert files
    for file in files:
        assert "gpu_1" in file.name
        assert GENERATED_BY in text_of(file.body)
        assert "\ufffd" not in text_of(file.body)


@pytest.mark.parametrize("scheduler", SCHEDULES)
def test_steps_name_every_file(scheduler: str) -> None:
    """The commands to give next name each file, with its folder."""
    schedule = open_schedule(scheduler)
    told = "\n".join(schedule.install_commands(job(), "/my folder/"))
    for file in schedule.files(job()):
        assert f"/my folder/{file.name}" in told


@pytest.mark.parametrize("scheduler", SCHEDULES)
def test_the_longest_command_is_in_it_or_refused(scheduler: str) -> None:
    """No scheduler gets a command that is cut short: it holds all of 200 servers, or says that it cannot."""
    servers = [f"--server=host{number}=http://10.0.0.{number}:1234" for number in range(200)]
    schedule = open_schedule(scheduler)
    if scheduler == "cron":
        with pytest.raises(ConfigurationError, match=r"List the servers in an inventory.toml"):
            schedule.files(job(*servers))
    else:
        text = text_of(schedule.files(job(*servers))[0].body)
        assert all(server in text for server in servers)


@pytest.mark.parametrize("word", ["a\nb", "a\x00", "\x1b", "a\x85", "\ud800", "\uffff", "a\rb"], ids=ascii)
def test_what_no_file_can_hold_is_refused(word: str) -> None:
    """A line break, another control character or a name that is not UTF-8 could end the command early."""
    with pytest.raises(ConfigurationError, match="a scheduler's file cannot hold"):
        job(word)
    with pytest.raises(ConfigurationError, match="a scheduler's file cannot hold"):
        Job(("x",), log=word)


@pytest.mark.parametrize("name", ["", "a b", "-a", "../a", "a/b", "a.b", "a$", "é", "x" * 65, "a\n"])
def test_a_name_is_safe_everywhere(name: str) -> None:
    """A schedule's name becomes part of file names and commands, so it is plain."""
    with pytest.raises(ConfigurationError, match="a schedule cannot be named"):
        job(name=name)


@pytest.mark.parametrize(("text", "minutes"), [("00:00", 0), ("06:00", 360), ("6:05", 365), ("23:59", DAY - 1)])
def test_a_time_of_day(text: str, minutes: int) -> None:
    """HH:MM is minutes since midnight."""
    assert minutes_of(text) == minutes


@pytest.mark.parametrize(
    "text", ["", "6", "24:00", "06:60", "06:00:00", "6am", "-6:00", " 06:00", "\u0660\u0666:\u0660\u0660"]
)
def test_no_time_of_day(text: str) -> None:
    """Anything else is refused with an example."""
    with pytest.raises(ConfigurationError, match=r"is not a time of day. Write HH:MM"):
        minutes_of(text)


def test_intervals_are_those_that_divide_the_day_evenly() -> None:
    """Of all whole minutes up to a day exactly those are taken that every scheduler can say."""
    taken = []
    for minutes in range(1, DAY + 1):
        try:
            taken.append(minutes_between(f"{minutes}m"))
        except ConfigurationError as error:
            assert f"every {minutes}m does not divide" in error.what  # noqa: PT017 - most of them are refused
    assert tuple(taken) == INTERVALS
    assert [minutes_between(text) for text in ("1h", "24h", "1d")] == [60, DAY, DAY]


@pytest.mark.parametrize("text", ["", "0m", "h", "1.5h", "1w", "-1h", "1 h", "90s", "\u0661h"])
def test_no_interval(text: str) -> None:
    """Anything else is refused with examples."""
    with pytest.raises(ConfigurationError, match="is not an interval"):
        minutes_between(text)


@pytest.mark.parametrize("text", ["7h", "90m", "2d", "25h", "7m", "99999d"])
def test_uneven_intervals_are_told_with_those_that_are_even(text: str) -> None:
    """What does not divide a day evenly is refused, and the words that do are listed."""
    with pytest.raises(ConfigurationError, match=rf"every {text} does not divide .* Use one of 1m 2m .* 12h 1d"):
        minutes_between(text)


@pytest.mark.parametrize(("every", "seconds"), [(0, 120), (1, 6), (15, 90), (60, 120), (DAY, 120)])
def test_the_spread_is_small_beside_the_interval(every: int, seconds: int) -> None:
    """Runs start up to two minutes late, and never more than a tenth of the interval."""
    assert job(every=every).spread == seconds


@pytest.mark.parametrize("scheduler", SCHEDULES)
def test_written_files_hold_what_was_made(scheduler: str, tmp_path: Path) -> None:
    """A second time nothing changes; other job replace our own files; and each is told."""
    schedule = open_schedule(scheduler)
    files = schedule.files(job())
    assert write(files, tmp_path) == [f"{tmp_path / file.name} written" for file in files]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == dict(files)
    assert write(files, tmp_path) == [f"{tmp_path / file.name} unchanged" for file in files]
    assert f"{tmp_path / files[-1].name} replaced" in write(schedule.files(job(at=(1,))), tmp_path)


@pytest.mark.parametrize("scheduler", SCHEDULES)
@pytest.mark.parametrize("body", [b"", b"mine", b"\xff\xfem", b"\xff"])
def test_a_file_of_somebody_else_is_left(scheduler: str, body: bytes, tmp_path: Path) -> None:
    """What this tool did not write is not overwritten, and then no other file is written either."""
    files = open_schedule(scheduler).files(job())
    (tmp_path / files[-1].name).write_bytes(body)
    with pytest.raises(FileError, match=r"already exists, and lms-inventory did not write it. Move it away"):
        write(files, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {files[-1].name: body}


@pytest.mark.parametrize("scheduler", SCHEDULES)
def test_a_folder_that_is_missing_is_told(scheduler: str, tmp_path: Path) -> None:
    """Nothing is made that was not asked for."""
    with pytest.raises(FileError, match="could not be written: No such file"):
        write(open_schedule(scheduler).files(job()), tmp_path / "none")
    assert not list(tmp_path.iterdir())


def test_a_folder_in_the_place_of_a_file_is_told(tmp_path: Path) -> None:
    """The second file cannot be written, so the first is not either."""
    files = open_schedule("systemd").files(job())
    (tmp_path / files[1].name).mkdir()
    with pytest.raises(FileError, match="could not be written"):
        write(files, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [files[1].name]
