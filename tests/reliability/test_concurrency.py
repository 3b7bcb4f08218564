"""T3: processes that record into one history at the same time lose no run, double none, and keep the order."""

import contextlib
from pathlib import Path

import pytest
from support.killed_writers import acknowledgements, record_runs, started

from inventory import History
from inventory.history.verify import prove
from inventory.run_ids import time_of
from inventory.tables import rows

PROCESSES = 8
NO_LINKS = ("links", "renames", "chmod")


@pytest.mark.parametrize(
    ("lacks", "runs"),
    [
        pytest.param((), 2, id="few"),
        pytest.param((), 25, id="many", marks=pytest.mark.long),
        pytest.param(NO_LINKS, 5, id="few without links", marks=pytest.mark.long),
        pytest.param(NO_LINKS, 25, id="many without links", marks=pytest.mark.full),
    ],
)
def test_eight_at_once(lacks: tuple[str, ...], runs: int, tmp_path: Path) -> None:
    """Eight processes with the same answers: every run is there, with an id of its own, in the order of time.

    So it is where there are no hard links.
    """
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(started(record_runs, tmp_path, n, runs, True, lacks)) for n in range(PROCESSES)]
        acknowledged_ids = [acknowledgements(connection) for _, connection in writers]
    for ids in acknowledged_ids:
        assert len(ids) == runs
        assert ids == sorted(ids), "each is later than those that the same process recorded"
    history = History(tmp_path / "history")
    everything = sorted(run_id for ids in acknowledged_ids for run_id in ids)
    assert everything == history.store.run_ids()
    assert len(set(everything)) == PROCESSES * runs
    assert sorted(everything, key=time_of) == everything
    assert prove(history.store).problems.num_rows == 0
    for run_id in everything[::7]:
        assert (len(history.load(run_id).models), len(history.load(run_id).instances)) == (2, 1)
    latest = rows(history.load().tables["observations"])[0]["server"]
    changes = history.timeline()
    own = changes[changes["server"] == latest]["change"].value_counts().to_dict()
    assert own == {"added": runs - 1, "removed": runs - 1}
    lives = history.lifecycle()
    assert (lives[lives["key"] == "x"]["runs_present"] == runs).all()
    assert [*history.store.workshop.iterdir()] == []
