"""The progress bar of a run over several servers."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import click

from inventory.cli._output import is_terminal

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

Progress = Callable[[dict[str, Any], int, int], None]


@contextmanager
def progress(total: int, *, hidden: bool = False) -> Iterator[Progress | None]:
    """Show a progress bar on stderr, if that is a terminal and there is more than one server.

    Args:
        total: number of servers.
        hidden: show none.

    Yields:
        What ``query_servers`` calls for each server; None without a bar.
    """
    if hidden or total < 2 or not is_terminal(sys.stderr):
        yield None
        return
    failed = 0
    bar: ProgressBar[int] = click.progressbar(
        length=total,
        label="Querying servers",
        show_pos=True,
        item_show_func=lambda _: f"{failed:,} failed",
        file=sys.stderr,
    )

    def advance(observation: dict[str, Any], done: int, total: int) -> None:
        nonlocal failed
        del done, total
        failed += observation["status"] != "ok"
        with suppress(OSError):  # The terminal may be gone; the run goes on.
            bar.update(1)

    with suppress(OSError):
        bar.render_progress()
    try:
        yield advance
    finally:
        with suppress(OSError):
            bar.render_finish()
