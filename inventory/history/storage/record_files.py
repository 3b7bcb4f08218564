"""The small text files of a history: records of prunings and of retired servers, and baselines."""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from inventory.filesystem.regular_files import read_regular
from inventory.history.storage.checksum import read_verified
from inventory.run_ids import RUN_ID

BASELINE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RECORD = re.compile(RUN_ID.pattern + r"-[0-9a-f]{4}\.json")


def read_record(path: Path) -> dict[str, str] | None:
    """Read the runs in a record of pruning, with their digests, or in a baseline; None if it is damaged."""
    try:
        if path.suffix not in (".json", ".pruned"):
            body = read_regular(path)
            run_id = baseline_run(body)
            return {run_id: ""} if RUN_ID.fullmatch(run_id) and body == baseline_text(path.stem, run_id) else None
        return record_runs(read_regular(path))
    except (OSError, ValueError):
        return None


def record_runs(body: bytes) -> dict[str, str] | None:
    """Return the runs, or servers, in the content of a record, as ``record_text`` makes it; None if it is damaged."""
    try:
        record = json.loads(body)
        return dict(record["runs"]) if record["sha256"] == _sum(record["runs"]) else None
    except (ValueError, KeyError, TypeError):
        return None


def is_foreign(path: Path) -> bool:
    """Return whether a file in ``pruned`` or ``baselines`` that holds no record is not this tool's.

    That is a file with another name, and a copy of a baseline by a synchronisation program, such as
    ``good-DESKTOP-1.txt`` with the content of ``good.txt``.
    """
    if path.suffix == ".json":
        return not _RECORD.fullmatch(path.name)
    if path.suffix != ".txt" or not BASELINE_NAME.fullmatch(path.stem):
        return True
    try:
        body = read_regular(path)
    except OSError:
        return False
    return any(body == baseline_text(path.stem[:end], baseline_run(body)) for end in range(1, len(path.stem)))


def merged_runs(path: Path) -> dict[str, str]:
    """Read the runs in a merged observations file, with the SHA-256 of their own files; none if it is damaged."""
    try:
        about = read_verified(read_regular(path)) or {}
    except OSError:
        return {}
    return {run_id: entry["sha256"] for run_id, entry in about.get("runs", {}).items()}


def baseline_text(name: str, run_id: str) -> bytes:
    """Return the content of a baseline's file: the run, and a digest of name and run."""
    return f"{run_id}\n{sha256(f'{name} {run_id}'.encode()).hexdigest()}\n".encode()


def baseline_run(body: bytes) -> str:
    """Return the run that the content of a baseline's file begins with, whether or not it is one."""
    return body.decode(errors="replace").partition("\n")[0]


def record_text(runs: Mapping[str, str]) -> bytes:
    """Return the content of a record of pruning, with a digest of it."""
    return json.dumps({"runs": dict(runs), "sha256": _sum(runs)}, indent=1).encode()


def _sum(runs: Mapping[str, str]) -> str:
    return sha256(json.dumps(dict(runs), sort_keys=True).encode()).hexdigest()
