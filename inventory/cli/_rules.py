"""The rules of the configuration, checked before any server is asked, and audits by them."""

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from inventory.cli._context import configuration
from inventory.cli._exit_codes import AUDIT_WORDS
from inventory.cli._history import stale_after
from inventory.errors import ConfigurationError, did_you_mean
from inventory.rules.model import SEVERITIES, RuleSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inventory.history.reader import RunHistory
    from inventory.operations.compare import ResolvedRef
    from inventory.report.facts import Report
    from inventory.rules.evaluate import Judgement
    from inventory.rules.model import Rule


def configured_rules(*, needed: bool = False) -> RuleSet:
    """Return the rules of the configuration, after checking all of them.

    Args:
        needed: fail if there are none.

    Raises:
        ConfigurationError: one is wrong, or there are none.
    """
    file = configuration()
    if not file.rules and not file.waivers:
        if needed:
            where = f"{file.path} has no rules" if file.path else "there are no rules: there is no inventory.toml"
            raise ConfigurationError(where, "Write a [[rule]]; see lms-inventory help rules")
        return RuleSet()
    from inventory.rules.parse import parse_rules

    return parse_rules(file, _check_expression)


def _check_expression(rule: "Rule") -> None:
    from inventory.history.queries.audit import check_expression  # needs DuckDB, which no other rule does

    check_expression(rule)


def selected_rules(rules: RuleSet, names: "Sequence[str]", severity: str | None) -> RuleSet:
    """Return the rules of some names, and of a severity or worse.

    Raises:
        ConfigurationError: there is no rule of a name.
    """
    known = [rule.name for rule in rules.rules]
    for name in names:
        if name not in known:
            advice = f"{did_you_mean(name, known)} There are: {', '.join(known)}"
            raise ConfigurationError(f"there is no rule {name!r}", advice.lstrip())
    worse = SEVERITIES[: SEVERITIES.index(severity) + 1] if severity else SEVERITIES
    chosen = tuple(rule for rule in rules.rules if rule.severity in worse and (not names or rule.name in names))
    waivers = tuple(waiver for waiver in rules.waivers if waiver.rule in {rule.name for rule in chosen})
    return replace(rules, rules=chosen, waivers=waivers)


def audit_side(side: "ResolvedRef", history: "RunHistory | None", rules: RuleSet) -> "Judgement | None":
    """Judge a side by the rules; None without rules."""
    if not rules:
        return None
    from inventory.operations.audit import audit
    from inventory.run_ids import utc_now

    now = history.clock() if history else utc_now()
    return audit(side, history, rules, now=now, stale_after=stale_after())


def with_audit(report: "Report", side: "ResolvedRef", history: "RunHistory | None", rules: RuleSet) -> "Report":
    """Return a report with what an audit of its side finds, of the servers that it is about."""
    if not rules:
        return report
    from inventory.operations.compare import ResolvedRef
    from inventory.tables import values

    if not (report.snapshot.state_of or not report.snapshot.run_id or side.snapshot is not None):
        side = ResolvedRef(side.name, snapshot=report.snapshot)
    judgement = audit_side(side, history, rules)
    servers = set(values(report.snapshot.tables["observations"], "server"))
    if judgement is not None:
        judgement = replace(judgement, findings=tuple(row for row in judgement.findings if row["server"] in servers))
    return replace(report, judgement=judgement)


def audit_fail_words(fail_on: frozenset[str], audited: "Judgement | None") -> frozenset[str]:
    """Return the words of ``--fail-on`` that are true of an audit: a severity means that or a worse one."""
    if audited is None:
        return frozenset()
    failed = {row["severity"] for row in audited.findings if row["status"] == "fail"}
    words = {word for word in SEVERITIES if failed & set(SEVERITIES[: SEVERITIES.index(word) + 1])}
    unknown = {"unknown"} if any(row["status"] == "unknown" for row in audited.findings) else set()
    return frozenset(fail_on & (words | unknown))


def audit_entry(judgement: "Judgement | None", rules: RuleSet) -> dict[str, Any] | None:
    """Return what the run log says of an audit: how many findings there are, and by which rules; None without rules."""
    if judgement is None:
        return None
    counts = Counter(row["severity"] if row["status"] == "fail" else row["status"] for row in judgement.findings)
    return {"rules": rules.digest, **{word: counts[word] for word in (*SEVERITIES, "unknown", "waived")}}


def check_fail_words(fail_on: frozenset[str], rules: RuleSet) -> None:
    """Refuse words of ``--fail-on`` about findings where there are no rules: they could never happen.

    Raises:
        ConfigurationError: there is such a word, and no rule.
    """
    if not rules and (words := fail_on & set(AUDIT_WORDS)):
        what = f"--fail-on {','.join(sorted(words))} needs rules, and there are none"
        raise ConfigurationError(what, "Write a [[rule]] in inventory.toml; see lms-inventory help rules")
