"""What a store holds of a history: the objects of each kind, of all months or of those since the previous one."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from inventory.history.storage.data_file import KINDS
from inventory.history.storage.file_names import MONTH, month_of
from inventory.history.storage.record_files import BASELINE_NAME
from inventory.run_ids import RUN_ID
from inventory.sync.objects import ObjectStore, at_once

BASELINES, PRUNED, LOGS = "baselines", "pruned", "runs"
"""Folders of small files; that of the run log, an object a run, is listed only with everything."""

_RECENT = 3600  # seconds

_DATA = re.compile(
    rf"(?P<kind>{'|'.join(KINDS)})/(?P<month>{MONTH.pattern})/(?:(?P<run>{RUN_ID.pattern})|merged-[0-9a-f]{{16}})\.parquet"
)
_RECORD = re.compile(rf"{RUN_ID.pattern}-[0-9a-f]{{4}}\.json")
_NAMES = {
    BASELINES: re.compile(rf"{BASELINE_NAME.pattern}\.txt"),
    "retired": _RECORD,
    PRUNED: _RECORD,
    LOGS: re.compile(rf"{RUN_ID.pattern}\.json"),
}


@dataclass
class Listing:
    """The keys in a store, by kind.

    Attributes:
        since: the month from which on data files were listed, such as ``month=2026-10``; empty for all.
        own: the key of each run's own file, with its size in bytes.
        merged: the keys of merged files.
        records: the keys of baselines, of records of retired servers and of prunings, and, if all was listed, of the
            run log.
        began: the time when listing began, in seconds since 1970.
    """

    since: str = ""
    own: dict[str, dict[str, tuple[str, int]]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    merged: dict[str, set[str]] = field(default_factory=lambda: {kind: set() for kind in KINDS})
    records: dict[str, set[str]] = field(default_factory=dict)
    began: float = field(default_factory=time.time)

    @property
    def is_recent(self) -> bool:
        """Return whether it can be believed: a machine may sleep in the middle of a run."""
        return 0 <= time.time() - self.began < _RECENT

    @property
    def is_full(self) -> bool:
        """Return whether everything was listed."""
        return not self.since

    def covers(self, run_id: str) -> bool:
        """Return whether the month of a run was listed."""
        return month_of(run_id) >= self.since


def listing_of(store: ObjectStore, since: str = "") -> Listing:
    """List the objects of a history; keys that none of its files can have are left out.

    What is written first is listed last, so that whatever something listed refers to is listed too: baselines and the
    run log refer to observations, and these to responses. So are records of prunings, without which objects that the
    keeper has deleted would look lost.

    Args:
        store: the store.
        since: as ``Listing.since``.

    Raises:
        StoreUnreachable: the store could not be reached.
    """
    listing = Listing(since)
    for folders in ([BASELINES, "retired", *([] if since else [LOGS])], [KINDS[0]], [*KINDS[1:], PRUNED]):
        for folder, sizes in at_once(lambda name: store.sizes(name, since if name in KINDS else ""), folders):
            if folder in KINDS:
                _add(listing, sizes)
            else:
                listing.records[folder] = set(_records(folder, sizes))
    return listing


def _records(folder: str, sizes: dict[str, int]) -> Iterator[str]:
    for key in sizes:
        if not _NAMES[folder].fullmatch(key.removeprefix(f"{folder}/")):  # guard: no key of others becomes a path
            continue
        yield key


def _add(listing: Listing, sizes: dict[str, int]) -> None:
    for key, size in sizes.items():
        parts = _DATA.fullmatch(key)
        if not parts:
            continue
        if parts["run"] is None:
            listing.merged[parts["kind"]].add(key)
        elif month_of(parts["run"]) == parts["month"]:
            listing.own[parts["kind"]][parts["run"]] = key, size


def previous_month(now: datetime) -> str:
    """Return the name of the folder of the month before a time in UTC."""
    return f"month={now.replace(day=1) - timedelta(days=1):%Y-%m}"
