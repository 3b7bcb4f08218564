"""What a run costs: the requests that the manual's page on shared histories counts."""

from collections import Counter
from collections.abc import Callable

from support.object_stores import SmallStore

from sync.conftest import Machine, fleet

Machines = Callable[[str], Machine]


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
