"""Tell people what a run found, after everything is written; what fails is one line each."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from inventory.cli._context import configuration
from inventory.cli._output import print_error
from inventory.cli._targets import ANY_RUN, filled
from inventory.config.credentials import permission_warning
from inventory.errors import ConfigurationError
from inventory.text import escape_controls

if TYPE_CHECKING:
    from inventory.errors import ExitCode, FileError
    from inventory.formats import WrittenFile
    from inventory.history.reader import RunHistory
    from inventory.operations.notify import Outcome
    from inventory.operations.snapshot import SnapshotResult

_LINKED = ("html", "xlsx", "md")
"""The formats that a notice names, the best first."""


def check_notices(*, quiet: bool = False) -> None:
    """Check what notices need, before any server is queried; warn of an address that others may read.

    Args:
        quiet: do not warn.

    Raises:
        ConfigurationError: the link of the report has an unknown placeholder.
    """
    file = configuration()
    if file.notices and (link := file.settings.get("link")):
        filled(link, ANY_RUN)
    for notice in () if quiet else file.notices:
        if notice.address and (warning := permission_warning(notice.address, "the address of a notice")):
            print_error(warning)


def tell_all(
    result: "SnapshotResult",
    history: "RunHistory | None",
    code: "ExitCode",
    files: "Sequence[WrittenFile]",
    failures: "Sequence[FileError]",
    findings: "Sequence[dict[str, Any]]" = (),
) -> "list[Outcome]":
    """Tell everybody in the configuration what concerns them, and print a line for each who could not be told.

    Args:
        result: the run.
        history: where it is recorded; None if it is in none.
        code: what the command ends with.
        files: what was written.
        failures: what could not be written.
        findings: what the rules found: rows of the findings.
    """
    file = configuration()
    if not file.notices:
        return []
    from inventory.operations.notify import FinishedRun, tell
    from inventory.report.facts import TITLE

    sentences = list(dict.fromkeys(failure.what for failure in failures))
    link, title = _link(files, result.snapshot.run_id), file.settings.get("title", TITLE)
    run = FinishedRun(result, int(code), sentences, findings, title, link)
    outcomes = tell(file.notices, run, history, _environment())
    print_failures(outcomes)
    return outcomes


def tell_test() -> "list[Outcome]":
    """Send everybody in the configuration a test, and print a line for each who could not be told.

    Raises:
        ConfigurationError: nobody is in the configuration.
    """
    file = configuration()
    if not file.notices:
        raise ConfigurationError(
            "there is nobody to notify", "Write a [[notify]] in inventory.toml; see lms-inventory help notices"
        )
    from inventory.operations.notify import send_test
    from inventory.report.facts import TITLE

    outcomes = send_test(file.notices, file.settings.get("title", TITLE), _environment())
    print_failures(outcomes)
    return outcomes


def print_failures(outcomes: "Sequence[Outcome]") -> None:
    """Print a line for each notice that could not be sent."""
    for outcome in outcomes:
        if outcome.sent is False:
            print_error(f"the notice ({outcome.name}) was not sent: {outcome.reason}")


def _environment() -> Mapping[str, str]:
    """Return the variables without the tokens, which no notice and no command needs."""
    from inventory.config.credentials import COMMON

    entries = configuration().entries
    tokens = {entry.credential.name for entry in entries if entry.credential and entry.credential.kind == "variable"}
    if credential := configuration().credential(("defaults",), configuration().settings):
        tokens.add(credential.name)
    return {name: value for name, value in os.environ.items() if name not in {*tokens, COMMON}}


def _link(files: "Sequence[WrittenFile]", run_id: str) -> str:
    """Return the link of the report that the configuration gives, else the path of the one that was written."""
    from inventory import formats

    if link := configuration().settings.get("link"):
        return filled(link, run_id)
    written = {formats.format_of(file.path): file.path for file in files if not file.skipped}
    path = next((os.path.abspath(written[word]) for word in _LINKED if word in written), "")  # noqa: PTH100
    return escape_controls(path)  # A path may be no text, which nothing could send.
