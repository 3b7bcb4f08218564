"""What a run costs: the requests that the manual's page on shared histories counts."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from support.cli_runner import clean, run
from support.object_stores import SmallStore

from sync.conftest import Machine, fleet

Machines = Callable[[str], Machine]
PAYLOAD = Path(__file__).parents[1] / "payloads/v1/06-ovisocr2-2026-10.json"


def _requests(store: SmallStore, action: Callable[[], object]) -> Counter[str]:
    """Count the requests of an action: LIST, GET, PUT."""
    before = len(store.requests)
    action()
    words = ("LIST" if (method, key) == ("GET", "") else method for method, key in store.requests[before:])
    return Counter(words)


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
