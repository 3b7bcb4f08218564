"""Servers selected by their labels, and counts by model, server or label: for ``diff`` and ``history``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from inventory import schema
from inventory.cli._history import require_runs, stale_after
from inventory.cli._output import terminal_width
from inventory.cli._targets import local_zone
from inventory.config.labels import conditions_of, filter_servers, group_names, no_server_error
from inventory.schema import derived

if TYPE_CHECKING:
    import pyarrow as pa

    from inventory.config.labels import Labels
    from inventory.diff.changes import ChangeSet
    from inventory.formats import Tables
    from inventory.history.reader import RunHistory
    from inventory.operations.compare import ResolvedRef
    from inventory.tables import RunTables

_LABELS = schema.Table("labels", "a server", schema.OBSERVATIONS.select(("server", "labels")))


def stored_labels(history: "RunHistory") -> "dict[str, Labels]":
    """Return the labels of each server, from the last run that queried it."""
    from inventory.report.fleet import labels_of
    from inventory.tables import table_of

    newest = history.store.retry_if_changed(lambda: history.states().last_observations())
    return labels_of(table_of(schema.OBSERVATIONS, list(newest.values())))


def compared_labels(sides: "Sequence[ResolvedRef]", history: "RunHistory | None") -> "dict[str, Labels]":
    """Return the labels of each server of the compared sides; the last side takes precedence."""
    from inventory.report.fleet import labels_of

    return labels_of(*(_observations(side, history) for side in sides))


def select_labels(labels: "dict[str, Labels]", servers: Sequence[str], where: Sequence[str]) -> "dict[str, Labels]":
    """Return the labels of the servers that ``--server`` and ``--where`` select."""
    names = filter_servers(labels, servers, conditions_of(where)) or labels
    return {server: labels.get(server, {}) for server in names}


def selected_servers(history: "RunHistory", servers: Sequence[str], where: Sequence[str]) -> Sequence[str]:
    """Return the servers of a history that ``--server`` and ``--where`` select; empty means all."""
    if servers:
        from inventory.operations.compare import known_servers

        servers = known_servers(history, servers)
    return list(select_labels(stored_labels(history), servers, where)) if where else servers


def select_names(observed: "pa.Table", servers: Sequence[str], where: Sequence[str]) -> list[str]:
    """Return the servers in a table that ``--server`` and ``--where`` select; empty means all.

    Raises:
        ConfigurationError: there is no such server, or no server with these labels.
    """
    from inventory.report.fleet import labels_of

    labels = labels_of(observed)
    names = filter_servers(labels, servers, conditions_of(where))
    for name in names:
        if name not in labels:
            raise no_server_error(name, labels)
    return names


def select_part(
    snapshot: "RunTables", servers: Sequence[str], where: Sequence[str], filters: Sequence[str], grain: str
) -> "RunTables":
    """Return the servers of a snapshot that ``--server`` and ``--where`` select, with the rows that meet ``--filter``.

    Args:
        snapshot: the state or run.
        servers: names of servers; all by default.
        where: conditions on their labels.
        filters: conditions on the rows.
        grain: the grain of these conditions: model or instance.

    Raises:
        ConfigurationError: there is no such server or column, or no server with these labels.
    """
    from inventory.operations.compare import only
    from inventory.report.row_filters import filter_tables, parse_filters

    conditions = parse_filters(filters, grain)
    if servers or where:
        snapshot = only(snapshot, select_names(snapshot.tables["observations"], servers, where))
    return filter_tables(snapshot, conditions, grain)


def changes_by_group(changes: "ChangeSet", labels: "dict[str, Labels]", by: str, title: str) -> "tuple[Tables, str]":
    """Count the changes by server or label, as tables and as text."""
    from inventory.report import fleet
    from inventory.report.change_lines import describe_changes
    from inventory.schema.derived import NOT_COMPARED
    from inventory.tables import rows
    from inventory.terminal.fleet import change_groups_text

    table = fleet.changes_by_group(changes, group_names(labels, by))
    text = change_groups_text(rows(table), describe_changes(changes, labels), by, title, terminal_width())
    return [(derived.CHANGE_GROUPS, table), (schema.CHANGES, changes.table), (NOT_COMPARED, changes.skipped)], text


def inventory_by_group(history: "RunHistory", servers: Sequence[str], by: str) -> "tuple[Tables, str]":
    """List the present inventory by model, server or label, as tables and as text; all servers by default."""
    from inventory.operations.compare import present_time
    from inventory.report import fleet
    from inventory.report.coverage import coverage_of
    from inventory.tables import rows
    from inventory.terminal.fleet import groups_text, models_text
    from inventory.text import local_text

    newest = history.resolve("latest")
    snapshot = history.state(newest, servers)
    observed = snapshot.tables["observations"]
    moment = local_text(snapshot.state_at) if snapshot.state_at else newest
    coverage = coverage_of(snapshot, present_time(snapshot, history), local_zone(snapshot), stale_after())
    title = f"State at {moment}: {coverage.text}"
    if by == "model":
        table = fleet.models_by_key(snapshot)
        return [(derived.FLEET, table)], models_text(rows(table), title, terminal_width())
    table = fleet.models_by_group(snapshot, group_names(fleet.labels_of(observed), by))
    return [(derived.GROUPS, table)], groups_text(rows(table), by, title, terminal_width())


def _observations(side: "ResolvedRef", history: "RunHistory | None") -> "pa.Table":
    """Return the names and labels of the servers of a side: of a run those of the state after it."""
    from inventory.tables import rows, table_of

    if side.snapshot is not None:
        return side.snapshot.tables["observations"]
    history = require_runs(history)
    run_id = side.run_id or history.resolve("latest")
    newest = rows(history.servers_table(run_id)) if run_id in history.dated() else history.observed(run_id)
    return table_of(_LABELS, [row for row in newest if row["status"] != "retired"])
