"""What users say about servers: ``site = "Rome"``; and which servers some conditions mean."""

import fnmatch
from collections.abc import Collection, Mapping, Sequence
from unicodedata import normalize

from inventory.errors import ConfigurationError

RESERVED = ("model", "server")
"""What ``--by`` understands besides labels: no label is called so."""

Labels = Mapping[str, str]


def composed(text: str) -> str:
    """A text in the one form in which texts that look the same are the same (Unicode's NFC)."""
    return normalize("NFC", text)


def spellings(text: str) -> tuple[str, ...]:
    """A text, and the forms of it that keyboards and file systems give."""
    return tuple(dict.fromkeys((text, composed(text), normalize("NFD", text))))


def spelt(name: str, known: Collection[str]) -> str:
    """A name as it is spelt among those that are known; if it is not among them, as it was given."""
    if name in known:
        return name
    return next((one for one in known if composed(one) == composed(name)), name)


def check_label(name: str, value: str) -> None:
    """Refuse a label that could not be asked for, or that a terminal would act on.

    Raises:
        ConfigurationError: the name or the value cannot be one.
    """
    if not name or "=" in name or not name.isprintable() or name != name.strip():
        raise ConfigurationError(f"a label cannot be called {name!r}", "Use letters, digits and dashes")
    if name in RESERVED:
        raise ConfigurationError(f"a label cannot be called {name!r}: --by {name} means something else", "Rename it")
    if not value.isprintable():
        raise ConfigurationError(f"the label {name} cannot be {value!r}", "Write it on one line, without a tab")


def conditions_of(texts: Sequence[str]) -> list[tuple[str, str]]:
    """The conditions ``label=value``, as they stand on the command line; ``*`` and ``?`` in a value are wild.

    Raises:
        ConfigurationError: one has no equals sign.
    """
    found = []
    for text in texts:
        label, equals, value = text.partition("=")
        if not equals or not label.strip():
            raise ConfigurationError(f"--where {text!r} is no condition", "Write --where LABEL=VALUE; * and ? are wild")
        found.append((label.strip(), value.strip()))
    return found


def matching_servers(labels: Mapping[str, Labels], conditions: Sequence[tuple[str, str]]) -> list[str]:
    """The names of the servers for which all conditions hold.

    Args:
        labels: the labels of each server, by its name.
        conditions: as ``conditions_of`` gives them.

    Raises:
        ConfigurationError: they hold for no server; the error lists what there is.
    """
    found = [server for server, own in labels.items() if all(_holds(own, label, value) for label, value in conditions)]
    if found or not conditions:
        return found
    told = " and ".join(f"{label}={value}" for label, value in conditions)
    raise ConfigurationError(f"no server has {told}", told_labels(labels))


def _holds(own: Labels, label: str, pattern: str) -> bool:
    """Whether a label has a value; however both are composed."""
    value = own.get(spelt(label, own))
    return value is not None and fnmatch.fnmatchcase(composed(value), composed(pattern))


def filter_servers(
    labels: Mapping[str, Labels], servers: Sequence[str], conditions: Sequence[tuple[str, str]]
) -> list[str]:
    """The servers that are meant by name and by conditions; an empty list means all.

    A name that is not known is kept: whoever looks the servers up says so.

    Raises:
        ConfigurationError: the conditions hold for no server that is meant by name.
    """
    servers = [spelt(server, labels) for server in servers]
    if not conditions or any(server not in labels for server in servers):
        return list(servers)
    return matching_servers(
        {server: own for server, own in labels.items() if not servers or server in servers}, conditions
    )


def told_labels(labels: Mapping[str, Labels]) -> str:
    """Which labels there are, for an error's advice."""
    values: dict[str, set[str]] = {}
    for own in labels.values():
        for label, value in own.items():
            values.setdefault(label, set()).add(value)
    told = [f"{label}={_few(sorted(some))}" for label, some in sorted(values.items())]
    return f"There are: {'; '.join(told)}" if told else "No server has labels; they are given in inventory.toml"


def _few(values: list[str]) -> str:
    return ", ".join(values if len(values) <= 6 else [*values[:5], f"and {len(values) - 5} more"])
