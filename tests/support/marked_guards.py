"""Find the guards that are marked in the code, and take one of them out by its syntax tree.

A guard is a statement or an ``except`` clause whose first line ends in ``# guard: NAME``. A test
proves it with ``@pytest.mark.guard("NAME")``: without the guard that test fails.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, cast

_MARK = re.compile(r"#.*\bguard: (?P<name>[^#]+?)\s*$")


class Guard(NamedTuple):
    """One guard.

    Attributes:
        name: what is guarded, or against what.
        file: the module, relative to the package's folder.
        line: the line of its mark, from 1.
    """

    name: str
    file: str
    line: int


def guards_in(package: Path) -> list[Guard]:
    """List the marked guards of a package, by file and line."""
    return [
        Guard(match["name"], str(path.relative_to(package)), number)
        for path in sorted(package.rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (match := _MARK.search(line))
    ]


def proofs_by_guard(tests: Path) -> dict[str, list[str]]:
    """List the ids of the tests that prove each guard, read from their decorators without importing them."""
    proofs: dict[str, list[str]] = {}
    for path in sorted(tests.rglob("test_*.py")):
        source = path.read_text(encoding="utf-8")
        for node in ast.parse(source).body if "mark.guard" in source else ():
            if isinstance(node, ast.FunctionDef):
                for name in _marks(node):
                    proofs.setdefault(name, []).append(f"{path.relative_to(tests)}::{node.name}")
    return proofs


def without_guard(source: str, line: int) -> str:
    """Return the source of a module without the guard that is marked on a line.

    A condition becomes false, a statement nothing, a ``with`` only its block, and an ``except`` clause catches nothing.

    Raises:
        LookupError: nothing that can be taken out begins on that line.
    """
    tree = ast.parse(source)
    remover = _Remover(line)
    tree = cast("ast.Module", remover.visit(tree))
    if remover.removed != 1:
        raise LookupError(f"{remover.removed} removable nodes begin on line {line}")
    return ast.unparse(ast.fix_missing_locations(tree))


def _marks(node: ast.FunctionDef) -> Iterator[str]:
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.guard":
            yield from (str(ast.literal_eval(argument)) for argument in decorator.args)


class _Remover(ast.NodeTransformer):
    """Takes out the first removable node that begins on one line; what is inside it stays."""

    def __init__(self, line: int) -> None:
        self._line = line
        self.removed = 0

    def visit(self, node: ast.AST) -> ast.AST | list[ast.stmt]:  # a block for a `with`
        if getattr(node, "lineno", None) == self._line and not self.removed:
            replacement = _replacement(node)
            if replacement is not None:
                self.removed = 1
                return replacement
        result: ast.AST = self.generic_visit(node)
        return result


def _replacement(node: ast.AST) -> ast.AST | list[ast.stmt] | None:
    """What stands in the place of a guard; None for a node that cannot be taken out."""
    replacement: ast.AST | list[ast.stmt] | None = None
    if isinstance(node, ast.If | ast.While):
        node.test = ast.Constant(value=False)
        replacement = node
    elif isinstance(node, ast.With | ast.AsyncWith):
        replacement = node.body
    elif isinstance(node, ast.ExceptHandler):
        node.type = ast.Tuple(elts=[], ctx=ast.Load())
        replacement = node
    elif isinstance(node, ast.Expr | ast.Assign | ast.AugAssign | ast.Raise | ast.Assert):
        replacement = ast.Pass()
    return replacement
