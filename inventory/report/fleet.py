"""Many servers at once: on how many a model is, and counts by server or by label. Tables in, tables out.

A label is what the user set for a server when it was queried; the observations hold it.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

import pyarrow as pa

from inventory import schema
from inventory.diff.changes import ChangeSet, size_difference
from inventory.schema.derived import CHANGE_GROUPS, COUNTED, FLEET, GROUPS
from inventory.tables import Row, RunTables, is_known, rows, table_of, total_of, values

_NAMES = schema.Table(
    "names",
    "one server and its group",
    (schema.Column("server", schema.TEXT, "The server.", key=True), GROUPS.columns[0]),
)
_SUMMED = ("size_bytes", "loaded_instance_count")
_SUMS = [(name, "sum") for name in _SUMMED]
_UNKNOWN = "not reported"


def labels_of(*observations: pa.Table) -> dict[str, Mapping[str, str]]:
    """Read the labels of each server in tables with the columns server and labels; those of a later table prevail."""
    return {
        server: json.loads(labels or "{}")
        for table in observations
        for server, labels in zip(values(table, "server"), values(table, "labels"), strict=True)
    }


def models_by_key(snapshot: RunTables) -> pa.Table:
    """Count on how many servers each model is, in which quantizations: rows of ``FLEET``, the most common first."""
    models = _summable(snapshot.tables["models"])
    kinds: dict[str, dict[str, int]] = defaultdict(dict)
    counted = models.group_by(["key", "quantization_name"]).aggregate([("server", "count_distinct")])
    for row in rows(counted):
        kinds[row["key"]][row["quantization_name"] or _UNKNOWN] = row["server_count_distinct"]
    sums = [("display_name", "max"), ("server", "count_distinct"), *_SUMS]
    counts = [
        {
            "key": row["key"],
            "display_name": row["display_name_max"],
            "servers": row["server_count_distinct"],
            "quantizations": json.dumps(kinds[row["key"]], sort_keys=True, ensure_ascii=False),
            "size_bytes": _column_value(row["size_bytes_sum"]),
            "loaded_instance_count": _column_value(row["loaded_instance_count_sum"] or Decimal()),
        }
        for row in rows(models.group_by("key").aggregate(sums))
    ]
    return table_of(FLEET, sorted(counts, key=lambda row: (-row["servers"], row["key"])))


def models_by_group(snapshot: RunTables, groups: Mapping[str, str | None]) -> pa.Table:
    """Count the models of each group of servers: rows of ``GROUPS``; unknown where no server of it was ever read."""
    names = table_of(_NAMES, [{"server": server, "name": name} for server, name in groups.items()])
    models = _summable(snapshot.tables["models"].select(["server", "key", *_SUMMED]))
    sums = [("key", "count_distinct"), ("key", "count"), *_SUMS]
    having = {row["name"]: row for row in rows(models.join(names, "server").group_by("name").aggregate(sums))}
    known = {row["server"] for row in rows(snapshot.tables["observations"]) if is_known(row)}
    counts: list[Row] = []
    for name, servers in _members(groups).items():
        if not known & {*servers}:
            counts.append(dict.fromkeys(GROUPS.names) | {"name": name, "servers": len(servers)})
            continue
        row = having.get(name, {})
        counts.append(
            {
                "name": name,
                "servers": len(servers),
                "different_models": row.get("key_count_distinct", 0),
                "model_count": row.get("key_count", 0),
                "size_bytes": _column_value(row.get("size_bytes_sum", Decimal())),
                "instance_count": _column_value(row.get("loaded_instance_count_sum") or Decimal()),
            }
        )
    return table_of(GROUPS, counts)


def changes_by_group(changes: ChangeSet, groups: Mapping[str, str | None]) -> pa.Table:
    """Count the changes of each group of servers: rows of ``CHANGE_GROUPS``."""
    changed, skipped = (_grouped(rows(table), groups) for table in (changes.table, changes.skipped))
    counts_by_group = []
    for name, servers in _members(groups).items():
        row: Row = dict.fromkeys(CHANGE_GROUPS.names, 0)
        row |= {"name": name, "servers": len(servers), "not_compared": len(skipped[name])}
        if changed[name]:
            part = replace(changes, table=table_of(schema.CHANGES, changed[name]))
            row["size_difference"] = total_of([size_difference(part)])
            for grain, words in COUNTED.items():
                counts = part.counts(grain)
                row |= {column: counts[word] for word, column in words.items()}
        counts_by_group.append(row)
    return table_of(CHANGE_GROUPS, counts_by_group)


def _summable(models: pa.Table) -> pa.Table:
    """Make the numbers decimals before they are summed: Arrow's integers would wrap around beyond 63 bits."""
    for name in _SUMMED:
        models = models.set_column(models.column_names.index(name), name, models[name].cast(pa.decimal128(19)))
    return models


def _column_value(total: Decimal | None) -> int | None:
    """Return a sum as a column holds it; None if it is unknown or too large."""
    return None if total is None else total_of([int(total)])


def _members(groups: Mapping[str, str | None]) -> dict[str | None, list[str]]:
    """List the servers of each group, by its name; those without one come last."""
    members: dict[str | None, list[str]] = defaultdict(list)
    for server, group in sorted(groups.items(), key=lambda pair: (pair[1] is None, pair[1] or "")):
        members[group].append(server)
    return members


def _grouped(changes: Sequence[Row], groups: Mapping[str, str | None]) -> dict[str | None, list[Row]]:
    parts: dict[str | None, list[Row]] = defaultdict(list)
    for row in changes:
        parts[groups.get(row["server"])].append(row)
    return parts
