"""What happened since somebody was told last, in words: changes, findings, servers that failed or recovered."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from inventory.config.notices import EVENTS
from inventory.diff.changes import ChangeSet
from inventory.report.change_lines import describe_changes
from inventory.report.change_words import ChangeLine
from inventory.tables import Row, is_known
from inventory.text import count, escape_controls, local_text, size, truncate

STALE = "stale"
LINES = 10
"""Lines of a notice that say what happened; of more it says how many there are."""

_WIDTH = 240  # columns of a line
_NAMED = 3  # servers that the title names; more are counted


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    Attributes:
        word: a word of ``config.notices.EVENTS``, or ``stale``.
        server: the server; empty for the run itself.
        text: what happened, without the server.
        key: the model's key; None if it is about no model.
        subject: what is counted: a model that changed in two fields is one.
    """

    word: str
    server: str
    text: str
    key: str | None = None
    subject: tuple[Any, ...] = ()

    @property
    def line(self) -> str:
        """The event on one line, in which nothing moves the cursor."""
        return truncate(escape_controls(f"{self.server}: {self.text}" if self.server else self.text), _WIDTH)


def change_events(changes: ChangeSet) -> list[Event]:
    """Return an event for each change; fields that follow from another one are in its event."""
    return [
        Event(
            line.word,
            line.server,
            _change_text(line),
            line.key,
            (line.grain, line.server, line.identity, line.ordinals),
        )
        for line in describe_changes(changes).lines
    ]


def attempt_events(before: Mapping[str, Row], now: Mapping[str, Row]) -> list[Event]:
    """Return an event for each server that failed for the first time, or recovered.

    Args:
        before: the newest attempt of each server when somebody was told last.
        now: the newest attempts since then.
    """
    events = []
    for server, row in sorted(now.items()):
        was_read = server not in before or before[server]["status"] == "ok"
        if row["status"] != "ok" and was_read:
            error = (row["error"] or row["status"].replace("_", " ")).partition(". ")[0]  # without the advice
            events.append(Event("failed", server, f"not read: {error}", subject=(server,)))
        elif row["status"] == "ok" and not was_read:
            since = local_text(before[server]["observed_at"], minutes=True)
            events.append(Event("recovered", server, f"read again; not read at {since}", subject=(server,)))
    return events


def stale_events(state: Sequence[Row], before: datetime | None, now: datetime, days: int) -> list[Event]:
    """Return an event for each server whose last complete answer became too old.

    Args:
        state: the observations of the state.
        before: when somebody was told last; None for never.
        now: the time of the run.
        days: how old an answer may be.
    """
    limit = timedelta(days=days)
    events = []
    for row in state:
        is_old = is_known(row) and now - row["as_of"] > limit
        if is_old and (before is None or before - row["as_of"] <= limit):
            read = local_text(row["as_of"], minutes=True)
            events.append(Event(STALE, row["server"], f"stale: last read {read}", subject=(row["server"],)))
    return events


def finding_events(
    findings: Sequence[Row], before: datetime | None = None, known_until: Mapping[str, datetime] | None = None
) -> list[Event]:
    """Return an event for each finding that is new since somebody was told last, or whose exception ended since then.

    Args:
        findings: rows of the findings.
        before: when somebody was told last; None for never.
        known_until: up to when findings of each server were known then; servers that were never read are left out.
    """
    events = []
    for row in findings:
        known = (known_until or {}).get(row["server"])
        is_new = before is None or known is None or row["since"] is None or row["since"] > known
        if row["status"] == "fail" and (is_new or _was_waived(row, before)):
            subject = row["key"] or row["server"]
            text = f"{row['severity']}: {row['rule']}: {subject}"
            text += f" ({row['field']} {row['value']})" if row["field"] else ""
            identity = tuple(row[name] for name in ("rule", "server", "key", "ordinal", "instance_id", "field"))
            events.append(Event(row["severity"], row["server"], text, row["key"], identity))
    return events


def _was_waived(finding: Row, before: datetime | None) -> bool:
    """Return whether an exception held at a time, to the end of its local day."""
    until = finding["waived_until"]
    return bool(until and before and before.astimezone().date() <= date.fromisoformat(until))


def failure_events(failures: Iterable[str], earlier: Sequence[str]) -> list[Event]:
    """Return an event for each file that could not be written, unless somebody knows that already.

    Args:
        failures: a sentence each.
        earlier: the same, of the run after which somebody was notified last.
    """
    return [Event("failed", "", escape_controls(text), subject=(text,)) for text in failures if text not in earlier]


def headline(events: Sequence[Event], nothing: str) -> str:
    """Say in one line what happened: 2 added, 1 removed; rome-bob not read; lab read again."""
    counts = Counter(word for word, _ in dict.fromkeys((event.word, event.subject) for event in events))
    parts = [f"{counts[word]:,} {word}" for word in EVENTS if counts[word] and word not in ("failed", "recovered")]
    sentences = [", ".join(parts)] if parts else []
    for word, verb in (("failed", "not read"), ("recovered", "read again"), (STALE, "stale")):
        servers = list(dict.fromkeys(event.server for event in events if event.word == word and event.server))
        if servers:
            names = ", ".join(servers) if len(servers) <= _NAMED else count(len(servers), "server")
            sentences.append(f"{names} {verb}")
    sentences += [event.text for event in events if event.word == "failed" and not event.server]
    return truncate(escape_controls("; ".join(sentences) or nothing), _WIDTH)


def event_lines(events: Sequence[Event]) -> list[str]:
    """Return at most ten lines of what happened; the last one says how many more there are."""
    lines = [event.line for event in events]
    return lines if len(lines) <= LINES else [*lines[: LINES - 1], f"and {len(lines) - LINES + 1:,} more"]


def _change_text(line: ChangeLine) -> str:
    number = "".join(f" #{ordinal}" for ordinal in line.ordinals)
    name = f"{line.identity}{number}"
    if line.grain == "server":
        return f"{line.word}: {line.what}"
    if line.word == "renamed":
        return f"renamed: {line.before} -> {name}"
    if line.field is not None:
        old, new = (value or "(not reported)" for value in (line.before_with_size, line.after_with_size))
        return f"reconfigured: {line.key}{number}: {line.what}: {old} -> {new}"
    bytes_ = line.values.get("size_bytes")
    return f"{line.word}: {name}" + (f" ({size(bytes_)})" if line.grain == "model" and bytes_ is not None else "")
