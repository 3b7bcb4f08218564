"""Verification of a history: recompute checksums, follow references, rebuild the tables from stored responses."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from inventory import schema
from inventory.errors import FileError, NewerVersion
from inventory.filesystem.listing import size_of
from inventory.history import run_log
from inventory.history.evidence import compare
from inventory.history.pointers import POINTER, Pointers
from inventory.history.proof import Problem, Proof
from inventory.history.sql.all_runs import GRAIN_FILES
from inventory.history.storage.data_file import KINDS, RunSegment, listed, opened
from inventory.history.storage.file_names import is_merged, is_ours, month_of, months_of
from inventory.history.storage.foreign import out_of_place
from inventory.history.storage.metadata import RUN_LOG
from inventory.history.storage.store import Store
from inventory.run_ids import RUN_ID, misdated
from inventory.schema.derived import PROBLEMS
from inventory.tables import build


def prove(store: Store, now: datetime | None = None) -> Proof:
    """Check all files of a history against their seals, each other and the stored responses.

    Args:
        store: the history.
        now: the current time: a run that is misdated by it is not the newest; without it every date is accepted.

    Raises:
        NewerVersion: a newer version wrote a file, which this one cannot verify.
    """
    before: list[Problem] | None = None
    while True:
        is_unchanged = store.listing(KINDS)
        files = _Files(store, {}, set(), {}, Counter())
        problems = list(dict.fromkeys(_problems(files, now)))
        if not problems or is_unchanged():
            break
        if before is not None:  # files change all the time: a problem that is found twice is a real one
            problems = [problem for problem in problems if problem in before]
            break
        before = problems
    table = build(PROBLEMS, {name: [getattr(problem, name) for problem in problems] for name in PROBLEMS.names})
    runs = {run_id for path in store.months.files("observations") for run_id in _listed(Path(path))}
    ahead = misdated(sorted(runs), now) if now else ()
    observed = {run_id: segment for (kind, run_id), segment in files.segments.items() if kind == KINDS[0]}
    digests = {run_id: observed[run_id].sha256 for run_id in sorted(observed.keys() - set(ahead))}
    sizes = [size_of(path) for path in {segment.path for segment in files.segments.values()}]
    return Proof(table, len(runs), digests, len(sizes), sum(sizes), files.counts["answers"], files.counts["equal"])


@dataclass
class _Files:
    """The files that could be read.

    Attributes:
        store: the history.
        segments: the segment of each kind and run.
        lost: the kinds and months with a damaged merged file, whose runs are unknown.
        digests: the digests of stored responses, each with that of its body, by run; None where there is no file.
        counts: of the ``answers`` that runs refer to, and of those stored as the body of an ``equal`` one.
        pointers: the references of the file that was checked last.
    """

    store: Store
    segments: dict[tuple[str, str], RunSegment]
    lost: set[tuple[str, str]]
    digests: dict[str, pa.Table | None]
    counts: Counter[str]
    pointers: Pointers | None = None

    def missing(self, kind: str, run_id: str) -> bool:
        """Return whether no file can hold the run's rows, not even a damaged one."""
        return not (
            (kind, run_id) in self.segments
            or (kind, month_of(run_id)) in self.lost
            or self.store.path(kind, run_id).exists()
        )

    def answers(self, run_id: str) -> pa.Table | None:
        """Return the digests of the responses that a run stored, each with that of its body, read once."""
        if run_id not in self.digests:
            segment = self.segments.get(("payloads", run_id))
            self.digests[run_id] = segment and segment.table([*POINTER])
        return self.digests[run_id]

    def problem(self, kind: str, run_id: str, problem: str) -> Problem:
        """Make a problem of a run's file; without one, of where its own would be."""
        segment = self.segments.get((kind, run_id))
        path = segment.path if segment else self.store.path(kind, run_id)
        return Problem(str(path.relative_to(self.store.folder)), problem, _holds(kind, run_id))


def _problems(files: _Files, now: datetime | None) -> Iterator[Problem]:
    store = files.store
    pruned = {run_id: digest for runs in store.records("pruned").values() for run_id, digest in (runs or {}).items()}
    writing = store.markers()
    for kind in KINDS:
        paths = dict.fromkeys(map(Path, store.months.files(kind)))
        for path in [*paths, *(path for path in out_of_place(store.folder / kind) if path not in paths)]:
            yield from _check_file(files, kind, path, in_place=path in paths)
    yield from _metadata(files)
    yield from _missed(files, pruned, now)
    yield from _orphans(files, writing | pruned.keys())
    for kind, run_id in files.segments:
        if kind == "observations":
            yield from _links(files, run_id, pruned)
    yield from _evidence(files, pruned)


def _check_file(files: _Files, kind: str, path: Path, *, in_place: bool) -> Iterator[Problem]:
    """Yield what is wrong with a file, in its place or not; the segments of a sound one are added to ``files``."""
    name = str(path.relative_to(files.store.folder))
    if not is_ours(path):
        return  # a remark, not a problem
    runs = _listed(path)
    if not in_place or not (is_merged(path) or months_of(runs) == {path.parent.name}):
        yield Problem(name, "unexpected file", "unknown")
        return
    try:
        parts = opened(kind, path)
    except NewerVersion:
        raise
    except FileError as error:
        holds = _holds(kind, path.stem)
        if is_merged(path):
            files.lost.add((kind, path.parent.name))
            holds = f"{_WHAT[kind]} of many runs of {path.parent.name.removeprefix('month=')}"
        yield Problem(name, error.what.removeprefix(f"{path} "), holds)
        return
    for run_id, segment in parts.items():
        if (kind, run_id) in files.segments:
            yield Problem(name, "duplicates data of another file", _holds(kind, run_id))
        elif not segment.as_merged:
            yield Problem(name, "rows differ from those of the run's own file", _holds(kind, run_id))
        files.segments.setdefault((kind, run_id), segment)


def _listed(path: Path) -> frozenset[str]:
    try:
        return listed(path)
    except NewerVersion:
        raise
    except (FileError, FileNotFoundError):
        return frozenset()


def _missed(files: _Files, pruned: dict[str, str], now: datetime | None) -> Iterator[Problem]:
    """Yield what is wrong with the run log, and the runs that it names and the history lacks.

    No file refers to the newest run, nor to one that another overlapped.
    """
    log = run_log.read(files.store.folder)
    if log.damaged:
        more = f" and in {len(log.damaged) - 1} more" if log.damaged[1:] else ""
        yield Problem(RUN_LOG, f"is damaged or cut off in line {log.damaged[0]}{more}", "the run log")
    observed = [run_id for kind, run_id in files.segments if kind == KINDS[0]]
    newest = max(set(observed) - set(misdated(observed, now) if now else ()), default=None)
    recorded = files.segments[KINDS[0], newest].about.get("journal") if newest else None
    if recorded and not log.damaged and not run_log.reaches(files.store.folder, recorded):
        yield Problem(RUN_LOG, f"lacks lines that were there when {newest} was recorded", "the run log")
    for entry in log.entries:
        run_id = entry.get("run_id")
        if entry.get("recorded") is not True or not isinstance(run_id, str) or not RUN_ID.fullmatch(run_id):
            continue
        if run_id not in pruned and files.missing("observations", run_id):
            yield files.problem("observations", run_id, f"missing: {RUN_LOG} names it")


def _orphans(files: _Files, expected: set[str]) -> Iterator[Problem]:
    """Report files of runs that are neither recorded nor ``expected``: their observations are lost."""
    recorded = set(files.store.run_ids()) if not any(kind == KINDS[0] for kind, _ in files.lost) else None
    expected = expected | files.store.markers()
    for kind, run_id in files.segments:
        if kind != KINDS[0] and recorded is not None and run_id not in recorded | expected:
            yield files.problem(kind, run_id, "belongs to no recorded run")


def _metadata(files: _Files) -> Iterator[Problem]:
    """Check the records of prunings and of retired servers, and the baselines."""
    for kind, holds in (
        ("pruned", "which runs were pruned"),
        ("baselines", "which run is the baseline"),
        ("retired", "which servers were retired"),
    ):
        for path, runs in files.store.records(kind).items():
            name = str(path.relative_to(files.store.folder))
            if runs is None:
                yield Problem(name, "is damaged", holds)
            elif kind == "baselines" and any(files.missing("observations", run_id) for run_id in runs):
                yield Problem(name, "names a run that is missing", holds)


def _links(files: _Files, run_id: str, pruned: dict[str, str]) -> Iterator[Problem]:
    """Check what a run refers to: its other files, the run before, and stored responses."""
    segment = files.segments["observations", run_id]
    for kind, expected in segment.about["files"].items():
        if files.missing(kind, run_id):
            yield files.problem(kind, run_id, "missing")
        elif (kind, run_id) in files.segments and files.segments[kind, run_id].sha256 != expected:
            yield files.problem(kind, run_id, "differs from what the run wrote")
    yield from _before(files, run_id, pruned)
    yield from _pointers(files, run_id)


def _before(files: _Files, run_id: str, pruned: dict[str, str]) -> Iterator[Problem]:
    """Yield a problem if the run before is missing, or is not the one that this run followed."""
    if before := files.segments["observations", run_id].about["previous"]:
        followed = before["run_id"]
        earlier = files.segments.get(("observations", followed))
        actual = earlier.sha256 if earlier else pruned.get(followed)
        if actual is None and files.missing("observations", followed):
            yield files.problem("observations", followed, "missing")
        elif actual is not None and actual != before["sha256"]:
            yield files.problem("observations", followed, f"differs from the run that {run_id} followed")


def _pointers(files: _Files, run_id: str) -> Iterator[Problem]:
    """Yield a problem for each answer that a run refers to and that is not there."""
    segment = files.segments["observations", run_id]
    if files.pointers is None or files.pointers.file is not segment.file:
        files.pointers = Pointers(segment.file, files.answers, files.pointers)
    pointed = files.pointers.of(segment)
    files.counts["answers"] += pointed.answers
    files.counts["equal"] += pointed.equal
    for stored in pointed.lacking:
        if files.missing("payloads", stored):  # guard: verify answers that are missing
            yield files.problem("payloads", stored, "missing")
        elif ("payloads", stored) in files.segments:
            yield files.problem("observations", run_id, f"refers to responses that {stored} does not hold")


def _evidence(files: _Files, pruned: Collection[str]) -> Iterator[Problem]:
    """Rebuild the tables of the runs from their bodies; of a pruned run, report a missing table too."""
    runs = [
        (
            payloads,
            answers["digest"],
            {kind: each for kind in GRAIN_FILES if (each := files.segments.get((kind, run_id)))},
        )
        for (kind, run_id), payloads in files.segments.items()
        # Another version had other columns; its files are verified by their seals alone.
        if kind == "payloads" and payloads.about["schema_version"] == schema.SCHEMA_VERSION
        if (answers := files.answers(run_id)) is not None
    ]
    for run_id, problems, differing in compare(runs):
        for problem in problems:
            yield files.problem("payloads", run_id, problem)
        for table in GRAIN_FILES:
            if run_id in pruned and files.missing(table, run_id):
                yield files.problem(table, run_id, "missing")
            if table in differing:
                yield files.problem(table, run_id, "rows differ from those rebuilt from the bodies")


def _holds(kind: str, run_id: str) -> str:
    return f"{_WHAT[kind]} of run {run_id}"


_WHAT = {
    "observations": "which servers were queried, with results",
    "payloads": "the bodies as received",
    "models": "the models",
    "instances": "the instances",
}
