"""What a run costs: the requests that the manual's page on shared histories counts."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.cli_runner import clean, run
from support.object_stores import SmallStore

from inventory.sync.keeper import compact_store
from sync.conftest import Machine, fleet

Machines = Callable[[str], Machine]
PAYLOAD = Path(__file__).parents[1] / "payloads/v1/06-ovisocr2-2026-10.json"


def _requests(store: SmallStore, action: Callable[[], object]) -> Counter[str]:
    """Count the requests of an action: LIST, GET, PUT."""
    before = len(store.requests)
    action()
    words = ("LIST" if (method, key) == ("GET", "") else method for method, key in store.requests[before:])
    return Counter(words)


@pytest.mark.long
def test_requests_of_a_run(machine: Machines, store: SmallStore) -> None:
    """Seven listings; two writes where nothing changed, three more for new responses; nothing is read twice."""
    rome, bonn = machine("rome"), machine("bonn")
    rome.snapshot(fleet("a"))
    assert _requests(store, lambda: rome.snapshot(fleet("a"))) == {"LIST": 7, "PUT": 2}
    assert _requests(store, lambda: rome.snapshot(fleet("b"))) == {"LIST": 7, "PUT": 5}
    assert _requests(store, lambda: rome.run("show")) == {"LIST": 7}
    assert _requests(store, lambda: bonn.run("show"))["LIST"] == 8  # everything: the run log too
    rome.snapshot(fleet("c"))
    assert _requests(store, lambda: bonn.run("show")) == {"LIST": 7, "GET": 4}
    assert _requests(store, lambda: bonn.run("show", "--offline")) == {}


def test_a_folder_does_not_pay_for_stores(tmp_path: Path) -> None:
    """A command on a folder imports neither the client of stores nor what uses it."""
    run("snapshot", "-q", "--server", f"x=file:{PAYLOAD}", "--history", tmp_path / "h")
    code = (
        "import sys; from inventory.cli import main\n"
        f"try: main(['show', '--history', {str(tmp_path / 'h')!r}])\n"
        "finally: print('imported:', *(name for name in sys.modules if name.startswith(('obstore', 'inventory.sync'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=clean(), check=True)
    assert done.stdout.endswith("imported:\n")
    assert "1 of 1 server" in done.stdout


@pytest.mark.parametrize(
    ("days", "runs_a_day"), [pytest.param(70, 1, marks=pytest.mark.full), pytest.param(365, 4, marks=pytest.mark.full)]
)
def test_a_year_of_objects(machine: Machines, store: SmallStore, days: int, runs_a_day: int) -> None:
    """A laptop that was away sends it all at once; it is read as it is, and merged, each time whole."""
    store.page, now, number = 1000, datetime.now(UTC), days * runs_a_day
    laptop, keeper, old = machine("laptop"), machine("keeper"), machine("old")
    laptop.mirror.pull(now)
    begin = now - timedelta(days=days)
    for turn in range(number):
        keys = f"k{turn * 7 // number}"  # which changes seven times
        laptop.take(fleet("p", "q", keys), begin + timedelta(days=turn / runs_a_day))
    sent = _requests(store, lambda: laptop.mirror.pull(now, full=True))
    assert sent["PUT"] == 2 * number + 3 * 7 + 2  # two of the probe
    old.mirror.pull(now)
    before = old.history.store.run_ids()
    assert len(before) == number
    many = _requests(store, lambda: old.mirror.pull(now, full=True))["LIST"]
    keeper.mirror.pull(now)
    compact_store(keeper.mirror, now)
    few = _requests(store, lambda: machine("new").mirror.pull(now))
    assert few["LIST"] <= many
    assert few["GET"] < number + 200  # the run log is not merged
    for each in (old, laptop, keeper, machine("new")):
        each.mirror.pull(now, full=True)
        assert each.history.store.run_ids() == before
        assert each.problems() == []
