"""The proof of a history: every digest recomputed, every link followed, every answer flattened again."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa

from inventory import schema
from inventory.diff.fields import ignored_in
from inventory.errors import FileError, NewerVersion, ServerError
from inventory.history import run_log
from inventory.history.proof import Problem, Proof
from inventory.history.sql.all_runs import GRAIN_FILES
from inventory.history.storage.data_file import KINDS, RunSegment, is_merged, is_ours, listed, month_of, opened
from inventory.history.storage.foreign import out_of_place
from inventory.history.storage.shared_rows import steady_columns
from inventory.history.storage.store import Store
from inventory.normalize.fingerprint import digest
from inventory.normalize.flatten import flatten
from inventory.normalize.response import PATHS, decode
from inventory.run_ids import RUN_ID, misdated
from inventory.schema.derived import PROBLEMS
from inventory.tables import build, rows, values


def verify(store: Store, now: datetime | None = None) -> pa.Table:
    """The problems of a history, as ``prove`` finds them."""
    return prove(store, now).problems


def prove(store: Store, now: datetime | None = None) -> Proof:
    """Check all files of a history against their seals, each other and their own evidence; merged ones as they were.

    Args:
        store: the history.
        now: the present time: a run that is misdated by it is not the newest; without it every date is believed.

    Raises:
        NewerVersion: a newer version wrote a file, of which this one can prove nothing.
    """
    before: list[Problem] | None = None
    while True:
        still = store.listing(KINDS)
        files = _Files(store, {}, set(), {}, Counter())
        found = list(dict.fromkeys(_problems(files, now)))
        if not found or still():
            break
        if before is not None:  # files come and go all the time: what was found twice is not of their making
            found = [problem for problem in found if problem in before]
            break
        before = found
    problems = build(PROBLEMS, {name: [getattr(problem, name) for problem in found] for name in PROBLEMS.names})
    runs = {run_id for path in store.months.files("observations") for run_id in _listed(path)}
    return Proof(problems, len(runs), files.counts["answers"], files.counts["equal"])


@dataclass(frozen=True)
class _Files:
    """What could be read.

    Attributes:
        sealed: what each run has of each kind.
        lost: the kinds and months of which a merged file is damaged, so that its runs are not known.
        known: the digests of stored answers, each with that of its body, by run.
        counts: of the ``answers`` that runs point at, and of those kept as the body of an ``equal`` one.
    """

    store: Store
    sealed: dict[tuple[str, str], RunSegment]
    lost: set[tuple[str, str]]
    known: dict[str, dict[str, str]]
    counts: Counter[str]

    def missing(self, kind: str, run_id: str) -> bool:
        """Whether there is no file in which the run's could be, not even a damaged one."""
        return not (
            (kind, run_id) in self.sealed
            or (kind, month_of(run_id)) in self.lost
            or self.store.path(kind, run_id).exists()
        )

    def answers(self, run_id: str) -> dict[str, str]:
        """The digests of the answers that a run stored, each with that of its body, read once."""
        if run_id not in self.known:
            table = self.sealed["payloads", run_id].table(["digest", "payload_digest"])
            self.known[run_id] = dict(zip(*(values(table, name) for name in table.column_names), strict=True))
        return self.known[run_id]

    def name(self, kind: str, run_id: str) -> str:
        """The file of a run, from the history's folder: its own, if it has none."""
        one = self.sealed.get((kind, run_id))
        return str((one.path if one else self.store.path(kind, run_id)).relative_to(self.store.folder))


def _problems(files: _Files, now: datetime | None) -> Iterator[Problem]:
    store = files.store
    pruned = {run_id: digest for noted in store.records("pruned").values() for run_id, digest in (noted or {}).items()}
    writing = store.markers()
    for kind in KINDS:
        known = dict.fromkeys(store.months.files(kind))
        for path in [*known, *(path for path in out_of_place(store.folder / kind) if path not in known)]:
            yield from _file(files, kind, path, here=path in known)
    yield from _notes(files)
    yield from _missed(files, pruned, now)
    yield from _orphans(files, writing | pruned.keys())
    for kind, run_id in files.sealed:
        if kind == "observations":
            yield from _links(files, run_id, pruned)
        elif kind == "payloads":
            yield from _evidence(files, run_id, complete=run_id in pruned)


def _file(files: _Files, kind: str, path: Path, *, here: bool) -> Iterator[Problem]:
    """Whether a file, that is ``here`` in its place, is whole; what it holds is put to what could be read."""
    name = str(path.relative_to(files.store.folder))
    if not is_ours(path):
        return  # a remark, and no problem
    runs = _listed(path)
    if not here or not (is_merged(path) or {month_of(run_id) for run_id in runs} == {path.parent.name}):
        yield Problem(name, "no file of a history", "unknown")
        return
    try:
        parts = opened(kind, path)
    except NewerVersion:
        raise
    except FileError as error:
        if is_merged(path):
            files.lost.add((kind, path.parent.name))
        holds = _holds(kind, path.stem) if not is_merged(path) else _held(kind, path.parent.name)
        yield Problem(name, error.what.removeprefix(f"{path} "), holds)
        return
    for run_id, one in parts.items():
        if (kind, run_id) in files.sealed:
            yield Problem(name, "holds what another file holds too", _holds(kind, run_id))
        elif not one.as_merged:
            yield Problem(name, "other rows than the run's own file had", _holds(kind, run_id))
        files.sealed.setdefault((kind, run_id), one)


def _listed(path: Path) -> frozenset[str]:
    try:
        return listed(path)
    except NewerVersion:
        raise
    except (FileError, FileNotFoundError):
        return frozenset()


def _missed(files: _Files, pruned: dict[str, str], now: datetime | None) -> Iterator[Problem]:
    """The runs that the journal names and that are not there: no file points at the newest one, nor at a sibling."""
    noted = run_log.read(files.store.folder)
    if noted.damaged:
        more = f" and in {len(noted.damaged) - 1} more" if noted.damaged[1:] else ""
        yield Problem(run_log.NAME, f"is damaged or cut off in line {noted.damaged[0]}{more}", "how the runs went")
    observed = [run_id for kind, run_id in files.sealed if kind == KINDS[0]]
    newest = max(set(observed) - set(misdated(observed, now) if now else ()), default=None)
    told = files.sealed[KINDS[0], newest].about.get("journal") if newest else None
    if told and not noted.damaged and not run_log.reaches(files.store.folder, told):
        yield Problem(run_log.NAME, f"lacks lines that were there when {newest} was recorded", "how the runs went")
    for entry in noted.entries:
        run_id = entry.get("run_id")
        if entry.get("recorded") is not True or not isinstance(run_id, str) or not RUN_ID.fullmatch(run_id):
            continue
        if run_id not in pruned and files.missing("observations", run_id):
            name = files.name("observations", run_id)
            yield Problem(name, f"missing: {run_log.NAME} names it", _holds("observations", run_id))


def _orphans(files: _Files, known: set[str]) -> Iterator[Problem]:
    """The files of runs that are not recorded, but of those that are ``known``: whatever tells of them is lost."""
    recorded = set(files.store.run_ids()) if not any(kind == KINDS[0] for kind, _ in files.lost) else None
    known = known | files.store.markers()
    for kind, run_id in files.sealed:
        if kind != KINDS[0] and recorded is not None and run_id not in recorded | known:
            yield Problem(files.name(kind, run_id), "belongs to no run that is recorded", _holds(kind, run_id))


def _notes(files: _Files) -> Iterator[Problem]:
    """The records of prunings, and the frozen baselines."""
    for kind, holds in (
        ("pruned", "which runs were pruned"),
        ("baselines", "which run was frozen"),
        ("retired", "which servers were retired"),
    ):
        for path, noted in files.store.records(kind).items():
            name = str(path.relative_to(files.store.folder))
            if noted is None:
                yield Problem(name, "is damaged", holds)
            elif kind == "baselines" and any(files.missing("observations", run_id) for run_id in noted):
                yield Problem(name, "names a run that is missing", holds)


def _links(files: _Files, run_id: str, pruned: dict[str, str]) -> Iterator[Problem]:
    """What one run says of its other files, of the run before, and of the answers that it points at."""
    sealed = files.sealed["observations", run_id]
    for kind, expected in sealed.about["files"].items():
        if files.missing(kind, run_id):
            yield Problem(files.name(kind, run_id), "missing", _holds(kind, run_id))
        elif (kind, run_id) in files.sealed and files.sealed[kind, run_id].sha256 != expected:
            yield Problem(files.name(kind, run_id), "another file than the run wrote", _holds(kind, run_id))
    yield from _before(files, run_id, pruned)
    yield from _pointers(files, run_id)


def _before(files: _Files, run_id: str, pruned: dict[str, str]) -> Iterator[Problem]:
    """Whether the run before is the one that this run followed."""
    if before := files.sealed["observations", run_id].about["previous"]:
        followed = before["run_id"]
        earlier = files.sealed.get(("observations", followed))
        actual = earlier.sha256 if earlier else pruned.get(followed)
        file, holds = files.name("observations", followed), _holds("observations", followed)
        if actual is None and files.missing("observations", followed):
            yield Problem(file, "missing", holds)
        elif actual is not None and actual != before["sha256"]:
            yield Problem(file, f"another file than {run_id} followed", holds)


def _pointers(files: _Files, run_id: str) -> Iterator[Problem]:
    """Whether every answer that a run points at is there."""
    pointed: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in rows(files.sealed["observations", run_id].table(["digest", "stored_in", "payload_digest"])):
        if row["digest"]:
            pointed[row["stored_in"]].append((row["digest"], row["payload_digest"]))
            files.counts["answers"] += 1
    for stored, answers in pointed.items():
        payloads = files.sealed.get(("payloads", stored))
        if files.missing("payloads", stored):  # guard: verify answers that are missing
            yield Problem(files.name("payloads", stored), "missing", _holds("payloads", stored))
        elif payloads:
            bodies = files.answers(stored)
            files.counts["equal"] += sum(bodies.get(digest, body) != body for digest, body in answers)
            if any(digest not in bodies for digest, _ in answers):
                name, problem = files.name("observations", run_id), f"points at answers that {stored} does not hold"
                yield Problem(name, problem, _holds("observations", run_id))


def _evidence(files: _Files, run_id: str, *, complete: bool) -> Iterator[Problem]:
    """Whether the bodies of a run give the tables of that run; ``complete``: nobody else knows that it had all."""
    payloads = files.sealed["payloads", run_id]
    if payloads.about["schema_version"] != schema.SCHEMA_VERSION:
        return  # another version found other columns in the same bodies; the seals alone prove its files
    name = files.name("payloads", run_id)
    expected: dict[str, Counter[tuple[Any, ...]]] = {table: Counter() for table in GRAIN_FILES}
    for row in rows(payloads.table()):
        try:
            flat = flatten(decode(row["body"], apis=PATHS).models)
        except ServerError:
            yield Problem(name, "a body that is no answer", _holds("payloads", run_id))
            continue
        ignore = ignored_in(json.loads(row["fields"] or "[]")) or None  # an earlier version kept what ticks
        digests = sha256(row["body"]).hexdigest(), digest(flat, ignore)
        if digests != (row["payload_digest"], row["digest"]):  # guard: verify the digest of a body
            yield Problem(name, "a body of another digest", _holds("payloads", run_id))
        for table, columns in (("models", flat.models), ("instances", flat.instances)):
            names = schema.TABLES[table].response_names
            kept_columns = columns if ignore is None else steady_columns(columns, ignore)
            told = zip(*(kept_columns[column] for column in names), strict=True)
            expected[table].update((row["digest"], *cells) for cells in told)
    for table, answers in expected.items():
        name = files.name(table, run_id)
        if complete and files.missing(table, run_id):
            yield Problem(name, "missing", _holds(table, run_id))
        if (table, run_id) in files.sealed:
            kept = files.sealed[table, run_id].table(["digest", *schema.TABLES[table].response_names])
            stored = Counter(zip(*(values(kept, column) for column in kept.column_names), strict=True))
            if stored != answers:  # guard: verify rows that the bodies do not give
                yield Problem(name, "other rows than the bodies give", _holds(table, run_id))


def _holds(kind: str, run_id: str) -> str:
    return f"{_WHAT[kind]} of run {run_id}"


def _held(kind: str, month: str) -> str:
    return f"{_WHAT[kind]} of many runs of {month.removeprefix('month=')}"


_WHAT = {
    "observations": "who was asked and what came back",
    "payloads": "the bodies as received",
    "models": "the models",
    "instances": "the instances",
}
