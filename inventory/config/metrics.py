"""The labels of servers that metrics have: ``[metrics] labels``."""

import re
from collections.abc import Sequence

from inventory.errors import ConfigurationError

_RESERVED = ("server", "status")
_FOREIGN = re.compile(r"[^A-Za-z0-9_]")


def metric_labels(names: Sequence[str]) -> dict[str, str]:
    """Name labels of servers as a monitoring system wants them: letters, digits and underscores.

    Args:
        names: the labels, such as ``site`` or ``cost-center``.

    Returns:
        The name in the metrics of each label, such as ``cost_center``.

    Raises:
        ConfigurationError: two labels would have one name, or one that means something else.
    """
    labels: dict[str, str] = {}
    for name in names:
        label = _FOREIGN.sub("_", name.strip())
        if label[:1].isdigit() or label.startswith("__") or not label.strip("_"):
            label = f"label_{label.strip('_')}"
        if label in _RESERVED:
            raise ConfigurationError(f"labels cannot hold {name!r}: each metric has that already", "Remove it")
        if label in labels.values() and labels.get(name) != label:
            other = next(other for other, named in labels.items() if named == label)
            raise ConfigurationError(f"labels holds {other!r} and {name!r}, both {label} in a metric", "Remove one")
        labels[name] = label
    return labels
