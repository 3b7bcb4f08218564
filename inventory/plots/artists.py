"""The parts of plots: bars, lines over time, points and cells, on axes of ``figure``."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median

from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import LogLocator, MaxNLocator
from matplotlib.transforms import Bbox

from inventory.plots.figure import AMBER, CHANGED, GREEN, GREY, NAVY, PAPER, RED, TEAL, TRACK, figure_of

Point = tuple[float, float]

CHANGES = {"added": GREEN, "reconfigured": CHANGED, "removed": RED}
UNREAD = "server not read"
CELLS = {"there": TEAL, "there, but different": AMBER, "not there": TRACK, UNREAD: PAPER}


def bars(
    ax: Axes,
    labels: Sequence[str],
    values: Sequence[float],
    texts: Sequence[str],
    colour: str = TEAL,
    track: float | None = None,
) -> None:
    """Draw horizontal bars, the first on top, each with its value as a text at its end instead of a scale.

    Args:
        ax: the axes.
        labels: the name of each bar.
        values: the length of each bar.
        texts: the text at the end of each bar, or of its track.
        colour: of the bars.
        track: the end that every bar could reach, shown behind it; none by default.
    """
    places = range(len(values))
    ends = values if track is None else [track] * len(values)
    if track is not None:
        ax.barh(places, ends, height=0.72, color=TRACK)
    ax.barh(places, values, height=0.72, color=colour)
    ax.set_yticks(places, labels)
    ax.set_ylim(max(len(values), 3) - 0.4, -0.6)
    ax.set_xlim(0, max(ends, default=0) or 1)
    ax.tick_params(left=False, bottom=False, labelbottom=False)
    ax.spines["bottom"].set_visible(False)
    for place, end, text in zip(places, ends, texts, strict=True):
        ax.annotate(text, (end, place), (4, 0), textcoords="offset points", va="center", annotation_clip=False)


def line(
    ax: Axes,
    moments: Sequence[datetime],
    values: Sequence[float | None],
    measured: Sequence[bool],
    complete: Sequence[bool],
) -> None:
    """Draw values over time, joined where they were measured, with hollow points where that was incomplete.

    Args:
        ax: the axes.
        moments: when.
        values: the values; None makes a gap.
        measured: whether anything was measured at each moment.
        complete: whether everything was.
    """
    _dates(ax, moments)
    days = _days(moments)
    known = [float("nan") if value is None else value for value in values]
    joined = [value if was_measured else float("nan") for value, was_measured in zip(known, measured, strict=True)]
    ax.plot(days, joined, "-", color=TEAL, lw=1.4)
    for is_complete, colour, text in ((True, TEAL, "every server read"), (False, PAPER, "not every server read")):
        heights = [value if mark == is_complete else float("nan") for value, mark in zip(known, complete, strict=True)]
        if any(height == height for height in heights):
            ax.plot(days, heights, "o", color=TEAL, mfc=colour, ms=4.5, label=text)
    if not all(complete):
        _legend(ax)
    ax.grid(axis="y", color=GREY, alpha=0.18)
    ax.tick_params(labelbottom=False)
    ax.yaxis.set_major_locator(MaxNLocator(5))
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    if all(value is None for value in values):
        ax.set_yticks([])
        ax.text(0.5, 0.5, "No size is known", transform=ax.transAxes, ha="center", color=GREY)


def stacked(ax: Axes, moments: Sequence[datetime], counts: Mapping[str, Sequence[int]]) -> None:
    """Stack the numbers of each word of ``CHANGES`` over time; removed goes down from zero."""
    _dates(ax, moments)
    days = _days(moments)
    steps = [after - before for before, after in pairwise(days)]
    wide = 0.6 * (median(steps) if steps else 1.0)
    top = [0] * len(days)
    for word, numbers in counts.items():
        if word == "removed":
            ax.bar(days, [-number for number in numbers], wide, color=CHANGES[word], label=word)
            continue
        ax.bar(days, numbers, wide, bottom=top, color=CHANGES[word], label=word)
        top = [below + number for below, number in zip(top, numbers, strict=True)]
    ax.axhline(0, color=GREY, lw=0.8)
    ax.set_ylim(min(-1, *(-number for number in counts["removed"])) * 1.15, max(1, *top) * 1.15)
    ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.yaxis.set_major_formatter(lambda value, _: f"{abs(value):,.0f}")
    _legend(ax)


def scatter(ax: Axes, groups: Mapping[str, Sequence[Point]], ringed: Sequence[Point]) -> None:
    """Draw points of up to three groups, distinct without colours too; a ring marks what is loaded now."""
    for (text, points), (colour, marker) in zip(groups.items(), ((TEAL, "o"), (AMBER, "s"), (NAVY, "^")), strict=True):
        if points:
            across, up = zip(*points, strict=True)
            ax.scatter(across, up, s=36, color=colour, alpha=0.75, marker=marker, label=text)
    if ringed:
        across, up = zip(*ringed, strict=True)
        ax.scatter(across, up, s=130, facecolors="none", edgecolors=NAVY, linewidths=1.3, label="loaded now")
    _logarithmic(ax, [point for points in groups.values() for point in points])
    _legend(ax)


def _logarithmic(ax: Axes, points: Sequence[Point]) -> None:
    """Scale axes for sizes (GB, powers of ten) and contexts (tokens, powers of two), wide enough for some ticks."""
    ax.set_xscale("log")
    ax.set_yscale("log", base=2)
    across, up = zip(*points, strict=True)
    ax.set_xlim(min(across) / 1.6, max(across) * 1.6)
    ax.set_ylim(min(up) / 1.8, max(up) * 1.8)
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if max(across) < 1000 * min(across) else (1,)))
    ax.yaxis.set_major_locator(LogLocator(2, numticks=9))
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.minorticks_off()
    ax.grid(color=GREY, alpha=0.18)


def label(ax: Axes, points: Sequence[Point], names: Mapping[int, str]) -> None:
    """Write names beside some points, each where it covers no point and no other name; else not at all."""
    # Only a figure that was laid out knows where things are.
    figure_of(ax).draw_without_rendering()
    dots = [Bbox.from_extents(x - 6, y - 6, x + 6, y + 6) for x, y in ax.transData.transform(points)]
    inside = ax.get_window_extent()
    occupied: list[Bbox] = []
    for at, text in names.items():
        for offset, side, height in (
            ((8, 0), "left", "center"),
            ((-8, 0), "right", "center"),
            ((0, 8), "center", "bottom"),
            ((6, 8), "right", "bottom"),
        ):
            annotation = ax.annotate(text, points[at], offset, textcoords="offset points", ha=side, va=height, size=8)
            box = annotation.get_window_extent()
            others = [dot for dot, point in zip(dots, points, strict=True) if point != points[at]]
            is_within = inside.contains(box.x0, box.y0) and inside.contains(box.x1, box.y1)
            if is_within and not box.count_overlaps([*others, *occupied]):
                occupied.append(box)
                break
            annotation.remove()


def cells(ax: Axes, table: Sequence[Sequence[str]], texts: Sequence[Sequence[str]] | None) -> None:
    """Draw a table of coloured cells, the first row on top: words of ``CELLS``, and the texts in them."""
    words = list(CELLS)
    numbers = [[words.index(word) for word in row] for row in table]
    colours = ListedColormap(list(CELLS.values()))
    ax.pcolormesh(numbers, cmap=colours, vmin=0, vmax=len(words) - 1, edgecolors="white", linewidth=1.5)
    ax.set_ylim(len(table), 0)
    for column, word in enumerate(table[0]):
        if word == UNREAD:
            ax.add_patch(Rectangle((column, 0), 1, len(table), fill=False, hatch="////", lw=0))
    for at, row in enumerate(texts or ()):
        for column, text in enumerate(row):
            ax.text(column + 0.5, at + 0.5, text, ha="center", va="center", color="white", size=8)
    there = [word for word in words if any(word in row for row in table)]
    patches = [Patch(facecolor=CELLS[word], hatch="////" if word == UNREAD else "", label=word) for word in there]
    ax.legend(handles=patches, loc="upper left", bbox_to_anchor=(1, 1))


def heads(ax: Axes, left: Sequence[str], above: Sequence[str]) -> None:
    """Write the names of a table's rows and columns."""
    ax.set_yticks([place + 0.5 for place in range(len(left))], left)
    ax.set_xticks([place + 0.5 for place in range(len(above))], above)
    ax.tick_params(left=False, bottom=False, labelbottom=False, labeltop=True)
    ax.tick_params(axis="x", labelrotation=90 if len(above) > 5 or max(map(len, above)) > 12 else 0)
    ax.spines[["left", "bottom"]].set_visible(False)


def _days(moments: Sequence[datetime]) -> list[float]:
    return [float(date2num(moment)) for moment in moments]  # type: ignore[no-untyped-call]


def _dates(ax: Axes, moments: Sequence[datetime]) -> None:
    """Scale an axis of time in UTC, with half a step of room at either end."""
    days = _days(moments)
    room = (days[-1] - days[0]) / max(len(days) - 1, 1) or 1.0
    ax.set_xlim(days[0] - room, days[-1] + room)
    where = AutoDateLocator(tz=UTC)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(where)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(where, tz=UTC))  # type: ignore[no-untyped-call]


def _legend(ax: Axes) -> None:
    """Put a legend at the right, where it covers nothing."""
    if ax.get_legend_handles_labels()[1]:
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1), handlelength=1.4)
