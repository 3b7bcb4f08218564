"""The meaning of each exit code, and the choice of one. The codes themselves are in ``inventory/errors.py``."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from inventory import schema
from inventory.config.spec import SEVERITIES, stale_days
from inventory.errors import ConfigurationError, ExitCode, FileError, did_you_mean

if TYPE_CHECKING:
    from datetime import datetime

    from inventory.diff.changes import ChangeSet
    from inventory.tables import RunTables

EXIT_CODES = {
    ExitCode.OK: "done, and every server responded",
    ExitCode.DEFECT: "a defect of this tool",
    ExitCode.USAGE: "wrong usage or configuration",
    ExitCode.INCOMPLETE: "incomplete: a server was not read, or its response is suspect",
    ExitCode.FILE: "a file or the history could not be read or written, or does not exist",
    ExitCode.ALERT: "something that --fail-on names happened, even if a server was not read",
    ExitCode.INTERRUPTED: "interrupted: nothing is half-written",
    ExitCode.TERMINATED: "terminated: nothing is half-written",
}
"""What each exit code means; ``--help`` lists them."""

AUDIT_WORDS = (*SEVERITIES, "unknown")
"""The words of ``--fail-on`` about findings: one of that severity or worse, or a server that some rule cannot judge."""

COMPARE_WORDS = (*schema.CHANGES_WORDS, "any", "incomplete", "stale:7d")
"""The words of ``--fail-on`` about states: ``any`` is any change, ``incomplete`` a server that was not read,
``stale:7d`` one whose last complete answer is older than 7 days; any number of days (``d``) or weeks (``w``)."""

FAIL_WORDS = (*COMPARE_WORDS, *AUDIT_WORDS)
"""All words of ``--fail-on``."""


def parse_fail_on(text: str | None, known: Sequence[str] = FAIL_WORDS) -> frozenset[str]:
    """Split the words of ``--fail-on``; ``any`` becomes the words of all changes.

    Args:
        text: the words.
        known: those that the command can tell.

    Raises:
        ConfigurationError: a word is unknown.
    """
    words = frozenset(word.strip() for word in text.split(",")) if text is not None else frozenset()
    if unknown := sorted(word for word in words - set(known) if not ("stale:7d" in known and stale_days(word))):
        if unknown[0].startswith("stale"):
            raise ConfigurationError(
                f"--fail-on does not know {unknown[0]!r}", "Write stale:7d or stale:2w: a number of days or weeks"
            )
        near = did_you_mean(unknown[0], known)
        advice = f"{near} Known words:" if near else "Use"
        raise ConfigurationError(
            f"--fail-on does not know {', '.join(map(repr, unknown))}", f"{advice} {', '.join(known)}"
        )
    return words - {"any"} | (frozenset(schema.CHANGES_WORDS) if "any" in words else frozenset())


def stale_words(fail_on: frozenset[str], state: "Callable[[], tuple[RunTables, datetime | None]]") -> frozenset[str]:
    """Return the words such as ``stale:7d`` that are true of a state: a server was last read before, or never.

    Args:
        fail_on: the words of ``--fail-on``.
        state: gives the state and the present time, None for a state of the past; called only if there is such a word.
    """
    ages = {word: timedelta(days=days) for word in fail_on if (days := stale_days(word))}
    if not ages:
        return frozenset()
    from inventory.report.coverage import coverage_of

    snapshot, now = state()
    return frozenset(word for word, age in ages.items() if coverage_of(snapshot, now, stale_after=age).stale)


def exit_code(failures: Sequence[FileError] = (), *, incomplete: bool = False) -> ExitCode:
    """Choose the exit code of a command that compares nothing.

    Args:
        failures: the files that could not be read or written; they take precedence.
        incomplete: whether a server was not read, or is suspect.
    """
    return ExitCode.FILE if failures else ExitCode.INCOMPLETE if incomplete else ExitCode.OK


def change_exit_code(
    changes: "ChangeSet | None",
    fail_on: frozenset[str],
    failures: Sequence[FileError] = (),
    *,
    incomplete: bool = False,
    outdated: bool = False,
    stale: frozenset[str] = frozenset(),
    audited: frozenset[str] = frozenset(),
) -> ExitCode:
    """Choose the exit code of a command that compares: a change that ``--fail-on`` names precedes an incomplete run.

    Args:
        changes: what changed; None if nothing was compared.
        fail_on: the words of ``--fail-on``.
        failures: the files that could not be read or written; they take precedence.
        incomplete: whether a server was not read now, or is suspect.
        outdated: whether an earlier response was compared for a server that the newer run did not read.
        stale: the words that ``stale_words`` gives.
        audited: the words that are true of the findings.
    """
    from inventory.tables import values

    events = set(values(changes.table, "change")) if changes else set()
    events |= stale | audited
    events |= {"incomplete"} if incomplete or outdated else set()
    return ExitCode.ALERT if fail_on & events and not failures else exit_code(failures, incomplete=incomplete)
