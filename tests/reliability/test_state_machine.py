"""A history under anything that may happen to it, in any order, against a simple model in memory."""

import json
import random
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support.fault_injection import Fault, contents, run_faulty
from support.history_builders import Model, day, model

from inventory import History
from inventory.config.servers import Server
from inventory.history.compaction import compact
from inventory.history.retention import carry_out, plan
from inventory.history.storage.file_names import is_merged
from inventory.history.verify import prove
from inventory.operations.snapshot import take_snapshot
from inventory.run_ids import time_of
from inventory.tables import rows

SERVERS = ("a", "b")
Told = Counter[tuple[Any, ...]]

_answers = st.none() | st.lists(
    st.builds(
        lambda key, loaded, size: model(key, *loaded, size_bytes=size),
        st.sampled_from("vwxyz"),
        st.lists(st.sampled_from("ij"), unique=True),
        st.integers(1, 2),
    ),
    max_size=5,
    unique_by=lambda one: str(one["key"]),
)
_fleets = st.fixed_dictionaries(dict.fromkeys(SERVERS, _answers))


@dataclass(frozen=True)
class Seen:
    """What the model knows of one server in one run."""

    status: str
    models: list[Model]


Run = dict[str, Seen]


def differences(old: list[Model], new: list[Model]) -> Told:
    """What changed between two answers, by sets of keys."""
    was, now = ({one["key"]: one for one in models} for models in (old, new))
    held, holds = ({(key, one["id"]) for key in side for one in side[key]["loaded_instances"]} for side in (was, now))
    told: Told = Counter(("added", key, None) for key in now.keys() - was.keys())
    told.update(("removed", key, None) for key in was.keys() - now.keys())
    told.update(("loaded", *one) for one in holds - held)
    told.update(("unloaded", *one) for one in held - holds)
    same = was.keys() & now.keys()
    told.update(("reconfigured", key, None) for key in same if was[key]["size_bytes"] != now[key]["size_bytes"])
    return told


class Histories(RuleBasedStateMachine):
    """One history on disk, and beside it what it should say: the runs in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp()) / "case"
        (self.folder / "tmp").mkdir(parents=True)
        self.history = History(self.folder / "h")
        self.runs: dict[str, Run] = {}
        self.frozen: dict[str, str] = {}
        self.clock = -4000.0  # days; runs of the command are of today, and those after them too

    def teardown(self) -> None:
        """Leave nothing."""
        shutil.rmtree(self.folder.parent)

    @initialize(fleet=_fleets)
    def begin(self, fleet: dict[str, list[Model] | None]) -> None:
        """There is a first run."""
        self.snapshot(fleet, later=1.0, accept=False)

    @rule(fleet=_fleets, later=st.sampled_from([0.0, 0.01, 1.0, 20.0, -0.04]), accept=st.booleans())
    def snapshot(self, fleet: dict[str, list[Model] | None], later: float, accept: bool) -> None:
        """A run, some servers of which fail; the clock may have been put back since the last, by less than an hour."""
        latest = time_of(self.last_run()) if self.runs else day(self.clock)
        self.clock = max(self.clock + later, (latest - day(0)) / timedelta(days=1) - 0.04)
        self.clock = min(self.clock, (datetime.now(UTC) - day(0)) / timedelta(days=1))
        servers = self.answering(fleet)
        expected = self.expected(fleet, accept=accept)
        taken = take_snapshot(
            self.history,
            servers,
            timeout=60,
            recheck=0.0,
            accept_suspect=accept,
            clock=lambda: day(self.clock),
        )
        assert taken.failure is None
        before = self.last_run()
        assert before < taken.snapshot.run_id
        self.runs[taken.snapshot.run_id] = expected
        assert (taken.changes is None) == (before == "")
        if taken.changes is not None:
            assert self.told(taken.changes.table) == self.changes(before, taken.snapshot.run_id)

    @rule(fleet=_fleets, nth=st.integers(1, 70), how=st.sampled_from(["kill", "torn", "ENOSPC", "EIO"]))
    def interrupted_snapshot(self, fleet: dict[str, list[Model] | None], nth: int, how: str) -> None:
        """A run that is killed at one of its file operations, or in which one fails: it is there as a whole or not."""
        asked = [word for one in self.answering(fleet) for word in ("--server", f"{one.name}={one.url}")]
        expected = self.expected(fleet, accept=False)
        arguments = ("snapshot", "-q", *asked, "--history", "h", "--recheck", "0")
        code = run_faulty(self.folder, Fault(nth, how), *arguments).done.code
        assert code in (0, 3, 4, -9)
        new = set(self.history.store.run_ids()) - self.runs.keys()
        assert len(new) <= 1
        assert new or code in (4, -9), "it was acknowledged"
        for run_id in new:
            assert run_id > self.last_run()
            self.runs[run_id] = expected

    @rule(number=st.integers(1, 4))
    def prune(self, number: int) -> None:
        """The last runs stay, and those that are needed to know the last state of each server."""
        carry_out(self.history.store, plan(self.history.store, {"last": number}))
        runs = list(self.runs)
        keep = set(runs[-number:]) | set(self.frozen.values())
        complete = [one for one in runs if all(seen.status == "ok" for seen in self.runs[one].values())]
        keep |= set(complete[-1:])
        for server in SERVERS:
            keep |= {one for one in [self.last_ok(server, runs[-1])] if one}
            keep |= set(self.doubted(server)[-2:])
        self.runs = {run_id: seen for run_id, seen in self.runs.items() if run_id in keep}

    @rule()
    def merge(self) -> None:
        """The small files of closed months become few, which no reading tells."""
        compact(self.history.store)
        assert compact(self.history.store) == []

    @rule(nth=st.integers(1, 60), how=st.sampled_from(["kill", "torn", "ENOSPC", "EIO"]))
    def interrupted_merge(self, nth: int, how: str) -> None:
        """The same, killed at one of its file operations, or with one that fails."""
        code = run_faulty(self.folder, Fault(nth, how), "prune", "--compact", "--history", "h").done.code
        assert code in (0, 4, -9)

    @precondition(lambda self: len(self.frozen) < 2)
    @rule(data=st.data())
    def freeze(self, data: st.DataObject) -> None:
        """A run is frozen as a baseline."""
        run_id = data.draw(st.sampled_from(sorted(self.runs)))
        name = f"n{len(self.frozen)}"
        assert self.history.save_baseline(name, run_id) == run_id
        self.frozen[name] = run_id

    @rule(data=st.data())
    def diff(self, data: st.DataObject) -> None:
        """Any two runs are compared, forth and back."""
        old, new = (data.draw(st.sampled_from(sorted(self.runs))) for _ in range(2))
        told = self.told(self.history.diff(old, new).table)
        if old <= new:
            assert told == self.changes(old, new)
        assert sum(told.values()) == self.history.diff(new, old).table.num_rows

    @rule(seed=st.integers(0, 2**32))
    def damage(self, seed: int) -> None:
        """A flipped bit in any file is named, and then undone."""
        chance = random.Random(seed)
        files = {name: body for name, body in contents(self.folder / "h").items() if name.endswith(".parquet")}
        name = chance.choice(sorted(files))
        place = chance.randrange(len(files[name]))
        path = self.folder / "h" / name
        path.write_bytes(files[name][:place] + bytes([files[name][place] ^ 4]) + files[name][place + 1 :])
        named = {str(row["file"]) for row in rows(prove(self.history.store).problems)}
        path.write_bytes(files[name])
        told = is_merged(path) or path.stem in self.runs or name.split("/")[0] != "observations"
        assert name in named
        assert told

    @invariant()
    def holds(self) -> None:
        """It has the runs of the model, each as it was seen, and the proof finds nothing."""
        assert self.history.store.run_ids() == list(self.runs)
        assert prove(self.history.store).problems.num_rows == 0
        assert self.history.store.baselines() == self.frozen
        if not self.runs:
            return
        last = self.last_run()
        for run_id in {last, min(self.runs)}:
            loaded = self.history.load(run_id)
            observed = {row["server"]: row["status"] for row in rows(loaded.tables["observations"])}
            assert observed == {server: seen.status for server, seen in self.runs[run_id].items()}
            actual = Counter((row["server"], row["key"]) for row in rows(loaded.tables["models"]))
            assert actual == Counter(
                (server, one["key"]) for server, seen in self.runs[run_id].items() for one in seen.models
            )
        known = Counter((row["server"], row["key"]) for row in rows(self.history.state(last).tables["models"]))
        expected = {server: self.runs[run].get(server) for server in SERVERS if (run := self.last_ok(server, last))}
        assert known == Counter(
            (server, one["key"]) for server, seen in expected.items() if seen for one in seen.models
        )

    @invariant()
    def leaves_nothing(self) -> None:
        """After the next run there is no rest of those that were interrupted."""
        if not self.runs or not list(self.history.store.workshop.iterdir()):
            return
        self.history.store.clean_up()
        assert [*self.history.store.workshop.iterdir()] == []

    def answering(self, fleet: dict[str, list[Model] | None]) -> list[Server]:
        """The servers, with what they answer."""
        for name, models in fleet.items():
            path = self.folder / f"{name}.json"
            path.unlink(missing_ok=True)
            if models is not None:
                path.write_text(json.dumps({"models": models}))
        return [Server(f"file:{self.folder / name}.json", name) for name in fleet]

    def expected(self, fleet: dict[str, list[Model] | None], *, accept: bool) -> Run:
        """What a run over these answers sees: one that lost most of its models is doubted twice, unless repeated."""
        seen = {}
        for server, models in fleet.items():
            doubted, complete = self.doubted(server), self.last_ok(server, "~")
            status = "unreachable" if models is None else "ok"
            if models is not None and complete and not accept:
                before = len(self.runs[complete][server].models)
                repeated = bool(doubted) and keys(self.runs[doubted[-1]][server].models) == keys(models)
                if 2 * len(models) < before and before - len(models) >= 3 and not repeated and len(doubted) < 2:
                    status = "suspect"
            seen[server] = Seen(status, models or [])
        return seen

    def last_run(self) -> str:
        """The newest run; empty if there is none."""
        return max(self.runs, default="")

    def doubted(self, server: str) -> list[str]:
        """The runs in which a server was doubted since it was last read, oldest first."""
        since = self.last_ok(server, "~")
        return [run for run in sorted(self.runs) if run > since and self.runs[run][server].status == "suspect"]

    def last_ok(self, server: str, until: str) -> str:
        """The newest run, at or before one, that read a server; empty if there is none."""
        return max((run for run, seen in self.runs.items() if run <= until and seen[server].status == "ok"), default="")

    def changes(self, old: str, new: str) -> Told:
        """What changed from one run to a later one, each server compared with its own last complete answer."""
        told: Told = Counter()
        for server in SERVERS:
            was, now = self.last_ok(server, old), self.last_ok(server, new)
            if was and now:
                actual = differences(self.runs[was][server].models, self.runs[now][server].models)
                told.update({(server, *one): count for one, count in actual.items()})
        return told

    @staticmethod
    def told(table: Any) -> Told:
        """The changes of a table, without what the model does not know."""
        return Counter((row["server"], row["change"], row["key"], row["instance_id"]) for row in rows(table))


def keys(models: list[Model]) -> set[str]:
    """The keys of an answer."""
    return {str(one["key"]) for one in models}


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=max(2, settings().max_examples // 15),
    stateful_step_count=10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
