"""``lms-inventory verify``."""

from typing import TYPE_CHECKING, Any

import click

from inventory.cli._command import Command
from inventory.cli._history import history_at, require_runs
from inventory.cli._options import history_option, json_option
from inventory.cli._output import print_json, terminal_width
from inventory.errors import ExitCode

if TYPE_CHECKING:
    from inventory.history.proof import Proof


@click.command(
    cls=Command,
    short_help="Check that the history is complete and undamaged.",
    examples=(
        ("lms-inventory verify", "Check the whole history; exit with 4 if there is a problem"),
        ("lms-inventory verify --history backup/history", "Check a copy of the history"),
        ("lms-inventory verify --json", "The problems as JSON"),
    ),
)
@history_option
@json_option
def verify(history_path: str | None, as_json: bool) -> int:
    """Check the history: recompute checksums, follow references, rebuild the tables from the stored responses."""
    from inventory.history.storage.foreign import foreign_files
    from inventory.history.verify import prove
    from inventory.tables import rows

    history = history_at(history_path)
    proof = prove(history.store, history.clock())
    problems = rows(proof.problems)
    if not problems and not proof.runs:
        require_runs(history)
    remarks = foreign_files(history.store)
    if as_json:
        numbers = {"runs": proof.runs, "answers": proof.answers, "equal_answers": proof.equal_answers}
        print_json("verify", {**numbers, "problems": problems, "remarks": remarks})
    else:
        click.echo(_text(proof, problems, remarks))
    return ExitCode.FILE if problems else ExitCode.OK


def _text(proof: "Proof", problems: list[dict[str, Any]], remarks: list[dict[str, Any]]) -> str:
    from inventory.text import count, escape_controls, wrap

    lines = [escape_controls(f"{row['file']}: {row['problem']}; it holds {row['holds']}") for row in problems]
    lines += [escape_controls(f"remark: {row['file']}: {row['remark']}") for row in remarks]
    counts = [(proof.runs, "run"), (len(problems), "problem"), *([(len(remarks), "remark")] if remarks else [])]
    lines.append(", ".join(count(number, word) for number, word in counts))
    if proof.equal_answers:
        lines.append(
            f"{proof.equal_answers:,} of {count(proof.answers, 'response')} share the stored body of an equal one, "
            "which differs only in order and in fields that change all the time"
        )
    return "\n".join(part for line in lines for part in wrap(line, terminal_width()))
