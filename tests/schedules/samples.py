"""What the tests of all schedulers give them."""

import sys

from hypothesis import strategies as st

from inventory.schedules import DAY, Job

WORDS = (
    "plain", "a b", " ", "50%", "%h", "100%%", "$HOME", "${HOME}", "$$", "`id`", "$(id)", 'say "hi"', "it's", '"', "'",
    ";", "a;b", "#", "&<>", "]]>", "--", "é", "日本 語", "\U0001f600", "", "-x", "*", "~", "!", "(", "|", ">", "=",
    "\u00a0", "{date}",
)  # fmt: skip
SLASHED = ("C:\\Users\\Ann\\", "a\\b c\\", "\\\\host\\share", '\\"', "\\n", "\\x41", "\\\\")
INTERVALS = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, *(60 * hours for hours in (1, 2, 3, 4, 6, 8, 12)), DAY)
TIMES = (0, 6 * 60, 18 * 60 + 5, DAY - 1)


def words() -> st.SearchStrategy[str]:
    """Any argument that a schedule takes."""
    return st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"))


def job(
    *arguments: str,
    every: int = 0,
    at: tuple[int, ...] = (360,),
    name: str = "lms-inventory",
    first_day_of: str = "",
) -> Job:
    """A schedule of this Python with some arguments."""
    return Job(
        (sys.executable, *arguments), () if every else at, every, name, "/var/log/lms inventory.log", first_day_of
    )
