"""Judge a state by rules: what does not comply, what is not known, and which exceptions hold."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

from inventory.errors import QueryError
from inventory.rules.globs import matches
from inventory.rules.model import SEVERITIES, Rule, RuleSet, Waiver
from inventory.rules.sql import AUDITED, rows_about, violations
from inventory.schema.derived import FINDINGS
from inventory.tables import is_known, rows, table_of
from inventory.text import count

Row = dict[str, Any]
Query = Callable[[str], pa.Table]

FAIL, UNKNOWN, WAIVED = "fail", "unknown", "waived"


@dataclass(frozen=True)
class Subject:
    """What is judged.

    Attributes:
        observations: the observations of the state or run, one of each server.
        run_id: the run whose state it is.
        now: the time at which it is judged: the present, or the time of a state of the past.
        today: the same day in local time, by which exceptions end.
        lives: rows of ``derived.LIFECYCLE`` at that time; None where there is no history.
        stale_after: how old an answer may be before it is told how old a pass is.
    """

    observations: Sequence[Row]
    run_id: str
    now: datetime
    today: date
    lives: Sequence[Row] | None = None
    stale_after: timedelta = timedelta.max


@dataclass(frozen=True)
class Judgement:
    """The outcome of an audit.

    Attributes:
        findings: rows of ``derived.FINDINGS``, the worst first.
        notes: sentences about servers whose answer is old, exceptions that meet nothing, rules about no server.
    """

    findings: Sequence[Row] = ()
    notes: Sequence[str] = ()


def audited_servers(rules: RuleSet, observations: Sequence[Row]) -> pa.Table:
    """Build the table ``audited``: of each rule the servers with its labels whose rows are known."""
    audited = [
        {"rule": rule.name, "server": row["server"]}
        for rule in rules.rules
        for row in _about(rule, observations)
        if is_known(row)
    ]
    return table_of(AUDITED, audited)


def evaluate(rules: RuleSet, subject: Subject, query: Query) -> Judgement:
    """Judge a state.

    Args:
        rules: the rules and exceptions.
        subject: what is judged.
        query: answers SQL over the tables that ``rules/sql.py`` names. A rule whose expression cannot be computed, of
            which it raises a QueryError, knows nothing: that is no pass.
    """
    found: list[Row] = []
    notes = [*_aged(rules, subject)]
    for rule in rules.rules:
        about = _about(rule, subject.observations)
        known = [row for row in about if is_known(row)]
        if not about:
            notes.append(f"rule {rule.name} is about no server: none has its labels")
        found += [_unknown(rule, row["server"], "status", row["status"]) for row in about if not is_known(row)]
        sql = violations(rule) if known else None
        if sql is not None:
            try:
                found += rows(query(sql))
            except QueryError as error:
                found += [_unknown(rule, row["server"], "if", error.what) for row in known]
                notes.append(f"rule {rule.name} ({rule.location}) could not be computed: {error.what}")
        if rule.unread is not None:
            found += _unread(rule, rule.unread, known, subject.now)
        if rule.unused is not None:
            found += _unused(rule, rule.unused, known, subject, query)
    return _judged(rules, subject, found, notes)


def with_since(judgement: Judgement, since: Mapping[tuple[Any, ...], datetime]) -> Judgement:
    """Return the same findings with the times since when they are there, by ``identity``."""
    findings = [row | {"since": row["since"] or since.get(identity(row))} for row in judgement.findings]
    return Judgement(findings, judgement.notes)


def identity(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what makes a finding the same in two states: not its value, which may change and still not comply."""
    return tuple(row[name] for name in ("rule", *_ROW, "field"))


_ROW = ("server", "grain", "key", "ordinal", "instance_id", "instance_ordinal")


def _about(rule: Rule, observations: Sequence[Row]) -> list[Row]:
    """Return the observations of the servers that have the labels of a rule."""
    if not rule.where:
        return list(observations)
    labelled = [(row, json.loads(row["labels"] or "{}")) for row in observations]
    return [row for row, own in labelled if all(matches(own.get(label), globs) for label, globs in rule.where.items())]


def _finding(rule: Rule, server: str, field: str, value: str | None, wanted: str, **more: Any) -> Row:
    nothing = dict.fromkeys(("key", "ordinal", "instance_id", "instance_ordinal", "since"))
    base = {"rule": rule.name, "server": server, "grain": "server", "field": field, "value": value, "wanted": wanted}
    return {**base, **nothing, **more}


def _unknown(rule: Rule, server: str, field: str, value: str | None) -> Row:
    return _finding(rule, server, field, value, "a complete answer", status=UNKNOWN)


def _unread(rule: Rule, days: float, known: Sequence[Row], now: datetime) -> list[Row]:
    """Find the servers whose answer is too old."""
    found = []
    for row in known:
        as_of = row["as_of"] or row["observed_at"]
        if as_of is not None and now - as_of > timedelta(days=days):
            since = as_of + timedelta(days=days)
            value = f"{as_of:%Y-%m-%dT%H:%M:%SZ}"
            found.append(_finding(rule, row["server"], "as_of", value, f"read within {days:g} days", since=since))
    return found


def _unused(rule: Rule, days: float, known: Sequence[Row], subject: Subject, query: Query) -> list[Row]:
    """Find the models that nobody loaded for too long; without a history nothing is known of that."""
    if subject.lives is None:
        return [_unknown(rule, row["server"], "last_loaded", None) for row in known]
    # What nobody has seen since a server was last read is not known to be unused since then.
    limits = {row["server"]: (row["as_of"] or row["observed_at"]) - timedelta(days=days) for row in known}
    last = {
        (life["server"], life["key"]): life["last_loaded"] or life["first_seen"]
        for life in subject.lives
        if life["present"] and life["server"] in limits
    }
    idle = {place: moment for place, moment in last.items() if moment <= limits[place[0]]}
    if not idle:
        return []
    loaded = {(life["server"], life["key"]): life["last_loaded"] for life in subject.lives}
    found = []
    for row in rows(query(rows_about(rule))):
        place = (row["server"], row["key"])
        if place in idle:
            value = f"{loaded[place]:%Y-%m-%dT%H:%M:%SZ}" if loaded[place] else None
            more = {"grain": "model", "key": row["key"], "ordinal": row["ordinal"]}
            since = idle[place] + timedelta(days=days)
            wanted = f"loaded within {days:g} days"
            found.append(_finding(rule, row["server"], "last_loaded", value, wanted, since=since, **more))
    return found


def _aged(rules: RuleSet, subject: Subject) -> Iterator[str]:
    """Say how old a pass is of each server whose answer is too old."""
    about = {row["server"] for rule in rules.rules for row in _about(rule, subject.observations)}
    for row in subject.observations:
        if is_known(row) and row["server"] in about:
            as_of = row["as_of"] or row["observed_at"]
            if as_of is not None and subject.now - as_of > subject.stale_after:
                days = count((subject.now - as_of).days, "day")
                yield f"{row['server']} is judged as of {as_of:%Y-%m-%d}, {days} ago: a pass of it is as old"


def _judged(rules: RuleSet, subject: Subject, found: Sequence[Row], notes: list[str]) -> Judgement:
    """Complete the findings by their rules and exceptions, and sort them."""
    named = {rule.name: (place, rule) for place, rule in enumerate(rules.rules)}
    met: set[int] = set()
    findings = []
    for row in found:
        rule = named[str(row["rule"])][1]
        row = {"status": FAIL, "since": None} | row
        row |= {"run_id": subject.run_id, "severity": rule.severity, "because": rule.because or None}
        waiver = _waiver_of(rules, row, met) if row["status"] == FAIL else None
        row |= {
            "waived_by": (waiver.by or None) if waiver else None,
            "waived_until": waiver.until.isoformat() if waiver else None,
            "waived_because": waiver.because if waiver else None,
        }
        if waiver and waiver.until >= subject.today:
            row["status"] = WAIVED
        findings.append(row)
    for place, waiver in enumerate(rules.waivers):
        if place not in met:
            notes.append(f"the waiver of rule {waiver.rule} ({waiver.location}) meets nothing")
    findings.sort(key=lambda row: (SEVERITIES.index(row["severity"]), named[str(row["rule"])][0], *_sort_key(row)))
    return Judgement(findings, notes)


def _waiver_of(rules: RuleSet, row: Row, met: set[int]) -> Waiver | None:
    """Return the exception that a finding meets: one that holds, and of these the one that ends last."""
    meeting = []
    for place, waiver in enumerate(rules.waivers):
        if waiver.rule != row["rule"] or (waiver.server and not matches(row["server"], waiver.server)):
            continue
        if not waiver.key or matches(row["key"], waiver.key):
            met.add(place)
            meeting.append(waiver)
    return max(meeting, key=lambda waiver: waiver.until, default=None)


def _sort_key(row: Row) -> tuple[Any, ...]:
    numbers = [row[name] or 0 for name in ("ordinal", "instance_ordinal")]
    server, key, instance, field, wanted = (
        row[name] or "" for name in ("server", "key", "instance_id", "field", "wanted")
    )
    return server, key, numbers[0], instance, numbers[1], field, wanted


def findings_table(findings: Sequence[Row]) -> pa.Table:
    """Build the table of findings; columns of ``derived.FINDINGS``."""
    return table_of(FINDINGS, findings)
