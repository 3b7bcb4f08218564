"""The names of the data files of a history, and of the folders of its months."""

import os
import re
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from inventory.run_ids import RUN_ID

MONTH = re.compile(r"month=[0-9]{4}-[0-9]{2}")
"""The name of a month's folder."""

_MERGED = re.compile(r"merged-[0-9a-f]{16}")


def is_merged(path: str | Path) -> bool:
    """Return whether a file is named as one that holds many runs."""
    return bool(_MERGED.fullmatch(stem_of(path)))


def stem_of(path: str | Path) -> str:
    """Return the name of a file without its suffix: of a run's own file the run."""
    return str(path).rpartition(os.sep)[2].rpartition(".")[0]


def is_ours(path: Path) -> bool:
    """Return whether a file is named as one that this tool writes into a month's folder."""
    return path.suffix == ".parquet" and (is_merged(path) or bool(RUN_ID.fullmatch(path.stem)))


def month_of(run_id: str) -> str:
    """Return the name of the folder of a run's month."""
    return f"month={run_id[:4]}-{run_id[4:6]}"


def months_of(run_ids: Iterable[str]) -> set[str]:
    """Return the names of the folders of the months of some runs."""
    return {month_of(begin) for begin in {run_id[:6] for run_id in run_ids}}


def merged_name(run_ids: Iterable[str]) -> str:
    """Return the name of a file that holds some runs: it tells which."""
    return f"merged-{sha256(chr(10).join(run_ids).encode()).hexdigest()[:16]}.parquet"
