"""Retries of reads during which files of the history were merged or pruned."""

from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

from inventory.history.storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

_Read = TypeVar("_Read")


class _HasStore(Protocol):
    store: Store


_Owner = TypeVar("_Owner", bound=_HasStore)
_Given = ParamSpec("_Given")


def steady(reading: "Callable[Concatenate[_Owner, _Given], _Read]") -> "Callable[Concatenate[_Owner, _Given], _Read]":
    """Make a method start again if files are merged or pruned while it reads them."""

    @wraps(reading)
    def read(owner: _Owner, /, *args: _Given.args, **kwargs: _Given.kwargs) -> _Read:
        return owner.store.retry_if_changed(lambda: reading(owner, *args, **kwargs))

    return read
