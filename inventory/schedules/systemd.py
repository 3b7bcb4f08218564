"""systemd: a service and the timer that starts it, for the user's own manager.

Facts from systemd.syntax(7), systemd.service(5), systemd.timer(5) and systemd.exec(5): a word may be in double quotes
with C escapes, ``%`` is doubled, and ``:`` before the program disables the expansion of ``$``; SetCredential is the
fallback if LoadCredential cannot read its file. The program's own path may contain no quotes and no backslashes.
"""

import re
import shlex
from pathlib import PurePosixPath

from inventory.config.credentials import CREDENTIAL
from inventory.errors import ConfigurationError
from inventory.schedules import DAY, GENERATED_BY, File, Job

_PLAIN = re.compile(r"[A-Za-z0-9_@/.:=,+-]+")


def files(job: Job) -> list[File]:
    """Return the service and the timer."""
    program, *arguments = job.command
    if set("\"'\\") & set(program):
        raise ConfigurationError(f"systemd cannot start {program}", "Install into a path without quotes")
    service = f"""\
# {job.name}.service, {GENERATED_BY}

[Unit]
Description=Inventory of the models on LM Studio servers

[Service]
Type=oneshot
ExecStart={" ".join(map(quoted, [f":{program}", *arguments]))}
UMask=0077
TimeoutStartSec=1h
# If the servers require a token, a run reads it from this file when it starts; without the file it has none.
# %E is ~/.config.
LoadCredential={CREDENTIAL}:%E/lms-inventory/{CREDENTIAL}
SetCredential={CREDENTIAL}:\\n
"""
    timer = f"""\
# {job.name}.timer, {GENERATED_BY}

[Unit]
Description=Schedule of the inventory of the models on LM Studio servers

[Timer]
{"".join(f"OnCalendar={when}{chr(10)}" for when in calendar(job))}\
# If runs were missed while the machine was off, it runs once when it starts.
Persistent=true
RandomizedDelaySec={job.spread}

[Install]
WantedBy=timers.target
"""
    return [File(f"{job.name}.service", service.encode()), File(f"{job.name}.timer", timer.encode())]


def install_commands(job: Job, folder: str) -> list[str]:
    """Return the commands that start the timer now and at each boot, even while the user is not logged in."""
    units = " ".join(shlex.quote(f"{folder}{job.name}.{kind}") for kind in ("service", "timer"))
    in_place = PurePosixPath(folder).parts[-2:] == ("systemd", "user")
    copy = [] if in_place else [f"mkdir -p ~/.config/systemd/user && cp {units} ~/.config/systemd/user/"]
    return [
        *copy,
        "systemctl --user daemon-reload",
        f"systemctl --user enable --now {job.name}.timer",
        "loginctl enable-linger",
        f"systemctl --user start {job.name}.service; journalctl --user -u {job.name}.service -n 20",
    ]


def quoted(word: str) -> str:
    """Quote a word of a command line in a unit, if it needs quotes."""
    if _PLAIN.fullmatch(word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'


def calendar(job: Job) -> list[str]:
    """Return the times as calendar events."""
    if job.every == DAY:
        return ["*-*-* 00:00:00"]
    if job.every:
        clock = f"*:00/{job.every:02}" if job.every < 60 else f"00/{job.every // 60:02}:00"
        return [f"*-*-* {clock}:00"]
    days = {"": "*-*-*", "month": "*-*-01", "week": "Mon *-*-*"}[job.first_day_of]
    return [f"{days} {minutes // 60:02}:{minutes % 60:02}:00" for minutes in job.at]
