"""Metrics for Prometheus: text that node_exporter reads in its folder for text files.

Gauges only, without timestamps. It is also OpenMetrics, whose end is a comment to other readers.
"""

import math
from typing import TYPE_CHECKING

from inventory.report.metrics import gauges
from inventory.text import escape_invisible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inventory.report.facts import Report

PREFIX = "lms_inventory_"

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\\\r"})


def encode(report: "Report", grain: str) -> bytes:  # noqa: ARG001 - it counts every grain
    """Write the gauges of a report; what cannot be seen in a name is made visible, as in every report."""
    lines = []
    for gauge in gauges(report):
        name = PREFIX + gauge.name
        lines += [f"# HELP {name} {gauge.meaning}", f"# TYPE {name} gauge"]
        lines += [f"{name}{_braces(labels)} {_number(value)}" for labels, value in gauge.samples]
    return "".join(f"{line}\n" for line in (*lines, "# EOF")).encode()


def _braces(labels: "Mapping[str, str]") -> str:
    pairs = ",".join(f'{name}="{escape_invisible(value).translate(_ESCAPES)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) else repr(float(value))
