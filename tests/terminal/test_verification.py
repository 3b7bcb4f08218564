"""What a check of a history proved, as a statement."""

import pyarrow as pa

from inventory.history.proof import Proof
from inventory.terminal.verification import statement


def test_a_cell_of_markdown_is_not_ended() -> None:
    """A pipe in a value is escaped as tables want it in code, and a backtick does not end the code."""
    proof = Proof(pa.table({}), 0, {}, 0, 0, 0, 0)
    problem = {"file": "a|b`c", "problem": "is damaged", "holds": "nothing"}
    assert "| problem | `a\\|b'c: is damaged; it holds nothing` |\n" in statement(proof, [problem], {}, 0, "md")
