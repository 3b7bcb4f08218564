"""Tell somebody what a run found. FAMILY: ``render(notice, address) -> Request``.

In: a notice and an address. Out: a request in the form that the address expects.
For others: ``Notice``, ``form_of``, and ``_send.post`` and ``_send.run``, which send it.

To add a form: one file here with ``render``, and one word in ``config.spec.FORMS``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from typing import Any, Protocol, cast

from inventory.about import PROGRAM, VERSION
from inventory.report.events import Event, event_lines
from inventory.text import utc_text

_EVENTS = 1000  # events that a notice for programs holds; of more it says how many there are


@dataclass(frozen=True)
class Notice:
    """What somebody is told.

    Attributes:
        title: what happened, in one line.
        events: what happened, one by one.
        run_id: the run.
        moment: when it began.
        exit_code: what it ends with; None for a test.
        servers: how many servers it asked.
        read: how many of them it read completely.
        link: the path or the link of the report; empty if there is none.
    """

    title: str
    events: Sequence[Event] = ()
    run_id: str = ""
    moment: datetime | None = None
    exit_code: int | None = None
    servers: int = 0
    read: int = 0
    link: str = ""

    @property
    def lines(self) -> list[str]:
        """At most ten lines of what happened."""
        return event_lines(self.events)

    @property
    def text(self) -> str:
        """The title, the lines, and where the report is."""
        return "\n".join([self.title, *self.lines, *([f"Report: {self.link}"] if self.link else [])])

    @property
    def document(self) -> dict[str, Any]:
        """The notice for programs."""
        return {
            "tool": PROGRAM,
            "version": VERSION,
            "title": self.title,
            "lines": self.lines,
            "run_id": self.run_id or None,
            "time": utc_text(self.moment, zone="Z").replace(" ", "T") if self.moment else None,
            "exit_code": self.exit_code,
            "test": self.exit_code is None,
            "servers": self.servers,
            "servers_read": self.read,
            "events": [
                {"event": event.word, "server": event.server or None, "key": event.key, "text": event.text}
                for event in self.events[:_EVENTS]
            ],
            "more_events": max(len(self.events) - _EVENTS, 0),
            "report": self.link or None,
        }


@dataclass(frozen=True)
class Request:
    """A request to an address, which is a secret.

    Attributes:
        url: the address.
        body: what is posted.
        headers: its headers.
    """

    url: str = field(repr=False)
    body: bytes
    headers: Mapping[str, str]


class Form(Protocol):
    """A member of the family."""

    def render(self, notice: Notice, address: str) -> Request:
        """Put a notice into the form that an address expects."""
        ...


def form_of(word: str) -> Form:
    """Return the member of a word of ``config.spec.FORMS``."""
    return cast("Form", import_module(f"inventory.notify.{word}"))
