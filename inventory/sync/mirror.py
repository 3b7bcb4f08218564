"""A mirror: this machine's copy of a shared history, an ordinary history in which runs are recorded and read.

What is new in the store is fetched, what is new in the mirror is sent. Whether a run was sent is known by comparing the
mirror with what the store lists. Answers are sent and fetched before observations, which commit a run on both sides,
and their tables before their bodies: a process that is killed at any moment leaves no run without what it needs. Runs
that the keeper pruned are removed from the mirror, and neither fetched nor sent again.
"""

import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from inventory.errors import FileError
from inventory.filesystem.atomic import atomic_write
from inventory.filesystem.listing import names, size_of
from inventory.filesystem.regular_files import read_regular
from inventory.filesystem.write_once import make_folders
from inventory.history.storage.data_file import KINDS
from inventory.history.storage.file_names import is_merged
from inventory.history.storage.metadata import not_written
from inventory.history.storage.mirrors import MIRROR, read_mirror
from inventory.history.storage.received import is_whole, responses_of, runs_of
from inventory.history.storage.store import Store
from inventory.run_ids import utc_now
from inventory.sync.fetch import Fetch, Incomplete, pruned_runs, unneeded_runs
from inventory.sync.listing import LOGS, PRUNED, Listing, listing_of, previous_month
from inventory.sync.objects import ObjectStore, at_once, probe, write_once

_EVERY = timedelta(days=1)  # runs of collectors that were offline for long come under months that are otherwise unread
_PAUSE = 0.2  # seconds before the store is listed again
_ATTEMPTS = 8  # pulls, while the keeper works on files that were just listed


class Mirror:
    """The mirror of one shared history.

    Args:
        objects: the store.
        folder: the mirror's folder, created when it is first used.

    Attributes:
        listing: what the store held when it was last listed.
        sent: the number of runs that were sent.
        unused: the keys of merged files of the store whose runs another one holds too.
    """

    def __init__(self, objects: ObjectStore, folder: Path) -> None:
        self.objects = objects
        self.folder = folder
        self.store = Store(folder)
        self.listing: Listing | None = None
        self.sent = 0
        self.unused: set[str] = set()

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
            fetch = Fetch(self.objects, self.store, self.listing)
            try:
                fetch.run()
            except Incomplete as error:
                full = full or error.needs_all
                time.sleep(0 if error.needs_all else _PAUSE)
                continue
            break
        else:
            raise FileError(f"{self.objects.address} changed while it was read", "Try again")
        damaged, self.unused = fetch.damaged, fetch.unused
        if full:
            self.push()
            self.note(listed=now.astimezone(UTC).isoformat())
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
        listing, runs, pruned = self.listing, self.store.run_ids(), set(self.store.pruned())
        unsent = self._lacking(listing, KINDS[0], runs) if listing and listing.is_recent else None
        # Responses of pruned runs may be gone from the store, of whatever month.
        if not listing or unsent is None or (not listing.is_full and pruned & self._responses(unsent)):
            before = self.sent
            self.pull(utc_now(), full=True)
            return self.sent - before
        if any(self._lacking(listing, kind, pruned) or self._lacking_merged(listing, kind) for kind in KINDS[1:]):
            pruned -= unneeded_runs(self.store, pruned_runs(self.store))
        needed = {*runs, *pruned}
        for kind in KINDS[:0:-1]:
            self._send_files(listing, kind, self._lacking(listing, kind, needed), needed)
        sent = self._send_files(listing, KINDS[0], unsent, needed)
        self._send_records(listing)
        self.sent += sent
        return sent

    def _lacking(self, listing: Listing, kind: str, runs: Iterable[str]) -> dict[str, str]:
        """Return the keys of those files of some runs that the store lacks, each with its run, the oldest first."""
        where = self.store.where(kind)
        lacking = sorted(
            run_id for run_id in where.keys() & set(runs) - listing.own[kind].keys() if listing.covers(run_id)
        )
        own = (run_id for run_id in lacking if not is_merged(where[run_id]))
        return {f"{kind}/{where[run_id].parent.name}/{run_id}.parquet": run_id for run_id in own}

    def _responses(self, keys: Iterable[str]) -> set[str]:
        """Return the runs to whose responses observations refer."""
        bodies = ((self.folder / key, self._read(key)) for key in keys)
        return set().union(*(responses_of(path, body) for path, body in bodies if body))

    def _lacking_merged(self, listing: Listing, kind: str) -> list[str]:
        """Return the keys of merged files that the store lacks, if all months were listed."""
        paths = filter(is_merged, map(Path, self.store.months.files(kind) if listing.is_full else ()))
        return sorted({f"{kind}/{path.parent.name}/{path.name}" for path in paths} - listing.merged[kind])

    def _send_files(self, listing: Listing, kind: str, keys: dict[str, str], needed: set[str]) -> int:
        """Send files of a kind, of observations one after the other; return how many the store did not have.

        Merged files that it lacks are sent too, if they hold runs that are needed.
        """
        if keys:
            self.require_conditions()
        send = partial(self._send, kind)
        sent = sum(map(send, keys) if kind == KINDS[0] else (is_new for _, is_new in at_once(send, list(keys))))
        for key in self._lacking_merged(listing, kind):
            if needed.intersection(runs_of(self._read(key) or b"")):
                self._send(kind, key)
        listing.own[kind] |= {run_id: (key, size_of(self.folder / key)) for key, run_id in keys.items()}
        return sent

    def push_log(self, run_id: str) -> None:
        """Send the entry of one run in the run log; errors as ``push``."""
        self._send(LOGS, f"{LOGS}/{run_id}.json")

    def publish(self, key: str) -> None:
        """Send one small file of the mirror, such as a baseline; errors as ``write_once``."""
        self.require_conditions()
        write_once(self.objects, key, read_regular(self.folder / key))

    def _send_records(self, listing: Listing) -> None:
        for folder in ("retired", PRUNED, LOGS):
            if folder in listing.records:
                here = {f"{folder}/{name}" for name in names(self.folder / folder) if name.endswith(".json")}
                for key in sorted(here - listing.records[folder]):
                    self._send(folder, key)
                    listing.records[folder].add(key)

    def _send(self, kind: str, key: str) -> bool:
        """Send a file; return False if the store had it, or another process has sent or removed it meanwhile."""
        body = self._read(key)
        if body is None:
            return False
        if kind in KINDS and not is_whole(kind, self.folder / key, body):  # guard: damage is not spread
            raise FileError(f"{self.folder / key} is damaged, and was not sent", "See what else: lms-inventory verify")
        return write_once(self.objects, key, body)

    def _read(self, key: str) -> bytes | None:
        """Read a file of the mirror; None if it is not there any more.

        Raises:
            FileError: it could not be read.
        """
        try:
            return read_regular(self.folder / key)
        except FileNotFoundError:
            return None
        except OSError as error:
            what = f"{self.folder / key} could not be read: {error.strerror or error}"
            raise FileError(what, "See what else: lms-inventory verify") from error

    def require_conditions(self) -> None:
        """Probe the store before this mirror first writes to it; errors as ``probe``."""
        if not read_mirror(self.folder).get("probed"):
            probe(self.objects)
            self.note(probed=True)

    def note(self, **facts: object) -> None:
        """Add to what is known of the mirror; errors as ``prepare``."""
        _write_note(self.folder, {**read_mirror(self.folder), **facts})

    def _is_full_due(self, now: datetime) -> bool:
        try:
            listed = datetime.fromisoformat(str(read_mirror(self.folder).get("listed", "")))
        except ValueError:
            return True
        return not timedelta(0) <= now - listed < _EVERY  # also after the clock was put back


def prepare(folder: Path, address: str) -> None:
    """Create the mirror of an address, which holds nothing yet, if there is none.

    Raises:
        FileError: it could not be written.
    """
    try:
        make_folders(folder, folder / "_tmp")
    except OSError as error:
        raise not_written(folder, error) from error
    if not read_mirror(folder):
        _write_note(folder, {"address": address})


def _write_note(folder: Path, content: dict[str, object]) -> None:
    """Write what is known of a mirror; errors as ``prepare``."""
    try:
        with atomic_write(folder / MIRROR, json.dumps(content).encode()) as move:
            move()
    except OSError as error:
        raise not_written(folder / MIRROR, error) from error
