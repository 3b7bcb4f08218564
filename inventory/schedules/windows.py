"""Windows: a task for the Task Scheduler, as XML of version 1.2.

Facts from Microsoft's "Task Scheduler Schema" and [MS-TSCH]: the elements and their order, and that a path has at most
260 characters. Task Scheduler replaces ``%NAME%`` and ``$(Arg0)`` in commands, and has no way to escape them. schtasks
reads the file as UTF-16.
"""

import codecs
import re
from subprocess import list2cmdline
from xml.etree.ElementTree import Comment, Element, SubElement, indent, tostring

from inventory.errors import ConfigurationError
from inventory.schedules import DAY, GENERATED_BY, File, Job

NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
_REPLACED = re.compile(r"%[^%\\/:=\"]+%|\$\(")  # A variable's name contains no character that separates paths.
_PATH_LENGTH = 260
_MOST_TRIGGERS = 48
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
"""Not those of ``calendar``, which follow the reader's locale."""


def files(job: Job) -> list[File]:
    """Return the task."""
    program, *arguments = job.command
    line = list2cmdline(arguments)
    if _REPLACED.search(program) or _REPLACED.search(line):
        raise ConfigurationError(
            "Task Scheduler would replace the text between two % or in $() in a name", "Rename the file or folder"
        )
    if len(program) > _PATH_LENGTH:
        raise ConfigurationError(
            f"Task Scheduler cannot start a program whose path is longer than {_PATH_LENGTH} characters: {program}",
            "Install lms-inventory into a shorter path",
        )
    if len(job.at) > _MOST_TRIGGERS:
        raise ConfigurationError(f"Task Scheduler accepts at most {_MOST_TRIGGERS} times per task", "Use --every")
    task = Element("Task", {"version": "1.2", "xmlns": NAMESPACE})
    task.append(Comment(f" {GENERATED_BY}. Contains no token: set token_file in inventory.toml. "))
    about = SubElement(task, "RegistrationInfo")
    _fill(about, URI=f"\\{job.name}", Description="Inventory of the models on LM Studio servers")
    triggers = SubElement(task, "Triggers")
    for minutes in job.at or (0,):
        _trigger(triggers, minutes, job)
    principal = SubElement(SubElement(task, "Principals"), "Principal", {"id": "Author"})
    _fill(principal, LogonType="InteractiveToken", RunLevel="LeastPrivilege")
    _fill(
        SubElement(task, "Settings"),
        MultipleInstancesPolicy="IgnoreNew",
        DisallowStartIfOnBatteries="false",
        StopIfGoingOnBatteries="false",
        StartWhenAvailable="true",
        Enabled="true",
        ExecutionTimeLimit="PT1H",
    )
    _fill(SubElement(SubElement(task, "Actions", {"Context": "Author"}), "Exec"), Command=program, Arguments=line)
    indent(task)
    text = f'<?xml version="1.0" encoding="UTF-16"?>\n{tostring(task, encoding="unicode")}\n'
    body = codecs.BOM_UTF16_LE + text.replace("\n", "\r\n").encode("utf-16-le")
    return [File(f"{job.name}.xml", body)]


def install_commands(job: Job, folder: str) -> list[str]:
    """Return the commands that register the task, replacing one of the same name, and run it once."""
    create = f'schtasks /Create /TN {job.name} /XML "{folder}{job.name}.xml" /F'
    return [create, f"schtasks /Run /TN {job.name}", f"schtasks /Query /TN {job.name} /V /FO LIST"]


def _trigger(triggers: Element, minutes: int, job: Job) -> None:
    """Add a trigger: daily, the first of each month, or Mondays; an interval repeats from midnight to midnight."""
    trigger = SubElement(triggers, "CalendarTrigger")
    _fill(trigger, Enabled="true", StartBoundary=f"2026-01-01T{minutes // 60:02}:{minutes % 60:02}:00")
    if job.every not in (0, DAY):
        _fill(SubElement(trigger, "Repetition"), Interval=f"PT{job.every}M", Duration="P1D")
    _fill(trigger, RandomDelay=f"PT{job.spread}S")
    if job.first_day_of == "month":
        schedule = SubElement(trigger, "ScheduleByMonth")
        _fill(SubElement(schedule, "DaysOfMonth"), Day="1")
        _fill(SubElement(schedule, "Months"), **dict.fromkeys(_MONTHS, ""))
    elif job.first_day_of == "week":
        schedule = SubElement(trigger, "ScheduleByWeek")
        _fill(schedule, WeeksInterval="1")
        _fill(SubElement(schedule, "DaysOfWeek"), Monday="")
    else:
        _fill(SubElement(trigger, "ScheduleByDay"), DaysInterval="1")


def _fill(parent: Element, **texts: str) -> None:
    for name, text in texts.items():
        SubElement(parent, name).text = text
