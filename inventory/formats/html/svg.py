"""Charts as inline SVG: no script, no font, no colour of their own; the page's classes colour them.

Each is an image with a title and a description that gives the same figures in words.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from inventory.formats.html.fragments import Markup, text
from inventory.text import truncate, utc_text, width

_WIDE = 460
_ROW = 24  # height of a bar and the room around it
_LABEL = 150  # room of the names beside the bars
_LETTER = 7  # width of a letter, amply
_TALL = 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 12, 26  # around a plot over time
_DATES = 6  # shown beneath it
_TICKS = 5


@dataclass(frozen=True)
class Point:
    """One run in a chart over time.

    Attributes:
        moment: when it was.
        value: its figure; None makes a gap.
        whole: whether every server was read.
        measured: whether some server was: a line joins only neighbouring figures that were measured.
    """

    moment: datetime
    value: float | None
    whole: bool = True
    measured: bool = True


def bars(name: str, title: str, values: Sequence[tuple[str, float, str]], look: str) -> Markup:
    """Draw horizontal bars, one beneath the other.

    Args:
        name: identifies the chart in its page.
        title: its title.
        values: for each bar its name, its length in any unit, and its value in words.
        look: the class of the bars.
    """
    most = max((value for _, value, _ in values), default=0) or 1
    value_room = max((width(label_text) for _, _, label_text in values), default=0) * _LETTER + 10
    room = _WIDE - _LABEL - value_room
    parts = []
    for index, (label, value, label_text) in enumerate(values):
        top = index * _ROW
        long = max(value / most * room, 1)
        short = text(truncate(label, _LABEL // _LETTER - 1))
        parts.append(f'<text x="{_LABEL - 8}" y="{top + 17}" class="right">{short}</text>')
        parts.append(f'<rect x="{_LABEL}" y="{top + 4}" width="{long:.1f}" height="{_ROW - 7}" class="{look}"/>')
        parts.append(f'<text x="{_LABEL + long + 6:.1f}" y="{top + 17}">{text(label_text)}</text>')
    label_text = "; ".join(f"{label}: {words}" for label, _, words in values)
    return _image(name, title, label_text, len(values) * _ROW + 6, parts)


def trend(name: str, title: str, points: Sequence[Point], unit: str) -> Markup:
    """Draw a line over the runs, broken where a run measured nothing, with hollow points where it did in part."""
    known = [point.value for point in points if point.value is not None]
    low, high, step = _scale(min(known), max(known))
    parts = _grid(low, high, step)
    ways: list[str] = []
    marks = []
    joined = False
    for index, point in enumerate(points):
        across = _across(index, len(points))
        if point.value is None:
            parts.append(f'<path d="M{across - 3:.1f} {_TALL - _BOTTOM - 9}l6 6m0 -6l-6 6" class="gap"/>')
        else:
            up = _up(point.value, low, high)
            ways.append(f"{'L' if joined and point.measured else 'M'}{across:.1f} {up:.1f}")
            look = "dot" if point.whole else "hollow"
            marks.append(f'<circle cx="{across:.1f}" cy="{up:.1f}" r="3" class="{look}"/>')
        joined = point.measured and point.value is not None
    parts += [f'<path d="{"".join(ways)}" class="line"/>', *marks, *_dates([point.moment for point in points])]
    missing = [utc_text(point.moment, minutes=True, zone="") for point in points if point.value is None]
    description = f"From {known[0]:,.2f} to {known[-1]:,.2f} {unit} over {len(points):,} runs"
    description += f"; not known of the runs of {', '.join(missing)}" if missing else ""
    return _image(name, title, description, _TALL, parts)


def stacks(
    name: str, title: str, moments: Sequence[datetime], series: Sequence[tuple[str, str, Sequence[int | None]]]
) -> Markup:
    """Draw stacked bars over the runs.

    Args:
        name: identifies the chart in its page.
        title: its title.
        moments: when each run was.
        series: for each part of a bar its word, its class, and its number in each run.
    """
    totals = [sum(number or 0 for number in numbers) for numbers in zip(*(entry[2] for entry in series), strict=True)]
    low, high, step = _scale(0, max(totals, default=0), whole=True)
    wide = max(min((_WIDE - _LEFT - _RIGHT) / max(len(moments), 1) * 0.65, 30), 1)
    parts = _grid(low, high, step)
    for index in range(len(moments)):
        across, below = _across(index, len(moments)), 0
        for _, look, numbers in series:
            number = numbers[index] or 0
            if number:
                top, bottom = _up(below + number, low, high), _up(below, low, high)
                parts.append(
                    f'<rect x="{across - wide / 2:.1f}" y="{top:.1f}" width="{wide:.1f}" '
                    f'height="{max(bottom - top - 0.5, 0.5):.1f}" class="{look}"/>'
                )
            below += number
    parts += _dates(moments)
    for index, (word, look, _) in enumerate(series):
        left = _LEFT + 20 + index * 130
        parts.append(f'<rect x="{left}" y="{_TALL + 3}" width="10" height="10" class="{look}"/>')
        parts.append(f'<text x="{left + 15}" y="{_TALL + 12}">{word.capitalize()}</text>')
    description = ", ".join(f"{sum(number or 0 for number in numbers):,} {word}" for word, _, numbers in series)
    return _image(name, title, f"{description} over {len(moments):,} runs", _TALL + 20, parts)


def _image(name: str, title: str, description: str, height: int, parts: Sequence[str]) -> Markup:
    return Markup(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {height}" role="img" '
        f'aria-labelledby="{name}-title {name}-description"><title id="{name}-title">{text(title)}</title>'
        f'<desc id="{name}-description">{text(description)}</desc>{"".join(parts)}</svg>'
    )


def _scale(least: float, most: float, *, whole: bool = False) -> tuple[float, float, float]:
    """Choose the ends of an axis for two values, and the distance of its ticks: 1, 2 or 5 times a power of ten."""
    span = (most - least) or abs(most) * 0.1 or 1
    rough = span / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    step = max(step, 1) if whole else step
    low = math.floor(least / step) * step
    high = math.ceil(most / step) * step
    return low, high if high > low else low + step, step


def _grid(low: float, high: float, step: float) -> list[str]:
    parts = []
    for tick in range(round((high - low) / step) + 1):
        value = low + tick * step
        up = _up(value, low, high)
        decimals = max(0, -math.floor(math.log10(step)))
        parts.append(f'<path d="M{_LEFT} {up:.1f}H{_WIDE - _RIGHT}" class="rule"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{up + 4:.1f}" class="right soft">{value:,.{decimals}f}</text>')
    return parts


def _dates(moments: Sequence[datetime]) -> list[str]:
    every = math.ceil(len(moments) / _DATES)
    return [
        f'<text x="{_across(index, len(moments)):.1f}" y="{_TALL - 8}" class="middle soft">{_day(moment)}</text>'
        for index, moment in enumerate(moments)
        if index % every == 0
    ]


def _day(moment: datetime) -> str:
    """Format a day as 9 Nov, whatever the language of the machine."""
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    return f"{moment.day} {months[moment.month - 1]}"


def _across(index: int, count: int) -> float:
    return _LEFT + (index + 0.5) / count * (_WIDE - _LEFT - _RIGHT)


def _up(value: float, low: float, high: float) -> float:
    return _TOP + (high - value) / (high - low) * (_TALL - _TOP - _BOTTOM)
