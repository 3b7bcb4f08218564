"""Judge a state by rules: what does not comply, what is not known, and which exceptions hold."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

from inventory.errors import QueryError
from inventory.rules.globs import matches
from inventory.rules.model import SEVERITIES, Rule, RuleSet, Waiver
from inventory.rules.sql import AUDITED, in_order, rows_about, violations
from inventory.schema.derived import FINDINGS
from inventory.tables import Row, is_known, rows, table_of
from inventory.text import count

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
    notes = [*_aged(rules, subject)]
    met: set[Waiver] = set()
    findings: dict[Rule, list[Row]] = {}
    for rule in rules.rules:
        about = _about(rule, subject.observations)
        known = [row for row in about if is_known(row)]
        if not about:
            notes.append(f"rule {rule.name} is about no server: none has its labels")
        results: list[Row] = []
        more = [_unknown(rule, row["server"], "status", row["status"]) for row in about if not is_known(row)]
        if known and (sql := violations(rule)) is not None:
            try:
                results = rows(query(in_order(sql)))
            except QueryError as error:
                more += [_unknown(rule, row["server"], "if", error.what) for row in known]
                notes.append(f"rule {rule.name} ({rule.location}) could not be computed: {error.what}")
        if rule.unread is not None:
            results += _unread(rule, rule.unread, known, subject.now)
        if rule.unused is not None:
            more += _unused(rule, rule.unused, known, subject, query)
        results += sorted(more, key=lambda row: (row.get("status", FAIL) != FAIL, row["server"], row["key"] or ""))
        waivers = [each for each in rules.waivers if each.rule == rule.name]
        findings[rule] = _judged(rule, subject, results, waivers, met)
    notes += [
        f"the waiver of rule {waiver.rule} ({waiver.location}) meets nothing"
        for waiver in rules.waivers
        if waiver not in met
    ]
    worst_first = sorted(findings, key=lambda rule: SEVERITIES.index(rule.severity))
    return Judgement([row for rule in worst_first for row in findings[rule]], notes)


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
    failures = []
    for row in known:
        as_of = row["as_of"] or row["observed_at"]
        if as_of is not None and now - as_of > timedelta(days=days):
            since = as_of + timedelta(days=days)
            value = f"{as_of:%Y-%m-%dT%H:%M:%SZ}"
            failures.append(_finding(rule, row["server"], "as_of", value, f"read within {days:g} days", since=since))
    return failures


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
    failures = []
    for row in rows(query(rows_about(rule))):
        place = (row["server"], row["key"])
        if place in idle:
            value = f"{loaded[place]:%Y-%m-%dT%H:%M:%SZ}" if loaded[place] else None
            more = {"grain": "model", "key": row["key"], "ordinal": row["ordinal"]}
            since = idle[place] + timedelta(days=days)
            wanted = f"loaded within {days:g} days"
            failures.append(_finding(rule, row["server"], "last_loaded", value, wanted, since=since, **more))
    return failures


def _aged(rules: RuleSet, subject: Subject) -> Iterator[str]:
    """Say how old a pass is of each server whose answer is too old."""
    about = {row["server"] for rule in rules.rules for row in _about(rule, subject.observations)}
    for row in subject.observations:
        if is_known(row) and row["server"] in about:
            as_of = row["as_of"] or row["observed_at"]
            if as_of is not None and subject.now - as_of > subject.stale_after:
                days = count((subject.now - as_of).days, "day")
                yield f"{row['server']} is judged as of {as_of:%Y-%m-%d}, {days} ago: a pass of it is as old"


def _judged(rule: Rule, subject: Subject, results: list[Row], waivers: Sequence[Waiver], met: set[Waiver]) -> list[Row]:
    """Complete the findings of a rule, and add the exceptions that they meet to those that are met."""
    same = {"run_id": subject.run_id, "severity": rule.severity, "because": rule.because or None}
    same |= dict.fromkeys(("waived_by", "waived_until", "waived_because"))
    for row in results:
        row.setdefault("status", FAIL)
        row.setdefault("since", None)
        row.update(same)
        if waivers and row["status"] == FAIL and (waiver := _waiver_of(waivers, row, met)):
            row["waived_by"], row["waived_because"] = waiver.by or None, waiver.because
            row["waived_until"] = waiver.until.isoformat()
            row["status"] = WAIVED if waiver.until >= subject.today else FAIL
    return results


def _waiver_of(waivers: Sequence[Waiver], row: Row, met: set[Waiver]) -> Waiver | None:
    """Return the exception that a finding meets: of several the one that ends last."""
    meeting = [
        waiver
        for waiver in waivers
        if (not waiver.server or matches(row["server"], waiver.server))
        and (not waiver.key or matches(row["key"], waiver.key))
    ]
    met.update(meeting)
    return max(meeting, key=lambda waiver: waiver.until, default=None)


def findings_table(findings: Sequence[Row]) -> pa.Table:
    """Build the table of findings; columns of ``derived.FINDINGS``."""
    return table_of(FINDINGS, findings)
