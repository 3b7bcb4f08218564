"""The colours of every picture and page, and the tone and mark of each word of a change.

A colour is RRGGBB. Every text has a contrast of at least 4.5 to its ground, every bar and line one of at least 3
(WCAG 2.2, 1.4.3 and 1.4.11); ``changed_bar``, which differs from ``added_bar`` also without hues, has it by an outline
in ``second_bar``. A terminal has colours of its own.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """Colours by what they are for; those that end in ``_ink`` are texts on the ground of the same name."""

    paper: str
    ink: str
    soft: str
    panel: str
    rule: str
    banner: str
    banner_ink: str
    banner_soft: str
    link: str
    good_ink: str
    good: str
    bad_ink: str
    bad: str
    warn_ink: str
    warn: str
    first_bar: str
    second_bar: str
    added_bar: str
    removed_bar: str
    changed_bar: str
    pale_bar: str

    def tone(self, level: str) -> tuple[str, str]:
        """Return the colours of a text and of its ground for ``good``, ``bad`` or ``warn``."""
        return getattr(self, f"{level}_ink"), getattr(self, level)


LIGHT = Palette(
    paper="FFFFFF",
    ink="1F2D3A",
    soft="52616F",
    panel="F0F4F7",
    rule="D5DCE2",
    banner="1F3A4D",
    banner_ink="FFFFFF",
    banner_soft="D6E2EA",
    link="17607A",
    good_ink="0B5C28",
    good="E3F4E8",
    bad_ink="96161B",
    bad="FAE3E3",
    warn_ink="6B4200",
    warn="FDF0CF",
    first_bar="1B7A8C",
    second_bar="B7791F",
    added_bar="2E8B57",
    removed_bar="C8434A",
    changed_bar="E0A526",
    pale_bar="A9D2D9",
)
DARK = Palette(
    paper="12181F",
    ink="E6EDF3",
    soft="A7B4C0",
    panel="1B242D",
    rule="33404C",
    banner="1D3547",
    banner_ink="FFFFFF",
    banner_soft="C6D5DF",
    link="7CC8DE",
    good_ink="8BE3AA",
    good="14301F",
    bad_ink="FFB0B0",
    bad="3D1B1E",
    warn_ink="F2CD82",
    warn="37290F",
    first_bar="3AA5B8",
    second_bar="D19A3D",
    added_bar="46AB72",
    removed_bar="E0626B",
    changed_bar="E8B94A",
    pale_bar="1F5660",
)

TONES = {
    "added": "good",
    "loaded": "good",
    "removed": "bad",
    "unloaded": "bad",
    "renamed": "warn",
    "reconfigured": "warn",
    "reported": "warn",
    "unreported": "warn",
}
"""The tone of each word of ``schema.CHANGES_WORDS``."""

MARKS = {"good": "+", "bad": "\u2212", "warn": "~"}
"""The mark of each tone, so that no meaning hangs on a colour; a terminal writes the minus in ASCII."""

STATUS_TONES = {
    **dict.fromkeys(("unreachable", "timeout", "unauthorized", "too_old", "not_lm_studio", "invalid", "failed"), "bad"),
    **dict.fromkeys(("suspect", "partial"), "warn"),
}
"""The tone of each status of a server or of a run, but for those that are in order."""


def mark(word: str) -> str:
    """Return the mark of a word of ``schema.CHANGES_WORDS``."""
    return MARKS[TONES[word]]
