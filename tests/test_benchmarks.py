"""The benchmarks: they run, they check what they measure, and their fleets are the same everywhere."""

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent / "benchmarks"


def test_the_fleets_are_the_same_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same seed makes the same bodies on every machine, and another seed makes others."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from bodies import changed, fleet, one_body

    told = b"\n".join([*fleet(20), *fleet(5, models=9, unique=True), one_body(30)])
    later = changed(fleet(20), 0.5, 1)
    assert (
        sha256(told + b"".join(later.values())).hexdigest()
        == "13234b753c4b32a74dd2a6cc670df2a4d560f22b1894444b7ee5568859323592"
    )
    assert fleet(20) != fleet(20, seed=1)
    assert len(later) == 10
    assert all(body != fleet(20)[number] for number, body in later.items())


def test_fleets_are_skewed_as_real_ones_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers have 3 to 60 models, most of them few; popular models are on many, unless every row is to be its own."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from bodies import fleet

    counts = []
    for unique in (False, True):
        keys = [[model["key"] for model in json.loads(body)["models"]] for body in fleet(300, unique=unique)]
        sizes = sorted(map(len, keys))
        assert (sizes[0], sizes[-1]) == (3, 60)
        assert sizes[150] < 15
        assert all(len(set(some)) == len(some) for some in keys)
        counts.append(len({key for some in keys for key in some}) / sum(sizes))
    assert counts[0] < 0.2
    assert counts[1] == 1


@pytest.mark.long
def test_races_are_run_and_told(tmp_path: Path) -> None:
    """A small run checks the answers, prints a table and writes the same as JSON."""
    results = tmp_path / "results.json"
    command = [sys.executable, str(BENCHMARKS / "run.py"), "--small", "--only", "S1,S8,S11", "--folder", str(tmp_path)]
    done = subprocess.run([*command, "--json", str(results)], capture_output=True, text=True, check=True)
    told = json.loads(results.read_text())
    assert told["S8"]["small"]
    assert "| S1 |" in done.stdout
    assert "| S8 |" in done.stdout
    assert "| S11 |" in done.stdout
    assert set(told["S8"]["contestants"]) == {"lms-inventory", "json.loads and json_normalize"}
    assert all(lane["seconds"] > 0 and lane["peak_mb"] > 1 for lane in told["S8"]["contestants"].values())
    assert list(tmp_path.iterdir()) == [results]


def test_a_race_of_different_answers_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Times of contestants that do not say the same are never compared."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from harness import Contestant, Disagreement, Race, Size, Target, run

    def says(text: str) -> Contestant:
        return Contestant(text, command=lambda _: [sys.executable, "-c", f"print({text!r})"])

    race = Race(
        "S1", "", Size({}, 1), Size({}, 1), lambda *_: None, (says("a"), says("b")), (Target("seconds", 1, ("b",)),)
    )
    with pytest.raises(Disagreement, match="b says b"):
        run(race, tmp_path / "race", small=True, say=lambda _: None)
