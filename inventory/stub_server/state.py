"""The models of a stand-in as they are now: which step it is at, what is loaded, and for how long."""

import copy
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from math import ceil
from typing import Any

from inventory.stub_server.models import Row, load_config
from inventory.stub_server.scenarios import Step, instance_id

_TTL = "remaining_ttl_seconds"


class ServerState:
    """The models of a stand-in; safe to use from several threads.

    Args:
        clock: gives the present time in seconds; only differences count.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self.play([Step([])])

    def play(self, steps: Sequence[Step], *, loop: bool = False) -> None:
        """Start anew with the first of these steps; what they hold is copied."""
        with self._lock:
            self._steps = copy.deepcopy(list(steps))
            self._loop = loop
            self._next = 0
            self._index = -1
            self._go_to(0)

    @property
    def models(self) -> list[Row]:
        """The models themselves, not a copy."""
        return self._models

    def next_listing(self) -> Step:
        """Return what the next request of the models gets, and count that request."""
        with self._lock:
            last = len(self._steps) - 1
            self._go_to(self._next % (last + 1) if self._loop else min(self._next, last))
            self._next += 1
            return self.listing()

    def listing(self) -> Step:
        """Return the present models, with the seconds that their instances have left."""
        with self._lock:
            self._unload_expired()
            step = self._steps[self._index]
            return Step(copy.deepcopy(self._models), None if self._touched else step.body, step.cut)

    def load(self, key: str, requested: Mapping[str, Any]) -> tuple[Row, dict[str, Any]] | None:
        """Load an instance of a model; return the model and the instance, or None if there is no such model.

        Args:
            key: the key of the model.
            requested: the configuration that was asked for.
        """
        with self._lock:
            self._unload_expired()
            row = next((row for row in self._models if row.get("key") == key), None)
            if row is None:
                return None
            names = {instance.get("id") for _, instance in self._instances()}
            free = next(name for number in count(1) if (name := instance_id(key, number)) not in names)
            instance = {"id": free, "config": load_config(row, requested)}
            row["loaded_instances"] = [*(row.get("loaded_instances") or ()), instance]
            self._touched = True
            return row, instance

    def unload(self, name: str) -> bool:
        """Unload the instance of this id; return whether there was one."""
        with self._lock:
            self._unload_expired()
            for row, instance in self._instances():
                if instance.get("id") == name:
                    _remove(row, instance)
                    self._touched = True
                    return True
            return False

    def _go_to(self, index: int) -> None:
        """Enter a step, unless it is the present one: what was loaded and unloaded since then stays."""
        if index != self._index:
            self._index = index
            self._models = copy.deepcopy(list(self._steps[index].models))
            self._touched = False
            self._ends: dict[int, tuple[dict[str, Any], float]] = {}

    def _instances(self) -> Iterator[tuple[Row, dict[str, Any]]]:
        for row in self._models:
            instances = row.get("loaded_instances")
            for instance in list(instances) if isinstance(instances, list) else ():
                if isinstance(instance, dict):
                    yield row, instance

    def _unload_expired(self) -> None:
        """Count the seconds down that instances have left, and unload those that have none."""
        now = self._clock()
        for row, instance in list(self._instances()):
            left = instance.get(_TTL)
            if isinstance(left, bool) or not isinstance(left, int):
                continue
            # The instance itself is kept beside its end, so that no other object can take its identity.
            _, end = self._ends.setdefault(id(instance), (instance, now + left))
            instance[_TTL] = max(0, ceil(end - now))
            if end <= now:
                _remove(row, instance)


def _remove(row: Row, instance: dict[str, Any]) -> None:
    """Remove this very instance from its model, not one that is equal to it."""
    row["loaded_instances"] = [other for other in row["loaded_instances"] if other is not instance]
