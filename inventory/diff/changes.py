"""Changes: what differs between two snapshots, as people hold it."""

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from inventory import schema
from inventory.tables import frame, rows

if TYPE_CHECKING:
    import pandas as pd


UNREAD = "not read"
"""How the reason begins why a server was not compared whose answer was not read, or is suspect."""


@dataclass(frozen=True, repr=False)
class Changes:
    """What differs between two snapshots.

    Attributes:
        table: one row per change, as ``schema.CHANGES`` says, as an Arrow table.
        skipped: one row per server that was not compared, or not as of now, as ``NOT_COMPARED`` says.
        hints: one row per change beside which something is to be said, as ``HINTS`` says.
    """

    table: pa.Table
    skipped: pa.Table
    hints: pa.Table

    @property
    def not_compared(self) -> dict[str, str]:
        """Why a server was not compared, by its name."""
        return {row["server"]: row["reason"] for row in rows(self.skipped)}

    @property
    def unread(self) -> list[str]:
        """The servers that could not be compared because an answer of theirs was not read, or is suspect."""
        return [server for server, reason in self.not_compared.items() if reason.startswith(UNREAD)]

    @property
    def frame(self) -> "pd.DataFrame":
        """The changes as a DataFrame with nullable types."""
        return frame(self.table)

    def counts(self, grain: str) -> dict[str, int]:
        """How many models or instances each word of ``schema.CHANGES_WORDS`` happened to."""
        touched: dict[str, set[tuple[Any, ...]]] = defaultdict(set)
        for row in rows(self.table):
            if row["grain"] == grain:
                name = row["field"] if row["key"] is None else row["old"] if row["change"] == "renamed" else None
                touched[row["change"]].add((*(row[key] for key in schema.INSTANCES.keys), name))
        return {word: len(touched[word]) for word in schema.CHANGES_WORDS}

    def __repr__(self) -> str:
        return f"<Changes: {self.table.num_rows} rows, {len(self.not_compared)} servers not compared>"

    def _repr_html_(self) -> str:
        """The changes in Jupyter: their counts, the first rows in colour, the servers not compared."""
        from inventory.formats.html.fragments import changes_html

        return changes_html(self)
