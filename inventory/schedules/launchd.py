"""launchd: an agent of the user on macOS.

Facts from launchd.plist(5): if times passed while the machine slept, it runs once when it wakes; a key missing from a
time is a wildcard. Intervals are therefore written as times, since StartInterval does not make up for missed runs.
"""

import plistlib
import shlex
from pathlib import PurePosixPath

from inventory.schedules import DAY, GENERATED_BY, File, Job


def files(job: Job) -> list[File]:
    """Return the agent's property list."""
    body = plistlib.dumps(
        {
            "Label": _label(job),
            "ProgramArguments": list(job.command),
            "StartCalendarInterval": _times(job),
            "ProcessType": "Background",
            "StandardErrorPath": job.log,
            "StandardOutPath": job.log,
            "Umask": 0o077,
        }
    )
    note = f"<!-- {GENERATED_BY}. Contains no token: set token_file in inventory.toml. -->\n"
    return [File(f"{_label(job)}.plist", body.replace(b"<plist ", note.encode() + b"<plist ", 1))]


def install_commands(job: Job, folder: str) -> list[str]:
    """Return the commands that load the agent, replacing one of the same name, and run it once."""
    label, agents = _label(job), "~/Library/LaunchAgents"
    in_place = PurePosixPath(folder).parts[-2:] == ("Library", "LaunchAgents")
    copy = [] if in_place else [f"mkdir -p {agents} && cp {shlex.quote(f'{folder}{label}.plist')} {agents}/"]
    return [
        *copy,
        f"launchctl bootout gui/$(id -u)/{label} 2>/dev/null",
        f"launchctl bootstrap gui/$(id -u) {agents}/{label}.plist",
        f"launchctl kickstart gui/$(id -u)/{label}; tail {shlex.quote(job.log)}",
    ]


def _label(job: Job) -> str:
    return f"local.{job.name}"


def _times(job: Job) -> list[dict[str, int]]:
    if job.every and job.every < 60:
        return [{"Minute": minute} for minute in range(0, 60, job.every)]
    times = range(0, DAY, job.every) if job.every else job.at
    day = {"": {}, "month": {"Day": 1}, "week": {"Weekday": 1}}[job.first_day_of]
    return [{**day, "Hour": minutes // 60, "Minute": minutes % 60} for minutes in times]
