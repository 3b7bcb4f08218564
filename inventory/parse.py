"""Bytes to a JSON document, strictly, or an error that says what is wrong and where.

The standard library's parser does the work and accepts more than JSON allows: repeated names (one value is lost), NaN,
numbers of any size (which no column can hold), half surrogate pairs (which no file can hold). Each is refused here.
"""

import json
import re
from typing import Any

from inventory.errors import Invalid

MAX_DEPTH = 64
"""Levels of nesting; LM Studio's own answer has 6."""

_LOCATED = 4 * 1024 * 1024
"""Characters searched for the place of a fault: the search is slow, and the verdict does not depend on it."""

_LEXEME = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+|"', re.DOTALL)
_LONG_NUMBER = re.compile(r"[0-9]{19}")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")


class _Refused(ValueError):
    """Strict JSON does not allow it."""


def parse(body: bytes) -> Any:
    """Parse strict JSON: UTF-8, no repeated names, no NaN, no number beyond 64 bits, no lone surrogates.

    Raises:
        Invalid: with the place, such as ``models[3].size_bytes``.
    """
    if not body.strip():
        raise Invalid("the answer is empty", "Is a proxy in between? Ask the server itself")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place, _ = _walk(body[: error.start].decode("utf-8", errors="replace"))
        raise invalid(place, f"text that is not UTF-8, at byte {error.start}") from error
    whole = _whole if _LONG_NUMBER.search(text) else int
    try:
        document = json.loads(
            text, object_pairs_hook=_members, parse_int=whole, parse_float=_real, parse_constant=_constant
        )
        if _SURROGATE.search(text):
            json.dumps(document, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        place, fault = _walk(text[: error.pos])
        why = fault or f"no valid JSON ({error.msg.lower()}), at line {error.lineno} column {error.colno}"
        raise invalid(place, why) from error
    except RecursionError as error:
        raise invalid(_walk(text)[0], f"nested more than {MAX_DEPTH} levels deep") from error
    except (_Refused, UnicodeEncodeError) as error:
        place, fault = _walk(text)
        raise invalid(place, fault or f"{error}, beyond the first {_LOCATED:,} characters") from error
    return document


def too_deep(value: Any) -> bool:
    """Whether a parsed value is nested more than ``MAX_DEPTH`` levels deep."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def named(name: str) -> str:
    """A JSON name as a step of a path, odd ones quoted and cut: they come from the other side."""
    return f".{name}" if _PLAIN_NAME.fullmatch(name) else f"[{json.dumps(name[:40])}]"


def invalid(place: str, why: str) -> Invalid:
    """The error for an answer that is wrong at one place."""
    where = f" at {place}" if place else ""
    return Invalid(
        f"the answer is invalid{where}: {why}",
        "Nothing of it was used; ask again, and if it stays so, look at what lies between here and the server",
    )


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Refused("a name given twice in one object")
    return members


def _whole(text: str) -> int:
    if len(text) > 20 or not -(2**63) <= (number := int(text)) < 2**63:
        raise _Refused("a whole number beyond 64 bits")
    return number


def _real(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _Refused("a number beyond 64 bits")
    return number


def _constant(text: str) -> None:
    raise _Refused(f"{text}, which is no JSON")


def _walk(text: str) -> tuple[str, str]:
    """Walk through JSON text up to the first fault or the end; returns the place there and the fault, if any.

    Slow and bounded; only for the words of an error.
    """
    steps: list[str | int | None] = []  # one per open container: an index, a name, or None before the first name
    names: list[set[str] | None] = []  # the names so far of each open object; None for a list
    for match in _LEXEME.finditer(text, 0, _LOCATED):
        lexeme = match.group()
        if lexeme in "{[":
            if len(steps) >= MAX_DEPTH:
                return _place(steps[:8]) + "...", ""
            steps.append(0 if lexeme == "[" else None)
            names.append(None if lexeme == "[" else set())
        elif lexeme in "}]" and steps:
            steps.pop()
            names.pop()
        elif lexeme == "," and steps:
            last = steps[-1]
            steps[-1] = last + 1 if isinstance(last, int) else None
        elif steps and steps[-1] is None and (seen := names[-1]) is not None and lexeme[0] == '"' and len(lexeme) > 1:
            name = _text(lexeme)
            steps[-1] = name
            if name in seen:
                return _place(steps), "a name given twice in one object"
            seen.add(name)
        elif fault := _fault(lexeme):
            return _place(steps), fault
    return _place(steps), ""


def _fault(lexeme: str) -> str:
    """What strict JSON has against one lexeme, if anything."""
    try:
        if lexeme in ("NaN", "Infinity", "-Infinity"):
            _constant(lexeme)
        elif re.fullmatch(r"-?[0-9]+", lexeme):
            _whole(lexeme)
        elif re.fullmatch(r"-?[0-9][0-9.eE+-]*", lexeme):
            _real(lexeme)
        elif lexeme[0] == '"' and _SURROGATE.search(lexeme):
            _text(lexeme).encode()
    except UnicodeEncodeError:
        return "half of a surrogate pair, which is no character"
    except ValueError as error:
        return str(error)
    return ""


def _text(lexeme: str) -> str:
    try:
        return str(json.loads(lexeme, strict=False))
    except ValueError:
        return lexeme


def _place(steps: list[str | int | None]) -> str:
    shown = "".join(f"[{step}]" if isinstance(step, int) else named(step) for step in steps if step is not None)
    return shown.removeprefix(".")
