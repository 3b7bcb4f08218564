"""The servers of a history -> text for a terminal, returned as ``str``."""

import json
from collections.abc import Sequence
from datetime import timedelta

from click import style

from inventory.report.failures import read_text
from inventory.tables import Row
from inventory.terminal.layout import cells_of, fit_columns, natural_width, table
from inventory.text import COLUMNS, escape_controls, integer, local_text, size, wrap, zone_in_head

_SIDES = "<<>>>>"


def is_stale(server: Row, stale_after: timedelta) -> bool:
    """Return whether a server's last complete answer is older than that, or missing: a row of ``derived.SERVERS``."""
    return server["days_silent"] is None or timedelta(days=server["days_silent"]) > stale_after


def servers_text(
    servers: Sequence[Row],
    stale_after: timedelta,
    retired: int = 0,
    columns: int = COLUMNS,
    none: str = "No server is known",
) -> str:
    """Show a line for each server: when it was read last, how often it was read, and what it has.

    Args:
        servers: rows of ``derived.SERVERS``.
        stale_after: how old an answer may be.
        retired: how many retired servers are not shown.
        columns: columns of the terminal; where they do not suffice, each server has two lines.
        none: what to say where there are no servers to show.
    """
    stale = sum(is_stale(server, stale_after) for server in servers)
    parts = [read_text(servers) if servers else none, *([f"{stale:,} stale or never read"] if stale else [])]
    parts += [f"{retired:,} retired (--retired)"] if retired else []
    table_lines = [*_lines(servers, stale_after, columns), ""] if servers else []
    return "\n".join([*table_lines, *wrap("; ".join(parts), columns)]) + "\n"


def _lines(servers: Sequence[Row], stale_after: timedelta, columns: int) -> list[str]:
    """Return the table: in columns if they fit, else with the names as lines of their own, which are folded."""
    read = [local_text(server["last_read"], minutes=True) if server["last_read"] else "never" for server in servers]
    head, times = zone_in_head("Last read", read)
    heads_beside = ["Status", head, "Days", "Read", "Models", "Size"]
    cells = [_cells(server, time, stale_after) for server, time in zip(servers, times, strict=True)]
    labels = [_labels_text(server) for server in servers]
    names = [escape_controls(server["server"]) for server in servers]
    several = any(labels)
    wide = [
        [name, *line, *([label] if several else [])] for name, line, label in zip(names, cells, labels, strict=True)
    ]
    heads = ["Server", *heads_beside, *(["Labels"] if several else [])]
    sides = f"<{_SIDES}{'<' * several}"
    if natural_width(cells_of(wide, sides), heads) <= columns:
        return table(wide, sides, heads)
    fit = fit_columns(cells_of(cells, _SIDES), _SIDES, heads_beside, indent="  ", columns=columns)
    lines = fit.head()
    for name, own, label in zip(names, cells, labels, strict=True):
        lines += [*wrap(name, columns), *fit.lines(own), *wrap(label, columns, "  ")]
    return lines


def _cells(server: Row, last_read: str, stale_after: timedelta) -> list[str]:
    status = server["status"]
    shown = style(status, fg=None if status == "ok" else "yellow" if status in ("suspect", "retired") else "red")
    days = "-" if server["days_silent"] is None else f"{server['days_silent']:,.1f}"
    return [
        shown,
        last_read,
        style(days, fg="red" if is_stale(server, stale_after) else None),
        f"{100 * server['runs_read'] / server['runs_asked']:.0f} %",
        integer(server["model_count"]),
        size(server["size_bytes"]),
    ]


def _labels_text(server: Row) -> str:
    labels = json.loads(server["labels"] or "{}")
    return ", ".join(escape_controls(f"{name}={value}") for name, value in labels.items())
