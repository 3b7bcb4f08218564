"""The figures of the plots, which show themselves; their colours and fonts; texts shortened to fit.

Settings hold for the figure that is drawn only: neither matplotlib's own nor pyplot's list of figures is changed, and
no display is needed.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from typing import Any

from inventory.errors import ConfigurationError
from inventory.report.palette import LIGHT
from inventory.text import GIGABYTE, escape_controls, truncate

try:
    import matplotlib
except ImportError as error:
    raise ConfigurationError("plots need matplotlib, which is not installed", "pip install matplotlib") from error

from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from PIL import Image

TEAL, NAVY, AMBER = f"#{LIGHT.first_bar}", f"#{LIGHT.banner}", f"#{LIGHT.second_bar}"
GREEN, RED, CHANGED = f"#{LIGHT.added_bar}", f"#{LIGHT.removed_bar}", f"#{LIGHT.changed_bar}"
INK, GREY, TRACK, PAPER = f"#{LIGHT.ink}", f"#{LIGHT.soft}", f"#{LIGHT.panel}", f"#{LIGHT.paper}"

NAME = 40
"""Columns of a terminal that a model's name may take, as ``text.truncate`` counts them; the rest becomes three dots."""

FONTS = (
    "DejaVu Sans",  # comes with matplotlib: Latin, Greek, Cyrillic, Arabic, Hebrew, some emoji
    *(f"Noto Sans {kind}" for kind in ("CJK SC", "CJK JP", "Devanagari", "Bengali", "Tamil", "Thai", "Symbols 2")),
    *("Noto Emoji", "WenQuanYi Zen Hei", "Droid Sans Fallback", "Microsoft YaHei", "Yu Gothic", "Malgun Gothic"),
    *("Nirmala UI", "Leelawadee UI", "Segoe UI Emoji", "PingFang SC", "Hiragino Sans", "Apple SD Gothic Neo"),
    *("Arial Unicode MS", "Unifont"),
)
"""Where letters are looked for, in this order, among the fonts that are installed."""

_NOWHERE = "\N{WHITE SQUARE}"
_TEXTS: dict[Any, Any] = {
    "font.size": 9.0,
    "text.parse_math": False,  # a dollar in a model's name is a dollar
    "axes.titlesize": 11.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8.0,
    "legend.frameon": False,
    "legend.fontsize": 9.0,
    "hatch.color": f"#{LIGHT.rule}",
}
_COLOURS: dict[Any, Any] = {
    "text.color": INK,
    "axes.labelcolor": GREY,
    "axes.edgecolor": NAVY,
    "axes.facecolor": "white",
    "figure.facecolor": "white",
}
"""Only of figures that are made here: axes that were given keep the colours of their texts and of their ground."""


class NotebookFigure(Figure):
    """A figure that shows itself as the last expression of a cell. pyplot does not know it, so it is never kept."""

    def _repr_png_(self) -> bytes:
        drawn, target = BytesIO(), BytesIO()
        self.savefig(drawn, format="png", bbox_inches="tight")
        with Image.open(drawn) as image:  # 256 colours are enough, and a third of the bytes in a notebook
            image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(target, "png", optimize=True)
        return target.getvalue()


@contextmanager
def axes_for(ax: Axes | None, title: str, height: float, width: float = 8.0) -> Iterator[Axes]:
    """Give the axes to draw on: those of the caller, or those of a new figure.

    Args:
        ax: the caller's axes, or None.
        title: the title above them.
        height: inches of a new figure.
        width: inches of a new figure.
    """
    style = _TEXTS | {"font.family": list(installed())} | (_COLOURS if ax is None else {})
    with matplotlib.rc_context(style):
        if ax is None:
            ax = NotebookFigure(figsize=(width, height), dpi=120, layout="constrained").add_subplot()
        ax.set_title(title)
        remove_frame(ax)
        yield ax


def figure_of(ax: Axes) -> Figure:
    """Return the figure that axes belong to."""
    figure = ax.get_figure(root=True)
    assert figure is not None, "axes that were removed from their figure"
    return figure


def remove_frame(ax: Axes) -> None:
    """Remove the frame of axes and set the fonts, also of ticks that are made when the figure is drawn."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_axisbelow(True)
    ink, edge = matplotlib.rcParams["text.color"], matplotlib.rcParams["axes.edgecolor"]
    ax.tick_params(labelsize=9, labelcolor=ink, color=edge, labelfontfamily=list(installed()))


def panels(ax: Axes, *places: tuple[float, float, float, float]) -> list[Axes]:
    """Make axes within axes, at places (left, bottom, width, height) in parts of the whole."""
    ax.axis("off")
    insets = [ax.inset_axes(place) for place in places]
    for inset in insets:
        remove_frame(inset)
    return insets


def empty(ax: Axes, text: str) -> Figure:
    """Say on axes why there is nothing to see; return their figure."""
    ax.axis("off")
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=GREY, size=11)
    return figure_of(ax)


def footnote(ax: Axes, *texts: str) -> None:
    """Say below a plot what is not in it; empty texts are left out."""
    ax.set_xlabel("  \N{MIDDLE DOT}  ".join(text for text in texts if text), loc="left")


def figure_height(rows: int) -> float:
    """Return the inches of a figure with so many rows."""
    return 0.9 + 0.29 * max(rows, 3)


def gigabytes(size: int | None) -> str:
    """Format bytes as GB, without the unit: as many digits as are useful."""
    if size is None:
        return "not reported"
    value = size / GIGABYTE
    return f"{value:,.1f}" if value >= 1 or not value else f"{value:.2f}" if value >= 0.01 else "<0.01"


def name(text: str | None, room: int = NAME, missing: str = "(not reported)") -> str:
    """Format a text from a server so that it can be drawn: escaped, shortened, a square for what no font has."""
    return drawable(truncate(escape_controls(text), room), installed()) if text else missing


def drawable(text: str, fonts: Iterable[str]) -> str:
    """Replace each character that none of some fonts has by a white square."""
    if text.isascii():
        return text
    known = frozenset[int]().union(*map(_characters, fonts))
    return "".join(character if ord(character) in known else _NOWHERE for character in text)


@cache
def installed() -> tuple[str, ...]:
    """List those of ``FONTS`` that this machine has; the first comes with matplotlib."""
    there = set(font_manager.get_font_names())
    return tuple(font for font in FONTS if font in there)


@cache
def _characters(font: str) -> frozenset[int]:
    return frozenset(FT2Font(font_manager.findfont(font, fallback_to_default=False)).get_charmap())
