"""T16: the guards are tested: with any one of them taken out of the package, a test fails."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import inventory
from trust.guards import GUARDS, Guard
from trust.without import SECONDS, TESTS, Copy

PACKAGE = Path(inventory.__file__).parent
COMMIT, CI = 160, 8
"""Every how many-th guard is taken out at each commit, and in CI."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """A copy of the package, in which one guard after the other is taken out."""
    with Copy(PACKAGE, tmp_path_factory.mktemp("copy")) as made:
        yield made


@cache
def names_in(file: str) -> set[str]:
    """The names of the tests in a file."""
    tree = ast.parse((TESTS / file).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_guard_is_there_once_and_so_is_its_test() -> None:
    """The list follows the code: each guard's text is in its file exactly once, and its test is a test."""
    assert len({guard.name for guard in GUARDS}) == len(GUARDS)
    for guard in GUARDS:
        assert (PACKAGE / guard.file).read_text(encoding="utf-8").count(guard.code) == 1, guard
        file, _, name = guard.test.partition("::")
        assert name in names_in(file), guard


@cache
def long_in(file: str) -> set[str]:
    """The names of the tests in a file that are of the long run as a whole."""
    functions = [node for node in ast.parse((TESTS / file).read_text()).body if isinstance(node, ast.FunctionDef)]
    return {one.name for one in functions if "pytest.mark.long" in map(ast.unparse, one.decorator_list)}


def _tier(guard: Guard) -> list[str]:
    """A guard that is slow, or whose test is long, is seen by a test of a longer tier."""
    file, _, name = guard.test.partition("::")
    return ["--long"] if guard.slow or name in long_in(file) else []


def with_marks(guard: Guard) -> object:
    """A guard with the tier in which it is taken out."""
    number = GUARDS.index(guard)
    always = number % COMMIT == 0 and not guard.slow
    tier = () if always else pytest.mark.long if number % CI == 0 and not guard.slow else pytest.mark.full
    return pytest.param(guard, id=guard.name, marks=tier)


@pytest.mark.parametrize("guard", [*map(with_marks, GUARDS)])
def test_without_a_guard_its_test_fails(guard: Guard, copy: Copy) -> None:
    """Without the guard a test fails: not for want of tests, nor because they could not begin."""
    with copy.changed(guard.file, guard.code, guard.without):
        became = copy.run([guard.test], *_tier(guard))
    assert not became.package or Path(became.package).parent == copy.package, "else only its commands import it"
    assert became.code == pytest.ExitCode.TESTS_FAILED, f"{guard}\n{became.said}"
    assert {one.partition("[")[0] for one in became.failed} == {f"tests/{guard.test}"}


@pytest.mark.full
@pytest.mark.parametrize("slow", [False, True])
def test_with_all_guards_the_same_tests_pass(slow: bool, copy: Copy) -> None:
    """With all guards in their places these tests pass, so that it is the missing guard that the others see."""
    tests = sorted({guard.test for guard in GUARDS if guard.slow == slow})
    became = copy.run(tests, "--long", seconds=10 * SECONDS)
    assert Path(became.package).parent == copy.package
    assert became.code == pytest.ExitCode.OK, became.said


@pytest.mark.long
def test_with_these_guards_their_tests_pass(copy: Copy) -> None:
    """The same for those that are taken out at each commit."""
    became = copy.run(sorted({guard.test for guard in GUARDS[::COMMIT] if not guard.slow}))
    assert became.code == pytest.ExitCode.OK, became.said
