"""Findings against an audit in plain Python, over random fleets with everything that is odd in them."""

import json
import random
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from support import rules_by_hand

from inventory import schema
from inventory.config.loader import parse
from inventory.history.queries.audit import check_expression
from inventory.operations.audit import audit
from inventory.operations.compare import ResolvedRef
from inventory.rules.model import RuleSet
from inventory.rules.parse import parse_rules
from inventory.tables import RunTables, table_of

Row = dict[str, Any]
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
TODAY = date(2026, 11, 28)
NAMES = (
    "a", "A", "", " ", "lmstudio-community", "LMStudio-Community", "x[1]", "x1", "a.b", "a+b", "(", "\\", "^$", "%_",
    "'", '"', ";--", "a\nb", "ÄÖ", "äö", "日本", "🦙", "a*b", "q4_k_m", "uncensored", "Big-UNCENSORED-7b", "{}", "NULL",
)  # fmt: skip
GLOBS = (
    "*", "?", "", "a", "A*", "*b", "*UNCENSORED*", "x[1]",
    "x?1]", "x[*", "a.b", "a?b", "(", "\\", "^$", "%_", "'", "*'*",
    "äÖ", "*日*", "🦙", "??", "lmstudio-*", "q4*", "{}", "null",
)  # fmt: skip
TEXTS = ("publisher", "key", "display_name", "quantization_name", "format", "type", "architecture")
NUMBERS = ("size_bytes", "max_context_length", "params_count", "quantization_bits_per_weight", "loaded_instance_count")
BOOLEANS = ("capabilities_vision", "capabilities_trained_for_tool_use")
GRAIN_TEXTS = {
    "model": (*TEXTS, "variants", *BOOLEANS),
    "instance": ("key", "instance_id", "publisher", "quantization_name", "config_flash_attention"),
    "server": ("server", "status", "source"),
}
GRAIN_NUMBERS = {
    "model": NUMBERS,
    "instance": ("size_bytes", "config_context_length", "remaining_ttl_seconds"),
    "server": ("model_count", "size_bytes", "latency_ms"),
}


def value_of(column: schema.Column, choice: random.Random) -> Any:
    """A random value of a column, often none."""
    if choice.random() < 0.2:
        return None
    if column.kind == schema.INTEGER:
        return choice.choice([0, 1, 2, 4096, 40 * 10**9, 40 * 10**9 + 1, 2**62])
    if column.kind == schema.NUMBER:
        return choice.choice([0.0, 4.0, 4.5, 16.0])
    if column.kind == schema.BOOLEAN:
        return choice.random() < 0.5
    if column.kind == schema.LIST:
        return json.dumps([choice.choice(NAMES) for _ in range(choice.randrange(3))])
    return None if column.kind in (schema.TIME, schema.OBJECT) else choice.choice(NAMES)


def fleet(choice: random.Random) -> dict[str, list[Row]]:
    """The rows of some servers, of which some were not read."""
    tables: dict[str, list[Row]] = {"observations": [], "models": [], "instances": []}
    for server in choice.sample((*NAMES[:12], "rome-1", "rome-2"), choice.randint(1, 4)):
        read = choice.random() < 0.75
        labels = choice.choice([None, {"site": "Rome"}, {"site": "rome", "kind": "laptop"}, {"kind": "LAPTOP"}])
        row = {column.name: value_of(column, choice) for column in schema.OBSERVATIONS.columns}
        row |= {"run_id": "20261128T110000.000000Z-abcd", "server": server, "warnings": None}
        row |= {"status": "ok" if read else choice.choice(schema.STATUSES[1:]), "observed_at": NOW, "as_of": None}
        tables["observations"].append(row | {"labels": labels and json.dumps(labels)})
        for table in schema.GRAIN_TABLES.values() if read or row["status"] == "suspect" else ():
            for ordinal in range(choice.randrange(4)):
                row = {column.name: value_of(column, choice) for column in table.columns}
                row |= {"server": server, "key": choice.choice(NAMES), "ordinal": ordinal}
                tables[table.name].append(row | ({"instance_id": f"i-{ordinal}"} if "instance_id" in row else {}))
    return tables


def patterns(names: tuple[str, ...], choice: random.Random, least: int = 1) -> dict[str, list[str]]:
    """Random patterns of some columns."""
    chosen = {}
    for name in choice.sample(names, min(len(names), choice.randint(1, 2))):
        is_boolean = name in BOOLEANS or name.startswith("config_flash")
        known = ("true", "FALSE", "*") if is_boolean else GLOBS
        chosen[name] = [choice.choice(known) for _ in range(choice.randint(least, 3))]
    return chosen


def rule_of(number: int, choice: random.Random) -> dict[str, Any]:
    """A random rule."""
    grain = choice.choice(("model", "model", "instance", "server"))
    rule: dict[str, Any] = {"name": f"r{number}", "severity": choice.choice(("low", "medium", "high")), "grain": grain}
    for word in choice.sample(("allow", "deny", "most", "least", "require", "bounds"), choice.randint(1, 3)):
        if word in ("allow", "deny"):
            rule[word] = patterns(GRAIN_TEXTS[grain], choice, 0)
        elif word == "require":
            rule[word] = patterns(GRAIN_TEXTS[grain], choice)
        else:
            bound = choice.choice([0, 1, 4096, 4.5, "40000000000"])
            name = choice.choice(GRAIN_NUMBERS[grain])
            word = "most" if word == "bounds" else word
            rule[word] = {name: "40 GB" if name == "size_bytes" and choice.random() < 0.6 else bound}
    if choice.random() < 0.4:
        rule["only"] = patterns(GRAIN_TEXTS[grain], choice)
    if choice.random() < 0.3:
        rule["where"] = choice.choice([{"site": ["ROME"]}, {"kind": ["lap*"], "site": ["*"]}, {"kind": ["server"]}])
    return rule


def waiver_of(names: list[str], choice: random.Random) -> dict[str, Any]:
    """A random exception, which may have expired."""
    until = date.fromordinal(TODAY.toordinal() + choice.choice((-40, -1, 0, 1, 90)))
    waiver: dict[str, Any] = {"rule": choice.choice(names), "until": until, "because": "of a reason", "by": "them"}
    if choice.random() < 0.5:
        waiver["server"] = [choice.choice(("*", "rome-*", "A", "x[1]"))]
    if choice.random() < 0.5:
        waiver["key"] = [choice.choice(GLOBS), choice.choice(GLOBS)]
    return waiver


def toml(value: Any) -> str:
    """A value in TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {toml(item)}" for name, item in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return str(value) if isinstance(value, date | int | float) else json.dumps(value, ensure_ascii=False)


def configured(rules: list[dict[str, Any]], waivers: list[dict[str, Any]]) -> RuleSet:
    """The rules as a configuration gives them."""
    lines = []
    for kind, tables in (("rule", rules), ("waiver", waivers)):
        for table in tables:
            lines += [f"[[{kind}]]", *(f"{name} = {toml(value)}" for name, value in table.items())]
    return parse_rules(parse("\n".join(lines), Path("inventory.toml")), check_expression)


def run_tables(tables: dict[str, list[Row]]) -> RunTables:
    """The rows as the tables of a run."""
    return RunTables({name: table_of(schema.TABLES[name], content) for name, content in tables.items()})


def compare(seed: int) -> int:
    """Compare both audits of one random fleet by random rules; returns the number of findings."""
    choice = random.Random(seed)
    tables = fleet(choice)
    rules = [rule_of(number, choice) for number in range(choice.randint(1, 3))]
    waivers = [waiver_of([rule["name"] for rule in rules], choice) for _ in range(choice.randrange(3))]
    side = ResolvedRef("tables", snapshot=run_tables(tables))
    judgement = audit(side, None, configured(rules, waivers), now=NOW)
    findings = sorted((tuple(row[name] for name in rules_by_hand.SHOWN) for row in judgement.findings), key=repr)
    assert findings == rules_by_hand.audit(rules, waivers, tables, TODAY), (seed, rules, waivers)
    return len(findings)


def test_findings_are_those_of_an_audit_by_hand() -> None:
    """Random rules over random fleets find the same, row by row."""
    assert sum(map(compare, range(25))) > 80


@pytest.mark.full
def test_findings_are_those_of_an_audit_by_hand_for_many_fleets() -> None:
    """The same for 2,000 fleets."""
    assert sum(map(compare, range(60, 2000))) > 10_000
