"""What differs between two states of a history, before any rows are loaded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from inventory.tables import Row


class StoredResponse(NamedTuple):
    """A response that the history holds.

    Attributes:
        digest: the digest of its content.
        stored_in: the run whose files hold it.
        observed_at: when it was received, in UTC.
    """

    digest: str
    stored_in: str
    observed_at: datetime


Responses = dict[str, StoredResponse]  # by server


def response_of(row: Row, prefix: str = "") -> StoredResponse:
    """Return the response that an observation tells, or the columns of a query whose names begin with a prefix."""
    return StoredResponse(row[f"{prefix}digest"], row[f"{prefix}stored_in"], row[f"{prefix}observed_at"])


@dataclass(frozen=True)
class Difference:
    """The difference between two states.

    Attributes:
        old: the responses in the state before that differ, by server.
        new: those in the state after.
        unread: server and status of the newest attempt, of the servers that were asked since and not read.
        retired: the servers of the state before that are retired from the state after.
        returned: the servers that were retired from the state before, and are in the state after.
        known: the last complete responses of unread and retired servers, by server.
    """

    old: Mapping[str, StoredResponse]
    new: Mapping[str, StoredResponse]
    unread: Sequence[Row]
    retired: Sequence[str]
    returned: Sequence[str]
    known: Mapping[str, Row]
