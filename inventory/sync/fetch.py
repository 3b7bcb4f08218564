"""What one pull fetches, and what it removes from the mirror because the keeper pruned it."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from inventory.errors import FileError
from inventory.filesystem.listing import names, size_of
from inventory.filesystem.regular_files import read_regular
from inventory.filesystem.write_once import make_folders, unlink_inside, write_new
from inventory.history import run_log
from inventory.history.compaction import parts
from inventory.history.retention import referenced
from inventory.history.storage.data_file import KINDS, listed, merged
from inventory.history.storage.file_names import is_merged, month_of
from inventory.history.storage.metadata import not_written
from inventory.history.storage.received import is_whole, responses_of, runs_of
from inventory.history.storage.record_files import baseline_run, baseline_text, record_runs
from inventory.history.storage.store import Store
from inventory.sync.listing import BASELINES, LOGS, PRUNED, Listing
from inventory.sync.objects import ObjectStore, at_once

_BATCH = 200  # objects that are in memory at once

_IS_WHOLE: dict[str, Callable[[Path, bytes], bool]] = {
    **{kind: partial(is_whole, kind) for kind in KINDS},
    BASELINES: lambda path, body: body == baseline_text(path.stem, baseline_run(body)),
    "retired": lambda _, body: record_runs(body) is not None,
    PRUNED: lambda _, body: record_runs(body) is not None,
    LOGS: lambda _, body: run_log.is_whole(body),
}
"""What tells whether the bytes of a file are whole, by its outermost folder."""


class Incomplete(Exception):
    """The listing does not fit what the store holds.

    Attributes:
        needs_all: all months must be listed.
    """

    def __init__(self, *, needs_all: bool) -> None:
        super().__init__()
        self.needs_all = needs_all


class Fetch:
    """One pull: the mirror becomes what a listing says.

    Args:
        objects: the store.
        store: the mirror.
        listing: what the store holds.

    Attributes:
        damaged: the keys of damaged objects, which are not fetched.
        unused: the keys of merged files whose runs another one holds too, while the keeper works.
    """

    def __init__(self, objects: ObjectStore, store: Store, listing: Listing) -> None:
        self.damaged: list[str] = []
        self.unused: set[str] = set()
        self._objects = objects
        self._store = store
        self._folder = store.folder
        self._listing = listing
        self._pruned: set[str] = set()
        self._merged: dict[tuple[str, str], set[str]] = {}

    def run(self) -> None:
        """Fetch what the mirror lacks: responses before observations; then remove what was pruned.

        Raises:
            Incomplete: a listed object is gone, or what is needed was not listed.
            StoreUnreachable: the store could not be reached; what was fetched until then stays.
            FileError: the mirror could not be written.
        """
        for folder in sorted(self._listing.records.keys() - {BASELINES}):
            self._fetch_records(folder)
        baselines = dict(self._bodies(self._listing.records[BASELINES]))
        self._pruned = pruned_runs(self._store, map(baseline_run, baselines.values()))
        for kind in reversed(KINDS):
            self._fetch_merged(kind)
            self._fetch_own(kind)
        self._replace_baselines(baselines)
        self._remove_pruned()

    def _fetch_records(self, folder: str) -> None:
        lacking = self._listing.records[folder] - {f"{folder}/{name}" for name in names(self._folder / folder)}
        if folder == PRUNED and lacking and not self._listing.is_full:  # merged files of any month may be others now
            raise Incomplete(needs_all=True)
        for key, body in self._bodies(lacking):
            self._write(key, body)

    def _fetch_own(self, kind: str) -> None:
        here, own = self._store.where(kind), self._listing.own[kind]
        if self._listing.is_full:
            same = sorted(run_id for run_id in own.keys() & here.keys() if not is_merged(here[run_id]))
            self.damaged += [own[run_id][0] for run_id in same if size_of(here[run_id]) != own[run_id][1]]
        wanted = own.keys() - here.keys()
        if kind == KINDS[0]:
            wanted -= self._pruned
        else:
            wanted = self._committed(wanted)
        for key, body in self._bodies(own[run_id][0] for run_id in wanted):
            self._require_responses(kind, key, body)
            self._write(key, body)

    def _committed(self, run_ids: Iterable[str]) -> set[str]:
        """Return those runs that have observations, or had, and all files: others may be being sent or deleted."""
        recorded, pruned = set(self._store.run_ids()), self._store.pruned().keys()
        return {
            run_id
            for run_id in run_ids
            if run_id in recorded
            or self._is_listed(KINDS[0], run_id)
            or (run_id in pruned and all(self._is_listed(kind, run_id) for kind in KINDS[1:]))
        }

    def _is_listed(self, kind: str, run_id: str) -> bool:
        """Return whether the store has a run's file, its own or a merged one."""
        return run_id in self._listing.own[kind] or run_id in self._merged_runs(kind, month_of(run_id))

    def _merged_runs(self, kind: str, month: str) -> set[str]:
        """Return the runs in the store's merged files of a month; those that are not here are read for it."""
        if (kind, month) not in self._merged:
            runs = self._merged[kind, month] = set()
            for path in (self._folder / key for key in self._listing.merged[kind] if f"/{month}/" in key):
                try:
                    runs |= listed(path)
                except FileNotFoundError:
                    runs.update(runs_of(self._objects.read(str(path.relative_to(self._folder))) or b""))
        return self._merged[kind, month]

    def _fetch_merged(self, kind: str) -> None:
        """Let each listed month have the merged files of the store."""
        of_store: dict[str, set[str]] = {}
        for key in self._listing.merged[kind]:
            of_store.setdefault(Path(key).parent.name, set()).add(Path(key).name)
        here = {month: present for month, present in self._merged_here(kind).items() if month >= self._listing.since}
        for month in sorted(of_store.keys() | here.keys()):
            if of_store.get(month) != here.get(month):
                self._take_merged(kind, month, of_store.get(month, set()), here.get(month, set()))

    def _merged_here(self, kind: str, months: Collection[str] | None = None) -> dict[str, set[str]]:
        """Return the names of the mirror's merged files, by month."""
        by_month: dict[str, set[str]] = {}
        for path in map(Path, self._store.months.files(kind, months)):
            if is_merged(path):
                by_month.setdefault(path.parent.name, set()).add(path.name)
        return by_month

    def _take_merged(self, kind: str, month: str, of_store: set[str], here: set[str]) -> None:
        """Let a month have the merged files of the store, and what the store has lost of it."""
        folder, bodies = self._folder / kind / month, {}
        for key, body in self._bodies(f"{kind}/{month}/{name}" for name in of_store - here):
            self._require_responses(kind, key, body)
            bodies[Path(key).name] = body
        with self._alone(folder):
            here = self._merged_here(kind, [month]).get(month, set())
            runs = {name: frozenset(runs_of(body)) for name, body in bodies.items()}
            runs |= {name: listed(folder / name) for name in here}
            used = without_contained({name: runs[name] for name in of_store & runs.keys()})
            self.unused |= {f"{kind}/{month}/{name}" for name in of_store & runs.keys() - used}
            lost = (
                frozenset().union(*(runs[name] for name in here - of_store)).difference(*(runs[name] for name in used))
            )
            lost -= self._removable(kind) if lost else set()
            same = next((name for name in sorted(here - of_store) if runs[name] == lost), None)
            keep = used | ({same} if same else set())
            if keep != here or (lost and not same):
                files = [(name, bodies.get(name) or read_regular(folder / name)) for name in sorted(keep)]
                files += [merged(kind, part) for part in parts(self._store, kind, sorted(lost) if not same else ())]
                self._store.months.replace(kind, month, files)

    @contextmanager
    def _alone(self, folder: Path) -> Iterator[None]:
        """Change a month while no other process does."""
        try:
            make_folders(self._folder, folder)
            with self._store.exclusive():
                yield
        except OSError as error:
            raise not_written(folder, error) from error
        except FileError as error:
            if isinstance(error.__cause__, BlockingIOError):  # another process does
                raise Incomplete(needs_all=False) from error
            raise

    def _removable(self, kind: str) -> set[str]:
        """Return the runs that were pruned, of whose files of a kind nothing here is in need."""
        if kind == KINDS[0]:
            return self._pruned
        if self._store.active_runs():  # guard: a run that is being recorded may refer to them
            return set()
        return unneeded_runs(self._store, self._pruned)

    def _remove_pruned(self) -> None:
        """Remove the observations of pruned runs, and of their responses what the store no longer has."""
        for kind in KINDS:
            where, own = self._store.where(kind), self._listing.own[kind]
            here = {run_id for run_id in self._pruned & where.keys() if not is_merged(where[run_id])}
            if kind != KINDS[0]:
                here = {run_id for run_id in here - own.keys() if self._listing.covers(run_id)}
            for run_id in sorted(here & self._removable(kind) if here else here):
                self._store.remove_file(self._store.path(kind, run_id))

    def _replace_baselines(self, bodies: Mapping[str, bytes]) -> None:
        """Let the mirror have the baselines of the store and no other: they can be removed, and set anew."""
        recorded = set(self._store.run_ids())
        if not self._listing.is_full and any(baseline_run(body) not in recorded for body in bodies.values()):
            raise Incomplete(needs_all=True)
        for name in names(self._folder / BASELINES):
            if f"{BASELINES}/{name}" not in self._listing.records[BASELINES]:
                unlink_inside(self._folder, self._folder / BASELINES / name)
        for key, body in bodies.items():
            with suppress(OSError):
                if read_regular(self._folder / key) == body:
                    continue
                unlink_inside(self._folder, self._folder / key)
            self._write(key, body)

    def _bodies(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Read objects, a batch at a time, and note which ones are damaged."""
        keys = sorted(keys)
        for begin in range(0, len(keys), _BATCH):
            for key, body in at_once(self._objects.read, keys[begin : begin + _BATCH]):
                if body is None:
                    raise Incomplete(needs_all=False)
                folder = key.partition("/")[0]
                if not _IS_WHOLE[folder](self._folder / key, body):  # guard: a damaged object is not fetched
                    self.damaged.append(key)
                    continue
                yield key, body

    def _require_responses(self, kind: str, key: str, body: bytes) -> None:
        """Require the responses to which runs refer: some may be of a month that was not listed."""
        if kind == KINDS[0] and not self._listing.is_full:
            wanted = responses_of(self._folder / key, body)
            if any(wanted - self._store.where(other, wanted).keys() for other in KINDS[1:]):
                raise Incomplete(needs_all=True)

    def _write(self, key: str, body: bytes) -> None:
        path = self._folder / key
        try:
            make_folders(self._folder, path.parent)
            with suppress(FileExistsError):  # another process fetched it
                write_new(path, body, self._store.workshop)
        except OSError as error:
            raise not_written(path, error) from error


def pruned_runs(store: Store, baselines: Iterable[str] | None = None) -> set[str]:
    """Return the runs that were pruned and are no baselines: a run may become one before the keeper deletes it.

    Args:
        store: the mirror.
        baselines: the runs that are; by default those of the mirror.

    Raises:
        FileError: a record of a pruning is damaged.
    """
    if baselines is None:
        baselines = [run_id for runs in store.records(BASELINES).values() for run_id in runs or ()]
    return store.pruned().keys() - set(baselines)


def unneeded_runs(store: Store, pruned: set[str]) -> set[str]:
    """Return those pruned runs to whose responses no other run refers; errors as ``Store.read``."""
    return pruned - referenced(store, set(store.run_ids()) - pruned)


def without_contained(files: Mapping[str, frozenset[str]]) -> set[str]:
    """Return those files whose runs are not all in another one: while the keeper prunes a month there are both."""
    chosen: set[str] = set()
    for name in sorted(files, key=lambda name: (-len(files[name]), name)):
        if not any(files[name] <= files[other] for other in chosen):
            chosen.add(name)
    return chosen
