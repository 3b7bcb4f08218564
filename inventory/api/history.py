"""A history with DataFrames, and a view in Jupyter."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from inventory.api.frames import change_frame, frame, labelled_frame
from inventory.api.snapshot import Changes, Snapshot
from inventory.formats.html.fragments import runs_html
from inventory.history.reader import RunHistory
from inventory.report.fleet import labels_of
from inventory.run_ids import time_of
from inventory.schema import derived

if TYPE_CHECKING:
    import pandas as pd


class History(RunHistory):
    """The recorded runs of a folder, with DataFrames. Arguments and errors as ``RunHistory``."""

    def __repr__(self) -> str:
        return f"<History {self.store.folder}: {len(self.store.run_ids())} runs>"

    def _repr_html_(self) -> str:
        """Show its newest runs in Jupyter."""
        return runs_html(repr(self)[1:-1], derived.RUNS, self.runs_table())

    def runs(self) -> "pd.DataFrame":
        """Build one row per run, oldest first: status, counts, size, number of changes; columns of ``derived.RUNS``."""
        return frame(self.runs_table())

    def timeline(self, since: datetime | None = None) -> "pd.DataFrame":
        """Build one row per change, oldest first: ``derived.TIMELINE``, then ``old_value`` and ``new_value``."""
        return change_frame(self.timeline_table(since))

    def lifecycle(self) -> "pd.DataFrame":
        """Build one row per server and model: first_seen, last_seen, days_present, runs_loaded and more."""
        return frame(self.lifecycle_table())

    def models(self, at: str = "latest") -> "pd.DataFrame":
        """Build one row per model of the state after a run: of each server its last complete response by then."""
        return self.state(at).models

    def load(self, ref: str = "latest") -> Snapshot:
        """Load what one run saw, failures included.

        Raises:
            ConfigurationError: there is no such run.
            FileError: a file of the history is missing or damaged.
        """
        return Snapshot.of(super().load(ref))

    def state(self, at: str = "latest", servers: Iterable[str] = ()) -> Snapshot:
        """Load the state at a moment: of each server the last complete response by then, with its age.

        Args:
            at: a run, or a moment whose last run it is.
            servers: only these; by default all that were ever asked and are not retired.
        """
        return Snapshot.of(super().state(at, servers))

    def servers(self, at: str = "latest") -> "pd.DataFrame":
        """Build one row per server that any run asked: columns of ``derived.SERVERS``, then its labels."""
        table = self.servers_table(at)
        return labelled_frame(table, labels_of(table))

    def sql(self, query: str, at: str = "latest", *, timeout: float | None = None) -> "pd.DataFrame":
        """Answer one SELECT over the views that ``lms-inventory query --tables`` lists.

        ``models``, ``instances``, ``observations`` and ``servers`` are the state; ``models_history``,
        ``instances_history`` and ``observations_history`` hold all runs; beside them there are ``changes``,
        ``timeline``, ``lifecycle`` and ``runs``. The query can reach no file, no network and no Python variable; the
        columns are of the types that files of this tool have.

        Args:
            query: one SELECT in DuckDB's SQL: your own code, which may use up to 4 GiB of memory.
            at: the moment of the state.
            timeout: seconds after which the query is interrupted; None for never.

        Raises:
            ConfigurationError: it is not one SELECT, it is wrong, or it takes too long or too much memory.
        """
        return frame(self.answer(query, at, timeout=timeout)[1])

    def findings(self, config: str | Path = "inventory.toml", at: str = "latest") -> "pd.DataFrame":
        """Judge the state at a moment by the rules of a configuration; columns of ``derived.FINDINGS``.

        Args:
            config: the configuration with the rules.
            at: a run, or a moment whose last run it is.

        Raises:
            ConfigurationError: a rule is wrong, or there is no such run.
        """
        from inventory.config.loader import read
        from inventory.history.queries.audit import check_expression
        from inventory.operations.audit import audit
        from inventory.operations.compare import ResolvedRef
        from inventory.rules.evaluate import findings_table
        from inventory.rules.parse import parse_rules

        rules = parse_rules(read(Path(config)), check_expression)
        return frame(findings_table(audit(ResolvedRef(at, self.resolve(at)), self, rules, now=self.clock()).findings))

    def panel(
        self, freq: str = "D", by: str | None = None, *, start: datetime | None = None, end: datetime | None = None
    ) -> "pd.DataFrame":
        """Build sizes and counts of the state over time, by group, carried forward where a server was not read.

        Args:
            freq: how far the moments lie apart, as pandas writes it: ``h``, ``D``, ``W``, ``MS``; days end at midnight
                of the local time zone.
            by: None for one group, ``server``, ``label:NAME``, or a column of the models such as ``publisher``.
            start: the first moment; by default the first run.
            end: the last moment; by default the newest run.

        Returns:
            One row per moment and group; columns of ``derived.PANEL``.

        Raises:
            ConfigurationError: there is no such group.
        """
        import pandas as pd

        run_ids = self.dated()
        if not run_ids:
            return frame(self.panel_table([], by))
        first, last = start or time_of(run_ids[0]), end or time_of(run_ids[-1])
        grid = pd.date_range(first.astimezone(), last.astimezone(), freq=freq, normalize=freq[-1:] != "h")
        ends = [moment.to_pydatetime() for moment in grid if first <= moment < last]
        return frame(self.panel_table([*ends, last], by))

    def diff(
        self, old: str = "previous", new: str = "latest", *, ignore: Sequence[str] = (), servers: Iterable[str] = ()
    ) -> Changes:
        """Say what changed from the state after one run to the state after another.

        Args:
            old: the earlier run.
            new: the later run.
            ignore: further fields that are not compared; globs.
            servers: only these; all by default.
        """
        return Changes.of(super().diff(old, new, ignore=ignore, servers=servers))
