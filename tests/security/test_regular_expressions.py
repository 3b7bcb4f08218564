"""No text from outside makes a regular expression take more than its length deserves: time, counted in steps."""

import ast
import importlib
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.backtracking import Engine, TooMany, attacks

import inventory
from inventory.errors import ConfigurationError

PACKAGE = Path(inventory.__file__).parent
METHODS = ("match", "fullmatch", "search", "sub", "split", "findall", "finditer")
TIMES = 24
"""How often an attack repeats something; the other one is twice as long."""

OLD_ADDRESS = re.compile(r"(?:(?:/api)?/v[01](?:/models)?|/api)*$")
"""What once cleaned addresses, and took half a minute for one of 178 characters."""


class Use(NamedTuple):
    """One expression of the package, and one way in which it is used."""

    where: str
    pattern: "re.Pattern[Any]"
    method: str


def _known(path: Path, tree: ast.Module) -> dict[str, Any]:
    """What the names of a module mean; of one that needs an extra that is not there, its constants only."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    try:
        return vars(importlib.import_module(".".join(part for part in parts if part != "__init__")))
    except (ModuleNotFoundError, ConfigurationError):
        known: dict[str, Any] = {"re": re}
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                with suppress(NameError, AttributeError):
                    value = compile(ast.Expression(node.value), str(path), "eval")
                    known[node.targets[0].id] = eval(value, dict(known))
        return known


def _methods() -> dict[str, set[str]]:
    """How the expressions that have a name are used, by name."""
    actual: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in METHODS:
                name = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
                actual.setdefault(name, set()).add(node.attr)
    return actual


def _expressions(value: object) -> "list[re.Pattern[Any]]":
    """The expressions that a name stands for: one, or those of a table."""
    if isinstance(value, dict):
        value = [*value.values()]
    if isinstance(value, list | tuple):
        return [expression for each in value for expression in _expressions(each)]
    return [value] if isinstance(value, re.Pattern) else []


def _calls_re(node: ast.AST, names: Collection[str]) -> TypeGuard[ast.Call]:
    """Whether a node calls one of these functions of the module re."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr not in names:
        return False
    return isinstance(node.func.value, ast.Name) and node.func.value.id == "re"


LOCALS: dict[str, Any] = {
    **dict.fromkeys(("start", "token"), "sk-lm-abcdefgh:ABCDEFGHIJKLMNOPQRST"),
    "begin": b'{"type":',
}
"""What stands for the names that an expression is made of while the program runs."""


def uses() -> Iterator[Use]:
    """Every expression in the package, found in its source."""
    methods = _methods()
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text())
        if "re." not in path.read_text() or path.name == "__main__.py":
            continue
        known = _known(path, tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                others = [value for other, value in known.items() if other != name and isinstance(value, re.Pattern)]
                expressions = _expressions(known.get(name)) if "re.compile" in ast.unparse(node.value) else []
                expressions = [value for value in expressions if value not in others]
                for number, value in enumerate(expressions):
                    for method in sorted(methods.get(name, {"search"} if len(expressions) == 1 else {*METHODS[:3]})):
                        place = f"{node.lineno}:{node.col_offset}:{number}"
                        yield Use(f"{path.relative_to(PACKAGE)}:{place}", value, method)
            if _calls_re(node, METHODS):
                source = eval(compile(ast.Expression(node.args[0]), str(path), "eval"), known | LOCALS)
                yield Use(
                    f"{path.relative_to(PACKAGE)}:{node.lineno}:{node.col_offset}",
                    re.compile(source),
                    ast.unparse(node.func).partition(".")[2],
                )


USES = list(uses())


def test_all_expressions_are_found() -> None:
    """There are as many as the source has calls that make or use one."""
    calls = sum(
        _calls_re(node, (*METHODS, "compile"))
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
    )
    assert len({use.where for use in USES}) == calls


def worst(pattern: "re.Pattern[Any]", method: str) -> tuple[float, str]:
    """The text that makes the steps grow most when it is twice as long, and by how much they grow."""
    actual = (0.0, "")
    for short, long in zip(attacks(pattern, TIMES), attacks(pattern, 2 * TIMES), strict=True):
        steps = []
        for text in (short, long):
            engine = Engine(pattern)
            try:
                engine.run(method, text)
            except TooMany:
                return float("inf"), text
            steps.append(engine.steps + len(text))
        actual = max(actual, (steps[1] / steps[0], long))
    return actual


@pytest.mark.parametrize("use", USES, ids=lambda use: f"{use.where} {use.method}")
def test_steps_grow_as_the_text_does(use: Use) -> None:
    """Twice the text takes about twice the steps, whatever is in it; square growth would take four times as many."""
    growth, text = worst(use.pattern, use.method)
    assert growth < 2.6, (use.pattern.pattern, text)


@pytest.mark.long
@pytest.mark.parametrize(
    ("pattern", "method"),
    [
        (OLD_ADDRESS, "sub"),
        (re.compile("(a+)+$"), "fullmatch"),
        pytest.param(re.compile("(a|aa)*b"), "match", marks=pytest.mark.full),
        pytest.param(re.compile(r"\w+://x"), "search", marks=pytest.mark.full),
        (re.compile(r"a*a*b"), "match"),
    ],
)
def test_what_is_slow_is_seen(pattern: "re.Pattern[str]", method: str) -> None:
    """The same count finds expressions that are known to be slow."""
    assert worst(pattern, method)[0] > 2.6


@given(st.data(), st.sampled_from(USES))
def test_the_count_is_of_the_same_search(data: st.DataObject, use: Use) -> None:
    """What the counting engine finds is what Python's finds."""
    texts = [*attacks(use.pattern, 3), ""]
    text = data.draw(st.sampled_from(texts) | st.text("aA09 /\\.:\"'#-_xvk\n", max_size=12))
    pattern = use.pattern
    if isinstance(pattern.pattern, bytes):
        pattern = re.compile(pattern.pattern.decode("latin-1"), pattern.flags | re.ASCII)
    method = use.method if use.method in ("match", "fullmatch", "search") else "finditer"
    real = getattr(pattern, method)(text)
    spans = [actual.span() for actual in real] if method == "finditer" else [real.span()] if real else []
    if method == "finditer" and any(start == end for start, end in spans):
        return  # the real one goes on in its own way after an empty match
    assert Engine(use.pattern).run(method, text) == spans
