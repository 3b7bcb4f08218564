"""Counts the steps that a backtracking engine takes for a regular expression, as the real one cannot be watched.

``steps`` walks the tree that Python's own parser makes of an expression and tries alternatives in the order in which
Python's engine does. What it finds is compared with the real engine in ``security/test_regular_expressions.py``, so
that the numbers are those of the same search. Atomic groups and possessive repeats are not backtracked into.
"""

import re
import sys
from collections.abc import Callable, Iterator
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

Then = Callable[[int], int | None]
"""What has to match next: gives the end of the whole match, or None."""

_DEEP = 200_000


class TooMany(Exception):
    """More steps than anybody should wait for."""


class Engine:
    """One expression, and the steps that were taken for it so far.

    Args:
        pattern: a compiled expression; one over bytes is taken as one over Latin-1.
        most: the steps after which it gives up.
    """

    def __init__(self, pattern: "re.Pattern[Any]", most: int = 100_000) -> None:
        source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
        self.flags = pattern.flags
        self.tree = parser.parse(source, pattern.flags)
        self.text = ""
        self.steps = 0
        self.most = most

    def run(self, method: str, text: str) -> list[tuple[int, int]]:
        """Do what a method of a compiled expression does; returns where it matched.

        Raises:
            TooMany: it took too many steps.
        """
        self.text = text
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(_DEEP)
        try:
            if method in ("match", "fullmatch"):
                end = self._sequence(self.tree, 0, 0, self._whole if method == "fullmatch" else self._any)
                return [] if end is None else [(0, end)]
            return list(self._searched(once=method == "search"))
        finally:
            sys.setrecursionlimit(limit)

    def _searched(self, *, once: bool) -> Iterator[tuple[int, int]]:
        at = 0
        while at <= len(self.text):
            end = self._sequence(self.tree, 0, at, self._any)
            if end is not None:
                yield at, end
                if once:
                    return
            at = at + 1 if end is None or end == at else end

    def _any(self, at: int) -> int | None:
        return at

    def _whole(self, at: int) -> int | None:
        return at if at == len(self.text) else None

    def _sequence(self, nodes: Any, number: int, at: int, then: Then) -> int | None:
        if number == len(nodes):
            return then(at)
        return self._node(nodes[number], at, lambda end: self._sequence(nodes, number + 1, end, then))

    def _node(self, node: tuple[Any, Any], at: int, then: Then) -> int | None:
        self.steps += 1
        if self.steps > self.most:
            raise TooMany
        op, value = node
        if op in (ops.LITERAL, ops.NOT_LITERAL, ops.ANY, ops.IN):
            return then(at + 1) if at < len(self.text) and self._is(node, self.text[at]) else None
        if op is ops.AT:
            return then(at) if self._at(value, at) else None
        if op is ops.BRANCH:
            ends = (self._sequence(way, 0, at, then) for way in value[1])
            return next((end for end in ends if end is not None), None)
        if op is ops.SUBPATTERN:
            return self._sequence(value[3], 0, at, then)
        if op is ops.ATOMIC_GROUP:
            end = self._sequence(value, 0, at, self._any)
            return None if end is None else then(end)
        if op in (ops.ASSERT, ops.ASSERT_NOT):
            direction, inner = value
            start = at if direction > 0 else at - inner.getwidth()[0]
            is_there = start >= 0 and self._sequence(inner, 0, start, self._any) is not None
            return then(at) if is_there == (op is ops.ASSERT) else None
        least, most, inner = value
        if op is ops.POSSESSIVE_REPEAT:
            end = self._repeat(inner, least, most, at, self._any, lazy=False)
            return None if end is None else then(end)
        assert op in (ops.MAX_REPEAT, ops.MIN_REPEAT), op
        return self._repeat(inner, least, most, at, then, lazy=op is ops.MIN_REPEAT)

    def _repeat(self, inner: Any, least: int, most: int, at: int, then: Then, *, lazy: bool) -> int | None:
        def more() -> int | None:
            if not most:
                return None
            return self._sequence(
                inner,
                0,
                at,
                lambda end: (
                    None if end == at else self._repeat(inner, max(least - 1, 0), most - 1, end, then, lazy=lazy)
                ),
            )

        def enough() -> int | None:
            return then(at) if not least else None

        self.steps += 1
        first, second = (enough, more) if lazy else (more, enough)
        end = first()
        return second() if end is None else end

    def _is(self, node: tuple[Any, Any], char: str) -> bool:
        op, value = node
        forms = {char, char.lower(), char.upper()} if self.flags & re.IGNORECASE else {char}
        if op is ops.ANY:
            return char != "\n" or bool(self.flags & re.DOTALL)
        if op is ops.LITERAL:
            return chr(value) in forms
        if op is ops.NOT_LITERAL:
            return chr(value) not in forms
        negated = bool(value) and value[0][0] is ops.NEGATE
        is_in = any(_in_class(item, form) for item in value for form in forms)
        return is_in != negated

    def _at(self, where: Any, at: int) -> bool:
        text = self.text
        lines = bool(self.flags & re.MULTILINE)
        if where in (ops.AT_BEGINNING, ops.AT_BEGINNING_STRING):
            return at == 0 or (lines and where is ops.AT_BEGINNING and text[at - 1] == "\n")
        if where in (ops.AT_END, ops.AT_END_STRING):
            last = at == len(text)
            return last if where is ops.AT_END_STRING else last or (text[at] == "\n" and (lines or at == len(text) - 1))
        before, after = (at > 0 and _is_word(text[at - 1]), at < len(text) and _is_word(text[at]))
        return (before != after) == (where is ops.AT_BOUNDARY)


def _in_class(item: tuple[Any, Any], char: str) -> bool:
    op, value = item
    if op is ops.LITERAL:
        return bool(ord(char) == value)
    if op is ops.RANGE:
        return bool(value[0] <= ord(char) <= value[1])
    if op is ops.CATEGORY:
        name = str(value)
        found = {"DIGIT": char.isdecimal(), "SPACE": char.isspace(), "WORD": _is_word(char)}[name.rpartition("_")[2]]
        return bool(found != ("_NOT_" in name))
    return False


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def attacks(pattern: "re.Pattern[Any]", times: int) -> Iterator[str]:
    """Texts in which something that the expression repeats comes many times, and then something that fits not."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    tree = parser.parse(source, pattern.flags)
    for before, bodies in _repeats(tree, ""):
        for body in bodies:
            for end in ("", "\x01", "!", "x", " ", before):
                yield before + body * times + end


def _repeats(nodes: Any, before: str) -> Iterator[tuple[str, list[str]]]:
    """Each repeat without an end: what comes before it, and what it repeats."""
    for op, value in nodes:
        if op in (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT):
            _, most, inner = value
            if most >= 100:
                ways = [way for way in _samples(inner) if way][:6]
                yield before, [*ways, *{one + other for one in ways[:3] for other in ways[:3] if one != other}]
            yield from _repeats(inner, before)
        elif op is ops.SUBPATTERN:
            yield from _repeats(value[3], before)
        elif op is ops.ATOMIC_GROUP:
            yield from _repeats(value, before)
        elif op is ops.BRANCH:
            for way in value[1]:
                yield from _repeats(way, before)
        before += _samples([(op, value)])[0]


def _samples(nodes: Any) -> list[str]:
    """Some texts that match: each alternative once, and each repeat as short as can be and once more."""
    found = [""]
    for op, value in nodes:
        if op is ops.LITERAL:
            ways = [chr(value)]
        elif op in (ops.ANY, ops.NOT_LITERAL):
            ways = ["a", "/"]
        elif op is ops.IN:
            ways = _of_class(value)
        elif op is ops.BRANCH:
            ways = [text for way in value[1] for text in _samples(way)[:2]]
        elif op is ops.SUBPATTERN:
            ways = _samples(value[3])
        elif op is ops.ATOMIC_GROUP:
            ways = _samples(value)
        elif op in (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT):
            once = _samples(value[2])
            ways = [once[0] * value[0], *(one * max(value[0], 1) for one in once)]
        else:
            ways = [""]
        found = [text + way for text in found for way in ways][:24]
    return found


def _of_class(items: Any) -> list[str]:
    """A few characters of a class, of each kind in it."""
    if items[0][0] is ops.NEGATE:
        return [char for char in "a0 /\\\"'.:=#[" if not any(_in_class(item, char) for item in items[1:])][:4]
    chars = [chr(value if op is ops.LITERAL else value[0]) for op, value in items if op is not ops.CATEGORY]
    chars += [char for char in "a0 _!" if any(_in_class(item, char) for item in items)]
    return list(dict.fromkeys(chars))[:6]
