"""cron: a part of a crontab, between two lines that tell where it begins and ends.

Facts from crontab(5) and the sources of Debian's cron and of cronie: the command goes to /bin/sh; an unescaped ``%``
ends it; a line is refused when its command reaches 1,000 bytes; backslashes are read differently by different crons.
"""

import shlex

from inventory.errors import ConfigurationError
from inventory.schedules import DAY, GENERATED_BY, File, Job

_LONGEST = 998


def files(job: Job) -> list[File]:
    """The lines for the user's crontab."""
    command = shlex.join(job.command)
    if "\\" in command:
        raise ConfigurationError("cron cannot be told a path with a backslash", "Rename it, or use systemd")
    command = command.replace("%", "\\%")
    if len(command.encode()) > _LONGEST:
        raise ConfigurationError(
            f"cron takes at most {_LONGEST} bytes in a line, and this command has {len(command.encode()):,}",
            "Name the servers in an inventory.toml and give --config",
        )
    lines = [
        f"# BEGIN {job.name}",
        f"# {GENERATED_BY}. No token stands here: name a token_file in inventory.toml.",
        *(f"{when} {command}" for when in _times(job)),
        f"# END {job.name}",
    ]
    return [File(f"{job.name}.cron", "".join(f"{line}\n" for line in lines).encode())]


def install_commands(job: Job, folder: str) -> list[str]:
    """The command that puts the lines into the crontab, in the place of those of the same name."""
    ours = f"/^# BEGIN {job.name}$/,/^# END {job.name}$/d"
    file = shlex.quote(f"{folder}{job.name}.cron")
    return [f"(crontab -l 2>/dev/null | sed '{ours}'; cat {file}) | crontab -", "crontab -l"]


def _times(job: Job) -> list[str]:
    if job.every == DAY:
        return ["0 0 * * *"]
    if job.every:
        return [f"{_each(job.every)} * * * *" if job.every < 60 else f"0 {_each(job.every // 60)} * * *"]
    return [f"{minutes % 60} {minutes // 60} * * *" for minutes in job.at]


def _each(step: int) -> str:
    return "*" if step == 1 else f"*/{step}"
