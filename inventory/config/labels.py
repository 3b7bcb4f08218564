"""Labels of servers, such as ``site = "Rome"``, and the servers that match conditions on them."""

import fnmatch
from collections.abc import Collection, Mapping, Sequence
from unicodedata import normalize

from inventory.errors import ConfigurationError, did_you_mean

RESERVED = ("model", "server")
"""Words that ``--by`` knows besides labels: no label may have such a name."""

Labels = Mapping[str, str]


def composed(text: str) -> str:
    """Return a text in Unicode's composed form (NFC), in which texts that look alike are equal."""
    return normalize("NFC", text)


def spellings(text: str) -> tuple[str, ...]:
    """Return a text and its composed and decomposed forms, as keyboards and file systems produce them."""
    return tuple(dict.fromkeys((text, composed(text), normalize("NFD", text))))


def spelt(name: str, known: Collection[str]) -> str:
    """Return a name in the spelling of the known one that looks the same; unchanged if there is none."""
    if name in known:
        return name
    return next((spelling for spelling in known if composed(spelling) == composed(name)), name)


def check_label(name: str, value: str) -> None:
    """Refuse a label that no condition could name, or that a terminal would act on.

    Raises:
        ConfigurationError: the name or the value cannot be one.
    """
    if not name or "=" in name or not name.isprintable() or name != name.strip():
        raise ConfigurationError(f"a label cannot be called {name!r}", "Use letters, digits and dashes")
    if name in RESERVED:
        raise ConfigurationError(f"a label cannot be called {name!r}: --by {name} means something else", "Rename it")
    if not value.isprintable():
        raise ConfigurationError(f"the label {name} cannot be {value!r}", "Write it on one line, without tabs")


def conditions_of(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Return the conditions ``label=value``, as they stand on the command line; ``*`` and ``?`` in a value are wild.

    Raises:
        ConfigurationError: one has no equals sign.
    """
    conditions = []
    for text in texts:
        label, equals, value = text.partition("=")
        if not equals or not label.strip():
            raise ConfigurationError(
                f"--where {text!r} is not a condition", "Write --where LABEL=VALUE; * and ? are wildcards"
            )
        conditions.append((label.strip(), value.strip()))
    return conditions


def matching_servers(labels: Mapping[str, Labels], conditions: Sequence[tuple[str, str]]) -> list[str]:
    """Return the names of the servers that match all conditions.

    Args:
        labels: the labels of each server, by its name.
        conditions: as ``conditions_of`` gives them.

    Raises:
        ConfigurationError: no server matches; the error lists the labels that exist.
    """
    servers = [
        server for server, own in labels.items() if all(_matches(own, label, value) for label, value in conditions)
    ]
    if servers or not conditions:
        return servers
    wanted = " and ".join(f"{label}={value}" for label, value in conditions)
    raise ConfigurationError(f"no server has {wanted}", _nearest_condition(labels, conditions) + label_summary(labels))


def _nearest_condition(labels: Mapping[str, Labels], conditions: Sequence[tuple[str, str]]) -> str:
    """Ask for the label or the value that is most like one that no server has; empty if there is none."""
    import difflib  # only to word an error

    known = _known_values(labels)
    for label, value in conditions:
        if label not in known and (near := difflib.get_close_matches(label, known, 1, 0.6)):
            return f"Did you mean {f'{near[0]}={value}'!r}? "
        values = {text.lower(): text for text in sorted(known.get(label, ()))}
        if value not in values.values() and (near := difflib.get_close_matches(value.lower(), values, 1, 0.5)):
            return f"Did you mean {f'{label}={values[near[0]]}'!r}? "
    return ""


def _matches(own: Labels, label: str, pattern: str) -> bool:
    """Return whether a label has a value, in any Unicode form of both."""
    value = own.get(spelt(label, own))
    return value is not None and fnmatch.fnmatchcase(composed(value), composed(pattern))


def filter_servers(
    labels: Mapping[str, Labels], servers: Sequence[str], conditions: Sequence[tuple[str, str]]
) -> list[str]:
    """Return the servers that names and conditions select; an empty list means all.

    An unknown name stays in the list: whoever looks the servers up reports it.

    Raises:
        ConfigurationError: no server of these names matches the conditions.
    """
    servers = [spelt(server, labels) for server in servers]
    if not conditions or any(server not in labels for server in servers):
        return list(servers)
    return matching_servers(
        {server: own for server, own in labels.items() if not servers or server in servers}, conditions
    )


def no_server_error(server: str, known: Collection[str]) -> ConfigurationError:
    """Return the error for a server that does not exist: it names the nearest one, and those that exist."""
    advice = f"{did_you_mean(server, known)} There are: {', '.join(sorted(known)) or 'none'}"
    return ConfigurationError(f"there is no server {server!r}", advice.lstrip())


def label_summary(labels: Mapping[str, Labels]) -> str:
    """Summarise the labels that exist, for an error's advice."""
    known = sorted(_known_values(labels).items())
    labels_text = "; ".join(f"{label}={_few(sorted(values))}" for label, values in known)
    return f"There are: {labels_text}" if known else "No server has labels; set them in inventory.toml"


def _known_values(labels: Mapping[str, Labels]) -> dict[str, set[str]]:
    """Return the values that each label has on some server."""
    return {label: {own[label] for own in labels.values() if label in own} for own in labels.values() for label in own}


def _few(values: list[str]) -> str:
    return ", ".join(values if len(values) <= 6 else [*values[:5], f"and {len(values) - 5} more"])


def group_names(labels: Mapping[str, Labels], by: str) -> dict[str, str | None]:
    """Return the group of each server: its value of the label ``by``, or itself for ``server``.

    Raises:
        ConfigurationError: no server has that label.
    """
    if by == "server":
        return {server: server for server in labels}
    if labels and not any(by in own for own in labels.values()):
        advice = f"{label_summary(labels)}. Besides labels there are {' and '.join(RESERVED)}"
        raise ConfigurationError(f"no server has the label {by!r}", advice)
    return {server: own.get(by) for server, own in labels.items()}
