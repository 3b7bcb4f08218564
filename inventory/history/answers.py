"""The last complete answers of servers, by which a run judges the new ones: plausible, or the same again?"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import partial

import pyarrow as pa

from inventory import schema
from inventory.about import VERSION
from inventory.collection.plausibility import PreviousState
from inventory.collection.repeats import KnownAnswers
from inventory.diff.extras import IGNORED
from inventory.errors import FileError
from inventory.history.reader import RunHistory
from inventory.history.sql.all_runs import GRAIN_FILES, WANTED
from inventory.normalize.ticking import CLOCKS
from inventory.tables import Row, rows, table_of, values

_WORTH = 100  # models in the answers of one file from which on opening it costs less than parsing them again


def expected(history: RunHistory, servers: Collection[str]) -> tuple[dict[str, PreviousState], KnownAnswers]:
    """Return what the history knows of servers that are about to be queried, and their last answers.

    The newest run's file usually answers for all; only of the servers that it did not read are others opened.
    """
    runs = history.dated()
    if not runs:
        return {}, KnownAnswers()
    states = history.states()
    complete = states.newest(runs[-1], servers)
    doubted: dict[str, list[Row]] = {}
    if others := [server for server in servers if server not in complete]:
        complete |= states.known(runs[-1], others)
        doubted = states.doubted(runs[-1], [server for server in others if server in complete])
    keys = _keys_of(history, [suspect[0] for suspect in doubted.values() if suspect])
    previous = {
        server: PreviousState(row["model_count"], keys.get(server), len(doubted.get(server, ())))
        for server, row in complete.items()
    }
    return previous, _known_answers(history, complete)


def _known_answers(history: RunHistory, complete: Mapping[str, Row]) -> KnownAnswers:
    """Return those last complete answers whose bytes this version would read as it did then.

    The history has to hold the very bytes: an answer that is equal but for its order has other rows. And it has to hold
    their rows as they were received, which it does not where fields are ignored.
    """
    same_version: dict[str, bool] = {}
    stored: dict[str, list[Row]] = defaultdict(list)
    for row in () if history.ignore else complete.values():
        if row["run_id"] not in same_version:
            about = history.store.read("observations", row["run_id"]).about
            here = about.get("version") == VERSION and about["schema_version"] == schema.SCHEMA_VERSION
            same_version[row["run_id"]] = here
        if same_version[row["run_id"]]:
            stored[row["stored_in"]].append(row)
    known: dict[str, Row] = {}
    for run_id, answers in stored.items():
        if sum(row["model_count"] for row in answers) >= _WORTH:
            bodies = _whole_answers(history, run_id)
            known |= {row["server"]: row for row in answers if bodies.get(row["digest"]) == row["payload_digest"]}
    return KnownAnswers(known, partial(_rows_of, history), partial(_body, history, {}))


def _rows_of(history: RunHistory, stored: Sequence[Row]) -> dict[str, pa.Table]:
    """Return the models and instances of stored answers."""
    return history.grain_tables(table_of(WANTED, stored))


def _keys_of(history: RunHistory, stored: Sequence[Row]) -> dict[str, frozenset[str]]:
    """Return the model keys of stored responses, by the server of the observation."""
    keys: dict[str, set[str]] = {row["server"]: set() for row in stored}
    models = _rows_of(history, stored)["models"] if stored else None
    for row in rows(models.select(["server", "key"])) if models else ():
        keys[row["server"]].add(row["key"])
    return {server: frozenset(server_keys) for server, server_keys in keys.items()}


def _whole_answers(history: RunHistory, run_id: str) -> dict[str, str]:
    """Return the SHA-256 of the bodies that a run stored, by digest, of those whose rows are as they were received.

    Without the rows of a run, or if they are damaged, its answers are parsed again.
    """
    try:
        segment = history.store.read("payloads", run_id)
        for kind in GRAIN_FILES:
            history.store.checked(kind, [run_id])
    except FileError:
        return {}
    if segment.about["schema_version"] != schema.SCHEMA_VERSION:
        return {}
    table = segment.table(["digest", "payload_digest", "fields"])
    fields = table.column("fields").combine_chunks().dictionary_encode()  # those of most answers are the same
    whole = [bool(text) and text.count(f'"{IGNORED}') == len(CLOCKS) for text in fields.dictionary.to_pylist()]
    columns = (*(values(table, name) for name in ("digest", "payload_digest")), fields.indices.to_pylist())
    return {digest: body for digest, body, number in zip(*columns, strict=True) if number is not None and whole[number]}


def _body(history: RunHistory, opened: dict[str, dict[str, pa.Scalar]], row: Row) -> bytes:
    """Read the body of an answer; the files that were opened for others are kept."""
    run_id = row["stored_in"]
    if run_id not in opened:
        table = history.store.read("payloads", run_id).table(["digest", "body"])
        opened[run_id] = dict(zip(values(table, "digest"), table.column("body"), strict=True))
    body: bytes = opened[run_id][row["digest"]].as_py()
    return body
