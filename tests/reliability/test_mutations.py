"""T16: the guards are tested: with any one of them taken out of the package, a test fails.

Whatever else decides something is looked at by a mutation run: see ``CONTRIBUTING.md``.
"""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.marked_guards import Guard, guards_in, proofs_by_guard, without_guard
from support.mutated_copy import TESTS, Copy

import inventory

PACKAGE = Path(inventory.__file__).parent
GUARDS = guards_in(PACKAGE)
PROOFS = proofs_by_guard(TESTS)
LIMITS = (6, 60)
"""Seconds after which the tests of a guard are taken to hang without it, if they end within them with it."""
EVERY = 60
"""Every how many-th guard has its tests run with all guards in place."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """A copy of the package, in which one guard after the other is taken out."""
    with Copy(PACKAGE, tmp_path_factory.mktemp("copy")) as package_copy:
        yield package_copy


def test_each_guard_has_a_name_and_a_test_of_its_own() -> None:
    """A guard's name stands once in the code, some test proves it, and no test proves a guard that is not there."""
    names = [guard.name for guard in GUARDS]
    assert len(names) > 30
    assert len(set(names)) == len(names)
    assert set(names) == PROOFS.keys()


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_each_guard_can_be_taken_out(guard: Guard) -> None:
    """What is marked is a statement that can be taken out, and the module is another one then."""
    source = (PACKAGE / guard.file).read_text(encoding="utf-8")
    mutated = without_guard(source, guard.line)
    compile(mutated, guard.file, "exec")
    assert mutated != without_guard(source + "\nif True:\n    pass\n", source.count("\n") + 2)


@pytest.mark.long
@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_without_a_guard_its_test_fails(guard: Guard, copy: Copy) -> None:
    """Without the guard its test fails: not for want of tests, nor because they could not begin."""
    tests = PROOFS[guard.name]
    mutated = without_guard((PACKAGE / guard.file).read_text(encoding="utf-8"), guard.line)
    for seconds in LIMITS:
        with copy.changed(guard.file, mutated):
            outcome = copy.run(tests, "--long", "--exitfirst", seconds=seconds)
        if outcome.code != -signal.SIGALRM:
            break
        intact = copy.run(tests, "--long", seconds=seconds)
        if intact.code == pytest.ExitCode.OK:
            return  # they never end without the guard, which is a failure too
    assert not outcome.package or Path(outcome.package).parent == copy.package, "else only its commands import it"
    assert outcome.code == pytest.ExitCode.TESTS_FAILED, f"{guard}\n{outcome.output}"
    assert {test.partition("[")[0] for test in outcome.failed} <= {f"tests/{test}" for test in tests}


@pytest.mark.long
def test_with_all_guards_their_tests_pass(copy: Copy) -> None:
    """With all guards in place some of these tests pass: it is the missing guard that the others see."""
    outcome = copy.run(
        sorted({test for guard in GUARDS[::EVERY] for test in PROOFS[guard.name]}), "--long", seconds=180
    )
    assert Path(outcome.package).parent == copy.package
    assert outcome.code == pytest.ExitCode.OK, outcome.output
