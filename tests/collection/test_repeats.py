"""An answer that comes again, byte for byte, is not parsed again: and nothing else is different for it."""

import copy
import json
import pickle
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory import History, Snapshot, collect
from inventory.collection.collector import query_servers
from inventory.collection.repeats import KnownAnswers
from inventory.config.servers import Server
from inventory.history.answers import expected
from inventory.history.recorder import record
from inventory.history.verify import prove
from inventory.schema import GRAIN_TABLES
from inventory.tables import RunTables, rows

START = datetime(2026, 11, 1, 6, tzinfo=UTC)
MODELS = 120
"""Enough models for the history's file to be worth opening."""


def body_of(count: int = MODELS, **more: Any) -> bytes:
    """An answer with models, one of them loaded; ``more`` is in the loaded instance."""
    loaded = [{"id": "m000", "config": {"context_length": 4096}, **more}]
    models = [
        {
            "key": f"m{number:03}",
            "size_bytes": 10**9 + number,
            "variants": [f"m{number:03}@q8", f"m{number:03}@q4"],
            "loaded_instances": loaded if number == 0 else [],
        }
        for number in range(count)
    ]
    return json.dumps({"models": models}).encode()


class Fleet:
    """Saved answers, asked run after run at an hour of its own each time."""

    def __init__(self, folder: Path, ignore: Sequence[str] = ()) -> None:
        self.folder, self.runs = folder, 0
        folder.mkdir(exist_ok=True)
        self.history = History(folder / "history", ignore=ignore)

    def known(self, servers: Sequence[str]) -> KnownAnswers:
        """The answers that the history holds word for word."""
        return expected(self.history, servers)[1]

    def ask(self, answers: Mapping[str, bytes], known: KnownAnswers | None = None) -> RunTables:
        """Ask every server, once."""
        for name, body in answers.items():
            (self.folder / f"{name}.json").write_bytes(body)
        servers = [Server(f"file:{self.folder / name}.json", name) for name in answers]
        moment = START + timedelta(hours=self.runs)
        run_id = f"{moment:%Y%m%dT%H%M%S.%fZ}-0000"
        ignore = self.history.ignore
        return query_servers(servers, clock=lambda: moment, run_id=run_id, known=known, ignore=ignore, recheck=0)

    def record(self, answers: Mapping[str, bytes]) -> dict[str, bool]:
        """Ask twice, with and without what is known, and compare everything; return which answers were known."""
        known = self.known(list(answers))
        again, anew = self.ask(answers, known), self.ask(answers)
        assert rows(again.tables["observations"]) == rows(anew.tables["observations"])
        for table in GRAIN_TABLES.values():
            assert again.tables[table.name].equals(anew.tables[table.name], check_metadata=True)
        assert dict(again.payloads) == dict(anew.payloads)
        record(self.history, self.ask(answers, known))
        self.runs += 1
        digests = {row["server"]: row["payload_digest"] for row in rows(anew.tables["observations"])}
        return {name: known.repeated(name, "file", digests[name], body) is not None for name, body in answers.items()}


def test_what_comes_again_is_known(tmp_path: Path) -> None:
    """Of three servers one changes: the two others are known, and the history is sound."""
    fleet = Fleet(tmp_path)
    answers = {name: body_of(MODELS + number) for number, name in enumerate("abc")}
    assert fleet.record(answers) == {"a": False, "b": False, "c": False}
    assert fleet.record({**answers, "b": body_of(7)}) == {"a": True, "b": False, "c": True}
    assert fleet.record(answers) == {"a": True, "b": False, "c": True}
    assert not prove(fleet.history.store).problems.num_rows


@pytest.mark.parametrize(
    "second",
    [
        lambda body: body + b"\n",
        lambda body: json.dumps({"models": json.loads(body)["models"][::-1]}).encode(),
        lambda body: body.replace(b"@q8", b"@q9"),
    ],
    ids=["one byte more", "another order", "another value"],
)
def test_what_differs_in_a_byte_is_parsed(tmp_path: Path, second: Callable[[bytes], bytes]) -> None:
    """Only the very bytes that the history holds are known: what is equal but for its order has other rows."""
    fleet = Fleet(tmp_path)
    assert fleet.record({"a": body_of()}) == {"a": False}
    assert fleet.record({"a": second(body_of())}) == {"a": False}


@pytest.mark.parametrize(
    "body",
    [body_of(remaining_ttl_seconds=60), body_of(remaining_ttl_seconds=60).replace(b"_ttl", rb"\u005fttl")],
    ids=["plain", "escaped"],
)
def test_what_ticks_is_parsed(tmp_path: Path, body: bytes) -> None:
    """The history's rows lack the values of clocks, so a body that has some is parsed for them."""
    fleet = Fleet(tmp_path)
    for _ in range(2):
        assert fleet.record({"a": body}) == {"a": False}
    [instance] = rows(fleet.ask({"a": body}, fleet.known("a")).tables["instances"])
    assert instance["remaining_ttl_seconds"] == 60


def test_where_fields_are_ignored_all_is_parsed(tmp_path: Path) -> None:
    """Rows are stored without the fields that are ignored; and a digest that was taken with them is not used."""
    ignoring, plain = Fleet(tmp_path / "x", ["extra.last_used"]), Fleet(tmp_path / "x")
    for fleet in (ignoring, ignoring, plain, plain):
        fleet.runs = len(plain.history.store.run_ids())
        assert fleet.record({"a": body_of(last_used="now")}) == {"a": fleet.runs == 4}


def test_damaged_rows_are_parsed_again(tmp_path: Path) -> None:
    """A file that cannot be trusted is not used: the run is as it would be without it."""
    fleet = Fleet(tmp_path)
    fleet.record({"a": body_of()})
    [file] = (tmp_path / "history/models").rglob("*.parquet")
    file.write_bytes(file.read_bytes()[:-1])
    assert not fleet.known("a").observations


def test_few_models_are_parsed(tmp_path: Path) -> None:
    """It takes longer to open a file than to parse the answer of one small server."""
    fleet = Fleet(tmp_path)
    assert fleet.record({"a": body_of(3)}) == {"a": False}
    assert fleet.record({"a": body_of(3)}) == {"a": False}


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda taken: pickle.loads(pickle.dumps(taken))])
def test_a_snapshot_is_copied_and_pickled(tmp_path: Path, copied: Callable[[Snapshot], Snapshot]) -> None:
    """People hand snapshots to other processes and put them into caches: tables and bodies come through."""
    (tmp_path / "s.json").write_bytes(body_of(3))
    taken = collect(tmp_path / "s.json")
    again = copied(taken)
    assert again.run_id == taken.run_id
    assert {name: rows(table) for name, table in again.tables.items()} == {
        name: rows(table) for name, table in taken.tables.items()
    }
    assert dict(again.payloads) == dict(taken.payloads)


@settings(max_examples=max(2, settings().max_examples // 8), deadline=None)
@given(st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=2, max_size=4))
def test_no_run_tells_whether_it_was_parsed(tmp_path_factory: pytest.TempPathFactory, runs: list[list[int]]) -> None:
    """Whatever comes again and whatever is new, in whatever order: the tables and the bodies are the same."""
    bodies = [body_of(100), body_of(100, note="x"), body_of(101), b"{}"]
    fleet = Fleet(tmp_path_factory.mktemp("fleet"))
    for choice in runs:
        fleet.record({name: bodies[number] for name, number in zip("abc", choice, strict=True)})
    assert not prove(fleet.history.store).problems.num_rows
