"""The plots: what they show is what the tables hold, whatever the tables hold."""

import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import generate
import matplotlib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from support import sample_fleet
from support.history_builders import Fleet, collected, day, made, model

from inventory import History, Snapshot, plots
from inventory.plots import figure as canvas
from inventory.plots.artists import CELLS, CHANGES, UNREAD
from inventory.run_ids import time_of

Plot = Callable[..., Figure]

OF_SNAPSHOT: list[Plot] = [
    plots.largest_models,
    plots.storage_by_publisher,
    plots.quantization_mix,
    plots.context_by_size,
    plots.loaded_context,
    plots.server_differences,
]
OF_HISTORY: list[Plot] = [plots.timeline, plots.never_loaded]


@pytest.fixture(scope="module")
def month() -> History:
    """The sample history: thirty runs, two of which failed."""
    return History(generate.SAMPLES / "history")


def listed(name: str, gigabytes: float | None = 1, *loaded: str, **fields: Any) -> dict[str, Any]:
    """A model with what plots look at."""
    size = None if gigabytes is None else round(gigabytes * 1e9)
    quantization = {"name": "Q4_K_M", "bits_per_weight": 4}
    shown = {"display_name": name, "publisher": "p", "max_context_length": 8192, "quantization": quantization}
    return model(name.lower(), *loaded, size_bytes=size, **(shown | fields))


def seen(folder: Path, servers: Fleet) -> Snapshot:
    """What a run over a fleet sees."""
    return collected(folder, servers, day(0))


def texts(figure: Figure) -> list[str]:
    """Every text that can be seen in a figure."""
    result = [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_visible()]
    return [text.get_text() for text in result if text.get_text()]


def widths(ax: Axes) -> list[float]:
    """The lengths of the bars of axes, from the top."""
    return [patch.get_width() for patch in ax.patches if isinstance(patch, Rectangle)]


def panels(figure: Figure) -> list[Axes]:
    """The panels of a plot that has more than one."""
    return [panel for panel in figure.axes[0].child_axes if isinstance(panel, Axes)]


def labels(ax: Axes) -> list[str]:
    """What the bars or rows of axes are called, from the top."""
    return [text.get_text() for text in ax.get_yticklabels()]


@pytest.mark.parametrize(
    "plot", [OF_SNAPSHOT[0], *(pytest.param(plot, marks=pytest.mark.long) for plot in OF_SNAPSHOT[1:] + OF_HISTORY)]
)
def test_a_plot_shows_itself_as_a_picture(plot: Plot, month: History) -> None:
    """One line gives a figure that Jupyter shows as PNG, with a title, and with nothing outside it."""
    figure = plot(month.state() if plot in OF_SNAPSHOT else month)
    assert isinstance(figure, canvas.NotebookFigure)
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert [text for text in texts(figure) if "(GB" in text or " of " in text or "share" in text]
    box = figure.get_tightbbox()
    assert box.width <= figure.get_figwidth() * 1.02
    assert box.height <= figure.get_figheight() * 1.02


@pytest.mark.parametrize("plot", OF_SNAPSHOT + OF_HISTORY)
def test_a_plot_draws_on_the_axes_that_it_is_given(plot: Plot, month: History) -> None:
    """With ax, the figure that comes back is the one of these axes, and nothing of the other axes is touched."""
    figure = Figure(layout="constrained")
    axes = figure.subplots(1, 2)
    assert plot(month.state() if plot in OF_SNAPSHOT else month, ax=axes[0]) is figure
    assert axes[0].get_children()
    assert not axes[1].lines
    assert not axes[1].patches
    assert not axes[1].get_title(loc="left")


@pytest.mark.parametrize("plot", OF_SNAPSHOT + OF_HISTORY)
def test_a_plot_documents_its_units_and_arguments(plot: Plot) -> None:
    """Each plot says what it draws, in which unit, and each of its arguments; ax is always one of them."""
    text = inspect.getdoc(plot) or ""
    names = list(inspect.signature(plot).parameters)
    assert names[-1] == "ax"
    assert names[0] in ("snapshot", "history")
    assert all(f"\n    {name}: " in text for name in names)
    assert "GB" in text or "tokens" in text or "row per model" in text


def test_every_plot_is_tested_here() -> None:
    """The lists above hold every public function of the room."""
    public = {name for name, value in vars(plots).items() if inspect.isfunction(value) and not name.startswith("_")}
    mine = {name for name in public if getattr(plots, name).__module__ == "inventory.plots"}
    assert mine == {plot.__name__ for plot in OF_SNAPSHOT + OF_HISTORY}


@pytest.mark.long
def test_plots_leave_matplotlib_as_it_was(month: History) -> None:
    """Neither matplotlib's settings nor pyplot's list of figures is touched; pyplot and pandas are not imported."""
    before = matplotlib.rcParams.copy()
    plots.largest_models(month.state())
    assert not [name for name in before if name != "backend" and matplotlib.rcParams[name] != before[name]]
    code = (
        "import sys; from inventory import History, plots\n"
        f"history = History({str(month.store.folder)!r})\n"
        "snapshot = history.state()\n"
        "plots.context_by_size(snapshot), plots.server_differences(snapshot), plots.never_loaded(history)\n"
        "plots.timeline(history)._repr_png_()\n"
        "print(sorted({'matplotlib.pyplot', 'pandas'} & sys.modules.keys()))"
    )
    fonts = {"MPLCONFIGDIR": matplotlib.get_cachedir()}  # what is known of them already
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | fonts)
    assert done.stdout == "[]\n"


def test_without_matplotlib_the_error_says_what_to_do() -> None:
    """Where matplotlib is missing, the error is one line that ends in the command that mends it."""
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import inventory\n"
        "try: import inventory.plots\n"
        "except inventory.ConfigurationError as error: print(error, error.exit_code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "plots need matplotlib, which is not installed. pip install matplotlib 2\n"


@pytest.mark.parametrize(
    ("servers", "told"),
    [
        ({"one": []}, {"No models", "No loaded instances", "One server was read: there is none to compare it with"}),
        ({"one": None}, {"No models", "No loaded instances", "No server was read"}),
        (
            {"one": [listed("A", None), listed("B", None, max_context_length=None)]},
            {"No model reports its size", "No model reports its size and its context", "No loaded instances"},
        ),
    ],
    ids=["no models", "not read", "no sizes"],
)
def test_a_plot_without_data_says_so(servers: Fleet, told: set[str], tmp_path: Path) -> None:
    """Without models, servers or sizes the plots say which it is."""
    snapshot = seen(tmp_path, servers)
    assert told <= {text for plot in OF_SNAPSHOT for text in texts(plot(snapshot))}


def test_plots_of_a_history_without_runs_or_models_say_so(tmp_path: Path) -> None:
    """An empty history has no runs and no models; one in which all is loaded has nothing that never was."""
    empty = History(tmp_path / "nothing")
    assert "No runs" in texts(plots.timeline(empty))
    assert "No models" in texts(plots.never_loaded(empty))
    busy, _ = made(tmp_path, {"one": [listed("A", 1, "a")]})
    assert "Every model was seen loaded" in texts(plots.never_loaded(busy))
    (tmp_path / "other").mkdir()
    failed, _ = made(tmp_path / "other", {"one": None})
    assert "No size is known" in texts(plots.timeline(failed))


def test_largest_models_come_first_and_the_rest_is_counted(tmp_path: Path) -> None:
    """The bars are the largest models in GB, the largest on top; what is not shown is said."""
    models = [listed(f"M{size}", size) for size in (3, 0.5, 20, 7)] + [listed("unknown", None)]
    figure = plots.largest_models(seen(tmp_path, {"one": models}), top=3)
    assert widths(figure.axes[0]) == [20, 7, 3]
    assert labels(figure.axes[0]) == ["M20", "M7", "M3"]
    assert figure.axes[0].get_xlabel() == "1 smaller model not shown  \N{MIDDLE DOT}  1 model without a size"
    assert "20.0  Q4_K_M" in texts(figure)


def test_with_several_servers_a_model_is_named_with_its_server(tmp_path: Path) -> None:
    """Models of one name that are not alike are bars that can be told apart."""
    figure = plots.largest_models(seen(tmp_path, {"one": [listed("A", 2)], "two": [listed("A", 1)]}))
    assert labels(figure.axes[0]) == ["A  (one)", "A  (two)"]


def test_a_model_of_a_fleet_is_one_bar(tmp_path: Path) -> None:
    """On a hundred servers it is one bar with the size of one copy; another quantization is another model."""
    other = listed("Both", 3, quantization={"name": "Q8_0", "bits_per_weight": 8})
    servers: Fleet = {f"s{n:03}": [listed("Both", 3), listed(f"Own {n}", 1)] for n in range(100)}
    servers["s000"] = [listed("Both", 3), other, listed("Unknown", None)]
    servers["s001"] = [listed("Both", 3), listed("Unknown", None)]
    figure = plots.largest_models(seen(tmp_path, servers), top=3)
    assert labels(figure.axes[0])[:2] == ["Both  (on 100 servers)", "Both  (s000)"]
    assert widths(figure.axes[0]) == [3, 3, 1]
    assert {"3.0  Q4_K_M", "3.0  Q8_0"} <= set(texts(figure))
    assert "97 smaller models not shown  \N{MIDDLE DOT}  1 model without a size" in texts(figure)


def test_storage_is_the_sum_of_each_publisher(tmp_path: Path) -> None:
    """A publisher's bar is the sum of its models; no publisher is one too; the rest is summed below."""
    models = [listed("A", 2, publisher="x"), listed("B", 3, publisher="x"), listed("C", 4, publisher="")]
    figure = plots.storage_by_publisher(seen(tmp_path, {"one": [*models, listed("D", 1, publisher="z")]}), top=2)
    assert widths(figure.axes[0]) == [5, 4]
    assert labels(figure.axes[0]) == ["x", "(not reported)"]
    assert figure.axes[0].get_xlabel() == "1 smaller publisher not shown (1.0 GB)"
    assert "5.0  2 models" in texts(figure)


def test_quantizations_are_counted_and_summed_the_most_bits_first(tmp_path: Path) -> None:
    """Two panels: how many models have a quantization, and their GB; one that is not reported comes last."""
    models = [listed("A", 2), listed("B", 3), listed("C", 8, quantization={"name": "Q8_0", "bits_per_weight": 8})]
    figure = plots.quantization_mix(seen(tmp_path, {"one": [*models, listed("D", None, quantization=None)]}))
    left, right = panels(figure)
    assert labels(left) == ["Q8_0  (8 bit)", "Q4_K_M  (4 bit)", "(not reported)"]
    assert widths(left) == [1, 2, 1]
    assert widths(right) == [8, 5, 0]
    assert [text.get_text() for text in right.texts] == ["8.0", "5.0", "not reported"]


def test_context_by_size_has_a_point_per_whole_model(tmp_path: Path) -> None:
    """Points are (GB, tokens), loaded ones have a ring, and those without a size or a context are counted."""
    models = [
        listed("A", 2, "a"),
        listed("B", 4, type="embedding", max_context_length=512),
        listed("C", 8, type="drafter"),
        listed("D", None),
        listed("E", 0),
    ]
    ax = plots.context_by_size(seen(tmp_path, {"one": models})).axes[0]
    clouds = [values for values in ax.collections if isinstance(values, PathCollection)]
    points = {values.get_label(): [tuple(point) for point in np.asarray(values.get_offsets())] for values in clouds}
    assert points == {"llm": [(2, 8192)], "embedding": [(4, 512)], "other": [(8, 8192)], "loaded now": [(2, 8192)]}
    assert ax.get_xlabel().endswith("2 models without a size or a context")
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


def test_names_in_context_by_size_cover_nothing(month: History) -> None:
    """No name lies on another name, or leaves the axes, and a model on two servers is named once."""
    figure = plots.context_by_size(month.state(), labels=30)
    figure.draw_without_rendering()
    names = figure.axes[0].texts
    boxes = [text.get_window_extent() for text in names]
    assert len(boxes) > 4
    assert len({text.get_text() for text in names}) == len(names)
    assert not any(item.overlaps(other) for at, item in enumerate(boxes) for other in boxes[:at])


def test_loaded_context_is_a_share_of_the_maximum(tmp_path: Path) -> None:
    """Each instance's bar is its context over the model's maximum, never beyond the track; unknown shares come last."""
    models = [
        listed("A", 1, "half"),
        listed("B", 1, "over", max_context_length=1024),
        listed("C", 1, "unknown", max_context_length=None),
    ]
    ax = plots.loaded_context(seen(tmp_path, {"one": models})).axes[0]
    assert labels(ax) == ["over", "half", "unknown"]
    assert widths(ax) == [1, 1, 1, 1, 0.5, 0]  # the tracks, then the bars
    assert [text.get_text() for text in ax.texts] == ["4,096 of 1,024", "4,096 of 8,192", "4,096, maximum not reported"]


def test_timeline_shows_the_state(month: History) -> None:
    """Each run has a point, hollow if it was not complete; no line leads to one that read nothing."""
    above, below = panels(plots.timeline(month))
    runs = month.runs()
    line, complete, incomplete = (np.asarray(drawn.get_ydata(), dtype=float) for drawn in above.lines)
    assert list(~np.isnan(line)) == list(runs.servers_ok > 0)
    assert list(~np.isnan(complete)) == list(runs.status == "ok")
    assert list(~np.isnan(incomplete)) == list(runs.status != "ok")
    assert above.get_legend_handles_labels()[1] == ["every server read", "not every server read"]
    sizes = np.where(np.isnan(complete), incomplete, complete)
    panel = month.panel_table([time_of(run_id) for run_id in runs.run_id])
    assert list(sizes * 1e9) == pytest.approx(panel.column("size_bytes").to_pylist())
    for word, container in zip(("added", "reconfigured", "removed"), below.containers, strict=True):
        heights = [abs(bar.get_height()) for bar in container]
        assert heights == list(runs[word].fillna(0)), word
    assert set(CHANGES) == set(below.get_legend_handles_labels()[1])


def test_timeline_begins_where_it_is_told(month: History) -> None:
    """With since, earlier runs are left out."""
    above, _ = panels(plots.timeline(month, since=sample_fleet.LAST))
    assert len(above.lines[0].get_xydata()) == 1  # type: ignore[arg-type]


def test_never_loaded_is_what_no_run_saw_loaded(tmp_path: Path) -> None:
    """A model loaded once, or gone, is not among them; the title counts and sums them."""
    first = [listed("once", 1, "x"), listed("never", 5), listed("gone", 9)]
    history, _ = made(tmp_path, {"one": first}, {"one": [listed("once"), listed("never", 5), listed("new", 2)]})
    ax = plots.never_loaded(history).axes[0]
    assert labels(ax) == ["never", "new"]
    assert widths(ax) == [5, 2]
    assert ax.get_title(loc="left") == "Never seen loaded: 2 of 3 models, 7.0 GB"
    assert [text.get_text() for text in ax.texts] == ["5.0  seen on 2 days", "2.0  seen on 1 day"]


def test_server_differences_show_who_has_what(tmp_path: Path) -> None:
    """A row per model that is not alike everywhere; of a server that was not read nothing is said."""
    other = listed("B", 1, quantization={"name": "Q8_0", "bits_per_weight": 8})
    servers: Fleet = {
        "a": [listed("alike"), listed("B"), listed("C")],
        "b": [listed("alike"), listed("B")],
        "c": [listed("alike"), other],
        "d": None,
    }
    ax = plots.server_differences(seen(tmp_path, servers)).axes[0]
    [mesh] = [values for values in ax.collections if isinstance(values, QuadMesh)]
    words = list(CELLS)
    table = [[words[int(number)] for number in row] for row in mesh.get_array()]  # type: ignore[union-attr]
    assert labels(ax) == ["b", "c"]
    assert table == [
        ["there", "there", "there, but different", UNREAD],
        ["there", "not there", "not there", UNREAD],
    ]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["a", "b", "c", "d"]
    assert ax.get_title(loc="left").endswith("2 of 3")


def test_a_suspect_server_counts_as_not_read(month: History) -> None:
    """What a suspect answer lacks is not shown as missing."""
    snapshot = month.load(
        sample_fleet.run_id_of(sample_fleet.LAST - (sample_fleet.RUNS - sample_fleet.STARTING) * (day(1) - day(0)))
    )
    assert list(snapshot.observations.status) == ["ok", "ok", "suspect"]
    ax = plots.server_differences(snapshot).axes[0]
    assert UNREAD in [text.get_text() for text in ax.get_legend().get_texts()]  # type: ignore[union-attr]
    assert "text-embedding-nomic-embed-text-v1.5" not in labels(ax)


def test_servers_that_are_alike_are_said_to_be(tmp_path: Path) -> None:
    """With nothing that differs, the plot says that the servers are alike."""
    figure = plots.server_differences(seen(tmp_path, {"one": [listed("A")], "two": [listed("A")]}))
    assert "All 2 servers have the same models" in texts(figure)


def test_a_hundred_servers_fit(tmp_path: Path) -> None:
    """With many servers the first sixty have a column, and the others are counted."""
    servers: Fleet = {f"server-{n:03d}": [listed(f"M{n % 7}")] for n in range(100)}
    figure = plots.server_differences(seen(tmp_path, servers))
    assert len(figure.axes[0].get_xticklabels()) == 60
    assert figure.axes[0].get_xlabel() == "40 more servers not shown"
    assert figure._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]


def test_names_are_drawn_as_they_are(tmp_path: Path) -> None:
    """A dollar is a dollar, an underscore an underscore, control characters are made visible, long names are cut."""
    names = ["$\\frac{1}{2}$", "$broken", "_hidden", "a\nb\x1b[31m", "x" * 300]
    figure = plots.largest_models(seen(tmp_path, {"one": [listed(name) for name in names]}))
    assert set(labels(figure.axes[0])) == {
        "$\\frac{1}{2}$",
        "$broken",
        "_hidden",
        "a\\nb\\x1b[31m",
        "x" * (canvas.NAME - 3) + "...",
    }
    assert not any(text.get_parse_math() for text in figure.axes[0].get_yticklabels())
    assert figure._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]


def test_a_character_that_no_font_has_is_a_square() -> None:
    """What cannot be drawn is a white square; what any of the fonts has is drawn."""
    assert canvas.drawable("Größe \N{HIRAGANA LETTER A}", ["DejaVu Sans"]) == "Größe \N{WHITE SQUARE}"
    assert canvas.drawable("\N{HEBREW LETTER ALEF}\N{CYRILLIC SMALL LETTER YA}", ["DejaVu Sans"]) == "אя"
    assert canvas.drawable("\N{HEBREW LETTER ALEF}x", ["STIXGeneral"]) == "\N{WHITE SQUARE}x"
    assert canvas.drawable("\N{HEBREW LETTER ALEF}", ["STIXGeneral", "DejaVu Sans"]) == "א"
    assert canvas.installed()[0] == "DejaVu Sans"


@settings(
    max_examples=settings().max_examples // 10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(name=st.text(min_size=1, max_size=60).filter(lambda text: text.isprintable() or "\n" in text))
def test_any_text_can_be_drawn(name: str, tmp_path: Path) -> None:
    """Whatever a model is called, plots draw it, and matplotlib warns of nothing."""
    named = listed(name, 1, name, publisher=name, quantization={"name": name, "bits_per_weight": 4})
    snapshot = seen(tmp_path, {"one": [named], "two": []})
    for plot in (plots.context_by_size, plots.quantization_mix, plots.server_differences):
        plot(snapshot).draw_without_rendering()


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, "not reported"),
        (0, "0.0"),
        (1, "<0.01"),
        (84_106_624, "0.08"),
        (17_990_911_801, "18.0"),
        (10**13, "10,000.0"),
    ],
)
def test_gigabytes_have_the_digits_that_tell_something(size: int | None, text: str) -> None:
    """Large sizes have one decimal, small ones two, and the smallest are said to be small."""
    assert canvas.gigabytes(size) == text


def test_colours_that_carry_meaning_differ_in_lightness() -> None:
    """Cells and changes can be told apart without seeing hues: by lightness, or by where they are drawn."""

    def lightness(colour: str) -> float:
        red, green, blue = matplotlib.colors.to_rgb(colour)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    assert abs(lightness(CHANGES["added"]) - lightness(CHANGES["reconfigured"])) > 0.2
    shades = sorted(map(lightness, CELLS.values()))
    assert shades[-2] - shades[-3] > 0.3
