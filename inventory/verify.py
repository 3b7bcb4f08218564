"""The proof of a history: every digest recomputed, every link followed, every answer flattened again."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import pyarrow as pa

from inventory import journal, schema
from inventory.decode import PATHS, decode
from inventory.digest import digest
from inventory.errors import FileError, ServerError
from inventory.flatten import flatten
from inventory.queries import GRAIN_FILES
from inventory.snapshot import build, rows, values
from inventory.store import KINDS, RUN_ID, Sealed, Store

PROBLEMS = schema.Table(
    "problems",
    "something wrong in a history",
    (
        schema.Column("file", schema.TEXT, "", "The file, from the history's folder.", key=True),
        schema.Column("problem", schema.TEXT, "", "What is wrong with it."),
        schema.Column("holds", schema.TEXT, "", "What it holds or held."),
    ),
)


@dataclass(frozen=True)
class Problem:
    """One damaged or missing file, or one broken link."""

    file: str
    problem: str
    holds: str


def verify(store: Store) -> pa.Table:
    """Check all files of a history against their seals, each other, and their own evidence.

    Returns:
        One row per problem, as ``PROBLEMS`` says; none if all is well.
    """
    found = list(dict.fromkeys(_problems(store)))
    return build(PROBLEMS, {name: [getattr(problem, name) for problem in found] for name in PROBLEMS.names})


def _problems(store: Store) -> Iterator[Problem]:
    runs = store.run_ids()
    pruned = {run_id: digest for noted in store.noted("pruned").values() for run_id, digest in (noted or {}).items()}
    yield from _notes(store, runs)
    files: dict[tuple[str, str], Sealed] = {}
    for kind in KINDS:
        for path in sorted((store.folder / kind).rglob("*")):
            if path.is_file():
                name = str(path.relative_to(store.folder))
                if not RUN_ID.fullmatch(path.stem) or path != store.path(kind, path.stem):
                    yield Problem(name, "no file of a history", "unknown")
                    continue
                try:
                    files[kind, path.stem] = store.read(kind, path.stem)
                except FileError as error:
                    yield Problem(name, error.what.removeprefix(f"{path} "), _holds(kind, path.stem))
    yield from _missed(store, {*runs, *pruned})
    for run_id in runs:
        if ("observations", run_id) in files:
            yield from _links(store, files, run_id, pruned)
    for kind, run_id in files:
        if kind == "payloads":
            yield from _evidence(store, files, run_id, complete=run_id in pruned)


def _missed(store: Store, known: set[str]) -> Iterator[Problem]:
    """The runs that the journal names and that are not there: no file points at the newest one, nor at a sibling."""
    for entry in journal.read(store.folder):
        run_id = entry.get("run_id")
        if (
            entry.get("recorded") is True
            and isinstance(run_id, str)
            and RUN_ID.fullmatch(run_id)
            and run_id not in known
        ):
            file = str(store.path("observations", run_id).relative_to(store.folder))
            yield Problem(file, f"missing: {journal.NAME} names it", _holds("observations", run_id))


def _notes(store: Store, runs: list[str]) -> Iterator[Problem]:
    """The records of prunings, and the frozen baselines."""
    for kind, holds in (("pruned", "which runs were pruned"), ("baselines", "which run was frozen")):
        for path, noted in store.noted(kind).items():
            name = str(path.relative_to(store.folder))
            if noted is None:
                yield Problem(name, "is damaged", holds)
            elif kind == "baselines" and not noted.keys() <= set(runs):
                yield Problem(name, "names a run that is missing", holds)


def _links(
    store: Store, files: dict[tuple[str, str], Sealed], run_id: str, pruned: dict[str, str]
) -> Iterator[Problem]:
    """What one run says of its other files, of the run before, and of the answers that it points at."""
    sealed = files["observations", run_id]
    for kind, expected in sealed.about["files"].items():
        path = store.path(kind, run_id)
        if (kind, run_id) in files:
            if files[kind, run_id].sha256 != expected:
                yield Problem(
                    str(path.relative_to(store.folder)), "another file than the run wrote", _holds(kind, run_id)
                )
        elif not path.exists():
            yield Problem(str(path.relative_to(store.folder)), "missing", _holds(kind, run_id))
    yield from _before(store, files, run_id, pruned)
    yield from _pointers(store, files, run_id)


def _before(
    store: Store, files: dict[tuple[str, str], Sealed], run_id: str, pruned: dict[str, str]
) -> Iterator[Problem]:
    """Whether the run before is the one that this run followed."""
    if before := files["observations", run_id].about["previous"]:
        earlier = files.get(("observations", before["run_id"]))
        actual = earlier.sha256 if earlier else pruned.get(before["run_id"])
        path = store.path("observations", before["run_id"])
        file, holds = str(path.relative_to(store.folder)), _holds("observations", before["run_id"])
        if actual is None and not path.exists():
            yield Problem(file, "missing", holds)
        elif actual is not None and actual != before["sha256"]:
            yield Problem(file, f"another file than {run_id} followed", holds)


def _pointers(store: Store, files: dict[tuple[str, str], Sealed], run_id: str) -> Iterator[Problem]:
    """Whether every answer that a run points at is there."""
    sealed = files["observations", run_id]
    name = str(sealed.path.relative_to(store.folder))
    pointed: dict[str, set[str]] = defaultdict(set)
    for row in rows(sealed.table()):
        if row["digest"]:
            pointed[row["stored_in"]].add(row["digest"])
    for stored, digests in pointed.items():
        payloads = files.get(("payloads", stored))
        held = set(payloads.table(["digest"]).column("digest").to_pylist()) if payloads else None
        if held is None and not store.path("payloads", stored).exists():
            missing = str(store.path("payloads", stored).relative_to(store.folder))
            yield Problem(missing, "missing", _holds("payloads", stored))
        elif held is not None and digests - held:
            yield Problem(name, f"points at answers that {stored} does not hold", _holds("observations", run_id))


def _evidence(store: Store, files: dict[tuple[str, str], Sealed], run_id: str, *, complete: bool) -> Iterator[Problem]:
    """Whether the bodies of a run give the tables of that run; ``complete``: nobody else knows that it had all."""
    payloads = files["payloads", run_id]
    if payloads.about["schema_version"] != schema.SCHEMA_VERSION:
        return  # another version found other columns in the same bodies; the seals alone prove its files
    name = str(payloads.path.relative_to(store.folder))
    expected: dict[str, Counter[tuple[Any, ...]]] = {table: Counter() for table in GRAIN_FILES}
    for row in rows(payloads.table()):
        try:
            flat = flatten(decode(row["body"], apis=PATHS).models)
        except ServerError:
            yield Problem(name, "a body that is no answer", _holds("payloads", run_id))
            continue
        if sha256(row["body"]).hexdigest() != row["payload_digest"] or digest(flat) != row["digest"]:
            yield Problem(name, "a body of another digest", _holds("payloads", run_id))
        for table, columns in (("models", flat.models), ("instances", flat.instances)):
            names = schema.TABLES[table].names[1:]
            told = zip(*(columns[column] for column in names), strict=True)
            expected[table].update((row["digest"], *cells) for cells in told)
    for table, answers in expected.items():
        path = store.path(table, run_id)
        if complete and not path.exists():
            yield Problem(str(path.relative_to(store.folder)), "missing", _holds(table, run_id))
        if (table, run_id) in files:
            kept = files[table, run_id].table(["digest", *schema.TABLES[table].names[1:]])
            if Counter(zip(*(values(kept, column) for column in kept.column_names), strict=True)) != answers:
                name = str(path.relative_to(store.folder))
                yield Problem(name, "other rows than the bodies give", _holds(table, run_id))


def _holds(kind: str, run_id: str) -> str:
    what = {"observations": "who was asked and what came back", "payloads": "the bodies as received"}
    return f"{what.get(kind, f'the {kind}')} of run {run_id}"
