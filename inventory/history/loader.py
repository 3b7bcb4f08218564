"""Load what a history holds: observations and the rows that belong to them, of runs by their names."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from datetime import datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, Self, TypeVar

import pyarrow as pa

from inventory import schema
from inventory.diff.fields import ignored_in
from inventory.errors import ConfigurationError, wrong_type
from inventory.filesystem.names import local_folder
from inventory.history.changed_rows import field_names
from inventory.history.few_responses import load_responses, read_few
from inventory.history.selectors import resolve, resolve_dated
from inventory.history.sql import all_runs
from inventory.history.states.retirement import Retirement
from inventory.history.states.states import States
from inventory.history.storage.shared_rows import without_clocks
from inventory.history.storage.store import Store
from inventory.history.stored_rows import ANSWER, StoredRows, answer_rows
from inventory.run_ids import limit_of, misdated, utc_now
from inventory.tables import Row, RunTables, rows, values

BASELINE = "baseline:"
"""How a reference to a baseline begins."""

RETIRE_AFTER = timedelta(days=30)
"""How long a server that no run asks stays part of the state, unless the user says otherwise."""


_Loader = TypeVar("_Loader", bound="RunLoader")
_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def steady(
    reading: Callable[Concatenate[_Loader, _Arguments], _Result],
) -> Callable[Concatenate[_Loader, _Arguments], _Result]:
    """Make a method start again if files of the history are merged or pruned while it reads them."""

    @wraps(reading)
    def read(loader: _Loader, /, *args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        return loader.store.retry_if_changed(lambda: reading(loader, *args, **kwargs))

    return read


class RunLoader:
    """The files of a history, opened as they are needed, and the names of its runs: references and baselines.

    Args:
        path: the folder, or its ``file://`` address; one that is not there is an empty history.
        engine: what runs the queries: a word of ``engines.ENGINES``.
        clock: gives the present time: a run that is dated more than an hour later is misdated. It is listed by
            ``runs`` and left out of everything else.
        ignore: globs of fields that are not compared. Runs are recorded without those of them that no column holds.
        retire_after: servers that no run asked for so long are no part of the state; None keeps all.
        collector: the name of this machine, which runs that it records carry.

    Raises:
        ConfigurationError: it is an address of another kind, such as ``s3://bucket/folder``.
        FileError: there is no folder at the address, or it could not be reached.
    """

    def __init__(
        self,
        path: str | Path,
        engine: str = "duckdb",
        clock: Callable[[], datetime] = utc_now,
        *,
        ignore: Sequence[str] = (),
        retire_after: timedelta | None = RETIRE_AFTER,
        collector: str = "",
    ) -> None:
        if not isinstance(path, str | Path):
            raise wrong_type(path, "the folder of a history", "Give a text or a pathlib.Path")
        self.store = Store(local_folder(path))
        self.ignore = tuple(ignore)
        self._engine = engine
        self.clock = clock
        self.retire_after = retire_after
        self.collector = collector
        self._columns: Mapping[str, Sequence[str]] | None = None

    def seen_at(self, now: datetime) -> Self:
        """Return the same history with the clock at some time."""
        other = copy(self)
        other.clock = lambda: now
        return other

    def reading(self, columns: Mapping[str, Sequence[str]] | None) -> Self:
        """Return the same history, which reads only these columns of models and instances; None for all of them.

        With columns a table may lack others, have no rows if it is not named, and have its texts in dictionaries.
        """
        other = copy(self)
        other._columns = columns
        return other

    def dated(self, run_ids: Sequence[str] | None = None) -> list[str]:
        """Return the ids of those runs, by default of all, that are not misdated, oldest first."""
        recorded = self.store.run_ids() if run_ids is None else run_ids
        ahead = set(self.misdated(recorded))
        return [run_id for run_id in recorded if run_id not in ahead]

    def misdated(self, run_ids: Sequence[str] | None = None) -> list[str]:
        """Return the ids of those runs, by default of all, that are dated more than an hour ahead of the clock."""
        return misdated(self.store.run_ids() if run_ids is None else run_ids, self.clock())

    def resolve(self, ref: str) -> str:
        """Resolve a reference to a run id.

        Raises:
            ConfigurationError: it matches no run, or more than one.
        """
        if not isinstance(ref, str):
            raise wrong_type(ref, "the name of a run", "Give a text: a run's id, a date such as 2026-11-28, or latest")
        return resolve(self._named(ref), self.store.run_ids(), self.clock())

    def _resolve_dated(self, ref: str, recorded: Sequence[str]) -> str:
        """Resolve a reference to a run that is part of a state."""
        return resolve_dated(self._named(ref), recorded, self.clock())

    def _named(self, ref: str) -> str:
        """Return the run of a baseline, and any other reference as it is."""
        return self.baseline(ref.removeprefix(BASELINE)) if ref.startswith(BASELINE) else ref

    def baseline(self, name: str) -> str:
        """Return the run that a baseline names.

        Raises:
            ConfigurationError: there is none.
        """
        known = self.store.baselines()
        if name not in known:
            raise ConfigurationError(
                f"there is no baseline {name!r}",
                f"There are: {', '.join(known) or 'none'}; save one: lms-inventory baseline set NAME [REF]",
            )
        return known[name]

    def save_baseline(self, name: str, ref: str = "latest") -> str:
        """Save a run as a baseline, and return its id.

        Raises:
            ConfigurationError: the name cannot be one or is taken, or there is no such run.
            FileError: it could not be written, or the run was pruned meanwhile.
        """
        run_id = self.resolve(ref)
        self.store.save_baseline(name, run_id)
        return run_id

    def remove_baseline(self, name: str) -> str:
        """Remove a baseline, and return the id of its run, which stays; empty if the baseline was damaged.

        Raises:
            ConfigurationError: there is none of that name.
            FileError: it could not be removed.
        """
        return self.store.remove_baseline(name)

    @steady
    def observed(self, run_id: str) -> list[Row]:
        """Return the observations of one run."""
        return rows(self.store.read("observations", run_id).table())

    @property
    def retirement(self) -> Retirement:
        """The rules by which servers leave the state."""
        return Retirement(self.retire_after, self.store.retired())

    def states(self, run_ids: Sequence[str] | None = None) -> States:
        """Return the states after some runs, by default after each."""
        return States(self.store, self._engine, self.dated(run_ids), limit_of(self.clock()), self.retirement)

    def snapshot(self, observed: pa.Table) -> RunTables:
        """Build the tables of observations, with the models and instances of their answers."""
        answers = observed.select(all_runs.WANTED.names)
        if answers["digest"].null_count:  # to filter takes a while to import
            answers = answers.filter(answers["digest"].is_valid())
        return RunTables({"observations": observed, **self.grain_tables(answers)})

    @steady
    def grain_tables(self, answers: pa.Table) -> dict[str, pa.Table]:
        """Build the tables of models and instances of answers: rows of ``all_runs.WANTED``."""
        wanted, few = self._columns, read_few(self.store, values(answers, "stored_in"), all_runs.GRAIN_FILES)
        # Earlier versions stored the clocks of one server for all servers that share the row.
        return {
            table.name: without_clocks(
                answer_rows(self.store, table, answers, wanted if wanted is None else wanted.get(table.name, ()))
                if few is None
                else load_responses(few, table, rows(answers))
            )
            for table in schema.GRAIN_TABLES.values()
        }

    @steady
    def unstored(self, snapshot: RunTables) -> tuple[str, ...]:
        """Return the globs of unknown fields that rows of this history were stored without."""
        stored = snapshot.tables["observations"].select(ANSWER).drop_null()
        if not stored.num_rows:
            return ()
        payloads = StoredRows(self.store, "payloads", stored)
        fields = payloads.columns(["fields"], payloads.rows)["fields"].unique()
        return ignored_in(name for text in fields.to_pylist() for name in field_names(text))
