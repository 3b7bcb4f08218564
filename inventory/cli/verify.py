"""``lms-inventory verify``."""

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import click

from inventory.cli._command import Command
from inventory.cli._history import history_at, require_runs
from inventory.cli._options import history_option, json_option, option
from inventory.cli._output import print_json, terminal_width
from inventory.cli._targets import check_folder, write_text
from inventory.errors import ConfigurationError, ExitCode
from inventory.filesystem.names import with_home

if TYPE_CHECKING:
    from inventory.history.proof import Proof
    from inventory.history.storage.store import Store

_statement_option = option(
    "Output",
    "--statement",
    metavar="FILE",
    help="Write what was proved to FILE (.txt, .md or .json): the same files give the same bytes.",
)


@click.command(
    cls=Command,
    short_help="Check that the history is complete and undamaged.",
    examples=(
        ("lms-inventory verify", "Check the whole history; exit with 4 if there is a problem"),
        ("lms-inventory verify --history backup/history", "Check a copy of the history"),
        ("lms-inventory verify --statement verified.txt", "Write what was proved, to keep or to sign"),
    ),
)
@_statement_option
@history_option
@json_option
def verify(statement: str | None, history_path: str | None, as_json: bool) -> int:
    """Check the history: recompute checksums, follow references, rebuild the tables from the stored responses.

    Says what was proved: how many runs, since when, in how many files and bytes.
    """
    path = _checked_target(statement) if statement is not None else None
    from inventory.history.storage.foreign import foreign_files
    from inventory.history.verify import prove
    from inventory.tables import rows
    from inventory.terminal.verification import proof_text

    history = history_at(history_path, full=True)
    proof = prove(history.store, history.clock())
    problems = rows(proof.problems)
    if not problems and not proof.runs:
        require_runs(history)
    remarks = foreign_files(history.store)
    if path is not None:
        write_text(path, _statement(proof, problems, history.store, path))
    if as_json:
        print_json("verify", {**_numbers(proof), "problems": problems, "remarks": remarks})
    else:
        click.echo(proof_text(proof, problems, remarks, terminal_width()))
    return ExitCode.FILE if problems else ExitCode.OK


def _checked_target(statement: str) -> str:
    """Return the path of the statement, before anything is verified.

    Raises:
        ConfigurationError: its suffix is unknown.
        FileError: there is no folder for it.
    """
    from inventory.terminal.verification import STATEMENTS

    path = with_home(statement)
    if _suffix(path) not in STATEMENTS:
        raise ConfigurationError(f"{statement} is no name for a statement", "End it in .txt, .md or .json")
    check_folder(path, create=False)
    return path


def _suffix(path: str) -> str:
    return PurePath(path).suffix.lower().removeprefix(".")


def _statement(proof: "Proof", problems: list[dict[str, Any]], store: "Store", path: str) -> str:
    """Render the statement; of damaged metadata, which is among the problems, it holds what can be read."""
    from inventory.terminal.verification import statement

    baselines = {file.stem: run_id for file, runs in store.records("baselines").items() for run_id in runs or ()}
    pruned = {run_id for runs in store.records("pruned").values() for run_id in runs or ()}
    return statement(proof, problems, baselines, len(pruned), _suffix(path))


def _numbers(proof: "Proof") -> dict[str, Any]:
    newest = max(proof.digests, default=None)
    return {
        "runs": proof.runs,
        "first_run": min(proof.digests, default=None),
        "newest_run": newest,
        "newest_sha256": proof.digests[newest] if newest else None,
        "files": proof.files,
        "size_bytes": proof.size_bytes,
        "answers": proof.answers,
        "equal_answers": proof.equal_answers,
    }
