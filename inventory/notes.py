"""The small text files of a history beside its tables: which runs were pruned, and which were frozen as baselines."""

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from inventory.contents import ADVICE
from inventory.errors import ConfigurationError, FileError
from inventory.filenames import no_name
from inventory.files import make_folders, publish_once
from inventory.folders import names
from inventory.references import RUN_ID


class Notes:
    """The notes in the folder of one history, and how a file gets into it.

    Args:
        folder: made, readable by its owner only, when the first file is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def workshop(self) -> Path:
        """Where files are written before they are published."""
        return self.folder / "_tmp"

    def pruned(self) -> dict[str, str]:
        """The runs that were removed, with the SHA-256 of their observations files.

        Raises:
            FileError: a record of a pruning is damaged.
        """
        return {run_id: digest for _, runs in self._whole("pruned") for run_id, digest in runs.items()}

    def record_pruned(self, runs: Mapping[str, str]) -> None:
        """Write down which runs are about to be removed, so that the chain can still be followed.

        Raises:
            FileError: it could not be written.
        """
        body = json.dumps({"runs": dict(runs), "sha256": _sum(runs)}, indent=1).encode()
        self.publish(self.folder / "pruned" / f"{max(runs)}-{secrets.token_hex(2)}.json", body)

    def baselines(self) -> dict[str, str]:
        """The frozen baselines: run ids by name.

        Raises:
            FileError: one is damaged.
        """
        return {path.stem: run_id for path, runs in self._whole("baselines") for run_id in runs}

    def baseline_path(self, name: str) -> Path:
        """Where a frozen baseline is, or would be."""
        return self.folder / "baselines" / f"{name}.txt"

    def noted(self, kind: str) -> dict[Path, dict[str, str] | None]:
        """The runs in each small file of a kind, ``pruned`` or ``baselines``; None for a file that is damaged."""
        folder = self.folder / kind
        return {folder / name: _noted(folder / name) for name in sorted(names(folder)) if "." in name}

    def freeze(self, name: str, run_id: str) -> None:
        """Freeze a run under a name, for good.

        Raises:
            ConfigurationError: the name cannot be one, or is taken by another run.
            FileError: it could not be written.
        """
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name) or no_name(name):
            raise ConfigurationError(f"a baseline's name cannot be {name!r}", "Use letters, digits, dots and dashes")
        frozen = self.baselines().get(name)
        if frozen is None:
            self.publish(self.baseline_path(name), _frozen(name, run_id))
        elif frozen != run_id:
            raise ConfigurationError(f"the baseline {name} is frozen already, at {frozen}", "Choose another name")

    def publish(self, path: Path, body: bytes) -> None:
        """Write a file that must not exist yet.

        Raises:
            FileError: it could not be written, or is there already.
        """
        self.make_folder(self.workshop)
        try:
            while True:
                self.make_folder(path.parent)
                with suppress(FileNotFoundError):  # another folder is just taking the place of its month's
                    return publish_once(path, body, self.workshop)
        except OSError as error:
            raise not_written(path, error) from error

    def make_folder(self, folder: Path) -> None:
        """Make a folder of the history, if it is not there yet.

        Raises:
            FileError: it could not be made.
        """
        try:
            make_folders(self.folder, folder)
        except OSError as error:
            raise FileError(
                f"the history {self.folder} could not be written: {error.strerror}",
                "Give another folder with --history DIR, or none with --no-history",
            ) from error

    def _whole(self, kind: str) -> Iterator[tuple[Path, dict[str, str]]]:
        for path, runs in self.noted(kind).items():
            if runs is None:
                raise FileError(f"{path} is damaged", ADVICE)
            yield path, runs


def _noted(path: Path) -> dict[str, str] | None:
    """The runs in the record of a pruning, with their digests, or in a baseline; None if it is damaged."""
    try:
        if path.suffix != ".json":
            body = path.read_bytes()
            run_id = body.decode().partition("\n")[0]
            return {run_id: ""} if RUN_ID.fullmatch(run_id) and body == _frozen(path.stem, run_id) else None
        record = json.loads(path.read_bytes())
        return dict(record["runs"]) if record["sha256"] == _sum(record["runs"]) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _frozen(name: str, run_id: str) -> bytes:
    """What the file of a baseline holds: the run, and a proof that it is the one frozen under this name."""
    return f"{run_id}\n{sha256(f'{name} {run_id}'.encode()).hexdigest()}\n".encode()


def not_written(path: Path, error: OSError) -> FileError:
    """The error for a file of a history that could not be written."""
    return FileError(f"{path} could not be written: {error.strerror or error}", "The history is as it was before")


def _sum(runs: Mapping[str, str]) -> str:
    return sha256(json.dumps(dict(runs), sort_keys=True).encode()).hexdigest()
