"""launchd: its property list, read by the standard library and checked against the document type."""

import plistlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.schedules import DAY, PERIODS, Job
from inventory.schedules.launchd import files, install_commands
from schedules.samples import INTERVALS, SLASHED, TIMES, WORDS, job, words

DTD = """\
<!ENTITY % value "(array | data | date | dict | real | integer | string | true | false)">
<!ELEMENT plist %value;>
<!ATTLIST plist version CDATA "1.0">
<!ELEMENT array (%value;)*>
<!ELEMENT dict (key, %value;)*>
<!ELEMENT key (#PCDATA)>
<!ELEMENT string (#PCDATA)>
<!ELEMENT data (#PCDATA)>
<!ELEMENT date (#PCDATA)>
<!ELEMENT true EMPTY>
<!ELEMENT false EMPTY>
<!ELEMENT real (#PCDATA)>
<!ELEMENT integer (#PCDATA)>
"""
"""The elements of Apple's PropertyList-1.0.dtd, written down again."""


def agent(what: Job) -> Any:
    """The property list, read again."""
    return plistlib.loads(files(what)[0].body)


@given(st.lists(words()))
def test_every_word_comes_back(some: list[str]) -> None:
    """The arguments are those that were given, whatever is in them."""
    what = job(*some, *WORDS, *SLASHED)
    assert agent(what)["ProgramArguments"] == list(what.command)


@pytest.mark.parametrize("every", INTERVALS)
def test_an_interval_comes_as_often_as_it_says(every: int) -> None:
    """Over a day, the times are as far apart as was asked; a key that is left out means each."""
    times = agent(job(every=every))["StartCalendarInterval"]
    found = sorted(hour * 60 + time["Minute"] for time in times for hour in _hours(time))
    assert found == list(range(0, DAY, every))


def _hours(time: dict[str, int]) -> range:
    return range(time["Hour"], time["Hour"] + 1) if "Hour" in time else range(24)


def test_each_time_is_an_entry() -> None:
    """Several times of a day are several entries."""
    times = agent(job(at=TIMES))["StartCalendarInterval"]
    assert [(time["Hour"], time["Minute"]) for time in times] == [(0, 0), (6, 0), (18, 5), (23, 59)]


def test_the_first_day_of_a_period_is_in_each_entry() -> None:
    """The first of the month, and Monday, which launchd counts as 1."""
    times = [agent(job(at=TIMES, first_day_of=period))["StartCalendarInterval"] for period in PERIODS]
    assert [[(time.get("Day"), time.get("Weekday")) for time in one] for one in times] == [
        [(1, None)] * len(TIMES),
        [(None, 1)] * len(TIMES),
    ]


def test_what_it_says_goes_into_a_log_that_only_the_user_reads() -> None:
    """Launchd keeps no output itself; files that a run makes are for their owner."""
    found = agent(job())
    assert found["StandardErrorPath"] == found["StandardOutPath"] == "/var/log/lms inventory.log"
    assert found["Umask"] == 0o077
    assert found["Label"] == "local.lms-inventory"


@pytest.mark.parametrize("every", [0, 1, 360])
def test_it_is_a_property_list(every: int, tmp_path: Path) -> None:
    """Xmllint finds it well formed, and as the document type says."""
    if not shutil.which("xmllint"):
        pytest.skip("xmllint is not installed: apt-get install libxml2-utils")
    (tmp_path / "plist.dtd").write_text(DTD)
    body = files(job(*WORDS, *SLASHED, every=every))[0].body
    (tmp_path / "a.plist").write_bytes(body.replace(b"http://www.apple.com/DTDs/PropertyList-1.0.dtd", b"plist.dtd"))
    command = ["xmllint", "--nonet", "--noout", "--valid", "a.plist"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stderr == ""


def test_an_agent_that_is_in_its_place_is_not_copied() -> None:
    """Installed into the folder of agents, the steps begin with taking out an older one."""
    assert install_commands(job(), "/Users/a/Library/LaunchAgents/")[0].startswith("launchctl bootout ")
    assert install_commands(job(), "/x y/")[0].endswith("cp '/x y/local.lms-inventory.plist' ~/Library/LaunchAgents/")
