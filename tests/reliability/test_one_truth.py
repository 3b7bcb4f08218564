"""What happened, told by a model in plain Python, and by every way there is to read the history of it.

Random histories of many servers on several schedules, whose runs overlap and fail, with clocks that are ahead, prunings
and mergings between. The model knows nothing of files, digests or SQL: it holds who answered what, and when.
"""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support.cli_runner import run as command
from support.history_builders import Model, day, model, slow_run

from inventory import History
from inventory.formats import read_file
from inventory.history.compaction import compact
from inventory.history.retention import carry_out, plan
from inventory.history.verify import prove
from inventory.run_ids import new_run_id, time_of
from inventory.tables import rows

SERVERS = ("a", "b", "c", "d")
NOW = day(-200)  # the clock by which the history is read
AHEAD = timedelta(hours=1)
Told = Counter[tuple[Any, ...]]


@dataclass(frozen=True)
class Answer:
    """What a server said to a run, and when; without models it failed."""

    run: str
    moment: datetime
    models: dict[str, tuple[int, tuple[str, ...]]] | None


def answers_of(keys: Iterable[str], chance: random.Random) -> dict[str, tuple[int, tuple[str, ...]]]:
    """Models of some keys, each with a size and the ids of its instances."""
    return {key: (chance.randint(1, 2), tuple("ij"[: chance.choice([0, 0, 1, 2])])) for key in keys}


def sent(models: dict[str, tuple[int, tuple[str, ...]]] | None) -> list[Model] | None:
    """The same as LM Studio says it."""
    return None if models is None else [model(key, *ids, size_bytes=size) for key, (size, ids) in models.items()]


def differences(old: Answer, new: Answer) -> Told:
    """What one answer has that the other had not: change, grain, key and instance."""
    was, now = old.models or {}, new.models or {}
    held, holds = ({(key, one) for key, (_, ids) in side.items() for one in ids} for side in (was, now))
    told: Told = Counter(("added", "model", key, None) for key in now.keys() - was.keys())
    told.update(("removed", "model", key, None) for key in was.keys() - now.keys())
    told.update(("reconfigured", "model", key, None) for key in was.keys() & now.keys() if was[key][0] != now[key][0])
    told.update(("loaded", "instance", *one) for one in holds - held)
    told.update(("unloaded", "instance", *one) for one in held - holds)
    return told


class Truth:
    """All that happened, run by run."""

    def __init__(self) -> None:
        self.runs: dict[str, list[tuple[str, Answer]]] = {}
        self.retired: list[tuple[str, str]] = []

    def dated(self) -> list[str]:
        """The runs that are not from the future, in the order in which they began."""
        limit = f"{NOW + AHEAD:%Y%m%dT%H%M%S}"
        return sorted(run for run in self.runs if run[:15] <= limit)

    def read(self, server: str, until: str = "~") -> list[Answer]:
        """The complete answers of a server in the runs up to one, in the order in which they were given."""
        actual = [
            answer
            for run in self.dated()
            if run <= until
            for name, answer in self.runs[run]
            if name == server and answer.models is not None
        ]
        return sorted(actual, key=lambda answer: (answer.moment, answer.run))

    def last_read(self, until: str) -> dict[str, Answer]:
        """Of each server the last of them."""
        return {server: read[-1] for server in SERVERS if (read := self.read(server, until))}

    def last_asked(self, until: str) -> dict[str, Answer]:
        """Of each server the newest attempt in the runs up to one."""
        attempts = [(name, answer) for run in self.dated() if run <= until for name, answer in self.runs[run]]
        return dict(sorted(attempts, key=lambda attempt: (attempt[1].moment, attempt[1].run)))

    def in_service(self, until: str) -> set[str]:
        """The servers that are not retired after a run: asked within thirty days, and since they were retired."""
        return {
            server
            for server, attempt in self.last_asked(until).items()
            if attempt.moment >= time_of(until) - timedelta(days=30)
            and not any(name == server and attempt.run <= run <= until for name, run in self.retired)
        }

    def state(self, until: str) -> dict[str, Answer]:
        """Of each server that is not retired its last complete answer."""
        in_service = self.in_service(until)
        return {server: answer for server, answer in self.last_read(until).items() if server in in_service}

    def changes(self, old: str, new: str) -> Told:
        """What the state after one run has that the state after the other had not."""
        before, after = self.state(old), self.state(new)
        told: Told = Counter()
        for server in before.keys() & after.keys():
            told.update({(server, *one): n for one, n in differences(before[server], after[server]).items()})
        return told

    def not_compared(self, old: str, new: str) -> set[str]:
        """The servers that are named beside those changes: not read since, retired, or not in the state before."""
        later = [run for run in self.dated() if old < run <= new] or [new]
        attempts = [(name, answer.models is not None) for run in later for name, answer in self.runs[run]]
        unread = {name for name, _ in attempts} - {name for name, is_read in attempts if is_read}
        before, after = self.in_service(old), self.in_service(new)
        known = self.last_asked(old).keys() | self.last_asked(new).keys()
        retired, returned = before - after, (after - before) & self.last_asked(old).keys()
        assert known >= unread
        return (unread & after) | retired | returned | (self.state(new).keys() - self.state(old).keys())

    def timeline(self) -> Told:
        """Every change there was, with the run that saw it and the run before."""
        told: Told = Counter()
        for server in SERVERS:
            read = self.read(server)
            for old, new in pairwise(read):
                head = (new.run, old.run, new.moment, server)
                told.update({(*head, *one): n for one, n in differences(old, new).items()})
        return told

    def lives(self) -> dict[tuple[str, str], tuple[Any, ...]]:
        """Of each model when it was first and last seen, whether it is there, and in how many answers; loaded too."""
        told = {}
        for server in SERVERS:
            read = self.read(server)
            for key in {key for answer in read for key in answer.models or {}}:
                having = [answer for answer in read if key in (answer.models or {})]
                loaded = [answer for answer in having if (answer.models or {})[key][1]]
                told[server, key] = (
                    having[0].moment,
                    having[-1].moment,
                    having[-1] is read[-1],
                    len({answer.moment.date() for answer in having}),
                    len(having),
                    len(loaded),
                    loaded[-1].moment if loaded else None,
                    (having[-1].models or {})[key][0],
                )
        return told

    def status(self, run: str) -> str:
        """The word for a run."""
        read = [answer.models is not None for _, answer in self.runs[run]]
        return "misdated" if run not in self.dated() else "ok" if all(read) else "partial" if any(read) else "failed"

    def prune(self, number: int) -> None:
        """The last runs stay, the newest that read all it asked, and those that read a server last."""
        dated = self.dated()
        keep = {*dated[-number:], *(self.runs.keys() - set(dated))}
        keep |= {answer.run for answer in self.last_read("~").values()}
        keep |= set([run for run in dated if self.status(run) == "ok"][-1:])
        self.runs = {run: self.runs[run] for run in self.runs if run in keep}


def told(table: Any) -> Told:
    """The changes of a table."""
    return Counter((one["server"], one["change"], one["grain"], one["key"], one["instance_id"]) for one in rows(table))


def check_changes(history: History, truth: Truth, chance: random.Random) -> None:
    """Any two runs, and those beside each other, are compared as the model does."""
    dated = truth.dated()
    pairs = [*pairwise(dated), (dated[0], dated[-1])]
    for old, new in chance.sample(pairs, min(len(pairs), 3)):
        actual = history.diff(old, new)
        assert told(actual.table) == truth.changes(old, new), (old, new)
        assert actual.not_compared.keys() == truth.not_compared(old, new), (old, new)
    old, new = sorted(chance.choices(dated, k=2))
    assert told(history.diff(new, old).table) == truth.changes(new, old), (new, old)


def check_past(history: History, truth: Truth) -> None:
    """The timeline, the runs with their counts and the lives of the models are those of the model."""
    happened = truth.timeline()
    timeline = rows(history.timeline_table())
    names = ("run_id", "previous_run_id", "observed_at", "server", "change", "grain", "key", "instance_id")
    assert Counter(tuple(one[name] for name in names) for one in timeline) == happened
    assert [one["observed_at"] for one in timeline] == sorted(one["observed_at"] for one in timeline)
    counted = Counter((one[0], one[4]) for one in happened if one[5] == "model")
    for one in rows(history.runs_table()):
        run = one["run_id"]
        assert one["status"] == truth.status(run)
        is_compared = run in truth.dated() and any(
            answer.models is not None and truth.read(server)[0] is not answer for server, answer in truth.runs[run]
        )
        assert [one[word] for word in ("added", "removed", "reconfigured")] == [
            counted[run, word] if is_compared else None for word in ("added", "removed", "reconfigured")
        ]
        read = [answer.models for _, answer in truth.runs[run] if answer.models is not None]
        assert one["model_count"] == (sum(map(len, read)) if read else None)
    names = (
        "first_seen",
        "last_seen",
        "present",
        "days_present",
        "runs_present",
        "runs_loaded",
        "last_loaded",
        "size_bytes",
    )
    lives = {(one["server"], one["key"]): tuple(one[name] for name in names) for one in rows(history.lifecycle_table())}
    assert lives == truth.lives()


def check_states(history: History, truth: Truth, chance: random.Random) -> None:
    """What was known after a run, what a run itself read, and what DuckDB alone finds in the files."""
    for run in {truth.dated()[-1], chance.choice(truth.dated())}:
        expected = Counter((server, key) for server, one in truth.state(run).items() for key in one.models or {})
        state = history.state(run)
        assert Counter((one["server"], one["key"]) for one in rows(state.tables["models"])) == expected
        observed = rows(state.tables["observations"])
        attempts = {
            server: answer for server, answer in truth.last_asked(run).items() if server in truth.in_service(run)
        }
        assert {one["server"]: one["observed_at"] for one in observed} == {
            server: answer.moment for server, answer in attempts.items()
        }
        assert {one["server"]: one["status"] == "ok" for one in observed} == {
            server: answer.models is not None for server, answer in attempts.items()
        }
        moments = {server: answer.moment for server, answer in truth.state(run).items()}
        assert {one["server"]: one["as_of"] for one in observed if one["as_of"]} == moments
        assert {(one["server"], one["as_of"]) for one in rows(state.tables["models"])} <= set(moments.items())
    check_servers(history, truth)
    check_panel(history, truth)
    run = chance.choice(sorted(truth.runs))
    read = Counter((server, key) for server, one in truth.runs[run] for key in one.models or {})
    assert Counter((one["server"], one["key"]) for one in rows(history.load(run).tables["models"])) == read
    folder = history.store.folder
    actual = duckdb.execute(f"""
        WITH last AS (
            SELECT server, digest, stored_in FROM read_parquet('{folder}/observations/*/*.parquet')
            WHERE status = 'ok' AND run_id <= '{truth.dated()[-1]}'
            QUALIFY row_number() OVER (PARTITION BY server ORDER BY observed_at DESC, run_id DESC) = 1
        )
        SELECT l.server, m.key FROM last l JOIN read_parquet('{folder}/models/*/*.parquet') m
        ON m.digest = l.digest AND m.stored_in = l.stored_in""").fetchall()
    assert Counter(actual) == Counter(
        (server, key) for server, one in truth.last_read("~").items() for key in one.models or {}
    )


def check_servers(history: History, truth: Truth) -> None:
    """The table of servers names each that was asked, when it was read last, and which are retired."""
    newest = truth.dated()[-1]
    for one in rows(history.servers_table()):
        attempts = [answer for run in truth.dated() for name, answer in truth.runs[run] if name == one["server"]]
        read = truth.read(one["server"])
        assert (one["status"] == "retired") == (one["server"] not in truth.in_service(newest))
        assert (one["runs_asked"], one["runs_read"]) == (len(attempts), len(read))
        assert one["last_asked"] == truth.last_asked(newest)[one["server"]].moment
        assert (one["first_read"], one["last_read"]) == ((read[0].moment, read[-1].moment) if read else (None, None))
    assert {one["server"] for one in rows(history.servers_table())} == truth.last_asked(newest).keys()


def check_panel(history: History, truth: Truth) -> None:
    """Sizes over time, in one query, are those of the states, one by one."""
    moments = [time_of(run) for run in truth.dated()]
    sizes = history.sizes_after(truth.dated())
    assert {run: sizes[run]["model_count"] for run in sizes} == {
        run: sum(len(answer.models or {}) for answer in state.values())
        for run in truth.dated()
        if (state := truth.state(run))
    }
    found = {(one["moment"], one["name"]): one["model_count"] for one in rows(history.panel_table(moments, "server"))}
    assert found == {
        (time_of(run), server): len(answer.models or {})
        for run in truth.dated()
        for server, answer in truth.state(run).items()
    }


def check_commands(history: History, truth: Truth, chance: random.Random) -> None:
    """The command line says the same as JSON."""
    folder = ("--json", "--history", history.store.folder)
    dated = truth.dated()
    old, new = sorted(chance.choices(dated, k=2))
    for arguments, pair in ((("diff", old, new), (old, new)), (("diff", "first", "latest"), (dated[0], dated[-1]))):
        done = command(*arguments, *folder)
        actual = Counter(
            (one["server"], one["change"], one["grain"], one["key"], one["instance_id"]) for one in done.data["changes"]
        )
        assert actual == truth.changes(*pair)
        assert ("misdated" in done.err) == (len(dated) < len(truth.runs))
    runs = command("history", *folder).data["runs"]
    assert [one["run_id"] for one in runs] == sorted(truth.runs)
    assert {one["run_id"]: one["status"] for one in runs} == {run: truth.status(run) for run in truth.runs}
    key = chance.choice("uvwxyz")
    if lives := {server: one for (server, name), one in truth.lives().items() if name == key}:
        data = command("history", "--model", key, *folder).data
        assert {one["server"]: one["runs_present"] for one in data["lifecycle"]} == {
            server: one[4] for server, one in lives.items()
        }
        assert Counter((one["run_id"], one["server"], one["change"]) for one in data["changes"]) == Counter(
            {(one[0], one[3], one[4]): n for one, n in truth.timeline().items() if one[6] == key and one[7] is None}
        ) + Counter(
            (one[0], one[3], one[4]) for one in truth.timeline().elements() if one[6] == key and one[7] is not None
        )
    shown = command("history", "--by", "server", *folder).data["groups"]
    assert {one["name"]: one["model_count"] for one in shown if one["model_count"]} == {
        server: len(one.models) for server, one in truth.state(dated[-1]).items() if one.models
    }


def check_files(history: History, truth: Truth, folder: Path) -> None:
    """What people look at and take away holds the state: the screens, each format of a table, and the reports."""
    place = ("--history", history.store.folder)
    state = truth.state(truth.dated()[-1])
    expected = Counter((server, key, answer.moment) for server, answer in state.items() for key in answer.models or {})
    shown = command("show", "--json", *place).data["models"]
    assert Counter((one["server"], one["key"], datetime.fromisoformat(one["as_of"])) for one in shown) == expected
    listed = command("servers", "--json", *place).data["servers"]
    known = {one["server"]: one["last_read"] and datetime.fromisoformat(one["last_read"]) for one in listed}
    assert known == {
        server: state[server].moment if server in state else None for server in truth.in_service(truth.dated()[-1])
    }
    names = [folder / f"models.{suffix}" for suffix in ("csv", "parquet", "xlsx")]
    done = command("export", *(f"-o{name}" for name in names), *place)
    assert done.code == (0 if state else 3), done.err
    for name in names:
        if state or name.suffix == ".xlsx":  # a table of nothing that is known is left as it was
            read = rows(read_file(name).tables["models"])
            precise = name.suffix != ".xlsx"
            assert Counter(_rounded(one["server"], one["key"], one["as_of"], precise) for one in read) == Counter(
                _rounded(*one, precise) for one in expected.elements()
            ), name
    reports = [folder / "report.html", folder / "report.md"]
    assert command("report", "first..latest", *(f"-o{name}" for name in reports), *place).code == 0
    for name in reports:
        text = name.read_text(encoding="utf-8")
        models = sum(len(answer.models or {}) for answer in state.values())
        figure = f"**{models:,}**" if name.suffix == ".md" else f'<dd class="value">{models:,}</dd>'
        assert not state or figure in text, name


def _rounded(server: str, key: str, moment: datetime, precise: bool) -> tuple[str, str, datetime]:
    """A row whose time is as exact as Excel's, which holds milliseconds."""
    return server, key, moment if precise else moment.replace(microsecond=0)


def planned(chance: random.Random) -> list[tuple[datetime, datetime, dict[str, datetime]]]:
    """Runs: when each began, when it was recorded, and when each of its servers answered; in the order of recording."""
    schedules = [SERVERS[: chance.randint(1, 4)], SERVERS[chance.randint(0, 3) :]]
    actual = []
    clock = -300.0
    for _ in range(chance.randint(3, 9)):
        clock += chance.choice([0.01, 0.3, 1, 1, 1, 12])
        length = chance.choice([0.001, 0.001, 0.5, 3])
        ahead = chance.choice([0, 0, 0, 0, 0, 0, 9000, 26000])  # days that the clock was ahead of the truth
        times = {server: day(clock + ahead + chance.random() * length) for server in chance.choice(schedules)}
        actual.append((day(clock + ahead), day(clock + length), times))
    return sorted(actual, key=lambda one: one[1])


def happen(folder: Path, seed: int) -> tuple[History, Truth]:
    """A history that happened, and what is true of it."""
    chance, truth = random.Random(seed), Truth()
    history = History(folder / "history", clock=lambda: NOW)
    last: dict[str, dict[str, tuple[int, tuple[str, ...]]]] = {}
    for began, _, times in planned(chance):
        fleet: dict[str, dict[str, tuple[int, tuple[str, ...]]] | None] = {}
        for server in times:
            fleet[server] = last.get(server, {})
            if chance.random() < 0.2:
                fleet[server] = None
            elif server not in last or chance.random() < 0.6:
                fleet[server] = last[server] = answers_of(chance.sample("uvwxyz", chance.randint(0, 4)), chance)
        answered = {server: (times[server], sent(models)) for server, models in fleet.items()}
        run = slow_run(history, began, answered, new_run_id(began))
        truth.runs[run] = [(server, Answer(run, times[server], models)) for server, models in fleet.items()]
        if truth.dated() and chance.random() < 0.15:
            number = chance.randint(1, 3)
            carry_out(history.store, plan(history.store, {"last": number}, now=NOW))
            truth.prune(number)
        wrong = sorted(truth.runs.keys() - set(truth.dated()))
        if wrong and chance.random() < 0.2:
            carry_out(history.store, plan(history.store, {}, drop=[wrong[0]], now=NOW))
            del truth.runs[wrong[0]]
        if chance.random() < 0.1:
            compact(history.store, NOW)
        if truth.dated() and chance.random() < 0.15 and (known := sorted(truth.in_service(truth.dated()[-1]))):
            server = chance.choice(known)
            assert history.retire([server]) == [server]
            truth.retired.append((server, truth.dated()[-1]))
        assert sorted(truth.runs) == history.store.run_ids()
    return history, truth


HISTORIES = [
    range(1),
    *(pytest.param(seeds, marks=pytest.mark.long) for seeds in (range(1, 15), range(15, 30))),
    *(pytest.param(range(first, first + 50), marks=pytest.mark.full) for first in range(1000, 1400, 50)),
]
"""The seeds of histories: one in a plain run, thirty at each commit, hundreds before a release."""


@pytest.mark.parametrize("seeds", HISTORIES, ids=str)
def test_every_reading_tells_what_happened(tmp_path: Path, seeds: range) -> None:
    """All of them agree with the model, in every history."""
    for seed in seeds:
        folder = tmp_path / str(seed)
        folder.mkdir()
        history, truth = happen(folder, seed)
        chance = random.Random(seed)
        if not truth.dated():
            continue
        check_changes(history, truth, chance)
        check_past(history, truth)
        check_states(history, truth, chance)
        if seed % 10 == 0:
            check_commands(history, truth, chance)
            check_files(history, truth, folder)
        assert prove(history.store, NOW).problems.num_rows == 0
