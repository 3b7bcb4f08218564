"""Check that a text is one SELECT and nothing else, and find the tables and columns that it may use."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inventory.errors import QueryError
from inventory.history.queries.database import one_line_errors

if TYPE_CHECKING:
    import duckdb

_READING = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
"""The kinds of nodes that only read; a WITH may hold others, such as COPY."""

_ANY_TABLE = {"query", "query_table", "json_execute_serialized_sql"}
"""Table functions whose arguments name tables, which the text itself then does not."""

_ANY_COLUMN = {"STAR", "SHOW_REF", "POSITIONAL_REFERENCE", "PIVOT"}
"""Parts of a query that use columns without naming them."""


@dataclass(frozen=True)
class Statement:
    """One SELECT.

    Attributes:
        text: the text.
        tables: the names of the tables that it reads, in lower case; None for any.
        columns: the names that may be columns, in lower case; None for all columns.
    """

    text: str
    tables: frozenset[str] | None = None
    columns: frozenset[str] | None = None


def parse_statement(connection: "duckdb.DuckDBPyConnection", text: str) -> Statement:
    """Parse a text that must be exactly one SELECT.

    Raises:
        QueryError: it is not.
    """
    if not text.strip():
        raise QueryError("the query is empty", "Write one SELECT, such as: SELECT count(*) FROM models")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise QueryError("the query is not a text in UTF-8", "Write it in UTF-8")
    with one_line_errors():
        statements = connection.extract_statements(text)
    if len(statements) != 1:
        raise QueryError(f"the query is {len(statements)} statements", "Write exactly one SELECT")
    kind = statements[0].type.name
    if kind == "MULTI":  # DuckDB rewrites it to several statements.
        raise QueryError("a PIVOT needs its values", "List them: PIVOT models ON format IN ('gguf', 'mlx') ...")
    if kind != "SELECT":
        raise QueryError(f"the query is a statement of type {kind}", "Only one SELECT is allowed: nothing is changed")
    [(tree,)] = connection.execute("SELECT json_serialize_sql(?)", [text]).fetchall()
    parsed = json.loads(tree)
    nodes = [*_nodes(parsed)]
    text = _without_end(text)
    if parsed["error"]:
        return Statement(text)
    for node in nodes:
        kind = str(node.get("type", ""))
        if kind.endswith("_NODE") and kind not in _READING:  # guard: a statement that writes inside of a SELECT
            raise QueryError(
                f"the query holds a {kind.split('_')[0]}", "Only one SELECT is allowed: nothing is changed"
            )
    return Statement(text, _tables(nodes), _columns(nodes))


def _without_end(text: str) -> str:
    """Cut off the semicolon at the end of a statement, and the comments after it."""
    import duckdb

    content = text.encode()
    ends = [offset for offset, _ in duckdb.tokenize(text) if content[offset : offset + 1] == b";"]
    return content[: ends[0]].decode() if ends else text


def _nodes(tree: Any) -> Iterator[Mapping[str, Any]]:
    """Walk through all objects of a parsed query."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _tables(nodes: list[Mapping[str, Any]]) -> frozenset[str] | None:
    if any(node.get("function_name") in _ANY_TABLE for node in nodes):
        return None
    return frozenset(str(node["table_name"]).lower() for node in nodes if node.get("table_name"))


def _columns(nodes: list[Mapping[str, Any]]) -> frozenset[str] | None:
    """Return the names that may be columns; None where columns are used that are not named."""
    if _tables(nodes) is None or any(
        node.get("type") in _ANY_COLUMN or node.get("ref_type") == "NATURAL" for node in nodes
    ):
        return None
    tables = {
        str(node[name]).lower()
        for node in nodes
        if node.get("type") == "BASE_TABLE"
        for name in ("table_name", "alias")
    }
    names = [[str(part).lower() for part in node["column_names"]] for node in nodes if "column_names" in node]
    if any(parts[0] in tables for parts in names if len(parts) == 1):  # A row as one value has all columns.
        return None
    joined = {str(name).lower() for node in nodes for name in node.get("using_columns") or ()}
    return frozenset({part for parts in names for part in parts} | joined)
