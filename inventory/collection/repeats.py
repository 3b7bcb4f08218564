"""Answers that a server gives again, byte for byte: they are not parsed, and their rows are read where they are needed.

Most machines of a fleet answer what they answered last time. Whoever holds those answers (a history) hands in a
``KnownAnswers``; the tables of the run are then a ``LateTables``, whose rows are put together when they are asked for.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa

from inventory import schema
from inventory.tables import Row, column_of, values

RowsOf = Callable[[Collection[str]], Mapping[str, pa.Table]]

_TICKING = (*(name.encode() for name in schema.CLOCKS), rb"\u00")
"""Bytes in each body that has a field of ``schema.CLOCKS``, maybe escaped: the rows of a history lack its values."""


@dataclass(frozen=True)
class KnownAnswers:
    """The last complete answer of each server, of those that the history holds word for word.

    Attributes:
        observations: the observation of each, by server.
        tables: returns the models and instances of new observations that repeat those answers.
        body: returns the body of the answer of a server.
    """

    observations: Mapping[str, Row] = field(default_factory=dict)
    tables: Callable[[Sequence[Row]], Mapping[str, pa.Table]] = lambda _: {}
    body: Callable[[Row], bytes] = lambda _: b""

    def repeated(self, server: str, source: str, payload_digest: str, body: bytes) -> Row | None:
        """Return the observation of the answer that a server gives again; None if it is another one.

        Args:
            server: its name.
            source: where the answer came from.
            payload_digest: SHA-256 of the body.
            body: the body.
        """
        known = self.observations.get(server)
        if not known or (known["payload_digest"], known["source"]) != (payload_digest, source):
            return None
        return None if any(text in body for text in _TICKING) else known


class LateTables(Mapping[str, pa.Table]):
    """The tables of a run whose rows are put together when they are first needed, which they often are not.

    Args:
        observations: the observations.
        rows_of: returns the models and instances of some servers.
    """

    def __init__(self, observations: pa.Table, rows_of: RowsOf) -> None:
        self._observations = observations
        self.rows_of = rows_of

    def __getitem__(self, name: str) -> pa.Table:
        return self._observations if name == schema.OBSERVATIONS.name else self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter((schema.OBSERVATIONS.name, *(table.name for table in schema.GRAIN_TABLES.values())))

    def __len__(self) -> int:
        return 1 + len(schema.GRAIN_TABLES)

    def __reduce__(self) -> tuple[type[dict[str, pa.Table]], tuple[dict[str, pa.Table]]]:
        """Copy and pickle as the tables themselves: a snapshot goes to other processes and into caches."""
        return dict, (dict(self),)

    @cached_property
    def _rows(self) -> Mapping[str, pa.Table]:
        return self.rows_of(set(values(self._observations, "server")))


def with_observations(tables: Mapping[str, pa.Table], observations: pa.Table) -> Mapping[str, pa.Table]:
    """Return the tables of a run with other observations, without putting its rows together."""
    if isinstance(tables, LateTables):
        return LateTables(observations, tables.rows_of)
    return {**tables, schema.OBSERVATIONS.name: observations}


def rows_of(tables: Mapping[str, pa.Table], servers: Sequence[str]) -> Mapping[str, pa.Table]:
    """Return the models and instances of some servers of a run: of a large fleet few have a new answer."""
    if isinstance(tables, LateTables):
        return tables.rows_of(set(servers))
    names = [table.name for table in schema.GRAIN_TABLES.values()]
    if len(servers) == tables[schema.OBSERVATIONS.name].num_rows:
        return {name: tables[name] for name in names}
    from pyarrow import compute  # takes a while to import, which a run of one server need not

    wanted = column_of(schema.TEXT, servers).combine_chunks()
    return {name: tables[name].filter(compute.is_in(tables[name].column("server"), wanted)) for name in names}


def joined(tables: Sequence[Mapping[str, pa.Table]]) -> Mapping[str, pa.Table]:
    """Join the models and instances of several parts of a run, each sorted by server, in that order."""
    if len(tables) == 1:
        return tables[0]
    from pyarrow import compute  # takes a while to import

    whole = {name: pa.concat_tables([part[name] for part in tables]) for name in tables[0]}
    order = {name: compute.sort_indices(table.column("server")) for name, table in whole.items()}  # a stable sort
    return {name: table.take(order[name]).combine_chunks() for name, table in whole.items()}
