"""The one page of limits."""

import re
from pathlib import Path

import inventory
from inventory import limits
from inventory.limits import LIMITS

PACKAGE = Path(inventory.__file__).parent


def test_each_limit_says_what_it_counts_and_stops() -> None:
    """The table that the manual shows has no gap, and every limit is one that the code uses."""
    code = "".join(path.read_text() for path in PACKAGE.rglob("*.py") if path != Path(limits.__file__))
    words = set(re.findall(r"\w+", code))
    for name, limit in LIMITS.items():
        assert limit > 0
        assert all(text and text == text.strip(" .") for text in (limit.unit, limit.usual, limit.stops)), name
        assert name in words
    assert set(LIMITS) == {name for name in vars(limits) if name.isupper() and not name.startswith("_")} - {"LIMITS"}


def test_a_limit_is_its_number() -> None:
    """It compares, divides and prints as a plain number."""
    limit = limits.BODY_LIMIT
    assert limit == 16 * 2**20 == int(limit)
    assert f"{limit:,} {limit // 2**20} MiB" == "16,777,216 16 MiB"
