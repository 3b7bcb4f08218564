"""S1 to S3: whole commands, from the start of the process to its end."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness import HERE, OURS, Contestant, Race, Size, Target

PYTHON = sys.executable
LMS = (PYTHON, "-m", "inventory")
_SCRIPTS = HERE / "scripts"
_CHANGES = ("added", "removed", "reconfigured")


def _nothing(folder: Path, numbers: dict[str, int]) -> None:
    """Nothing is needed."""


def _printed(_: Path, text: str) -> str:
    """All that matters of help, a version and a usage error is that nothing else was done."""
    return "quick" if len(text) < 5000 else text


def _one_server(folder: Path, numbers: dict[str, int]) -> None:
    from bodies import one_body

    (folder / "answer.json").write_bytes(one_body(numbers["models"]))


def _serve(folder: Path) -> Sequence[str]:
    return [PYTHON, str(HERE / "servers.py"), str(folder / "answer.json"), str(folder / "addresses"), "2", "changing"]


def _address(folder: Path, number: int = 0) -> str:
    return (folder / "addresses").read_text().split()[number]


def _keys(file: str) -> Any:
    def keys(folder: Path, _: str) -> Any:
        import subprocess

        read = f"duckdb.connect().read_parquet({str(folder / file)!r}).project('key').fetchall()"
        code = f"import duckdb, json; print(json.dumps(sorted({read})))"
        return json.loads(subprocess.run([PYTHON, "-c", code], capture_output=True, check=True).stdout)

    return keys


def _snapshot(folder: Path, *, changing: bool = False) -> Sequence[str]:
    name = "changing" if changing else "ours"
    history, target = str(folder / f"{name} history"), str(folder / f"{name}.parquet")
    return [*LMS, "snapshot", "--server", _address(folder, int(changing)), "--history", history, "-o", target]


def _two_runs(folder: Path, numbers: dict[str, int]) -> None:
    from bodies import changed, one_body
    from diffs import columns_only, with_id
    from generated_histories import Past

    from inventory import History
    from inventory.history.recorder import record

    history = History(folder / "history")
    past = Past([one_body(numbers["models"])])
    for name in ("old", "new"):
        if name == "new":
            for seed in range(numbers["changes"]):
                past.bodies[0] = changed(past.bodies, 1.0, seed)[0]
            past.next({0: past.bodies[0]})
        record(history, past.snapshot)
        table = columns_only(past.snapshot.tables["models"])
        with_id(table, folder / name)


def _changes(_: Path, text: str) -> Any:
    """The changes of models that a command printed: ours says them as text for people, the others as JSON."""
    if text.startswith("["):
        return sorted(map(tuple, json.loads(text)))
    return None


def _diff(folder: Path) -> Sequence[str]:
    return [*LMS, "diff", "--history", str(folder / "history")]


def _told(folder: Path, text: str) -> Any:
    """What ``diff`` found, from the same command with ``--json``; its text has to be there too."""
    import subprocess

    command = [*_diff(folder), "--json"]
    data = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["data"]
    found = {(row["change"], row["key"]) for row in data["changes"] if row["grain"] == "model"}
    assert all(key in text for _, key in found)
    return sorted(one for one in found if one[0] in _CHANGES)


def _script(name: str) -> Contestant:
    def command(folder: Path) -> Sequence[str]:
        return [PYTHON, str(_SCRIPTS / f"{name}.py"), str(folder / "old"), str(folder / "new")]

    return Contestant(name.replace("_", " "), command=command, answer=_changes)


COLD = (
    Race(
        "S1",
        "--help, --version and a usage error, cold",
        Size({}, 15),
        Size({}, 3),
        _nothing,
        (
            *(
                Contestant(f"{OURS} {word}", command=lambda _, word=word: (*LMS, word), answer=_printed)  # type: ignore[misc]
                for word in ("--help", "--version", "--wrong")
            ),
            Contestant("import click", command=lambda _: (PYTHON, "-c", "import click"), answer=_printed),
        ),
        (
            Target(
                "seconds",
                3.0,
                ("import click",),
                tuple(f"{OURS} {word}" for word in ("--help", "--version", "--wrong")),
            ),
        ),
    ),
    Race(
        "S2",
        "snapshot of one server to Parquet, history on, cold",
        Size({"models": 60}, 9),
        Size({"models": 60}, 3),
        _one_server,
        (
            Contestant(OURS, command=_snapshot, answer=_keys("ours.parquet")),
            Contestant(
                f"{OURS}, changed",
                command=lambda folder: _snapshot(folder, changing=True),
                answer=_keys("changing.parquet"),
            ),
            Contestant(
                "httpx and json_normalize",
                command=lambda folder: (
                    PYTHON,
                    str(_SCRIPTS / "snapshot_by_hand.py"),
                    _address(folder),
                    str(folder / "hand.parquet"),
                ),
                answer=_keys("hand.parquet"),
            ),
        ),
        (
            Target("seconds", 0.8, ("httpx and json_normalize",)),
            Target("seconds", 1.1, ("httpx and json_normalize",), (f"{OURS}, changed",)),
        ),
        _serve,
    ),
    Race(
        "S3",
        "diff of the last two runs of one server, cold",
        Size({"models": 60, "changes": 5}, 9),
        Size({"models": 60, "changes": 5}, 3),
        _two_runs,
        (
            Contestant(OURS, command=_diff, answer=_told),
            *map(_script, ("duckdb_by_hand", "csv_diff_files", "datacompy_polars", "datacompy_pandas")),
        ),
        (Target("seconds", 1.5, ("duckdb by hand",)),),
    ),
)
