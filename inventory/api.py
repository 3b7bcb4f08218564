"""What a Python user holds: snapshots, changes and histories with pandas DataFrames, and in Jupyter a view of each."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from inventory import schema
from inventory.collection.collector import CONCURRENCY, TIMEOUT, Progress, ServerLike, query_servers, utc_now
from inventory.collection.plausibility import PreviousState
from inventory.config.servers import DEFAULT_ADDRESS
from inventory.diff.changes import ChangeSet
from inventory.diff.compare import compare_tables
from inventory.errors import wrong_type
from inventory.formats import read_file, write
from inventory.formats.html.fragments import changes_html, runs_html, snapshot_html
from inventory.history.reader import RunHistory
from inventory.normalize.payload import Payload, parse_payload
from inventory.report.coverage import coverage_of
from inventory.report.facts import Report
from inventory.run_ids import time_of
from inventory.schema import derived
from inventory.tables import ATTRIBUTE, RunTables, build, named_rows

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
        """One row per model; columns and units as in ``schema.MODELS``, nullable types."""
        return self._frame("models")

    @property
    def instances(self) -> "pd.DataFrame":
        """One row per loaded instance; columns and units as in ``schema.INSTANCES``, nullable types."""
        return self._frame("instances")

    @property
    def observations(self) -> "pd.DataFrame":
        """One row per server; columns and units as in ``schema.OBSERVATIONS``, nullable types."""
        return self._frame("observations")

    def write(self, path: str | Path, grain: str = "model") -> list[Path]:
        """Write it to a file whose suffix is the format: ``.csv``, ``.parquet``, ``.xlsx``, ``.html`` or ``.md``.

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
        """Convert a table to a DataFrame whose attributes say of which run or state it is."""
        content = frame(self.tables[name])
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
        return cls(changes.table, changes.skipped, changes.hints)

    @property
    def frame(self) -> "pd.DataFrame":
        """The changes as a DataFrame with nullable types; one row per change, columns of ``schema.CHANGES``."""
        return frame(self.table)

    def __repr__(self) -> str:
        return f"<Changes: {self.table.num_rows} rows, {len(self.not_compared)} servers not compared>"

    def _repr_html_(self) -> str:
        """Show their counts, the first rows in colour, and the servers that were not compared in Jupyter."""
        return changes_html(self)


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
        """Build one row per change in the history, oldest first; columns of ``derived.TIMELINE``."""
        return frame(self.timeline_table(since))

    def lifecycle(self) -> "pd.DataFrame":
        """Build one row per server and model: first_seen, last_seen, days_present, runs_loaded and more."""
        return frame(self.lifecycle_table())

    def models(self, at: str = "latest") -> "pd.DataFrame":
        """The models of the state after a run: of each server its last complete response by then."""
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
        """One row per server that any run asked: status, last answer, days silent, models; ``derived.SERVERS``."""
        return frame(self.servers_table(at))

    def panel(
        self, freq: str = "D", by: str | None = None, *, start: datetime | None = None, end: datetime | None = None
    ) -> "pd.DataFrame":
        """Sizes and counts of the state over time, by group, carried forward where a server was not read.

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


def collect(
    servers: ServerLike | Iterable[ServerLike] = DEFAULT_ADDRESS,
    *,
    token: str | None = None,
    timeout: float = TIMEOUT,
    clock: Callable[[], datetime] = utc_now,
    run_id: str | None = None,
    expected: Mapping[str, PreviousState] | None = None,
    recheck: float = 5.0,
    concurrency: int = CONCURRENCY,
    progress: Progress | None = None,
    chance: Callable[[], float] = random.random,
    ignore: Iterable[str] = (),
) -> Snapshot:
    """Ask LM Studio servers for their models: one GET each, at the same time.

    Args:
        servers: an address (``[NAME=]URL``), a ``Server``, the path of a saved response, or several of these.
        token: the API token for the servers that are given as addresses.
        timeout: seconds that each server has for its whole response, unless it has a timeout of its own.
        clock: gives the time in UTC.
        run_id: the run's id; a new one by default.
        expected: what is known of the servers, by name: a response that lost most of its models is doubted.
        recheck: seconds before a doubtful server is queried once more.
        concurrency: servers queried at the same time.
        progress: called as each server is done, with its observation, how many are done, and how many there are.
        chance: gives a random number from 0 to 1, for the pauses before further attempts.
        ignore: globs of unknown fields, such as ``extra.last_used_at``, that do not count when two responses are
            compared.

    Returns:
        The snapshot. ``snapshot.complete`` says whether every server was read; ``snapshot.observations`` says why not.

    Raises:
        ConfigurationError: an address, a name, a token or a file of certificate authorities that cannot be one, or two
            servers with one name.
    """
    return Snapshot.of(
        query_servers(
            servers,
            token=token,
            timeout=timeout,
            clock=clock,
            run_id=run_id,
            expected=expected,
            recheck=recheck,
            concurrency=concurrency,
            progress=progress,
            chance=chance,
            ignore=ignore,
        )
    )


def read(path: str | Path) -> Snapshot:
    """Read a snapshot from a file that this tool wrote.

    Args:
        path: a ``.csv``, ``.parquet`` or ``.xlsx``; for ``NAME.csv`` also the pair that ``both`` grains make.

    Raises:
        ConfigurationError: an unknown suffix, or no path.
        FileError: the file is missing, damaged or not written by this tool.
    """
    return Snapshot.of(read_file(path))


def compare(old: RunTables, new: RunTables, ignore: Sequence[str] = ()) -> Changes:
    """Say what changed from one snapshot to another.

    Args:
        old: the earlier one.
        new: the later one.
        ignore: names of fields whose values are not compared, with all that is in them; ``*`` and ``?`` stand for any
            text.

    Raises:
        ConfigurationError: one of them is no snapshot.
    """
    for argument in (old, new):
        if not isinstance(argument, RunTables):
            raise wrong_type(argument, "a snapshot", "Get one from inventory.collect, inventory.read or History.load")
    return Changes.of(compare_tables(old, new, ignore))


def flatten_models(payload: Payload, server: str = "local") -> "pd.DataFrame":
    """Flatten a response into one row per model, as a DataFrame with nullable types.

    Args:
        payload: the response of ``GET /api/v1/models``: the object that ``json.loads`` gives, the list of models in it,
            or the JSON itself.
        server: the name in the ``server`` column.

    Raises:
        ServerError: the payload is not a response of this endpoint.
        ConfigurationError: it is neither of these.
    """
    return frame(build(schema.MODELS, named_rows(parse_payload(payload).models, server)))


def flatten_instances(payload: Payload, server: str = "local") -> "pd.DataFrame":
    """Flatten a response into one row per loaded instance; arguments and errors as ``flatten_models``."""
    return frame(build(schema.INSTANCES, named_rows(parse_payload(payload).instances, server)))


def frame(table: pa.Table) -> "pd.DataFrame":
    """Convert an Arrow table to a pandas DataFrame with nullable types."""
    return table.to_pandas()  # type: ignore[no-any-return]
