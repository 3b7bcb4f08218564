"""Every failure and the exit code it leads to.

::

    InventoryError                   what happened, to what; then what to do about it
    ├── ConfigurationError      2    a wrong address, token, option or format name
    │   └── QueryError               a user's SQL that is wrong, takes too long or needs too much memory
    ├── FileError               4    a file that could not be written or read; its previous content is untouched
    │   └── NewerVersion             written by a newer version in a way this version does not know
    ├── StoreUnreachable        3    the store of a shared history did not answer, or refused
    └── ServerError             3    a server that was not read; ``status`` is its word in the observations table
        ├── Unreachable              no connection, or a gateway could not reach the server
        ├── Timeout                  no complete response within the total deadline
        ├── Unauthorized             the server requires a token, or rejected the one it got
        ├── TooOld                   an LM Studio without GET /api/v1/models
        ├── NotLMStudio              something else responds at this address
        └── Invalid                  a response that breaks a rule: nothing of it is used

Exit code 1 belongs to none of them: it is a defect of this tool.
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """The exit codes of the command."""

    OK = 0
    DEFECT = 1
    USAGE = 2
    INCOMPLETE = 3
    FILE = 4
    ALERT = 10
    INTERRUPTED = 130
    TERMINATED = 143


class InventoryError(Exception):
    """A failure that the user can act on.

    Args:
        what: what happened, to what, without a full stop.
        advice: what to do about it, one sentence; may be empty.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.DEFECT

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(what, advice)
        self.what = what
        self.advice = advice

    def __str__(self) -> str:
        if not self.advice:
            return self.what
        return f"{self.what}{'' if self.what.endswith('?') else '.'} {self.advice}"


class ConfigurationError(InventoryError):
    """Wrong usage or configuration; no server was queried and nothing was written."""

    exit_code = ExitCode.USAGE


class QueryError(ConfigurationError):
    """A user's query that could not be answered.

    Args:
        what: what is wrong with it.
        advice: what to do about it; may be empty.
        place: the lines that show where in the query it is; may be empty.
    """

    def __init__(self, what: str, advice: str = "", place: str = "") -> None:
        super().__init__(what, advice)
        self.place = place


def wrong_type(value: object, expected: str, advice: str = "") -> ConfigurationError:
    """Create the error for an argument of an unsupported type.

    Args:
        value: the argument; the message shows only its type.
        expected: what was expected instead, such as ``the path of a file``.
        advice: what to do about it.
    """
    return ConfigurationError(f"{expected} is expected, not {_article(type(value).__name__)}", advice)


def _article(name: str) -> str:
    return "None" if name == "NoneType" else f"an {name}" if name[0].lower() in "aeio" else f"a {name}"


def did_you_mean(word: str, known: Iterable[str], likeness: float = 0.5) -> str:
    """Ask for the known word that is most like an unknown one, as the beginning of an advice; empty if none is."""
    import difflib  # only to word an error

    near = difflib.get_close_matches(word.lower(), known, 1, likeness)
    return f"Did you mean {near[0]!r}?" if near else ""


class FileError(InventoryError):
    """A file could not be written or read; its previous content is untouched."""

    exit_code = ExitCode.FILE


class NewerVersion(FileError):
    """A file of a history is intact, but a newer version of this tool wrote it.

    Args:
        path: the file.
        theirs: the schema version of the file.
        ours: the newest schema version that this version can read.
    """

    def __init__(self, path: object, theirs: int, ours: int) -> None:
        super().__init__(
            f"{path} was written by a newer version of lms-inventory "
            f"(schema {theirs}; this version reads up to {ours})",
            "Update lms-inventory; the history was not changed",
        )


class StoreUnreachable(InventoryError):
    """The store of a shared history could not be reached; what this machine has of it is intact."""

    exit_code = ExitCode.INCOMPLETE


class ServerError(InventoryError):
    """A server was not read. A collection turns it into a row of the observations table."""

    exit_code = ExitCode.INCOMPLETE
    status: ClassVar[str] = "invalid"

    def __init__(self, what: str, advice: str = "", http_status: int | None = None) -> None:
        super().__init__(what, advice)
        self.http_status = http_status


class Unreachable(ServerError):
    """No connection, or a gateway in front of the server could not reach it."""

    status = "unreachable"


class Timeout(ServerError):
    """No complete response arrived within the total deadline."""

    status = "timeout"


class Unauthorized(ServerError):
    """The server requires a token, or rejected the one it was sent."""

    status = "unauthorized"


class TooOld(ServerError):
    """An LM Studio before 0.4.0, which has no GET /api/v1/models."""

    status = "too_old"


class NotLMStudio(ServerError):
    """Something other than LM Studio responded."""

    status = "not_lm_studio"


class Invalid(ServerError):
    """The response breaks a rule of JSON or of the endpoint; nothing of it is used."""

    status = "invalid"
