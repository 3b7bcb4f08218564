"""What the plots are drawn on: figures that show themselves, colours, fonts, texts made to fit.

Whatever is set here is set for the figure that is drawn, and put back: neither matplotlib's settings nor pyplot's list
of figures is touched, and no display is needed.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from typing import Any

from inventory.errors import ConfigurationError
from inventory.text import escape_controls, truncate

try:
    import matplotlib
except ImportError as error:
    raise ConfigurationError("plots need matplotlib, which is not installed", "pip install matplotlib") from error

from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from PIL import Image

TEAL, NAVY, AMBER = "#1F7A8C", "#1F3A4D", "#B8761B"
GREEN, YELLOW, RED = "#2E8B57", "#E0A526", "#C44048"
INK, GREY, TRACK = "#1C2733", "#5B6875", "#ECF0F3"

NAME = 40
"""Columns of a terminal that a model's name may take, as ``text.cut`` counts them; the rest becomes three dots."""

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
    "hatch.color": "#B9C3CB",
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
    """The axes to draw on: the ones given, or those of a new picture.

    Args:
        ax: somebody's axes, or None.
        title: what stands above.
        height: inches of a new picture.
        width: inches of a new picture.
    """
    style = _TEXTS | {"font.family": list(installed())} | (_COLOURS if ax is None else {})
    with matplotlib.rc_context(style):
        if ax is None:
            ax = NotebookFigure(figsize=(width, height), dpi=120, layout="constrained").add_subplot()
        ax.set_title(title)
        plainly(ax)
        yield ax


def figure_of(ax: Axes) -> Figure:
    """The figure that axes belong to."""
    figure = ax.get_figure(root=True)
    assert figure is not None, "axes that were removed from their figure"
    return figure


def plainly(ax: Axes) -> None:
    """Axes without a frame, in our letters: those of ticks that are made only when it is drawn too."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_axisbelow(True)
    ink, edge = matplotlib.rcParams["text.color"], matplotlib.rcParams["axes.edgecolor"]
    ax.tick_params(labelsize=9, labelcolor=ink, color=edge, labelfontfamily=list(installed()))


def panels(ax: Axes, *places: tuple[float, float, float, float]) -> list[Axes]:
    """Axes within axes, at places (left, bottom, width, height) in parts of the whole."""
    ax.axis("off")
    made = [ax.inset_axes(place) for place in places]
    for one in made:
        plainly(one)
    return made


def empty(ax: Axes, text: str) -> None:
    """Axes that say why there is nothing to see."""
    ax.axis("off")
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=GREY, size=11)


def footnote(ax: Axes, *texts: str) -> None:
    """What is not in a plot, said below it; empty texts are left out."""
    ax.set_xlabel("  \N{MIDDLE DOT}  ".join(text for text in texts if text), loc="left")


def figure_height(rows: int) -> float:
    """Inches for a picture with so many rows."""
    return 0.9 + 0.29 * max(rows, 3)


def gigabytes(size: int | None) -> str:
    """Bytes as GB, without the unit: as many digits as tell something."""
    if size is None:
        return "not reported"
    many = size / 1e9
    return f"{many:,.1f}" if many >= 1 or not many else f"{many:.2f}" if many >= 0.01 else "<0.01"


def name(text: str | None, room: int = NAME, missing: str = "(not reported)") -> str:
    """A text from a server as it can be drawn: made plain, cut to a room, with a square for what no font has."""
    return drawable(truncate(escape_controls(text), room), installed()) if text else missing


def drawable(text: str, fonts: Iterable[str]) -> str:
    """A text in which each character that none of some fonts has is a white square."""
    if text.isascii():
        return text
    known = frozenset[int]().union(*map(_characters, fonts))
    return "".join(character if ord(character) in known else _NOWHERE for character in text)


@cache
def installed() -> tuple[str, ...]:
    """Those of ``FONTS`` that this machine has; the first comes with matplotlib."""
    there = set(font_manager.get_font_names())
    return tuple(font for font in FONTS if font in there)


@cache
def _characters(font: str) -> frozenset[int]:
    return frozenset(FT2Font(font_manager.findfont(font, fallback_to_default=False)).get_charmap())
