"""Tell people what a run found: what is new since each of them was told last, as the history and its run log say.

There is no other state. An event is told once: between two neighbouring runs, or, if a notice could not be sent or a
run was killed before it told anything, between the last run that was told and this one.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial
from itertools import chain
from json import dumps
from typing import Any

from inventory.config.notices import NoticeConfig, read_address
from inventory.diff.changes import ChangeSet
from inventory.errors import ConfigurationError, FileError
from inventory.history import run_log
from inventory.history.reader import RunHistory
from inventory.notify import Notice, form_of
from inventory.notify._send import post
from inventory.notify._send import run as run_command
from inventory.operations.snapshot import SnapshotResult
from inventory.report.events import (
    STALE,
    Event,
    attempt_events,
    change_events,
    failure_events,
    finding_events,
    headline,
    stale_events,
)
from inventory.report.facts import TITLE
from inventory.run_ids import time_of
from inventory.tables import Row, cells, rows
from inventory.text import count


@dataclass(frozen=True)
class FinishedRun:
    """A run after everything was written.

    Attributes:
        result: the run.
        exit_code: what it ends with.
        failures: the files that could not be written, a sentence each.
        findings: what the rules found, rows of the findings; empty without rules.
        title: the title of reports.
        link: the path or the link of its report; empty if there is none.
    """

    result: SnapshotResult
    exit_code: int
    failures: Sequence[str] = ()
    findings: Sequence[Row] = ()
    title: str = TITLE
    link: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of a notice.

    Attributes:
        name: the notice, as ``NoticeConfig.name``.
        sent: True if it was sent, False if that failed, None if there was nothing to tell.
        reason: why it could not be sent, or why not everything that is new was known.
    """

    name: str
    sent: bool | None = None
    reason: str = ""

    @property
    def entry(self) -> dict[str, Any]:
        """The outcome for the run log."""
        return {"to": self.name, "sent": self.sent, "error": self.reason or None}


@dataclass(frozen=True)
class _Base:
    """What somebody knows already.

    Attributes:
        changes_from: the run up to which changes were told; empty if none are to be told.
        attempts_from: the run up to which failures were told; empty for none.
        failures: what that run told could not be written or read, a sentence each.
    """

    changes_from: str = ""
    attempts_from: str = ""
    failures: tuple[str, ...] = ()

    @property
    def moment(self) -> datetime | None:
        """When somebody was told last."""
        return time_of(self.attempts_from) if self.attempts_from else None


class _News:
    """What is new after a run, for each who is told.

    Args:
        run: the run.
        history: where it is recorded; None if it is in none.
    """

    def __init__(self, run: FinishedRun, history: RunHistory | None) -> None:
        self._run = run
        self._history = history
        self._events: dict[_Base, tuple[list[Event], str]] = {}
        self._entries: dict[str, dict[str, Any]] = {}

    def notice(self, config: NoticeConfig) -> tuple[Notice | None, str]:
        """Return what somebody is told, None for nothing, and why not everything that is new is known."""
        try:
            events, unknown = self._events_for(config)
        except FileError as error:  # The history cannot be read, of which the first run to notice it must tell.
            events, unknown = failure_events(dict.fromkeys((*self._run.failures, error.what)), ()), error.what
        chosen = [event for event in events if event.word in config.words or event.word == STALE]
        return self._composed(chosen) if chosen or config.always else None, unknown

    def _events_for(self, config: NoticeConfig) -> tuple[list[Event], str]:
        history, result = self._history, self._run.result
        run_id = result.snapshot.run_id
        if history is None or (result.failure and run_id not in history.dated()):
            return failure_events(self._run.failures, ()), result.failure.what if result.failure else ""
        base = self._base(config.name)
        if base not in self._events:
            self._events[base] = history.store.retry_if_changed(lambda: self._since(base, history))
        events, unknown = self._events[base]
        stale = [stale_events(self._state, base.moment, time_of(run_id), days) for days in config.stale_days]
        return [*events, *chain.from_iterable(stale)], unknown

    def _since(self, base: _Base, history: RunHistory) -> tuple[list[Event], str]:
        """Return everything that happened since a run, and why the changes are not known."""
        run_id, states = self._run.result.snapshot.run_id, history.states()
        changes, failures = self._changes(base, history)
        now = states.attempts_between(base.attempts_from, run_id)
        before = states.attempts(base.attempts_from, now) if base.attempts_from else {}
        events = [
            *(change_events(changes) if changes is not None else []),
            *self._finding_events(base, history),
            *attempt_events(before, now),
            *failure_events(dict.fromkeys((*self._run.failures, *failures)), base.failures),
        ]
        return events, "".join(failures) if changes is None else ""

    def _changes(self, base: _Base, history: RunHistory) -> tuple[ChangeSet | None, list[str]]:
        """Return the changes since a run, and what could not be read for them.

        Where an older run cannot be read, those since the run before: a file that is damaged for good must not silence
        what comes after it.
        """
        failures: list[str] = []
        for run_id in dict.fromkeys((base.changes_from, *self._earlier[:1])) if base.changes_from else ():
            compare = partial(history.diff, run_id, self._run.result.snapshot.run_id)
            try:
                return history.store.retry_if_changed(compare), failures
            except FileError as error:
                failures = failures or [error.what]
        return None, failures

    def _finding_events(self, base: _Base, history: RunHistory) -> list[Event]:
        """Return the findings that are new since a run.

        A finding is in an answer, so those of the answer of then were known. While a server still has that answer, only
        time makes a finding, and what it had made by then was known too.
        """
        run, run_id = self._run, base.changes_from if base.attempts_from else ""
        if run.result.failure or not run.findings:  # Nobody knows since when the findings of a run alone are there.
            return []
        if not run_id:
            return finding_events(run.findings)
        before, now = time_of(run_id), _answered(history, run.result.snapshot.run_id)
        known_until = {
            server: max(moment, before) if now.get(server) == moment else moment
            for server, moment in _answered(history, run_id).items()
        }
        return finding_events(run.findings, before, known_until)

    @cached_property
    def _state(self) -> list[Row]:
        history, run_id = self._history, self._run.result.snapshot.run_id
        return rows(history.state(run_id).tables["observations"]) if history else []

    @cached_property
    def _earlier(self) -> list[str]:
        """The runs before this one, the newest first."""
        run_id = self._run.result.snapshot.run_id
        return [other for other in reversed(self._history.dated() if self._history else []) if other < run_id]

    @cached_property
    def _log(self) -> Iterator[dict[str, Any]]:
        return run_log.newest_first(self._history.store.folder) if self._history else iter(())

    def _base(self, name: str) -> _Base:
        """Return what the receiver of a notice knows: what was there at the last run that told it, or had nothing to.

        A run without an entry in the log was killed before it told anything, or recorded by another program. One that
        was told with an error did not know the changes.
        """
        base, is_logged = _Base(), False
        for run_id in self._earlier:
            entry = self._entry(run_id)
            if entry is None:
                continue
            is_logged = True
            outcomes = {outcome.get("to"): outcome for outcome in entry.get("notices", ())}
            outcome = outcomes.get(name, {})
            error = outcome.get("error")
            if outcome.get("sent") is not False and not base.attempts_from:
                failures = (*entry.get("failures", ()), *([error] if error else []))
                base = _Base(attempts_from=run_id, failures=failures)
            if not error:
                return replace(base, changes_from=run_id)
        if not self._earlier:
            return _Base()
        if not is_logged:
            return _Base(self._earlier[0], self._earlier[0])
        return replace(base, changes_from=self._earlier[-1])

    def _entry(self, run_id: str) -> dict[str, Any] | None:
        """Return the entry of a run in the log, which is read from its end only as far as it is needed."""
        while run_id not in self._entries and (entry := next(self._log, None)) is not None:
            self._entries.setdefault(str(entry.get("run_id")), entry)
        return self._entries.get(run_id)

    def _composed(self, events: Sequence[Event]) -> Notice:
        run, snapshot = self._run, self._run.result.snapshot
        statuses = [row["status"] for row in rows(snapshot.tables["observations"])]
        read = statuses.count("ok")
        nothing = f"nothing new; {read:,} of {count(len(statuses), 'server')} read"
        title = f"{run.title}: {headline(events, nothing)}"
        moment = time_of(snapshot.run_id)
        return Notice(title, events, snapshot.run_id, moment, run.exit_code, len(statuses), read, run.link)


def _answered(history: RunHistory, run_id: str) -> dict[str, datetime]:
    """Return when the last complete answer of each server was given, as of a run."""
    columns = ["server", "as_of"]
    answers = cells(history.states().table(run_id, columns=columns), columns)
    return {server: moment for server, moment in answers if moment}


def tell(
    notices: Sequence[NoticeConfig], run: FinishedRun, history: RunHistory | None, environment: Mapping[str, str]
) -> list[Outcome]:
    """Tell everybody what concerns them, all at the same time; a failure stops nobody else.

    Args:
        notices: who is told what.
        run: the run.
        history: where it is recorded; None if it is in none.
        environment: the variables: addresses may be in them, and commands are given them.
    """
    if not notices:
        return []
    news = _News(run, history)
    return asyncio.run(_send_all([(config, *news.notice(config)) for config in notices], environment))


def send_test(notices: Sequence[NoticeConfig], title: str, environment: Mapping[str, str]) -> list[Outcome]:
    """Send everybody a test."""
    notice = Notice(f"{title}: this is a test of [[notify]] in inventory.toml")
    return asyncio.run(_send_all([(config, notice, "") for config in notices], environment)) if notices else []


async def _send_all(
    messages: Sequence[tuple[NoticeConfig, Notice | None, str]], environment: Mapping[str, str]
) -> list[Outcome]:
    outcomes = await asyncio.gather(*(_send(config, notice, environment) for config, notice, _ in messages))
    return [
        replace(outcome, reason=outcome.reason or unknown)
        for outcome, (_, _, unknown) in zip(outcomes, messages, strict=True)
    ]


async def _send(config: NoticeConfig, notice: Notice | None, environment: Mapping[str, str]) -> Outcome:
    if notice is None:
        return Outcome(config.name)
    if config.address is None:
        body = dumps(notice.document, ensure_ascii=False).encode()
        reason = await run_command(config.command, body, environment, config.timeout)
    else:
        try:
            address = read_address(config.address, environment)
        except ConfigurationError as error:
            return Outcome(config.name, sent=False, reason=error.what)
        request = form_of(config.form).render(notice, address)
        reason = await post(request, config.timeout, config.proxy, config.ca_file)
    return Outcome(config.name, not reason, reason)
