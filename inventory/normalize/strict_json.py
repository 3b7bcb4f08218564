"""Strict JSON: bytes to a document, or an error that says what is wrong and where.

The standard library's parser does the work but accepts more than JSON allows: repeated names (one value is lost), NaN,
reals that become infinite, lone surrogates (which no file can hold). Each is refused here. A whole number that no
column can hold has a type of its own, ``LargeInteger``.
"""

import gc
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from inventory.errors import Invalid
from inventory.limits import MAX_DEPTH, MAX_DIGITS, MAX_NAMES

_LOCATED = 512 * 1024
"""Characters searched for the place of a fault: the search is slow, and the verdict does not depend on it."""

_LEXEME = re.compile(r'"(?:[^"\\]++|\\.)*+(")?|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_CONSTANT = re.compile(r"NaN|-?Infinity")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)((?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_PAIRED = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_UNPAIRED = re.compile(rf"(?:[^\\]++|{_PAIRED}|\\(?!u[dD][89a-fA-F]).)*+\\u", re.DOTALL)
_CONTAINERS = frozenset({dict, list})
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")

_TOO_DEEP = f"nested more than {MAX_DEPTH} levels deep"
_TOO_MANY = f"more than {MAX_NAMES:,} names in one object"
_TOO_LONG = f"a whole number of more than {MAX_DIGITS:,} digits"
_HALF = "half of a surrogate pair, which is no character"


class LargeInteger(int):
    """A whole number beyond 64 bits, digit for digit; no integer or double column can hold it exactly."""


class _Refused(ValueError):
    """JSON text that strict JSON does not allow."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Switch the garbage collector off while a response is parsed.

    Parsed JSON holds no reference cycles, and looking for them in a large response again and again takes longer than
    everything else that is done with it.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@uncollected()
def parse(body: bytes) -> Any:
    """Parse strict JSON: UTF-8, no repeated names, no NaN, no number beyond doubles, no lone surrogates, 64 levels.

    An object may have ``MAX_NAMES`` names, and a whole number ``MAX_DIGITS`` digits.

    Raises:
        Invalid: with the place, such as ``models[3].size_bytes``.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place, _ = _walk(error.object[: min(error.start, _LOCATED)].decode(errors="ignore"), error.start)
        skipped = len(body) - len(error.object)  # a byte order mark
        raise invalid(place, f"text that is not UTF-8, at byte {skipped + error.start}") from error
    if not text or text.isspace():
        raise Invalid("the answer is empty", "Is a proxy in between? Ask the server itself")
    try:
        return strict(text)
    except json.JSONDecodeError as error:
        place, fault = _walk(text, error.pos)
        why = fault or f"no valid JSON ({error.msg.lower()}), at line {error.lineno} column {error.colno}"
        raise invalid(place, why) from error
    except _Refused as error:
        place, fault = _walk(text)
        raise invalid(place, fault or f"{error}, beyond the first {_LOCATED:,} characters") from error


def named(name: str) -> str:
    """Format a JSON name as a step of a path; unusual names are quoted and truncated."""
    return f".{name}" if _PLAIN_NAME.fullmatch(name) else f"[{json.dumps(name[:40])}]"


def invalid(place: str, why: str) -> Invalid:
    """Return the error for a response that is wrong at one place."""
    where = f" at {place}" if place else ""
    return Invalid(
        f"the answer is invalid{where}: {why}",
        "The response was discarded. Try again; if it persists, check any proxy in between",
    )


def kind_of(value: Any) -> str:
    """Describe the type of a JSON value."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "a number"
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return "the empty text" if value == "" else kinds.get(type(value), "null")


def strict(text: str) -> Any:
    """Parse JSON text without what the standard library allows beyond JSON, and no deeper than ``MAX_DEPTH``.

    Raises:
        ValueError: it is not that.
    """
    try:
        document = json.loads(
            text, object_pairs_hook=_members, parse_int=_whole, parse_float=_real, parse_constant=_constant
        )
        if _too_deep(document):  # guard: levels of nesting
            raise _Refused(_TOO_DEEP)
    except RecursionError as error:
        raise _Refused(_TOO_DEEP) from error
    if _SURROGATE.search(text) and _UNPAIRED.match(text):  # guard: half a surrogate pair
        raise _Refused(_HALF)
    return document


def _too_deep(document: Any) -> bool:
    level: list[Any] = [[document]]
    for _ in range(MAX_DEPTH + 1):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) in _CONTAINERS
        ]
        if not level:
            return False
    return True


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_NAMES:  # guard: names in one object
        raise _Refused(_TOO_MANY)
    members = dict(pairs)
    if len(members) != len(pairs):  # guard: a name given twice
        raise _Refused("a name given twice in one object")
    return members


def _whole(text: str) -> int:
    if len(text) < 19:
        return int(text)
    if len(text) > MAX_DIGITS + text.startswith("-"):
        raise _Refused(_TOO_LONG)
    try:
        number = int(text)
    except ValueError as error:  # Python was told to read fewer digits
        raise _Refused(_TOO_LONG) from error
    return number if -(2**63) <= number < 2**63 else LargeInteger(number)


def _real(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _Refused("a number that is larger than any double")
    return number


def _constant(text: str) -> None:
    raise _Refused(f"{text}, which is no JSON")


def _walk(text: str, end: int | None = None) -> tuple[str, str]:
    """Walk through JSON text up to the first fault or an end; returns the place there and the fault, if any.

    Slow and bounded, with no place beyond the bound; only for the words of an error.
    """
    end = len(text) if end is None else end
    steps: list[str | int | None] = []  # one per open container: an index, a name, or None before the first name
    names: list[set[str] | None] = []  # the names so far of each open object; None for a list
    for match in _LEXEME.finditer(text, 0, min(end, _LOCATED)):
        lexeme = match.group()
        if lexeme in "{[":
            if len(steps) >= MAX_DEPTH:
                return _place(steps[:8]) + "...", _TOO_DEEP
            steps.append(0 if lexeme == "[" else None)
            names.append(None if lexeme == "[" else set())
        elif lexeme in "}]" and steps:
            steps.pop()
            names.pop()
        elif lexeme == "," and steps:
            last = steps[-1]
            steps[-1] = last + 1 if isinstance(last, int) else None
        elif fault := _fault(lexeme):
            return _place(steps), fault
        elif match.group(1) and steps and steps[-1] is None and (names_before := names[-1]) is not None:
            name = _text(lexeme)
            steps[-1] = name
            if name in names_before:
                return _place(steps), "a name given twice in one object"
            names_before.add(name)
            if len(names_before) > MAX_NAMES:
                return _place(steps[:-1]), _TOO_MANY
    return "" if end > _LOCATED else _place(steps), ""


def _fault(lexeme: str) -> str:
    """Return what strict JSON does not allow in one lexeme, or an empty text."""
    try:
        if constant := _CONSTANT.match(lexeme):
            _constant(constant.group())
        elif number := _NUMBER.match(lexeme):
            (_real if number.group(1) else _whole)(number.group())
        elif lexeme[0] == '"' and _SURROGATE.search(lexeme):
            _text(lexeme).encode()
    except UnicodeEncodeError:
        return _HALF
    except ValueError as error:
        return str(error)
    return ""


def _text(lexeme: str) -> str:
    try:
        return str(json.loads(lexeme, strict=False))
    except ValueError:
        return lexeme


def _place(steps: list[str | int | None]) -> str:
    path = "".join(f"[{step}]" if isinstance(step, int) else named(step) for step in steps if step is not None)
    return path.removeprefix(".")
