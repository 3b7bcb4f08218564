"""``lms-inventory verify``."""

import click

from inventory.cli._history import history_at, history_option
from inventory.cli._shared import json_option, print_json
from inventory.errors import FileError


@click.command()
@history_option
@json_option
def verify(folder: str | None, as_json: bool) -> int:
    """Prove the history: recompute every digest, follow every link, flatten every answer again."""
    from inventory import verify as proof
    from inventory.foreign import foreign_files
    from inventory.layout import count, plain
    from inventory.snapshot import rows

    history = history_at(folder)
    store = history.store
    problems = rows(proof.verify(store, history.clock()))
    remarks = foreign_files(store)
    if as_json:
        print_json("verify", {"problems": problems, "remarks": remarks})
    else:
        for problem in problems:
            click.echo(plain(f"{problem['file']}: {problem['problem']}; it holds {problem['holds']}"))
        for remark in remarks:
            click.echo(plain(f"remark: {remark['file']}: {remark['remark']}"))
        counts = [(len(proof.recorded(store)), "run"), (len(problems), "problem")]
        counts += [(len(remarks), "remark")] if remarks else []
        click.echo(", ".join(count(number, word) for number, word in counts))
    return FileError.exit_code if problems else 0
