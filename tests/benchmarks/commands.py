"""S12, S13 and S15: whole commands over a fleet, from the start of the process to its end, by their CPU time."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from cold import LMS, PYTHON
from harness import HERE, OURS, Contestant, Race, Size, Target

_PARSED = "every answer parsed"
_LARGE = "report .html"  # a page of over 100 MB, of 20,000 servers
_COMMANDS = {
    "show": ("show",),
    "show --jsonl": ("show", "--jsonl"),
    "servers": ("servers",),
    "unused": ("unused",),
    "export .md": ("export", "-o", "export.md"),
    "report .md": ("report", "-o", "report.md"),
    _LARGE: ("report", "-o", "report.html"),
    "verify": ("verify",),
    "export .xlsx": ("export", "-o", "export.xlsx"),
    "report .xlsx": ("report", "-o", "report.xlsx"),
}
_SLOW, _REFUSED = (f"{OURS} verify",), (f"{OURS} export .xlsx", f"{OURS} report .xlsx")
_NAMES = tuple(f"{OURS} {name}" for name in _COMMANDS)
_CHANGES = {"text": (), ".html": ("-o", "changes.html"), ".xlsx": ("-o", "changes.xlsx")}


def _done(_: Path, __: str) -> str:
    """The commands do different things; that they end as they should is what is checked."""
    return "done"


def _saved_answers(folder: Path, numbers: dict[str, int]) -> None:
    """Saved answers of a fleet, a history of one run over them, and then some answers that changed."""
    import subprocess

    from bodies import changed, fleet

    answers = fleet(numbers["servers"], models=numbers["models"])
    paths = [folder / f"{number}.json" for number in range(len(answers))]
    for path, body in zip(paths, answers, strict=True):
        path.write_bytes(body)
    (folder / "list.txt").write_text("".join(f"s{path.stem}=file:{path}\n" for path in paths))
    subprocess.run(_snapshot(folder, "history"), check=True, stderr=subprocess.DEVNULL)
    for number, body in changed(answers, 0.005, 1).items():
        paths[number].write_bytes(body)
    shutil.copytree(folder / "history", folder / "parsed")


def _snapshot(folder: Path, history: str) -> Sequence[str]:
    servers = ("--servers-from", str(folder / "list.txt"), "--allow-files")
    return [*LMS, "snapshot", "-q", *servers, "--history", str(folder / history)]


def _digests(history: str) -> Callable[[Path, str], object]:
    """What the newest run says of each server."""

    def digests(folder: Path, _: str) -> object:
        from inventory import History
        from inventory.tables import values

        observations = History(folder / history).load().tables["observations"]
        return sorted(zip(*(values(observations, name) for name in ("server", "digest", "model_count")), strict=True))

    return digests


def _fleet_history(folder: Path, numbers: dict[str, int]) -> None:
    from bodies import changed, fleet
    from generated_histories import Past

    from inventory import History
    from inventory.history.recorder import record

    history, past = History(folder / "history"), Past(fleet(numbers["servers"], models=numbers["models"]))
    for number in range(numbers["runs"]):
        if number:
            past.next(changed(past.bodies, 0.005, number))
        record(history, past.snapshot)


def _everything_changed(folder: Path, numbers: dict[str, int]) -> None:
    from bodies import fleet
    from generated_histories import Past

    from inventory import History
    from inventory.history.recorder import record

    history, past = History(folder / "history"), Past(fleet(numbers["servers"], models=numbers["models"]))
    record(history, past.snapshot)
    grown = {}
    for number, body in enumerate(past.bodies):
        models = json.loads(body)["models"]
        grown[number] = json.dumps({"models": [row | {"size_bytes": row["size_bytes"] + 1} for row in models]}).encode()
    past.next(grown)
    record(history, past.snapshot)


def _command(words: Sequence[str]) -> Callable[[Path], Sequence[str]]:
    def command(folder: Path) -> Sequence[str]:
        paths = [str(folder / word) if "." in word else word for word in words]
        return [*LMS, *paths, "--history", str(folder / "history")]

    return command


def _fleet_race(name: str, servers: int, cpu: float) -> Race:
    return Race(
        name,
        "commands over a history of a fleet",
        Size({"servers": servers, "models": 60, "runs": 30}, 3),
        Size({"servers": 50, "models": 60, "runs": 3}, 1),
        _fleet_history,
        tuple(
            Contestant(f"{OURS} {name}", command=_command(words), answer=_done, slow=name == _LARGE)
            for name, words in _COMMANDS.items()
        ),
        (
            Target("cpu", cpu, (), tuple(one for one in _NAMES if one not in _SLOW + _REFUSED)),
            Target("cpu", 3 * cpu, (), _SLOW),
            Target("cpu", 1.0 if servers >= 18_000 else cpu, (), _REFUSED),
            Target("peak_mb", 1000, (), _NAMES),
        ),
    )


COMMANDS = (
    Race(
        "S12",
        "snapshot of saved answers of which 0.5 % changed, history on",
        Size({"servers": 4000, "models": 60}, 3),
        Size({"servers": 100, "models": 60}, 1),
        _saved_answers,
        (
            Contestant(OURS, command=lambda folder: _snapshot(folder, "history"), answer=_digests("history")),
            Contestant(
                _PARSED,
                command=lambda folder: [PYTHON, str(HERE / "scripts/snapshot_parsed.py"), str(folder)],
                answer=_digests("parsed"),
            ),
        ),
        (Target("cpu", 0.15, (_PARSED,)), Target("peak_mb", 200, ())),
    ),
    _fleet_race("S13", 20_000, 5.0),
    _fleet_race("S13-1000", 1000, 1.5),
    Race(
        "S15",
        "the changes of two runs in which every model changed",
        Size({"servers": 3600, "models": 60}, 3),
        Size({"servers": 20, "models": 60}, 1),
        _everything_changed,
        tuple(
            Contestant(f"{OURS} {name}", command=_command(("diff", *words)), answer=_done)
            for name, words in _CHANGES.items()
        ),
        tuple(
            Target("cpu", most, (), (f"{OURS} {name}",)) for name, most in zip(_CHANGES, (3.0, 6.0, 6.0), strict=True)
        ),
    ),
)
