"""The servers of a history: when each was read last, how often, and which are retired."""

from datetime import datetime, timedelta

import pyarrow as pa

from inventory.history.states.retirement import Retirement
from inventory.schema import NUMBER, TEXT, derived
from inventory.tables import arrow_schema, cells, column_of, conformed


def server_rows(servers: pa.Table, run_id: str, now: datetime, retirement: Retirement) -> pa.Table:
    """Build one row per server that any run asked, retired ones too; columns of ``derived.SERVERS``.

    Args:
        servers: each server with its newest attempt and its last complete response.
        run_id: the run up to which they are told.
        now: the time from which days of silence are counted.
        retirement: which servers leave the state.
    """
    retired_before = retirement.before(run_id)
    by_name = {server: newest for server, newest in sorted(retirement.named) if newest <= run_id}
    statuses, silent = [], []
    read_columns = ("server", "status", "run_id", "last_asked", "last_read")
    for server, status, attempt, asked, read in cells(servers, read_columns):
        is_retired = retired_before is not None and asked < retired_before
        statuses.append("retired" if is_retired or by_name.get(server, "") >= attempt else status)
        silent.append(read and round((now - read) / timedelta(days=1), 3))
    columns = {name: servers.column(name) for name in servers.column_names}
    columns |= {"status": column_of(TEXT, statuses), "days_silent": column_of(NUMBER, silent)}
    target = arrow_schema(derived.SERVERS)
    return conformed(pa.table([columns[name] for name in target.names], target.names), target)
