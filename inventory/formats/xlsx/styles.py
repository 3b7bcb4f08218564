"""The look of a workbook: colours, fonts and fills, each made once and shared.

The colours are those of the palette.
"""

from typing import Any

from openpyxl.styles import Alignment, Border, Font, PatternFill, Side

from inventory.report.palette import LIGHT

LEVELS = {level: LIGHT.tone(level) for level in ("good", "bad", "warn")}
"""The colours of a text and behind it, by whether it is good news."""

CHART = {
    "size": LIGHT.first_bar,
    "second": LIGHT.second_bar,
    "added": LIGHT.added_bar,
    "removed": LIGHT.removed_bar,
    "reconfigured": LIGHT.changed_bar,
}
"""The colours of bars and lines."""

LEFT, RIGHT, CENTRED = (Alignment(horizontal=side, vertical="center") for side in ("left", "right", "center"))
INDENTED = Alignment(horizontal="left", vertical="center", indent=1)


def font(colour: str = LIGHT.ink, size: float = 10, *, bold: bool = False, italic: bool = False) -> Font:
    """Make a font of the workbook."""
    return Font(name="Calibri", size=size, bold=bold, italic=italic, color=f"FF{colour}")


def fill(colour: str) -> PatternFill:
    """Make a plain colour behind a cell."""
    return PatternFill("solid", fgColor=f"FF{colour}", bgColor=f"FF{colour}")


def edge(**sides: tuple[Any, str]) -> Border:
    """Make lines around a cell: for each side its style and colour."""
    lines: dict[str, Any] = {name: Side(style, color=f"FF{colour}") for name, (style, colour) in sides.items()}
    return Border(**lines)
