"""Values as text for people."""

from datetime import UTC, datetime
from typing import Any

import pytest

from inventory.text import _NEVER_TEXT, UNLIMITED, format_value, utc_text, wrap

MOMENT = datetime(2026, 11, 23, 6, 0, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "bytes", "-"), (True, "", "yes"), (False, "", "no"), (0, "bytes", "0.00 GB"),
        (32768, "tokens", "32,768"), (0.335, "ratio", "33.5%"), (4.0, "", "4"), (4.5, "", "4.5"),
        (2.467, "days", "2.5"), (2.0, "days", "2"), (29, "days", "29"),
        (MOMENT, "", "2026-11-23 06:00:04"),
        (["b", "a"], "", "b, a"), ([], "", "(none)"), ({"site": "Rome", "owner": "Ann"}, "", "site=Rome, owner=Ann"),
        ("a text", "bytes", "a text"), ("", "", ""),
    ],
)  # fmt: skip
def test_values(value: Any, unit: str, text: str) -> None:
    """Every kind of value has one text, whoever shows it."""
    assert format_value(value, unit, "-") == text


def test_times() -> None:
    """A time says that it is in UTC, unless the head of its column does."""
    assert utc_text(MOMENT) == "2026-11-23 06:00:04 UTC"
    assert utc_text(MOMENT, minutes=True) == "2026-11-23 06:00 UTC"
    assert utc_text(MOMENT, zone="") == "2026-11-23 06:00:04"


def test_what_belongs_together_stays_on_one_line() -> None:
    """A number and its unit, a time and its zone, a version in a key; but where there is no room they are broken."""
    assert wrap("4 LLMs, 75.00 GB, 0 loaded", 14) == ["4 LLMs,", "75.00 GB, 0", "loaded"]
    assert wrap("last read at 06:00 UTC", 18) == ["last read at", "06:00 UTC"]
    assert wrap("mistralai/mistral-small-3.2-24b", 27) == ["mistralai/mistral-small-", "3.2-24b"]
    assert wrap("a.corp.example", 8) == ["a.corp.", "example"]
    assert wrap("123456.00 GB", 9) == ["123456.00", "GB"]
    assert wrap("k" * 20_000 + " and more", UNLIMITED) == ["k" * 20_000 + " and more"], "a pipe"


def test_no_printable_character_is_escaped() -> None:
    """A text that is printable as a whole is shown as it is, without a look at each character."""
    assert _NEVER_TEXT.search("".join(filter(str.isprintable, map(chr, range(0x110000))))) is None
