"""cron: a section of a crontab between a BEGIN and an END line.

Facts from crontab(5) and the sources of Debian's cron and of cronie: the command goes to /bin/sh; an unescaped ``%``
ends it; a line is rejected when its command reaches 1,000 bytes; different crons treat backslashes differently.
"""

import shlex

from inventory.errors import ConfigurationError
from inventory.schedules import DAY, GENERATED_BY, File, Job

_LINE_BYTES = 998


def files(job: Job) -> list[File]:
    """Return the lines for the user's crontab."""
    command = shlex.join(job.command)
    if "\\" in command:
        raise ConfigurationError("cron does not support a path with a backslash", "Rename it, or use systemd")
    command = command.replace("%", "\\%")
    if len(command.encode()) > _LINE_BYTES:
        raise ConfigurationError(
            f"cron accepts at most {_LINE_BYTES} bytes per line, and this command has {len(command.encode()):,}",
            "List the servers in an inventory.toml and pass it with --config",
        )
    lines = [
        f"# BEGIN {job.name}",
        f"# {GENERATED_BY}. Contains no token: set token_file in inventory.toml.",
        *(f"{when} {command}" for when in _times(job)),
        f"# END {job.name}",
    ]
    return [File(f"{job.name}.cron", "".join(f"{line}\n" for line in lines).encode())]


def install_commands(job: Job, folder: str) -> list[str]:
    """Return the command that puts the lines into the crontab, replacing those of the same name."""
    section = f"/^# BEGIN {job.name}$/,/^# END {job.name}$/d"
    file = shlex.quote(f"{folder}{job.name}.cron")
    return [f"(crontab -l 2>/dev/null | sed '{section}'; cat {file}) | crontab -", "crontab -l"]


def _times(job: Job) -> list[str]:
    if job.every == DAY:
        return ["0 0 * * *"]
    if job.every:
        return [f"{_each(job.every)} * * * *" if job.every < 60 else f"0 {_each(job.every // 60)} * * *"]
    days = {"": "* * *", "month": "1 * *", "week": "* * 1"}[job.first_day_of]
    return [f"{minutes % 60} {minutes // 60} {days}" for minutes in job.at]


def _each(step: int) -> str:
    return "*" if step == 1 else f"*/{step}"
