"""``[[notify]]``: who is told what a run found, and where the address is stored.

An address is a secret: whoever has it can write there. It never stands in the configuration, nor in a message.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from inventory.config import spec
from inventory.config.credentials import VARIABLE, CredentialSource
from inventory.errors import ConfigurationError, did_you_mean
from inventory.filesystem.regular_files import UnsuitableFileError, read_regular
from inventory.limits import TOKEN_LIMIT
from inventory.schema import CHANGES_WORDS

INVENTORY_CHANGES = tuple(word for word in CHANGES_WORDS if word not in ("loaded", "unloaded"))
"""Changes of the inventory; that an instance was loaded is the state of a machine."""

EVENTS = (*CHANGES_WORDS, *spec.SEVERITIES, "failed", "recovered")
"""What can happen, each word for itself."""

ALWAYS = "always"
_GROUPS = {
    "any": CHANGES_WORDS,
    "changes": INVENTORY_CHANGES,
    "findings": spec.SEVERITIES,
    "medium": ("medium", "high"),
    "low": spec.SEVERITIES,
    "incomplete": ("failed",),
    "unknown": ("failed",),
}
DEFAULT_WHEN = ("changes", "findings", "failed", "recovered")
TIMEOUT = 10.0
"""Seconds that a notice has, unless the configuration says otherwise."""

_KNOWN = (*_GROUPS, *(word for word in EVENTS if word not in _GROUPS), ALWAYS, "stale:7d")
_ADDRESS = re.compile(r"[\x21-\x7e]{1,4096}")
_ADVICE = "Write url_env or url_file, or command = [...]"


@dataclass(frozen=True)
class NoticeConfig:
    """One ``[[notify]]``.

    Attributes:
        form: what the address expects: a word of ``spec.FORMS``; ``json`` for a command.
        words: the events of which it tells, of ``EVENTS``.
        stale_days: also servers whose last complete answer becomes older than this many days.
        always: also a run in which nothing happened.
        address: where the address is stored; None for a command.
        command: a program and its arguments; empty for an address.
        timeout: seconds that it has.
        proxy: the proxy that leads to the address; empty for none.
        ca_file: a PEM file with the certificate authorities to trust instead of the public ones.
        location: where it is configured, such as ``inventory.toml line 5``.
        number: tells it from others of the same name: 1 for the first.
    """

    form: str
    words: frozenset[str]
    stale_days: tuple[int, ...] = ()
    always: bool = False
    address: CredentialSource | None = None
    command: tuple[str, ...] = ()
    timeout: float = TIMEOUT
    proxy: str = ""
    ca_file: str | None = None
    location: str = ""
    number: int = 1

    @property
    def name(self) -> str:
        """Its name for messages and in the run log: the form, and where the address is stored."""
        name = f"command {self.command[0]}" if self.command else f"{self.form}, {self.address}"
        return name if self.number == 1 else f"{name}, {self.number}"


def parse_notice(values: Mapping[str, Any], location: str) -> NoticeConfig:
    """Check the values of one ``[[notify]]``, each of which is of the right kind.

    Raises:
        ConfigurationError: no or several addresses, or a word, a variable or a proxy that cannot be one.
    """
    homes = [name for name in ("url_env", "url_file", "command") if name in values]
    if len(homes) != 1:
        what = f"{' and '.join(homes)} exclude each other" if homes else "a [[notify]] has no address"
        raise ConfigurationError(what, "Remove one of them" if homes else _ADVICE)
    command = tuple(values.get("command", ()))
    if "command" in values:
        if others := [name for name in ("form", "proxy", "ca_file") if name in values]:
            raise ConfigurationError(f"{others[0]} is about an address, and there is a command", "Remove it")
        if not command or not command[0].strip():
            raise ConfigurationError("command is empty", 'Write command = ["PROGRAM", "ARGUMENT"]')
        address = None
    elif "url_env" in values:
        if not VARIABLE.fullmatch(values["url_env"]):
            what = "url_env is not a variable's name (it is not shown here)"
            raise ConfigurationError(what, "An address is a secret: name the variable that holds it")
        address = CredentialSource("variable", values["url_env"], location)
    else:
        address = CredentialSource("file", values["url_file"], location)
    form = values.get("form", spec.FORMS[0])
    when = values.get("when", (ALWAYS,) if form == "healthchecks" else DEFAULT_WHEN)
    if not when:
        raise ConfigurationError("when is empty", "Name the events of which it tells, or leave it out")
    words, stale_days = _events(when)
    if not words and not stale_days:  # It is told of each run, and so what happened in it.
        words = _events(DEFAULT_WHEN)[0]
    return NoticeConfig(
        form,
        words,
        stale_days,
        ALWAYS in when,
        address,
        command,
        values.get("timeout", TIMEOUT),
        _proxy(values.get("proxy", "")),
        values.get("ca_file"),
        location,
    )


def read_address(source: CredentialSource, environment: Mapping[str, str]) -> str:
    """Read the address of a notice.

    Args:
        source: where it is stored.
        environment: the variables.

    Raises:
        ConfigurationError: it is missing, cannot be read, or is no address; the message does not show it.
    """
    if source.kind == "variable":
        text = environment.get(source.name, "")
        if not text.strip():
            raise ConfigurationError(f"the environment variable {source.name} is not set", "Set it, or use url_file")
    else:
        text = _in_file(source.name)
    address = text.strip()
    if _parts(address) is None:
        what = f"what the {source} holds is not an address (it is not shown here)"
        raise ConfigurationError(what, "It must begin with https:// and stand on one line")
    return address


def _events(when: Sequence[str]) -> tuple[frozenset[str], tuple[int, ...]]:
    words: set[str] = set()
    days = []
    for word in when:
        if (age := spec.stale_days(word)) is not None:
            days.append(age)
        elif word in _GROUPS:
            words |= set(_GROUPS[word])
        elif word in EVENTS:
            words.add(word)
        elif word != ALWAYS:
            near = did_you_mean(word, _KNOWN)
            advice = f"{near} Known words:" if near else "Use"
            raise ConfigurationError(f"when cannot hold {word!r}", f"{advice} {', '.join(_KNOWN)}")
    return frozenset(words), tuple(days)


def _proxy(text: str) -> str:
    if not text:
        return ""
    parts = _parts(text)
    if parts is None or parts.username or parts.password:
        raise ConfigurationError(
            "proxy is not the address of a proxy (it is not shown here)", "Write http://HOST:PORT, without a password"
        )
    return text


def _parts(address: str) -> SplitResult | None:
    """Split an address of http or https; None if it is none."""
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return None
    return parts if usable and _ADDRESS.fullmatch(address) else None


def _in_file(name: str) -> str:
    try:
        body = read_regular(Path(name), TOKEN_LIMIT)
    except UnsuitableFileError as error:
        what = "is too large for an address" if error.too_large else "is no file"
        raise ConfigurationError(f"{name} {what}", "Put only the address into it") from error
    except OSError as error:
        advice = "Put only the address into it, readable by its owner only"
        raise ConfigurationError(f"{name} could not be read: {error.strerror}", advice) from error
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("latin-1")
