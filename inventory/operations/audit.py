"""Audit a state, a file or what the servers say now: judge it by the rules, and tell since when a finding is there."""

from datetime import datetime, timedelta

from inventory.history.queries.audit import add_since, state_database, tables_database
from inventory.history.reader import RunHistory
from inventory.operations.compare import ResolvedRef
from inventory.report.coverage import STALE_AFTER
from inventory.rules.evaluate import Judgement, Subject, evaluate
from inventory.rules.model import RuleSet
from inventory.run_ids import time_of
from inventory.tables import RunTables, rows


def audit(
    side: ResolvedRef,
    history: RunHistory | None,
    rules: RuleSet,
    *,
    now: datetime,
    stale_after: timedelta = STALE_AFTER,
) -> Judgement:
    """Judge one side by rules.

    Args:
        side: a run, whose state is judged; a file, or what the servers say now.
        history: where the runs are; None if the side is none.
        rules: the rules and exceptions.
        now: the present time, at which the newest state, a file and ``live`` are judged; a state of the past is judged
            at its own time.
        stale_after: how old an answer may be before it is told how old a pass is.

    Raises:
        FileError: a file of the history is missing or damaged.
    """
    run_id = side.run_id
    if side.snapshot is not None or history is None or run_id is None:
        assert side.snapshot is not None
        return _audit_tables(side.snapshot, rules, now, stale_after)
    return history.store.retry_if_changed(lambda: _audit_state(run_id, history, rules, now, stale_after))


def _audit_tables(snapshot: RunTables, rules: RuleSet, now: datetime, stale_after: timedelta) -> Judgement:
    """Judge the tables of one run or of a file, of which nobody knows since when they are so."""
    database = tables_database(snapshot, rules)
    observations = rows(snapshot.tables["observations"])
    subject = Subject(observations, snapshot.run_id, now, now.astimezone().date(), stale_after=stale_after)
    return evaluate(rules, subject, database.query)


def _audit_state(run_id: str, history: RunHistory, rules: RuleSet, now: datetime, stale_after: timedelta) -> Judgement:
    moment = now if run_id == history.dated()[-1] else time_of(run_id)
    observed = rows(history.states().table(run_id))
    lives = rows(history.lifecycle_table(run_id)) if any(rule.unused is not None for rule in rules.rules) else []
    database = state_database(history, observed, rules)
    subject = Subject(observed, run_id, moment, moment.astimezone().date(), lives, stale_after)
    judgement = evaluate(rules, subject, database.query)
    add_since(history, run_id, rules, judgement.findings)
    return judgement
