"""The charts of the Summary sheet: bars, a line and columns, drawn from the cells of the data sheets."""

from collections.abc import Mapping, Sequence
from typing import Any

from openpyxl.chart import BarChart, LineChart, Reference, Series
from openpyxl.chart.label import DataLabelList
from openpyxl.chart.layout import Layout, ManualLayout
from openpyxl.chart.marker import Marker
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.chart.text import RichText, Text
from openpyxl.chart.title import Title
from openpyxl.drawing.line import LineProperties
from openpyxl.drawing.spreadsheet_drawing import AnchorMarker, TwoCellAnchor
from openpyxl.drawing.text import (
    CharacterProperties,
    Font,
    Paragraph,
    ParagraphProperties,
    RegularTextRun,
    RichTextProperties,
)

from inventory.formats.xlsx import styles
from inventory.report.palette import LIGHT

Corner = tuple[int, float, int]
"""A place on a sheet: the column, from 0; how far in it, in units of a column's width; the row, from 0."""

_PER_WIDTH = 7 * 9525  # EMU; a column's width is counted in digits of 7 pixels
_ASLANT = -45 * 60_000
_NAMED = 10  # of so many runs each can be named below the axis
_GIGABYTES = "#,##0.0,,,"
_BESIDE = 1.25  # times the longest bar, so that its number finds room beside it
_FEW = 10  # of so few changes, each has a line


class _Anchor(TwoCellAnchor):
    """The cells that a chart covers, and the text for those who cannot see it."""

    __elements__ = TwoCellAnchor.__elements__
    __attrs__ = TwoCellAnchor.__attrs__

    def __init__(self, described: str, start: AnchorMarker, end: AnchorMarker) -> None:
        self.described = described
        super().__init__(editAs="oneCell", _from=start, to=end)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "graphicFrame" and value is not None:
            value.nvGraphicFramePr.cNvPr.descr = self.described
        super().__setattr__(name, value)


def bars(title: str, values: Reference, names: Reference, most: int, colour: str) -> Any:
    """Draw sizes (bytes, shown as GB) side by side, the first on top; ``most`` is the longest bar's length."""
    chart = BarChart()
    chart.type, chart.gapWidth = "bar", 45
    chart.add_data(values, titles_from_data=False)
    chart.set_categories(names)
    chart.x_axis.scaling.orientation = "maxMin"
    chart.y_axis.delete, chart.y_axis.majorGridlines = True, None
    chart.y_axis.scaling.min, chart.y_axis.scaling.max = 0, most * _BESIDE
    chart.dataLabels = DataLabelList(
        showVal=True, showSerName=False, showCatName=False, showLegendKey=False, showPercent=False, dLblPos="outEnd"
    )
    chart.dataLabels.numFmt = _GIGABYTES
    chart.dataLabels.txPr = _text()
    chart.series[0].graphicalProperties = _filled(colour)
    return _finished(chart, title)


def line(title: str, sizes: Reference, marks: Reference | None, names: Reference, runs: int) -> Any:
    """Draw sizes (bytes, shown as GB) over the runs, with a gap where there is none.

    Args:
        title: its title.
        sizes: those of the runs that read some server, drawn as a line.
        marks: those of the runs that did not read every one, drawn as light points; None if there are none.
        names: what stands below.
        runs: how many there are.
    """
    chart = LineChart()
    colour = styles.CHART["size"]
    light = GraphicalProperties(solidFill=LIGHT.pale_bar, ln=LineProperties(solidFill=colour, w=12_000))
    looks = {
        "Size of the state": (sizes, _filled(colour), LineProperties(solidFill=colour, w=22_000)),
        "Not every server read": (marks, light, LineProperties(noFill=True)),
    }
    for name, (values, dot, stroke) in looks.items():
        if values is not None:
            series = Series(values, title=name)
            series.marker = Marker(symbol="circle", size=5, spPr=dot)
            series.graphicalProperties = GraphicalProperties(ln=stroke)
            series.smooth = False
            chart.series.append(series)
    chart.set_categories(names)
    chart.y_axis.number_format = "#,##0,,,"
    chart.display_blanks = "gap"
    return _finished(chart, title, runs)


def columns(title: str, counts: Mapping[str, Reference], names: Reference, runs: Sequence[int]) -> Any:
    """Stack counts over the runs by word; ``runs`` are the columns' heights."""
    chart = BarChart()
    chart.type, chart.grouping, chart.overlap, chart.gapWidth = "col", "stacked", 100, 60
    for word, values in counts.items():
        series = Series(values, title=word.capitalize())
        series.graphicalProperties = _filled(styles.CHART[word])
        chart.series.append(series)
    chart.set_categories(names)
    chart.y_axis.number_format, chart.y_axis.scaling.min = "#,##0", 0
    chart.y_axis.majorUnit = 1 if max(runs) <= _FEW else None
    return _finished(chart, title, len(runs))


def place(sheet: Any, chart: Any, described: str, start: Corner, end: Corner) -> None:
    """Put a chart onto a sheet.

    Args:
        sheet: the sheet.
        chart: the chart.
        described: the text for those who cannot see it.
        start: its upper left corner.
        end: its lower right corner.
    """
    corners = (
        AnchorMarker(col=column, colOff=round(across * _PER_WIDTH), row=row) for column, across, row in (start, end)
    )
    chart.anchor = _Anchor(described, *corners)
    sheet.add_chart(chart)


def _finished(chart: Any, title: str, names: int = 0) -> Any:
    """Finish a chart with what all have in common; of many names below it only some are shown."""
    run = RegularTextRun(rPr=_characters(1000, bold=True), t=title)
    paragraph = Paragraph(pPr=ParagraphProperties(defRPr=_characters(1000, bold=True)), r=[run])
    place_of = Layout(manualLayout=ManualLayout(xMode="edge", yMode="edge", x=0.02, y=0.03))
    chart.title = Title(
        tx=Text(rich=RichText(bodyPr=RichTextProperties(), p=[paragraph])), overlay=False, layout=place_of
    )
    if len(chart.series) == 1:
        chart.legend = None
    else:
        chart.legend.position, chart.legend.txPr = "b", _text()
    for axis in (chart.x_axis, chart.y_axis):
        axis.delete = bool(axis.delete)
        axis.txPr, axis.majorTickMark = _text(), "none"
        axis.graphicalProperties = GraphicalProperties(ln=LineProperties(solidFill=LIGHT.rule))
        if axis.majorGridlines is not None:
            axis.majorGridlines.spPr = GraphicalProperties(ln=LineProperties(solidFill=LIGHT.panel))
    chart.graphical_properties = GraphicalProperties(solidFill=LIGHT.paper, ln=LineProperties(solidFill=LIGHT.rule))
    if names > _NAMED:
        chart.x_axis.tickLblSkip, chart.x_axis.txPr = 1 + names // _NAMED, _text(_ASLANT)
    chart.roundedCorners = False
    chart.visible_cells_only = False  # The columns that it is drawn from are hidden.
    return chart


def _filled(colour: str) -> GraphicalProperties:
    return GraphicalProperties(solidFill=colour, ln=LineProperties(noFill=True))


def _text(turned: int = 0) -> RichText:
    paragraph = Paragraph(pPr=ParagraphProperties(defRPr=_characters(800)), endParaRPr=CharacterProperties())
    return RichText(bodyPr=RichTextProperties(rot=turned), p=[paragraph])


def _characters(hundredths: int, *, bold: bool = False) -> CharacterProperties:
    colour = LIGHT.banner if bold else LIGHT.soft
    return CharacterProperties(latin=Font(typeface="Calibri"), sz=hundredths, b=bold, solidFill=colour)
