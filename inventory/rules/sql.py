"""A rule as SQL over the tables of its grain: a row for each value that does not comply.

The tables are ``models``, ``instances`` and ``observations``, and ``audited``: the servers that each rule is about. The
same text judges one state and all answers of a history, whose rows have further columns that tell the answers apart.
"""

from collections.abc import Sequence

from inventory import schema
from inventory.rules.globs import sql_pattern, sql_text
from inventory.rules.model import SOURCES, Bound, Rule

AUDITED = schema.Table(
    "audited",
    "a server that a rule is about",
    (
        schema.Column("rule", schema.TEXT, "The rule.", key=True),
        schema.Column("server", schema.TEXT, "The server.", key=True),
    ),
)

ROW = ("server", "key", "ordinal", "instance_id", "instance_ordinal")
"""What tells the rows of all grains apart; null where a grain has it not."""


def violations(rule: Rule, answer: Sequence[str] = ()) -> str | None:
    """Return a query of the rows that do not comply; None for a rule that judges no rows.

    Args:
        rule: the rule.
        answer: columns beside the server that tell one answer from another.

    Returns:
        SQL with the columns ``rule``, ``grain``, ``ROW``, ``answer``, ``field``, ``value`` and ``wanted``.
    """
    parts = [_of_field(rule, name, answer) for name in rule.fields]
    if rule.expression is not None:
        parts.append(_of_expression(rule, answer))
    parts += [_of_required(rule, name, glob, answer) for name, globs in rule.require.items() for glob in globs]
    return "\nUNION ALL\n".join(parts) if parts else None


def in_order(sql: str) -> str:
    """Return a query of violations in the order in which they are shown."""
    return f"SELECT * FROM ({sql}) ORDER BY {', '.join(f'{name} NULLS FIRST' for name in (*ROW, 'field', 'wanted'))}"


def rows_about(rule: Rule) -> str:
    """Return a query of the models that a rule is about."""
    audited = f"r.server IN (SELECT server FROM audited WHERE rule = {sql_text(rule.name)})"
    return f"SELECT r.server, r.key, r.ordinal FROM models r WHERE {_about(rule)} AND {audited}"


def expression_test(rule: Rule) -> str:
    """Return a query that is valid only if the expression of a rule is one over its grain."""
    return f"SELECT r.server FROM {SOURCES[rule.grain].name} r WHERE {_is_true(rule)}"


def expression_type(rule: Rule) -> str:
    """Return a query whose one column is the expression of a rule."""
    return f"SELECT (\n{rule.expression}\n) AS expression FROM {SOURCES[rule.grain].name} r"


def _of_field(rule: Rule, name: str, answer: Sequence[str]) -> str:
    """Query the values of one column that do not comply. Deny beats allow, and both beat the bounds."""
    column, value = SOURCES[rule.grain].by_name[name], f"r.{name}"
    cases = []
    if globs := rule.deny.get(name):
        cases.append((_matches(column, globs), f"none of {', '.join(globs)}" if len(globs) > 1 else f"not {globs[0]}"))
    if globs := rule.allow.get(name):
        allowed = _all_match(column, globs)
        cases.append((f"{value} IS NULL OR NOT {allowed}", ", ".join(globs)))
    for bounds, sign, word in ((rule.most, ">", "at most"), (rule.least, "<", "at least")):
        if name in bounds:
            cases.append((f"{value} {sign} {_number(bounds[name])}", f"{word} {bounds[name].text}"))
    if not cases:
        cases = [("false", "")]
    wanted = " ".join(f"WHEN {condition} THEN {sql_text(text)}" for condition, text in cases)
    condition = " OR ".join(f"({condition})" for condition, _ in cases)
    return _query(rule, answer, (sql_text(name), f"CAST({value} AS VARCHAR)", f"CASE {wanted} END"), condition)


def _of_expression(rule: Rule, answer: Sequence[str]) -> str:
    wanted = sql_text(f"not {' '.join(str(rule.expression).split())}")
    return _query(rule, answer, ("NULL", "NULL", wanted), _is_true(rule))


def _of_required(rule: Rule, name: str, glob: str, answer: Sequence[str]) -> str:
    """Query the servers of which no row matches a pattern."""
    source, identity = SOURCES[rule.grain].name, ", ".join(f"s.{column}" for column in ("server", *answer))
    same = " AND ".join(f"r.{column} = s.{column}" for column in ("server", *answer))
    match = _matches(SOURCES[rule.grain].by_name[name], (glob,))
    row = ", ".join(f"{'s.server' if column == 'server' else 'NULL'} AS {column}" for column in ROW)
    answers = "".join(f", s.{column}" for column in answer)
    return f"""
        SELECT {sql_text(rule.name)} AS rule, 'server' AS grain, {row}{answers}, {sql_text(name)} AS field,
               NULL AS value, {sql_text(glob)} AS wanted
        FROM (SELECT DISTINCT {identity} FROM answers s JOIN audited a ON a.server = s.server
              AND a.rule = {sql_text(rule.name)}) s
        WHERE NOT EXISTS (SELECT 1 FROM {source} r WHERE {same} AND {match} AND {_about(rule)})"""


def _query(rule: Rule, answer: Sequence[str], finding: tuple[str, str, str], condition: str) -> str:
    """Query the rows of a rule's grain, under its name, for which a condition holds."""
    names = SOURCES[rule.grain].names
    known = [f"r.{column}" if column in names else f"NULL AS {column}" for column in ROW]
    shown = ", ".join([*known, *(f"r.{column}" for column in answer)])
    field, value, wanted = finding
    return f"""
        SELECT {sql_text(rule.name)} AS rule, {sql_text(rule.grain)} AS grain, {shown}, {field} AS field,
               {value} AS value, {wanted} AS wanted
        FROM {SOURCES[rule.grain].name} r
        WHERE ({condition}) AND {_about(rule)}
          AND r.server IN (SELECT server FROM audited WHERE rule = {sql_text(rule.name)})"""


def _about(rule: Rule) -> str:
    """Return the condition that a rule is about a row."""
    conditions = [_matches(SOURCES[rule.grain].by_name[name], globs) for name, globs in rule.only.items()]
    return " AND ".join(f"({condition})" for condition in conditions) or "true"


def _is_true(rule: Rule) -> str:
    """Return the expression of a rule as a condition; the brackets around it cannot be left from inside."""
    return f"CASE WHEN (\n{rule.expression}\n) THEN true ELSE false END"


def _matches(column: schema.Column, globs: Sequence[str]) -> str:
    """Return the condition that a value matches one of some patterns; of a list, that one of its items does."""
    pattern = sql_pattern(globs)
    if column.kind == schema.LIST:
        return f"coalesce(len(list_filter({_items(column)}, lambda x: {_match('x', pattern)})) > 0, false)"
    return f"coalesce({_match(_text(column), pattern)}, false)"


def _all_match(column: schema.Column, globs: Sequence[str]) -> str:
    """Return the condition that a value matches one of some patterns; of a list, that each of its items does."""
    if column.kind == schema.LIST:
        return f"(len(list_filter({_items(column)}, lambda x: NOT {_match('x', sql_pattern(globs))})) = 0)"
    return f"({_match(_text(column), sql_pattern(globs))})"


def _match(text: str, pattern: str) -> str:
    return f"regexp_full_match(nfc_normalize({text}), {pattern})"


def _items(column: schema.Column) -> str:
    return f"json_extract_string(r.{column.name}, '$[*]')"


def _text(column: schema.Column) -> str:
    if column.kind == schema.NUMBER:  # 4.0 is written as 4
        return f"regexp_replace(CAST(r.{column.name} AS VARCHAR), '\\.0$', '')"
    return f"r.{column.name}" if column.kind in (schema.TEXT, schema.OBJECT) else f"CAST(r.{column.name} AS VARCHAR)"


def _number(bound: Bound) -> str:
    return repr(bound.number) if isinstance(bound.number, int) else f"CAST({bound.number!r} AS DOUBLE)"
