"""Plots of an inventory, one line each: ``plots.largest_models(snapshot)``. They need matplotlib.

A ``Snapshot`` gives what one moment holds, a ``History`` what takes time. Every plot takes ``ax``, the axes to draw on,
and returns the figure. Sizes are GB (10^9 bytes), contexts tokens, times UTC.
Names longer than 40 columns are truncated; a character that no installed font has is a white square.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from inventory.plots import figure  # first: it says so where matplotlib is missing

# isort: split

from inventory.plots import artists
from inventory.plots.copies import copies, copy_key, is_several, row_label
from inventory.plots.figure import axes_for, empty, figure_of, footnote, gigabytes, name
from inventory.report.breakdowns import break_down
from inventory.report.row_tables import by_size
from inventory.report.trend import trend_section
from inventory.tables import Row, RunTables, is_known, rows
from inventory.text import GIGABYTE, count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from inventory.history.reader import RunHistory

Cell = tuple[Any, ...]
_KINDS = ("llm", "embedding", "other")
_SERVERS, _READABLE_CELLS = 60, 8  # columns of a table that can still be read; those wide enough for a quantization


def largest_models(snapshot: RunTables, *, top: int = 10, ax: "Axes | None" = None) -> "Figure":
    """Plot the models that take the most space on disk: one bar each, with size (GB) and quantization.

    A model that is on several servers, with the same quantization, size and format, is one bar: the size of one copy.

    Args:
        snapshot: its models, of all servers; those that report no size are counted below.
        top: how many bars.
        ax: the axes to draw on; a new figure by default.
    """
    models, labels = copies(rows(snapshot.tables["models"]))
    sized = by_size([model for model in models if model["size_bytes"] is not None])
    shown = sized[:top]
    with axes_for(ax, "Largest models (GB)", figure.figure_height(len(shown))) as ax:
        if not sized:
            return empty(ax, "No model reports its size" if models else "No models")
        kinds = [name(model["quantization_name"], 12, missing="") for model in shown]
        texts = [f"{gigabytes(row['size_bytes'])}  {kind}".rstrip() for row, kind in zip(shown, kinds, strict=True)]
        artists.bars(ax, [labels[copy_key(model)] for model in shown], list(map(_gb, shown)), texts)
        without = _rest(len(models) - len(sized), "model", "without a size")
        footnote(ax, _rest(len(sized[top:]), "smaller model"), without)
    return figure_of(ax)


def storage_by_publisher(snapshot: RunTables, *, top: int = 10, ax: "Axes | None" = None) -> "Figure":
    """Plot how much space (GB) the models of each publisher take: one bar each, the largest first.

    Args:
        snapshot: its models, of all servers.
        top: how many publishers.
        ax: the axes to draw on; a new figure by default.
    """
    groups = [row for row in break_down(snapshot.tables["models"]) if row["by"] == "publisher"]
    sized = [row for row in groups if row["size_bytes"] is not None]
    shown = sized[:top]
    with axes_for(ax, "Storage by publisher (GB)", figure.figure_height(len(shown))) as ax:
        if not sized:
            return empty(ax, "No model reports its size" if groups else "No models")
        texts = [f"{gigabytes(row['size_bytes'])}  {count(row['model_count'], 'model')}" for row in shown]
        artists.bars(ax, [name(row["name"]) for row in shown], list(map(_gb, shown)), texts)
        others = f"not shown ({gigabytes(sum(row['size_bytes'] for row in sized[top:]))} GB)"
        without = sum(model["size_bytes"] is None for model in rows(snapshot.tables["models"]))
        footnote(ax, _rest(len(sized[top:]), "smaller publisher", others), _rest(without, "model", "without a size"))
    return figure_of(ax)


def quantization_mix(snapshot: RunTables, *, top: int = 15, ax: "Axes | None" = None) -> "Figure":
    """Plot how many models have each quantization, and the space (GB) they take, the most bits first.

    Args:
        snapshot: its models, of all servers.
        top: how many quantizations: those with the most models.
        ax: the axes to draw on, the panels are ``ax.child_axes``; a new figure by default.
    """
    groups = [row for row in break_down(snapshot.tables["models"]) if row["by"] == "quantization"]
    models = rows(snapshot.tables["models"])
    bits = {model["quantization_name"]: model["quantization_bits_per_weight"] for model in models}
    shown = sorted(groups, key=lambda row: -row["model_count"])[:top]
    shown.sort(key=lambda row: (-(bits[row["name"]] or 0), (row["name"] or "").lower()))
    with axes_for(ax, "" if groups else "Quantizations", figure.figure_height(len(shown))) as ax:
        if not groups:
            return empty(ax, "No models")
        left, right = figure.panels(ax, (0, 0, 0.46, 1), (0.56, 0, 0.44, 1))
        notes = {key: "" if number is None else f"  ({number:g} bit)" for key, number in bits.items()}
        labels = [name(row["name"], 20) + notes[row["name"]] for row in shown]
        numbers, sizes = [row["model_count"] for row in shown], [gigabytes(row["size_bytes"]) for row in shown]
        artists.bars(left, labels, numbers, [f"{number:,}" for number in numbers], figure.NAVY)
        artists.bars(right, [""] * len(shown), list(map(_gb, shown)), sizes, figure.AMBER)
        left.set_title("Models by quantization")
        right.set_title("Size (GB)")
        footnote(left, _rest(len(groups) - len(shown), "rarer quantization"))
    return figure_of(ax)


def context_by_size(snapshot: RunTables, *, labels: int = 5, ax: "Axes | None" = None) -> "Figure":
    """Plot the longest context (tokens) of each model against its size on disk (GB), both logarithmic.

    Args:
        snapshot: its models, of all servers; those without a size or a context are counted below.
        labels: how many models are named: the longest contexts and the largest sizes, where there is room.
        ax: the axes to draw on; a new figure by default.
    """
    models = rows(snapshot.tables["models"])
    whole = [model for model in models if (model["size_bytes"] or 0) > 0 and (model["max_context_length"] or 0) > 0]
    with axes_for(ax, "Longest context (tokens) by size on disk (GB)", 4.2) as ax:
        if not whole:
            return empty(ax, "No model reports its size and its context" if models else "No models")
        points = [(_gb(model), model["max_context_length"]) for model in whole]
        kinds = [model["type"] if model["type"] in _KINDS else "other" for model in whole]
        groups = {kind: [at for at, its in zip(points, kinds, strict=True) if its == kind] for kind in _KINDS}
        loaded = [at for at, model in zip(points, whole, strict=True) if model["loaded_instance_count"]]
        artists.scatter(ax, groups, loaded)
        footnote(ax, "GB", _rest(len(models) - len(whole), "model", "without a size or a context"))
        far = sorted(range(len(whole)), key=lambda at: (-points[at][1], -points[at][0]))[: max(labels - 2, 0)]
        far += sorted(range(len(whole)), key=lambda at: -points[at][0])[: min(labels, 2)]
        names = {(points[at], row_label(whole[at], several=False)): at for at in far}  # on several servers: named once
        artists.label(ax, points, {at: text for (_, text), at in names.items()})
    return figure_of(ax)


def loaded_context(snapshot: RunTables, *, top: int = 20, ax: "Axes | None" = None) -> "Figure":
    """Plot the context (tokens) that each instance is loaded with, as a share of its model's maximum.

    Args:
        snapshot: its loaded instances, of all servers.
        top: how many instances: those with the greatest shares.
        ax: the axes to draw on; a new figure by default.
    """
    instances = rows(snapshot.tables["instances"])
    shown = sorted(instances, key=_share, reverse=True)[:top]
    with axes_for(ax, "Context loaded, share of the model's maximum", figure.figure_height(len(shown)), 9.0) as ax:
        if not instances:
            return empty(ax, "No loaded instances")
        names = [row_label(instance, is_several(instances), "instance_id") for instance in shown]
        parts = [min(max(_share(instance), 0.0), 1.0) for instance in shown]
        artists.bars(ax, names, parts, list(map(_contexts, shown)), track=1.0)
        footnote(ax, _rest(len(instances) - len(shown), "more instance"))
    return figure_of(ax)


def timeline(history: "RunHistory", *, since: datetime | None = None, ax: "Axes | None" = None) -> "Figure":
    """Plot the runs over time (UTC): size on disk (GB) above, models added, removed and changed below.

    The size is that of the state after each run: a server that was not read counts as it was last read. A hollow point
    is a run that did not read every server; no line leads to or from a run that read none.

    Args:
        history: its runs, as ``history.runs()`` and ``history.panel_table`` tell them.
        since: only the runs from this time on, with a zone.
        ax: the axes to draw on, the panels are ``ax.child_axes``; a new figure by default.
    """
    runs = [row for row in rows(history.runs_table(since=since)) if row["status"] != "misdated"]
    with axes_for(ax, "" if runs else "Size on disk and changes", 5.0, width=9.0) as ax:
        if not runs:
            return empty(ax, "No runs")
        above, below = figure.panels(ax, (0, 0.46, 1, 0.54), (0, 0, 1, 0.34))
        moments = [run["collected_at"] for run in runs]
        shown = trend_section(runs, history.sizes_after([run["run_id"] for run in runs])).runs
        sizes = [None if run.size_bytes is None else run.size_bytes / GIGABYTE for run in shown]
        artists.line(above, moments, sizes, [run.measured for run in shown], [run.complete for run in shown])
        artists.stacked(below, moments, {word: [run[word] or 0 for run in runs] for word in artists.CHANGES})
        above.set_title("Size on disk (GB)")
        below.set_title("Changes per run")
    return figure_of(ax)


def never_loaded(history: "RunHistory", *, top: int = 15, ax: "Axes | None" = None) -> "Figure":
    """Plot the present models that no run has seen loaded: one bar each (GB), and for how many days.

    A model that was loaded only between two runs was not seen loaded.

    Args:
        history: its models, as ``history.lifecycle()`` tells them.
        top: how many bars: the largest.
        ax: the axes to draw on; a new figure by default.
    """
    lives = [life for life in rows(history.lifecycle_table()) if life["present"]]
    idle = by_size([life for life in lives if not life["runs_loaded"]])
    shown, several = idle[:top], is_several(lives)
    total = gigabytes(sum(life["size_bytes"] or 0 for life in idle))
    title = f"Never seen loaded: {len(idle):,} of {count(len(lives), 'model')}, {total} GB"
    with axes_for(ax, title if idle else "Never seen loaded", figure.figure_height(len(shown))) as ax:
        if not idle:
            return empty(ax, "Every model was seen loaded" if lives else "No models")
        texts = [f"{gigabytes(life['size_bytes'])}  seen on {count(life['days_present'], 'day')}" for life in shown]
        artists.bars(ax, [row_label(life, several) for life in shown], list(map(_gb, shown)), texts, figure.AMBER)
        footnote(ax, _rest(len(idle[top:]), "smaller model"))
    return figure_of(ax)


def server_differences(snapshot: RunTables, *, top: int = 30, ax: "Axes | None" = None) -> "Figure":
    """Plot which servers have which models: one row per model that differs between the servers read.

    A cell tells whether the server has the model as most others have it, has it with another quantization, size or
    format, or does not have it. A server that was not read has empty cells: nothing is known of it.

    Args:
        snapshot: its models and observations.
        top: how many rows: the models that most servers have come first.
        ax: the axes to draw on; a new figure by default.
    """
    read = {row["server"]: is_known(row) for row in rows(snapshot.tables["observations"])}
    having: dict[str, dict[str, Cell]] = defaultdict(lambda: defaultdict(tuple))
    for row in rows(snapshot.tables["models"]):
        if read.setdefault(row["server"], True):
            having[row["key"]][row["server"]] += ((row["quantization_name"], row["size_bytes"], row["format"]),)
    asked = sorted(read)
    known = [server for server in asked if read[server]]
    differing = [key for key, cells in having.items() if len({cells.get(server) for server in known}) > 1]
    shown = sorted(differing, key=lambda key: (-len(having[key]), sorted(having[key]), key))[:top]
    columns = asked[:_SERVERS]
    title = f"Models that are not alike on all servers: {len(differing):,} of {len(having):,}"
    width = min(4.0 + 0.9 * len(columns), 13.0)
    height = figure.figure_height(len(shown)) + 1
    with axes_for(ax, title if shown else "Differences between servers", height, width) as ax:
        if not shown:
            return empty(ax, _alike(known, having))
        usual = {key: Counter(having[key].values()).most_common(1)[0][0] for key in shown}
        table = [[_kind(having[key].get(server), usual[key], read[server]) for server in columns] for key in shown]
        texts = [[_quantizations(having[key].get(server, ())) for server in columns] for key in shown]
        artists.cells(ax, table, texts if len(columns) <= _READABLE_CELLS else None)
        artists.heads(ax, [name(key) for key in shown], [name(server, 20) for server in columns])
        footnote(ax, _rest(len(differing) - len(shown), "rarer model"), _rest(len(asked[_SERVERS:]), "more server"))
    return figure_of(ax)


def _gb(row: Row) -> float:
    """Return the size of a row in GB; 0 if it is not known."""
    return (row["size_bytes"] or 0) / GIGABYTE


def _rest(number: int, word: str, tail: str = "not shown") -> str:
    return f"{count(number, word)} {tail}" if number else ""


def _share(instance: Row) -> float:
    """Return the part of the model's longest context that is loaded; less than 0 if one is not known."""
    loaded, longest = instance["config_context_length"], instance["max_context_length"]
    return -1.0 if loaded is None or not longest else float(loaded / longest)


def _contexts(instance: Row) -> str:
    loaded, longest = instance["config_context_length"], instance["max_context_length"]
    text = "context not reported" if loaded is None else f"{loaded:,}"
    whole = ", maximum not reported" if longest is None else f" of {longest:,}"
    flash = {None: "", True: "   flash attention on", False: "   flash attention off"}
    return text + whole + flash[instance["config_flash_attention"]]


def _alike(known: Sequence[str], having: Mapping[str, object]) -> str:
    """Say why no model differs."""
    if len(known) < 2:
        return "One server was read: there is none to compare it with" if known else "No server was read"
    return f"All {len(known):,} servers have the same models" if having else "No models"


def _kind(cell: Cell | None, usual: Cell, read: bool) -> str:
    if not read:
        return "server not read"
    return "not there" if cell is None else "there" if cell == usual else "there, but different"


def _quantizations(cell: Cell) -> str:
    return " ".join(name(quantization, 8, missing="?") for quantization, _, _ in cell[:2])
