"""Snapshots and changes with DataFrames, files, and a view in Jupyter."""

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Self

from inventory.api.frames import change_frame, labelled_frame
from inventory.diff.changes import ChangeSet
from inventory.formats import write
from inventory.formats.html.fragments import changes_html, snapshot_html
from inventory.report.coverage import coverage_of
from inventory.report.facts import Report
from inventory.report.fleet import labels_of
from inventory.tables import ATTRIBUTE, RunTables

if TYPE_CHECKING:
    import pandas as pd


class Snapshot(RunTables):
    """The tables of one run, of a file, or of the state of a history, with DataFrames and files.

    Attributes:
        tables: ``observations``, ``models`` and ``instances`` as Arrow tables.
        grains: the grains it holds: both, or the one that a CSV or Parquet file was written in.
        payloads: the responses as received, by server name; empty for a snapshot read from a file.
    """

    @classmethod
    def of(cls, run: RunTables) -> Self:
        """Wrap the tables of a run, which are not copied."""
        return cls(**{field.name: getattr(run, field.name) for field in fields(run)})

    @property
    def models(self) -> "pd.DataFrame":
        """One row per model; columns and units as in ``schema.MODELS``, then the labels of its server."""
        return self._frame("models")

    @property
    def instances(self) -> "pd.DataFrame":
        """One row per loaded instance; columns and units as in ``schema.INSTANCES``, then the labels of its server."""
        return self._frame("instances")

    @property
    def observations(self) -> "pd.DataFrame":
        """One row per server; columns and units as in ``schema.OBSERVATIONS``, then its labels."""
        return self._frame("observations")

    def write(self, path: str | Path, grain: str = "model") -> list[Path]:
        """Write it to a file whose suffix is the format, such as ``.csv``, ``.parquet``, ``.xlsx`` or ``.html``.

        Args:
            path: the file; one that exists is replaced as a whole or not at all.
            grain: ``model``, ``instance`` or ``both``; a report always holds everything.

        Returns:
            The files written; none if no server could be read and the format cannot say so.

        Raises:
            ConfigurationError: an unknown suffix or grain.
            FileError: a file could not be written; what was there before is untouched.
        """
        return [file.path for file in write(Report(self), path, grain) if not file.skipped]

    def _frame(self, name: str) -> "pd.DataFrame":
        """Convert a table to a DataFrame with labels, whose attributes say of which run or state it is."""
        content = labelled_frame(self.tables[name], labels_of(self.tables["observations"]))
        content.attrs[ATTRIBUTE] = self.what
        return content

    def __repr__(self) -> str:
        models, instances = self.tables["models"].num_rows, self.tables["instances"].num_rows
        coverage = coverage_of(self)
        counts = f"{models} models, {instances} loaded instances" if self.anything_read else "nothing is known"
        return f"<Snapshot {self.what or 'from a file'}: {coverage.read}, {counts}>"

    def _repr_html_(self) -> str:
        """Show its counts, the servers that were not read, and the first models in Jupyter."""
        return snapshot_html(self)


class Changes(ChangeSet):
    """The differences between two snapshots, as a DataFrame.

    Attributes:
        table: one row per change, as an Arrow table; columns of ``schema.CHANGES``.
        not_compared: why a server was not compared, by its name.
    """

    @classmethod
    def of(cls, changes: ChangeSet) -> Self:
        """Wrap the changes that a comparison found, which are not copied."""
        return cls(changes.table, changes.skipped, changes.hints, changes.grains)

    @property
    def frame(self) -> "pd.DataFrame":
        """One row per change: columns of ``schema.CHANGES``, then ``old_value`` and ``new_value`` with their types."""
        return change_frame(self.table)

    def __repr__(self) -> str:
        return f"<Changes: {self.table.num_rows} rows, {len(self.not_compared)} servers not compared>"

    def _repr_html_(self) -> str:
        """Show their counts, the first rows in colour, and the servers that were not compared in Jupyter."""
        return changes_html(self)
