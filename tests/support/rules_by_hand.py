"""An audit in plain Python, row by row, written without a look at the one that it is compared with."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

Row = dict[str, Any]
IDENTITY = ("rule", "severity", "status", "server", "grain", "key", "ordinal", "instance_id", "instance_ordinal")
SHOWN = (*IDENTITY, "field", "value", "waived_until")
TABLES = {"model": "models", "instance": "instances", "server": "observations"}
SUFFIXES = {"": 1, "gb": 10**9, "gib": 2**30, "mb": 10**6, "b": 1}


def matches(text: str, glob: str) -> bool:
    """Whether a whole text matches a pattern, by going through both; case does not count."""
    text, glob = text.lower(), glob.lower()
    reachable = {0}
    for character in glob:
        if character == "*":
            reachable = set(range(min(reachable), len(text) + 1)) if reachable else set()
        else:
            reachable = {place + 1 for place in reachable if place < len(text) and character in ("?", text[place])}
    return len(text) in reachable


def texts(value: Any, name: str) -> list[str]:
    """What patterns are compared with."""
    if value is None:
        return []
    if name in ("variants", "capabilities_reasoning_allowed_options"):
        return [str(item) for item in json.loads(value)]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, float):
        return [f"{value:g}"]
    return [str(value)]


def hits(value: Any, name: str, globs: Sequence[str]) -> bool:
    """Whether anything of a value matches one of the patterns."""
    return any(matches(text, glob) for text in texts(value, name) for glob in globs)


def shown(value: Any) -> str | None:
    """A value as the findings show it."""
    if value is None:
        return None
    return "true" if value is True else "false" if value is False else str(value)


def number(bound: Any) -> float:
    """A bound with its unit."""
    if not isinstance(bound, str):
        return float(bound)
    figure = bound.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
    return float(figure) * SUFFIXES[bound[len(figure) :].strip().lower()]


def breaks(rule: Mapping[str, Any], name: str, value: Any) -> bool:
    """Whether a value does not comply."""
    if hits(value, name, rule.get("deny", {}).get(name, [])):
        return True
    if allowed := rule.get("allow", {}).get(name):
        if value is None:
            return True
        if any(not any(matches(text, glob) for glob in allowed) for text in texts(value, name)):
            return True
    most, least = (rule.get(word, {}).get(name) for word in ("most", "least"))
    if value is None:
        return False
    return bool((most is not None and value > number(most)) or (least is not None and value < number(least)))


def audit(
    rules: Sequence[Mapping[str, Any]],
    waivers: Sequence[Mapping[str, Any]],
    tables: Mapping[str, Sequence[Row]],
    today: date,
) -> list[tuple[Any, ...]]:
    """The findings, as tuples of ``SHOWN``, sorted."""
    findings = [finding for rule in rules for finding in _of_rule(rule, tables)]
    for row in findings:
        ends = [
            waiver["until"]
            for waiver in waivers
            if row["status"] == "fail"
            and waiver["rule"] == row["rule"]
            and any(matches(row["server"], glob) for glob in waiver.get("server", ["*"]))
            and (
                "key" not in waiver
                or any(matches(row["key"], glob) for glob in waiver["key"] if row["key"] is not None)
            )
        ]
        row["waived_until"] = max(ends).isoformat() if ends else None
        if ends and max(ends) >= today:
            row["status"] = "waived"
    return sorted((tuple(row[name] for name in SHOWN) for row in findings), key=repr)


def _of_rule(rule: Mapping[str, Any], tables: Mapping[str, Sequence[Row]]) -> Iterator[Row]:
    grain = rule.get("grain", "model")
    for server in tables["observations"]:
        labels = json.loads(server["labels"] or "{}")
        wanted = rule.get("where", {})
        if not all(name in labels and any(matches(labels[name], glob) for glob in wanted[name]) for name in wanted):
            continue
        base = dict.fromkeys(SHOWN) | {"rule": rule["name"], "severity": rule["severity"], "server": server["server"]}
        if server["status"] != "ok":
            yield base | {"status": "unknown", "grain": "server", "field": "status", "value": server["status"]}
            continue
        rows = [
            row
            for row in tables[TABLES[grain]]
            if row["server"] == server["server"]
            and all(hits(row[name], name, globs) for name, globs in rule.get("only", {}).items())
        ]
        for row in rows:
            place = {name: row.get(name) for name in IDENTITY if name in row and name != "status"}
            for name in {name: 0 for word in ("deny", "allow", "most", "least") for name in rule.get(word, {})}:
                if breaks(rule, name, row[name]):
                    finding = {"status": "fail", "grain": grain, "field": name, "value": shown(row[name])}
                    yield base | place | finding
        for name, globs in rule.get("require", {}).items():
            for glob in globs:
                if not any(hits(row[name], name, [glob]) for row in rows):
                    yield base | {"status": "fail", "grain": "server", "field": name}
