"""API tokens and where they are stored; a token is read only just before its server is queried.

A token is never part of a message, nor of an error that a message is made from.
"""

import json
import os
import re
import stat
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from inventory.errors import ConfigurationError
from inventory.filesystem.regular_files import UnsuitableFileError, read_regular
from inventory.limits import TOKEN_LIMIT

COMMON = "LM_API_TOKEN"
"""The variable with the token for servers that have none of their own."""

CREDENTIAL = "lm-api-token"
"""The name of the systemd credential that holds the same token."""

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_RANDOM_FORM = re.compile(r"sk-lm-[A-Za-z0-9]{8}:[A-Za-z0-9]{20}|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_WORD = re.compile(r"[A-Za-z0-9._/@:+-]{1,100}")
_PART = re.compile(r"[A-Za-z0-9]{5,}")  # shorter ones, such as 30b and q4, are usual in names of models
_JOINT = re.compile(r"(?<=[0-9])(?=[A-Za-z])|(?<=[A-Za-z])(?=[0-9])|(?<=[a-z])(?=[A-Z])|(?<=[A-Z][A-Z])(?=[a-z])")
_RANDOM, _APART = 16, 4
"""Characters that a secret has at least, and letters and digits that there are at most for each joint between small
letters, capitals and digits in it. A random text has a joint at every second or third of them, a word hardly any."""

_SEARCHED = 64  # characters of a token, its first ones, that are looked for: the search takes a step for each
_SHORT_WORD = 8  # characters; a shorter one stands in sentences that are not about it


@dataclass(frozen=True)
class CredentialSource:
    """A place where a token is stored.

    Attributes:
        kind: ``variable`` or ``file``.
        name: the variable's name, or the file's path.
        location: where that is configured, such as ``inventory.toml line 5``; empty for ``LM_API_TOKEN``, which may be
            unset.
    """

    kind: str
    name: str
    location: str = ""

    def __str__(self) -> str:
        return f"{'environment variable' if self.kind == 'variable' else 'file'} {self.name}"


DEFAULT_CREDENTIAL = CredentialSource("variable", COMMON)


def read_token(source: CredentialSource, environment: Mapping[str, str]) -> str | None:
    """Read the token; None only for an unset ``LM_API_TOKEN``.

    Args:
        source: where it is stored.
        environment: the variables.

    Raises:
        ConfigurationError: the variable is not set, or the file cannot be read or is empty.
    """
    if source.kind == "file":
        return _in_file(source)
    token = environment.get(source.name) or None
    if token is None and source.location:
        raise ConfigurationError(
            f"{source.location}: the environment variable {source.name} is not set, and should hold the token",
            f"Set {source.name}, or remove the line",
        )
    return token or _handed_over(environment)


def is_secret(token: str) -> bool:
    """Return whether a token is one of LM Studio's, or as random as one, and not a word that may stand in any answer.

    Where authentication is off every token is accepted, and people set a word: ``lm-studio``, or the publisher
    ``lmstudio-community``, which stands in nearly every answer.
    """
    if _RANDOM_FORM.fullmatch(token):
        return True
    if not _WORD.fullmatch(token):
        return len(token) >= _RANDOM
    parts = _PART.findall(token)
    characters = sum(map(len, parts))
    return characters >= _RANDOM and sum(len(_JOINT.findall(part)) for part in parts) * _APART >= characters


def contains_token(body: bytes, token: str) -> bool:
    """Return whether a response holds a whole secret, in any JSON spelling; a token that is a word is none."""
    if not is_secret(token):
        return False
    start = token[:_SEARCHED]
    if start.encode() in body:
        return True
    return b"\\" in body and re.search(b"".join(map(_spellings, start)), body) is not None


def _spellings(character: str) -> bytes:
    """Return a pattern for all ways in which JSON can spell an ASCII character."""
    code = "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in f"{ord(character):02x}")
    short = rf"|\\{re.escape(character)}" if character in '"\\/' else ""
    return rf"(?:{re.escape(character)}|\\u00{code}{short})".encode()


def hide_token(text: str, token: str) -> str:
    """Return a text that may quote an answer, without the token; one that is a word is hidden where it stands alone."""
    if is_secret(token):
        for form in (token, json.dumps(token)[1:-1], repr(token)[1:-1]):
            text = text.replace(form, "[token]")
    elif len(token) >= _SHORT_WORD:
        text = re.sub(rf"(?<![\w/@:+-]){re.escape(token)}(?![\w/@:+-]|\.\w)", "[token]", text)
    return text


def _handed_over(environment: Mapping[str, str]) -> str | None:
    """Return the token that systemd gives a service as a credential; an empty one is none.

    Raises:
        ConfigurationError: it is there and cannot be read.
    """
    if not (folder := environment.get("CREDENTIALS_DIRECTORY")):
        return None
    path = Path(folder, CREDENTIAL)
    try:
        return read_regular(path, TOKEN_LIMIT).decode("latin-1").rstrip("\r\n") or None
    except FileNotFoundError:
        return None
    except UnsuitableFileError as error:
        raise ConfigurationError(f"the credential {path} {error}", "") from error
    except OSError as error:
        raise ConfigurationError(f"the credential {path} could not be read: {error.strerror}", "") from error


def permission_warning(source: CredentialSource, what: str = "a token") -> str:
    """Return a warning if others than its owner may read a secret's file; empty if not, and on Windows."""
    if source.kind != "file" or os.name != "posix":
        return ""
    try:
        mode = stat.S_IMODE(Path(source.name).stat().st_mode)
    except OSError:
        return ""
    if not mode & 0o077:  # guard: a token file that others may read
        return ""
    return f"{source.name} holds {what} and others may use it (mode {mode:04o}). Run: chmod 600 {source.name}"


def _in_file(source: CredentialSource) -> str:
    file, advice = f"{source.location}: the token file {source.name}", "Put only the token into it"
    try:
        body = read_regular(Path(source.name), TOKEN_LIMIT)
    except UnsuitableFileError as error:
        what = "is too large for a token" if error.too_large else "is no file"
        raise ConfigurationError(f"{file} {what}", advice) from error
    except OSError as error:
        what = f"{file} could not be read: {error.strerror}"
        raise ConfigurationError(what, f"{advice}, readable by its owner only") from error
    if body.startswith((BOM_UTF16_LE, BOM_UTF16_BE, BOM_UTF8)):
        what = f"{file} begins with a byte order mark, as PowerShell writes it"
        raise ConfigurationError(what, "Save it as plain ASCII or as UTF-8 without that mark")
    token = body.decode("latin-1").rstrip("\r\n")  # any bytes are a text so; one that is no token is refused later
    if not token:
        raise ConfigurationError(f"{file} is empty", advice)
    return token
