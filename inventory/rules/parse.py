"""``[[rule]]`` and ``[[waiver]]`` of a configuration -> ``RuleSet``; what is wrong is told with its line."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from inventory import schema
from inventory.errors import ConfigurationError, did_you_mean
from inventory.rules.model import SOURCES, Rule, RuleSet, Waiver
from inventory.rules.units import bound_of

if TYPE_CHECKING:
    from inventory.config.loader import Configuration

_CHECKS = ("allow", "deny", "most", "least", "require", "unread", "unused", "if")
_GLOBS = ("only", "allow", "deny", "require")
_NUMBERS = (schema.INTEGER, schema.NUMBER)

Check = Callable[[Rule], None]
"""Raises a ConfigurationError if the expression of a rule is no SQL over its grain."""


def parse_rules(configuration: "Configuration", check: Check | None = None) -> RuleSet:
    """Parse the rules and exceptions of a configuration.

    Args:
        configuration: the configuration.
        check: checks the expression of each rule that has one.

    Raises:
        ConfigurationError: one is wrong; with its line and the nearest name.
    """
    rules: dict[str, Rule] = {}
    for number, table in enumerate(configuration.rules):
        rule = _rule(configuration, number, table)
        if rule.name in rules:
            what = f"a second rule is named {rule.name!r}; the first is at {rules[rule.name].location}"
            raise ConfigurationError(f"{configuration.location('rule', number, 'name')}: {what}", "Rename one of them")
        if rule.expression is not None and check:
            with configuration.errors_at("rule", number, "if"):
                check(rule)
        rules[rule.name] = rule
    waivers = tuple(_waiver(configuration, number, table, rules) for number, table in enumerate(configuration.waivers))
    text = json.dumps([configuration.rules, configuration.waivers], default=str, sort_keys=True, ensure_ascii=False)
    digest = sha256(text.encode(errors="surrogatepass")).hexdigest() if rules else ""
    return RuleSet(tuple(rules.values()), waivers, digest)


def _rule(configuration: "Configuration", number: int, table: Mapping[str, Any]) -> Rule:
    place = ("rule", number)
    location = configuration.location(*place)
    if "name" not in table:
        raise ConfigurationError(f"{location}: the rule has no name", 'Write name = "approved-publishers"')
    if not any(name in table for name in _CHECKS):
        what = f"{location}: the rule {table['name']!r} checks nothing"
        raise ConfigurationError(what, f"Add one of: {', '.join(_CHECKS)}")
    grain = table.get("grain", "model")
    values: dict[str, Any] = {"where": _globs(configuration, (*place, "where"), table.get("where", {}), None)}
    for name in _GLOBS:
        values[name] = _globs(configuration, (*place, name), table.get(name, {}), grain)
    for name in ("most", "least"):
        values[name] = {}
        for column, value in _columns(configuration, (*place, name), table.get(name, {}), grain):
            with configuration.errors_at(*place, name, column.name):
                if column.kind not in _NUMBERS:
                    numbers = [column.name for column in SOURCES[grain].columns if column.kind in _NUMBERS]
                    raise ConfigurationError(
                        f"{column.name} is no number", f"{name} bounds numbers: {', '.join(numbers)}"
                    )
                values[name][column.name] = bound_of(value, column)
    for name in ("unread", "unused", "severity", "because"):
        if name in table:
            values[name] = table[name]
    return Rule(table["name"], grain=grain, expression=table.get("if"), location=location, **values)


def _columns(
    configuration: "Configuration", place: tuple[str | int, ...], content: Mapping[str, Any], grain: str | None
) -> Iterator[tuple[schema.Column, Any]]:
    """Yield each column of a grain that a table names, with its value; without a grain each name is that of a label."""
    known = SOURCES[grain].columns if grain else [schema.Column(name, schema.TEXT) for name in content]
    columns = {column.name: column for column in known}
    for name, value in content.items():
        if name not in columns:
            advice = did_you_mean(name, columns) or f"There are: {', '.join(columns)}"
            what = f"there is no column {name!r} at grain {grain}"
            raise ConfigurationError(f"{configuration.location(*place, name)}: {what}", advice)
        yield columns[name], value


def _globs(
    configuration: "Configuration", place: tuple[str | int, ...], content: Mapping[str, Any], grain: str | None
) -> dict[str, tuple[str, ...]]:
    """Return the checked patterns of a table; arguments as ``_columns``."""
    globs = {}
    for column, value in _columns(configuration, place, content, grain):
        with configuration.errors_at(*place, column.name):
            globs[column.name] = _patterns(column, value)
            if not globs[column.name] and place[-1] in ("where", "only"):
                what = f"{column.name} has no pattern: the rule is about nothing"
                raise ConfigurationError(what, "Remove it, or give one")
    return globs


def _patterns(column: schema.Column, value: Any) -> tuple[str, ...]:
    return tuple(_glob(column, item) for item in (value if isinstance(value, list) else [value]))


def _glob(column: schema.Column, value: Any) -> str:
    """Return one pattern; true, false and numbers are written as the table does."""
    name, kind = column.name, column.kind
    if kind == schema.TIME:
        advice = "Use unread for the age of an answer, or if"
        raise ConfigurationError(f"{name} is a time, which no pattern matches", advice)
    if isinstance(value, bool) and kind == schema.BOOLEAN:
        return str(value).lower()
    if isinstance(value, int | float) and not isinstance(value, bool) and kind in _NUMBERS:
        return f"{value:g}" if isinstance(value, float) else str(value)
    if not isinstance(value, str):
        raise ConfigurationError(f"{value!r} is no pattern of {name}", 'Write a text, such as "lmstudio-*"')
    if not value.isprintable():
        advice = "In double quotes a backslash begins an escape: use single quotes"
        raise ConfigurationError(f"a pattern of {name} holds a character that cannot be shown", advice)
    if kind == schema.BOOLEAN and value.lower() not in ("true", "false", "*"):
        raise ConfigurationError(f"{value!r} is no pattern of {name}", "It is true or false")
    return value


def _waiver(configuration: "Configuration", number: int, table: Mapping[str, Any], rules: Mapping[str, Rule]) -> Waiver:
    place = ("waiver", number)
    location = configuration.location(*place)
    for name, example in (("rule", '"RULE"'), ("until", "2027-03-31"), ("because", '"..."')):
        if name not in table:
            raise ConfigurationError(f"{location}: the waiver has no {name}", f"Write {name} = {example}")
    with configuration.errors_at(*place, "rule"):
        if table["rule"] not in rules:
            advice = did_you_mean(table["rule"], rules) or f"There are: {', '.join(rules) or 'no rules'}"
            raise ConfigurationError(f"there is no rule {table['rule']!r} to waive", advice)
    with configuration.errors_at(*place, "until"):
        until = _date(table["until"])
    globs = {}
    for name in ("server", "key"):
        value = table.get(name, [])
        with configuration.errors_at(*place, name):
            globs[name] = _patterns(schema.Column(name, schema.TEXT), value)
            if name in table and not globs[name]:
                raise ConfigurationError(f"{name} has no pattern: the waiver meets nothing", "Remove it, or give one")
    return Waiver(table["rule"], until, table["because"], table.get("by", ""), location=location, **globs)


def _date(value: Any) -> date:
    if type(value) is date:
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"until cannot be {str(value)!r}", "Write a day, such as 2027-03-31") from error
