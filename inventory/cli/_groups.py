"""What ``diff`` and ``history`` share: servers selected by their labels, and counts by server or label."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from inventory import schema
from inventory.config.labels import conditions_of, filter_servers
from inventory.schema import derived

if TYPE_CHECKING:
    import pyarrow as pa

    from inventory.config.labels import Labels
    from inventory.diff.changes import ChangeSet
    from inventory.formats import Tables
    from inventory.history.reader import RunHistory
    from inventory.operations.compare import ResolvedRef

by_option = click.option("--by", metavar="LABEL", help="Count by the values of a label, or by server.")
by_model_option = click.option(
    "--by", metavar="WORD", help="What there is now, by model, by server, or by the values of a label."
)


def stored_labels(history: "RunHistory") -> "dict[str, Labels]":
    """The labels of each server, as of the last run that asked it."""
    from inventory.report.fleet import labels_of
    from inventory.tables import table_of

    newest = history.store.retry_if_changed(lambda: history.states().last_observations())
    return labels_of(table_of(schema.OBSERVATIONS, list(newest.values())))


def compared_labels(sides: "Sequence[ResolvedRef]", history: "RunHistory") -> "dict[str, Labels]":
    """The labels of each server of some sides; those of the last side hold."""
    from inventory.report.fleet import labels_of

    return labels_of(*(_observations(side, history) for side in sides))


def selected(labels: "dict[str, Labels]", servers: Sequence[str], where: Sequence[str]) -> "dict[str, Labels]":
    """The labels of the servers that are meant by name and by ``--where``."""
    names = filter_servers(labels, servers, conditions_of(where)) or labels
    return {server: labels.get(server, {}) for server in names}


def counted(changes: "ChangeSet", labels: "dict[str, Labels]", by: str, title: str) -> "tuple[Tables, str]":
    """The changes by server or label, as a table and as text."""
    from inventory.report import fleet
    from inventory.report.change_lines import describe_changes
    from inventory.schema.derived import NOT_COMPARED
    from inventory.tables import rows
    from inventory.terminal.fleet import change_groups_text

    table = fleet.changes_by_group(changes, fleet.group_names(labels, by))
    text = change_groups_text(rows(table), describe_changes(changes), by, title)
    return [(derived.CHANGE_GROUPS, table), (schema.CHANGES, changes.table), (NOT_COMPARED, changes.skipped)], text


def overview(history: "RunHistory", servers: Sequence[str], by: str) -> "tuple[Tables, str]":
    """What some servers (all that were ever read, by default) have now, by model, server or label."""
    from inventory.report import fleet
    from inventory.run_ids import time_of
    from inventory.tables import rows
    from inventory.terminal.fleet import groups_text, models_text
    from inventory.text import count, utc_text

    newest = history.resolve("latest")
    taken = history.as_of(newest, servers)
    observed = taken.tables["observations"]
    title = f"As of {utc_text(time_of(newest))}, {count(observed.num_rows, 'server')}"
    if by == "model":
        table = fleet.models_by_key(taken)
        return [(derived.FLEET, table)], models_text(rows(table), title)
    table = fleet.models_by_group(taken, fleet.group_names(fleet.labels_of(observed), by))
    return [(derived.GROUPS, table)], groups_text(rows(table), by, title)


def _observations(side: "ResolvedRef", history: "RunHistory") -> "pa.Table":
    from inventory.tables import table_of

    if side.snapshot is not None:
        return side.snapshot.tables["observations"]
    return table_of(schema.OBSERVATIONS, history.observed(side.run_id or history.resolve("latest")))
