"""The totals of a run or state, and the key figures that every form shows."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from inventory.columns import counted
from inventory.report.change_lines import ChangeSection
from inventory.report.coverage import Coverage
from inventory.text import MINUS, count, integer, signed_size, size

_LABELS = ("Servers read", "Models", "On disk", "Loaded instances", "Added / removed", "Reconfigured")
_NO_VALUE = "\u2014"


@dataclass(frozen=True)
class KeyFigure:
    """One figure: its label, its value, and a note beneath."""

    label: str
    value: str
    note: str


@dataclass(frozen=True)
class Totals:
    """The counts of a run or state.

    Attributes:
        models: models of the servers whose models are known.
        kinds: their number by type, the most common first; ``None`` where the type is not reported.
        size_bytes: their size; None if none of them reports one.
        instances: loaded instances.
        loaded_models: models with a loaded instance.
    """

    models: int
    kinds: Mapping[str | None, int]
    size_bytes: int | None
    instances: int
    loaded_models: int


def count_totals(models: pa.Table, instances: int) -> Totals:
    """Count what a run or state holds.

    Args:
        models: the models table.
        instances: the number of loaded instances.
    """
    counts = counted(models, ("type", "size_bytes", "loaded_instance_count"))
    kinds: Counter[str | None] = Counter()
    for (kind, *_), number in counts.items():
        kinds[kind] += number
    sizes = [size * number for (_, size, *_), number in counts.items() if size is not None]
    return Totals(
        models.num_rows,
        dict(kinds.most_common()),
        sum(sizes) if sizes or not models.num_rows else None,
        instances,
        sum(number for (*_, loaded), number in counts.items() if loaded),
    )


def key_figures(
    totals: Totals | None, changes: ChangeSection | None, coverage: Coverage, not_compared: str
) -> tuple[KeyFigure, ...]:
    """Make the six figures: servers read, models, size, loaded instances, added and removed, reconfigured.

    Args:
        totals: what was counted; None if no server was read.
        changes: what changed; None if the run is not compared.
        coverage: how much was read.
        not_compared: why it is not compared.
    """
    servers = (f"{coverage.servers - len(coverage.unread):,} / {coverage.servers:,}", _servers_note(coverage))
    if totals is None:
        rest = (KeyFigure(label, _NO_VALUE, "not collected") for label in _LABELS[1:])
        return (KeyFigure(_LABELS[0], *servers), *rest)
    figures = [
        servers,
        (integer(totals.models), _kinds_note(totals.kinds)),
        (size(totals.size_bytes), _size_note(changes, not_compared)),
        (integer(totals.instances), f"of {count(totals.loaded_models, 'model')}"),
        *_change_figures(changes, not_compared),
    ]
    return tuple(KeyFigure(label, value, note) for label, (value, note) in zip(_LABELS, figures, strict=True))


def _servers_note(coverage: Coverage) -> str:
    late = len({*coverage.unread} - {*coverage.stale})
    parts = [f"{late:,} not read now"] if late else []
    parts += [f"{len(coverage.stale):,} stale or never read"] if coverage.stale else []
    return " \u00b7 ".join(parts) or "complete"


def _kinds_note(kinds: Mapping[str | None, int]) -> str:
    counts = [(kind or "other", number) for kind, number in kinds.items()]
    rest = sum(number for _, number in counts[2:])
    parts = [f"{number:,} {kind}" for kind, number in counts[:2]] + ([f"{rest:,} other"] if rest else [])
    return " \u00b7 ".join(parts) or "none"


def _size_note(changes: ChangeSection | None, not_compared: str) -> str:
    if changes is None or changes.nothing_compared:
        return changes.nothing_compared if changes else not_compared
    return f"{signed_size(changes.size_difference)} since then" if changes.size_difference else "as before"


def _change_figures(changes: ChangeSection | None, not_compared: str) -> list[tuple[str, str]]:
    if changes is None or changes.nothing_compared:
        return [(_NO_VALUE, changes.nothing_compared if changes else not_compared)] * 2
    compared = [f"{grain}s" for grain in changes.counts]
    models = changes.counts.get("model")
    reconfigured = sum(counts["reconfigured"] for counts in changes.counts.values())
    return [
        (f"+{models['added']:,} / {MINUS}{models['removed']:,}", "models") if models else (_NO_VALUE, "not compared"),
        (f"{reconfigured:,}", " and ".join(compared)),
    ]
