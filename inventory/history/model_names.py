"""Find the models that a text on the command line means: a key, a part of one, a pattern, or a display name."""

import fnmatch
from collections.abc import Mapping

from inventory.config.labels import composed
from inventory.errors import ConfigurationError

_LISTED = 8  # models that an error names; the others are counted


def matching_keys(text: str, names: Mapping[str, str | None], where: str = "") -> list[str]:
    """Return the keys of the models that a text means: one, or all that a pattern matches.

    The first of these that matches any model counts: the key, the key without its publisher, the display name, a part
    of the key or of the name; upper and lower case are the same but in a whole key.

    Args:
        text: what the user wrote.
        names: the display name of each model by its key.
        where: what the models are limited to, for an error: `` on laptop``.

    Raises:
        ConfigurationError: it means none, or several without being a pattern; the error lists them or the nearest.
    """
    wanted = _plain(text)
    if exact := [key for key in names if composed(key) == composed(text)]:
        return exact  # All spellings of it.
    if any(character in text for character in "*?["):
        if matches := [key for key in names if any(fnmatch.fnmatchcase(name, wanted) for name in _names(key, names))]:
            return sorted(matches)
        raise ConfigurationError(f"no run has seen a model like {text!r}{where}", _advice(wanted, names))
    tests = (
        lambda key: _plain(key).rpartition("/")[2] == wanted,
        lambda key: _plain(names[key] or "") == wanted,
        lambda key: any(wanted in name for name in _names(key, names)),
    )
    for matches_key in tests if wanted else ():
        matches = sorted(filter(matches_key, names))
        if len(matches) == 1:
            return matches
        if matches:
            more = f" and {len(matches) - _LISTED} more" if len(matches) > _LISTED else ""
            raise ConfigurationError(
                f"{text!r} matches {len(matches)} models{where}: {', '.join(matches[:_LISTED])}{more}",
                f"Write more of the key, or a pattern for all of them: --model '*{text}*'",
            )
    raise ConfigurationError(f"no run has seen the model {text!r}{where}", _advice(wanted, names))


def _plain(text: str) -> str:
    return composed(text).casefold()


def _names(key: str, names: Mapping[str, str | None]) -> list[str]:
    """Return what a pattern or a part is looked for in: the key, the key without its publisher, the display name."""
    return [_plain(key), _plain(key).rpartition("/")[2], *([_plain(name)] if (name := names[key]) else [])]


def _advice(wanted: str, names: Mapping[str, str | None]) -> str:
    import difflib  # only to word an error

    known = {name: key for key in names for name in _names(key, names)}
    near = dict.fromkeys(known[name] for name in difflib.get_close_matches(wanted, known, 3, 0.5))
    return f"Did you mean {' or '.join(map(repr, near))}?" if near else "See what there is: lms-inventory show"
