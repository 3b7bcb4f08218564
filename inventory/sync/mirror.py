"""A mirror: this machine's copy of a shared history, an ordinary history in which runs are recorded and read.

What is new in the store is fetched, what is new in the mirror is sent. Whether a run was sent is known by comparing the
mirror with what the store lists. Answers are sent and fetched before observations, which commit a run on both sides: a
process that is killed at any moment leaves no run without what it needs.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from inventory.errors import FileError
from inventory.filesystem.listing import names, size_of
from inventory.filesystem.regular_files import read_regular
from inventory.filesystem.write_once import make_folders, unlink_inside, write_new
from inventory.history.storage.data_file import KINDS, is_merged
from inventory.history.storage.metadata import not_written
from inventory.history.storage.mirrors import read_mirror
from inventory.history.storage.received import is_whole, responses_of
from inventory.history.storage.record_files import baseline_run
from inventory.history.storage.store import Store
from inventory.sync.files import WHOLE_RECORD, prepare, write_note
from inventory.sync.listing import LOGS, Listing, by_month, listing_of, previous_month
from inventory.sync.objects import ObjectStore, at_once, probe, write_once

_EVERY = timedelta(days=1)  # runs of collectors that were offline for long come under months that are otherwise unread
_BATCH = 200  # objects that are in memory at once
_PAUSE = 0.2  # seconds before the store is listed again
_ATTEMPTS = 8  # pulls, while the keeper merges files that were just listed


class Mirror:
    """The mirror of one shared history.

    Args:
        objects: the store.
        folder: the mirror's folder, created when it is first used.

    Attributes:
        listing: what the store held when it was last listed.
        sent: the number of runs that were sent.
    """

    def __init__(self, objects: ObjectStore, folder: Path) -> None:
        self.objects = objects
        self.folder = folder
        self.store = Store(folder)
        self.listing: Listing | None = None
        self.sent = 0

    def pull(self, now: datetime, *, full: bool = False) -> int:
        """Fetch what the mirror lacks; once a day, or if asked, of all months, and then send what the store lacks.

        Args:
            now: the present time in UTC.
            full: list all months.

        Returns:
            The number of new runs.

        Raises:
            StoreUnreachable: the store could not be reached; what was fetched until then stays.
            FileError: an object is damaged, which is not fetched, or the mirror could not be written.
        """
        prepare(self.folder, self.objects.address)
        before = set(self.store.run_ids())
        full = full or self._is_full_due(now)
        for _ in range(_ATTEMPTS):
            self.listing = listing_of(self.objects, "" if full else previous_month(now.astimezone(UTC)))
            try:
                damaged = self._fetch(self.listing)
            except _Incomplete as error:
                full = full or error.needs_all
                time.sleep(0 if error.needs_all else _PAUSE)
                continue
            break
        else:
            raise FileError(f"{self.objects.address} changed while it was read", "Try again")
        if full:
            self.push()
            self._note(listed=now.astimezone(UTC).isoformat())
        if damaged:
            more = f" and {len(damaged) - 1} more objects are" if damaged[1:] else " is"
            raise FileError(
                f"{self.objects.address}/{damaged[0]}{more} damaged, and not used",
                "Delete it there; a collector that has it sends it again: lms-inventory sync --full",
            )
        return len(set(self.store.run_ids()) - before)

    def push(self) -> int:
        """Send what the store lacked when it was last listed; answers first, then runs, the oldest first.

        Returns:
            The number of runs that were sent.

        Raises:
            StoreUnreachable: the store could not be reached, or was never listed; everything stays in the mirror.
            FileError: a file of the mirror is damaged, or the store holds another one of that name.
        """
        listing = self.listing or listing_of(self.objects)
        sent = 0
        runs = {run_id for run_id in self.store.run_ids() if listing.covers(run_id)}
        for kind in (*KINDS[1:], KINDS[0]):
            where = self.store.where(kind, runs)
            known = set(listing.own[kind])
            lacking = sorted(run_id for run_id in runs - known if run_id in where and not is_merged(where[run_id]))
            keys = {f"{kind}/{where[run_id].parent.name}/{run_id}.parquet": run_id for run_id in lacking}
            if keys:
                self._require_conditions()
            if kind == KINDS[0]:
                sent += sum(self._send(kind, key) for key in keys)
            else:
                for _ in at_once(lambda key, kind=kind: self._send(kind, key), list(keys)):  # type: ignore[misc]
                    pass
            if listing.is_full:
                merged = filter(is_merged, map(Path, self.store.months.files(kind)))
                here = {f"{kind}/{path.parent.name}/{path.name}" for path in merged}
                for key in sorted(here - listing.merged[kind]):
                    self._send(kind, key)
            listing.own[kind] |= {run_id: (key, size_of(self.folder / key)) for key, run_id in keys.items()}
        self._send_records(listing)
        self.sent += sent
        return sent

    def push_log(self, run_id: str) -> None:
        """Send the entry of one run in the run log; errors as ``push``."""
        self._send(LOGS, f"{LOGS}/{run_id}.json")

    def publish(self, key: str) -> None:
        """Send one small file of the mirror, such as a baseline; errors as ``write_once``."""
        self._require_conditions()
        write_once(self.objects, key, read_regular(self.folder / key))

    def _send_records(self, listing: Listing) -> None:
        for folder in ("retired", LOGS):
            if folder in listing.records:
                here = {f"{folder}/{name}" for name in names(self.folder / folder) if name.endswith(".json")}
                for key in sorted(here - listing.records[folder]):
                    self._send(folder, key)
                    listing.records[folder].add(key)

    def _send(self, kind: str, key: str) -> bool:
        """Send a file; return False if the store had it."""
        body = read_regular(self.folder / key)
        if kind in KINDS and not is_whole(kind, self.folder / key, body):  # guard: damage is not spread
            raise FileError(f"{self.folder / key} is damaged, and was not sent", "See what else: lms-inventory verify")
        return write_once(self.objects, key, body)

    def _require_conditions(self) -> None:
        """Probe the store before this mirror first writes to it; errors as ``probe``."""
        if not read_mirror(self.folder).get("probed"):
            probe(self.objects)
            self._note(probed=True)

    def _note(self, **news: object) -> None:
        write_note(self.folder, {**read_mirror(self.folder), **news})

    def _is_full_due(self, now: datetime) -> bool:
        try:
            listed = datetime.fromisoformat(str(read_mirror(self.folder).get("listed", "")))
        except ValueError:
            return True
        return not timedelta(0) <= now - listed < _EVERY  # also after the clock was put back

    def _fetch(self, listing: Listing) -> list[str]:
        """Fetch what the mirror lacks; return the keys of damaged objects.

        Raises:
            _Incomplete: a listed object is gone, or a run needs what was not listed.
        """
        damaged: list[str] = []
        for kind in (*KINDS[1:], KINDS[0]):
            for month, keys in by_month(listing.merged[kind]):
                damaged += self._take_merged(kind, month, keys)
            here = self.store.where(kind)
            own = listing.own[kind]
            if listing.is_full:
                changed = (run_id for run_id in own.keys() & here.keys() if not is_merged(here[run_id]))
                damaged += [own[run_id][0] for run_id in changed if size_of(here[run_id]) != own[run_id][1]]
            lacking = [own[run_id][0] for run_id in sorted(own.keys() - here.keys())]
            whole = _whole_file(kind)
            for key, body in self._bodies(lacking, whole, damaged):
                if kind == KINDS[0] and not listing.is_full:
                    self._require_responses(key, body)
                self._write(key, body)
        for folder in listing.records:
            damaged += self._fetch_records(listing, folder)
        return damaged

    def _fetch_records(self, listing: Listing, folder: str) -> list[str]:
        """Fetch small files; of baselines, which can be removed, the mirror has those of the store and no other."""
        damaged: list[str] = []
        here = {f"{folder}/{name}" for name in names(self.folder / folder)}
        wanted = listing.records[folder] - (set() if folder == "baselines" else here)
        bodies = dict(self._bodies(sorted(wanted), WHOLE_RECORD[folder], damaged))
        if folder == "baselines":
            recorded = set(self.store.run_ids())
            if not listing.is_full and any(baseline_run(body) not in recorded for body in bodies.values()):
                raise _Incomplete(needs_all=True)
            for key in here - listing.records[folder]:
                unlink_inside(self.folder, self.folder / key)
        for key, body in bodies.items():
            self._replace_record(key, body)
        return damaged

    def _bodies(
        self, keys: list[str], whole: Callable[[Path, bytes], bool], damaged: list[str]
    ) -> Iterator[tuple[str, bytes]]:
        """Read objects, a batch at a time; the keys of damaged ones are added to a list."""
        for begin in range(0, len(keys), _BATCH):
            for key, body in at_once(self.objects.read, keys[begin : begin + _BATCH]):
                if body is None:
                    raise _Incomplete(needs_all=False)
                if not whole(self.folder / key, body):  # guard: a damaged object is not fetched
                    damaged.append(key)
                    continue
                yield key, body

    def _require_responses(self, key: str, body: bytes) -> None:
        """Require the responses to which a run refers: one may be of a month that was not listed."""
        wanted = responses_of(KINDS[0], self.folder / key, body)
        if any(wanted - self.store.where(kind, wanted).keys() for kind in KINDS[1:]):
            raise _Incomplete(needs_all=True)

    def _write(self, key: str, body: bytes) -> None:
        path = self.folder / key
        try:
            make_folders(self.folder, path.parent)
            with suppress(FileExistsError):  # another process fetched it
                write_new(path, body, self.store.workshop)
        except OSError as error:
            raise not_written(path, error) from error

    def _replace_record(self, key: str, body: bytes) -> None:
        """Write a small file, in the place of one that another collector replaced."""
        with suppress(OSError):
            if read_regular(self.folder / key) == body:
                return
            unlink_inside(self.folder, self.folder / key)
        self._write(key, body)

    def _take_merged(self, kind: str, month: str, keys: set[str]) -> list[str]:
        """Replace the files of a month by merged ones that the mirror lacks; return the keys of damaged ones."""
        here = {path.name for path in map(Path, self.store.months.files(kind, [month])) if is_merged(path)}
        damaged: list[str] = []
        lacking = sorted(key for key in keys if Path(key).name not in here)
        new = dict(self._bodies(lacking, _whole_file(kind), damaged))
        if new:
            folder = self.folder / kind / month
            try:
                make_folders(self.folder, folder)
                with self.store.exclusive():
                    self.store.months.replace(kind, month, _files(folder, here, new))
            except OSError as error:
                raise not_written(folder, error) from error
            except FileError as error:
                if isinstance(error.__cause__, BlockingIOError):  # another process takes them
                    raise _Incomplete(needs_all=False) from error
                raise
        return damaged


class _Incomplete(Exception):
    """The listing does not fit what the store holds.

    Attributes:
        needs_all: all months must be listed.
    """

    def __init__(self, *, needs_all: bool) -> None:
        super().__init__()
        self.needs_all = needs_all


def _files(folder: Path, here: Iterable[str], new: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    for name in sorted(here):
        yield name, read_regular(folder / name)
    for key, body in new.items():
        yield Path(key).name, body


def _whole_file(kind: str) -> Callable[[Path, bytes], bool]:
    return lambda path, body: is_whole(kind, path, body)
