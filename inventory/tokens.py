"""Where an API token is kept, and the token itself, read only when a server is about to be asked.

A token is never part of a message, nor of an error that a message was made from.
"""

import os
import re
import stat
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from inventory.errors import ConfigurationError

COMMON = "LM_API_TOKEN"
"""The variable with the token of the servers that name none of their own."""

CREDENTIAL = "lm-api-token"
"""What systemd calls the same token where a service gets it as a credential."""

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LIMIT = 65536
_TELLING = 10
"""Characters that a token has at least; a shorter word (``lm-studio`` is a usual one) may stand in an answer by itself.
LM Studio's have 35."""

_PIECE, _QUOTED = 12, 8
"""Characters of a token that an answer, or what is said of it, may not hold side by side."""

_ESCAPE = re.compile(rb"\\(?:u00([0-9a-fA-F]{2})|(.))", re.DOTALL)


@dataclass(frozen=True)
class Keep:
    """Where a token is kept.

    Attributes:
        kind: ``variable`` or ``file``.
        name: the variable's name, or the file's path.
        said: where that was said, such as ``inventory.toml line 5``; empty for ``LM_API_TOKEN``, which may be unset.
    """

    kind: str
    name: str
    said: str = ""

    def __str__(self) -> str:
        return f"{'environment variable' if self.kind == 'variable' else 'file'} {self.name}"


COMMON_KEEP = Keep("variable", COMMON)


def token_in(keep: Keep, environment: Mapping[str, str]) -> str | None:
    """The token; None only for an unset ``LM_API_TOKEN``.

    Args:
        keep: where it is.
        environment: the variables.

    Raises:
        ConfigurationError: the variable is not set, or the file cannot be read or is empty.
    """
    if keep.kind == "file":
        return _in_file(keep)
    token = environment.get(keep.name) or None
    if token is None and keep.said:
        raise ConfigurationError(
            f"{keep.said}: the environment variable {keep.name} is not set, and the token should be in it",
            f"Set {keep.name}, or take the line out",
        )
    return token or _handed_over(environment)


def repeats(body: bytes, token: str) -> bool:
    """Whether an answer holds a telling piece of the token that it was asked with, however JSON's escapes spell it."""
    if len(token) < _TELLING:
        return False
    text = _ESCAPE.sub(_meant, body) if b"\\" in body else body
    return any(piece.encode() in text for piece in _pieces(token, _PIECE))


def quotes(said: str, token: str) -> bool:
    """Whether what is said of an answer quotes a piece of the token."""
    return len(token) >= _TELLING and any(piece in said for piece in _pieces(token, _QUOTED))


def _pieces(token: str, length: int) -> list[str]:
    """The pieces of a token that have a length; the whole of a shorter one."""
    return [token[start : start + length] for start in range(max(len(token) - length, 0) + 1)]


def _meant(escape: re.Match[bytes]) -> bytes:
    """The character that an escape of JSON stands for, if it can be one of a token."""
    return bytes.fromhex(escape[1].decode()) if escape[1] else escape[2]


def _handed_over(environment: Mapping[str, str]) -> str | None:
    """The token that systemd gives a service as a credential; an empty one is none.

    Raises:
        ConfigurationError: it is there and cannot be read.
    """
    if not (folder := environment.get("CREDENTIALS_DIRECTORY")):
        return None
    path = Path(folder, CREDENTIAL)
    try:
        return path.read_bytes().decode("latin-1").rstrip("\r\n") or None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"the credential {path} could not be read: {error.strerror}", "") from error


def too_open(keep: Keep) -> str:
    """What is wrong with who may read a token's file, as a sentence; empty if nothing is, or on Windows."""
    if keep.kind != "file" or os.name != "posix":
        return ""
    try:
        mode = stat.S_IMODE(Path(keep.name).stat().st_mode)
    except OSError:
        return ""
    if not mode & 0o077:
        return ""
    return (
        f"{keep.name} holds a token and others than its owner may use it (mode {mode:04o}). Run: chmod 600 {keep.name}"
    )


def _in_file(keep: Keep) -> str:
    path = Path(keep.name)
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
        body = _begin(path) if regular else b""
    except OSError as error:
        raise ConfigurationError(
            f"{keep.said}: the token's file {keep.name} could not be read: {error.strerror}",
            "Put the token alone into it, readable by its owner only",
        ) from error
    if body.startswith((BOM_UTF16_LE, BOM_UTF16_BE, BOM_UTF8)):
        raise ConfigurationError(
            f"{keep.said}: the token's file {keep.name} begins with a byte order mark, as PowerShell writes it",
            "Save it as plain ASCII or as UTF-8 without that mark",
        )
    token = body.decode("latin-1").rstrip("\r\n")  # any bytes are a text so; one that is no token is refused later
    if not token or len(body) > _LIMIT:
        what = "is no file" if not regular else "is empty" if not token else "is too large for a token"
        raise ConfigurationError(f"{keep.said}: the token's file {keep.name} {what}", "Put the token alone into it")
    return token


def _begin(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LIMIT + 1)
