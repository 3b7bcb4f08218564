"""``lms-inventory verify``."""

import click

from inventory.cli._history import history_at, history_option, with_runs
from inventory.cli._output import json_option, print_json
from inventory.errors import FileError


@click.command()
@history_option
@json_option
def verify(folder: str | None, as_json: bool) -> int:
    """Prove the history: recompute every digest, follow every link, flatten every answer again."""
    from inventory.history.storage.foreign import foreign_files
    from inventory.history.verify import prove
    from inventory.tables import rows
    from inventory.text import count, escape_controls

    history = history_at(folder)
    proof = prove(history.store, history.clock())
    problems = rows(proof.problems)
    if not problems and not proof.runs:
        with_runs(history)
    remarks = foreign_files(history.store)
    if as_json:
        numbers = {"runs": proof.runs, "answers": proof.answers, "equal_answers": proof.equal_answers}
        print_json("verify", {**numbers, "problems": problems, "remarks": remarks})
    else:
        for problem in problems:
            click.echo(escape_controls(f"{problem['file']}: {problem['problem']}; it holds {problem['holds']}"))
        for remark in remarks:
            click.echo(escape_controls(f"remark: {remark['file']}: {remark['remark']}"))
        counts = [(proof.runs, "run"), (len(problems), "problem")]
        counts += [(len(remarks), "remark")] if remarks else []
        click.echo(", ".join(count(number, word) for number, word in counts))
        if proof.equal_answers:
            click.echo(
                f"{proof.equal_answers:,} of {count(proof.answers, 'answer')} kept as the body of an equal one, "
                "which differs only in order and in fields that tick"
            )
    return FileError.exit_code if problems else 0
