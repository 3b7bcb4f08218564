"""The rows of a snapshot -> text for a terminal: any columns, in any order, keys never cut."""

from collections.abc import Sequence
from typing import Any

from click import style

from inventory import schema
from inventory.errors import ConfigurationError
from inventory.tables import RunTables, rows, values
from inventory.text import count, escape_controls, integer, row, size, truncate
from inventory.text import widths as rooms

Row = dict[str, Any]

_SHOWN = {
    "model": (
        "key",
        "params_string",
        "architecture",
        "quantization_name",
        "size_bytes",
        "max_context_length",
        "loaded_instance_count",
    ),
    "instance": (
        "instance_id",
        "key",
        "quantization_name",
        "size_bytes",
        "config_context_length",
        "max_context_length",
        "remaining_ttl_seconds",
    ),
}
_HEADS = {
    "key": "Key",
    "params_string": "Params",
    "architecture": "Architecture",
    "quantization_name": "Quant",
    "size_bytes": "Size",
    "max_context_length": "Max context",
    "loaded_instance_count": "Loaded",
    "instance_id": "Instance",
    "config_context_length": "Context",
    "remaining_ttl_seconds": "TTL",
    "server": "Server",
}
_WHOLE = ("server", "key", "instance_id")
_ROOM = 24


def chosen(snapshot: RunTables, grain: str, sort: str | None) -> list[Row]:
    """The rows of a snapshot in the order asked for; nulls last.

    Args:
        snapshot: where they are.
        grain: model or instance.
        sort: a column, with a ``-`` in front for the greatest first; None leaves them as they are.

    Raises:
        ConfigurationError: there is no such column, or it is a file without rows of this grain.
    """
    if grain not in snapshot.grains:
        raise ConfigurationError(f"the snapshot has no {grain} rows", "It was read from a file of one grain")
    found = rows(snapshot.tables[schema.GRAIN_TABLES[grain].name])
    if sort is None:
        return found
    name = sort.removeprefix("-")
    _known(name, grain)
    known = sorted((one for one in found if one[name] is not None), key=lambda one: one[name], reverse=sort[0] == "-")
    return known + [one for one in found if one[name] is None]


def columns_of(text: str | None, grain: str) -> list[str]:
    """The names in a list of columns; none if there is no list.

    Raises:
        ConfigurationError: there is no such column.
    """
    names = [name.strip() for name in text.split(",")] if text is not None else []
    for name in names:
        _known(name, grain)
    return names


def shelf_text(snapshot: RunTables, found: Sequence[Row], grain: str, columns: Sequence[str] = ()) -> str:
    """The rows as lines, and a line of totals.

    Raises:
        ConfigurationError: there is no such column.
    """
    servers = values(snapshot.tables["observations"], "server")
    names = [*columns] if columns else [*(("server",) if len(servers) > 1 else ()), *_SHOWN[grain]]
    kinds = [_known(name, grain) for name in names]
    cells = [[_cell(one[column.name], column) for column in kinds] for one in found]
    heads = [_HEADS.get(name, name) for name in names]
    sides = [">" if column.kind in (schema.INTEGER, schema.NUMBER) else "<" for column in kinds]
    widths = rooms([heads, *cells])
    lines = [style(row(heads, widths, sides), dim=True), *(row(line, widths, sides) for line in cells)]
    return "\n".join([*lines, "", _totals(snapshot, found, grain)]) + "\n"


def _totals(snapshot: RunTables, found: Sequence[Row], grain: str) -> str:
    statuses = values(snapshot.tables["observations"], "status")
    failed = [one for one in statuses if one not in ("ok", "suspect")]
    told = [count(len(found), "loaded instance" if grain == "instance" else "model")]
    if grain == "model":
        known = [one["size_bytes"] for one in found if one["size_bytes"] is not None]
        told.append(size(sum(known)) if known or not found else "size not reported")
        told.append(count(sum(one["loaded_instance_count"] or 0 for one in found), "loaded instance"))
    if "suspect" in statuses:
        told.append(style(f"{count(statuses.count('suspect'), 'server')} suspect", fg="yellow"))
    if failed:
        told.append(style(f"{count(len(failed), 'server')} not read", fg="red"))
    return ", ".join(told)


def _known(name: str, grain: str) -> schema.Column:
    table = schema.GRAIN_TABLES[grain]
    for column in table.columns:
        if column.name == name:
            return column
    raise ConfigurationError(f"there is no column {name!r}", f"There are: {', '.join(table.names)}")


def _cell(value: Any, column: schema.Column) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if column.unit == "bytes":
        return size(value)
    if isinstance(value, int):
        return integer(value)
    return escape_controls(str(value)) if column.name in _WHOLE else truncate(escape_controls(str(value)), _ROOM)
