"""Every failure, in words for a person, and the exit code it ends in.

::

    InventoryError                   what happened, to what; then what to do about it
    ├── ConfigurationError      2    a wrong address, token, option or format name
    ├── FileError               4    a file that could not be written or read; what was there before is untouched
    │   └── NewerVersion             a newer version wrote it, in a way that this one does not know
    └── ServerError             3    a server that was not read; ``status`` is the word in the observations table
        ├── Unreachable              no connection, or a gateway that could not reach it
        ├── Timeout                  no complete answer within the total deadline
        ├── Unauthorized             it wants a token, or another one
        ├── TooOld                   an LM Studio without GET /api/v1/models
        ├── NotLMStudio              something else answers at this address
        └── Invalid                  an answer that breaks a rule: nothing of it is used

Exit code 1 belongs to none of them: it is a defect of this tool.
"""

from typing import ClassVar


class InventoryError(Exception):
    """A failure that the user can act on.

    Args:
        what: what happened, to what, without a full stop.
        advice: what to do about it, one sentence; may be empty.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(what, advice)
        self.what = what
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.what}. {self.advice}" if self.advice else self.what


class ConfigurationError(InventoryError):
    """Wrong usage or configuration; nothing was asked and nothing was written."""

    exit_code = 2


def wrong_type(value: object, expected: str, advice: str = "") -> ConfigurationError:
    """The error for an argument of a type that says nothing to the function it was given to.

    Args:
        value: the argument; only its type is told.
        expected: what was expected instead, such as ``the path of a file``.
        advice: what to do about it.
    """
    return ConfigurationError(f"{expected} is expected, not {_article(type(value).__name__)}", advice)


def _article(name: str) -> str:
    return "None" if name == "NoneType" else f"an {name}" if name[0].lower() in "aeio" else f"a {name}"


class FileError(InventoryError):
    """A file could not be written or read; what was there before is untouched."""

    exit_code = 4


class NewerVersion(FileError):
    """A file of a history is whole, but a newer version of this tool wrote it.

    Args:
        path: the file.
        theirs: the number of its schema.
        ours: the number of the newest schema that this version knows.
    """

    def __init__(self, path: object, theirs: int, ours: int) -> None:
        super().__init__(
            f"{path} was written by a newer version of lms-inventory "
            f"(schema {theirs}; this one knows {ours}): update it",
            "The history is as it was before",
        )


class ServerError(InventoryError):
    """A server was not read. In a collection it becomes a row of the observations table, never an exception."""

    exit_code = 3
    status: ClassVar[str] = "invalid"

    def __init__(self, what: str, advice: str = "", http_status: int | None = None) -> None:
        super().__init__(what, advice)
        self.http_status = http_status


class Unreachable(ServerError):
    """No connection could be made, or a gateway in front of the server could not reach it."""

    status = "unreachable"


class Timeout(ServerError):
    """The complete answer was not there within the total deadline."""

    status = "timeout"


class Unauthorized(ServerError):
    """The server wants a token, or did not accept the one that was sent."""

    status = "unauthorized"


class TooOld(ServerError):
    """An LM Studio before 0.4.0, which has no GET /api/v1/models."""

    status = "too_old"


class NotLMStudio(ServerError):
    """Something other than LM Studio answered."""

    status = "not_lm_studio"


class Invalid(ServerError):
    """The answer breaks a rule of JSON or of the endpoint; nothing of it is used."""

    status = "invalid"
