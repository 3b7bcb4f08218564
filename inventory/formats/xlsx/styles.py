"""How a workbook looks: colours, fonts and fills, each made once and shared.

Every pair of a text and what is behind it has a contrast of at least 4.5 (WCAG 2.2, 1.4.3).
"""

from typing import Any

from openpyxl.styles import Alignment, Border, Font, PatternFill, Side

WHITE, NAVY, INK, GREY, TEAL = "FFFFFF", "1F3A4D", "2B3A46", "5A6772", "1B7A8C"
MIST, CLOUD, LINE = "F0F4F7", "D5E0E7", "DCE3E8"
BAR = "A9D2D9"

LEVELS = {"good": ("11672F", "E2F4E7"), "bad": ("A3141F", "FBE3E4"), "warn": ("7A4A00", "FDEFCF")}
"""The colours of a text and behind it, by whether it is good news."""

WORDS = {
    "added": "good",
    "loaded": "good",
    "removed": "bad",
    "unloaded": "bad",
    "renamed": "warn",
    "reconfigured": "warn",
    "reported": "warn",
    "unreported": "warn",
}
"""How bad each word of ``schema.CHANGES_WORDS`` looks."""

STATUSES = {
    **dict.fromkeys(("unreachable", "timeout", "unauthorized", "too_old", "not_lm_studio", "invalid", "failed"), "bad"),
    **dict.fromkeys(("suspect", "partial"), "warn"),
}
"""How bad a status looks, of a server or of a run."""

CHART = {"size": TEAL, "second": "B7791F", "added": "2E8B57", "removed": "C8434B", "reconfigured": "E0A526"}
"""The colours of bars and lines."""

LEFT, RIGHT = (Alignment(horizontal=side, vertical="center") for side in ("left", "right"))
INDENTED = Alignment(horizontal="left", vertical="center", indent=1)


def font(colour: str = INK, size: float = 10, *, bold: bool = False, italic: bool = False) -> Font:
    """A font of the workbook."""
    return Font(name="Calibri", size=size, bold=bold, italic=italic, color=f"FF{colour}")


def fill(colour: str) -> PatternFill:
    """A plain colour behind a cell."""
    return PatternFill("solid", fgColor=f"FF{colour}", bgColor=f"FF{colour}")


def edge(**sides: tuple[Any, str]) -> Border:
    """Lines around a cell: for each side its style and colour."""
    lines: dict[str, Any] = {name: Side(style, color=f"FF{colour}") for name, (style, colour) in sides.items()}
    return Border(**lines)
