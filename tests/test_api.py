"""What Python users hand over: what is meant is taken, anything else is one sentence."""

import datetime
import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import inventory
from inventory.errors import ConfigurationError
from inventory.tables import rows

ODD: dict[str, Any] = {
    "a number": 1,
    "a fraction": 1.5,
    "true": True,
    "None": None,
    "an object": object(),
    "a date": datetime.date(2026, 11, 28),
    "an open file": io.BytesIO(b"{}"),
    "a DataFrame": pd.DataFrame({"key": ["a"]}),
    "a set": {1},
    "bytes": b"a.csv",
    "a dict": {},
    "a list": [1],
}
NO_JSON = {name: value for name, value in ODD.items() if name not in ("bytes", "a dict", "a list")}


def refused(call: Any, *arguments: Any, **named: Any) -> str:
    """The sentence that a call is refused with."""
    with pytest.raises(ConfigurationError) as caught:
        call(*arguments, **named)
    said = str(caught.value)
    assert "\n" not in said
    return said


@pytest.mark.parametrize("value", NO_JSON.values(), ids=NO_JSON)
@pytest.mark.parametrize("function", [inventory.flatten_models, inventory.flatten_instances])
def test_what_is_no_answer_at_all(function: Any, value: Any) -> None:
    """Neither an object, nor a list of models, nor JSON."""
    assert f"not {_named(value)}" in refused(function, value)


@pytest.mark.parametrize("value", ODD.values(), ids=ODD)
def test_what_is_no_server(value: Any) -> None:
    """Alone, or among others; a table or a file that is open gives texts, which may be addresses."""
    if not isinstance(value, pd.DataFrame | io.BytesIO):
        assert "a server is expected" in refused(inventory.collect, value)
    assert "a server is expected" in refused(inventory.collect, ["127.0.0.1:9", value])
    assert "an address of a server is expected" in refused(inventory.Server, value)


@pytest.mark.parametrize("value", ODD.values(), ids=ODD)
def test_what_is_no_path_no_snapshot_and_no_run(value: Any, tmp_path: Path) -> None:
    """Each function says what it expects."""
    assert "the path of a file is expected" in refused(inventory.read, value)
    assert "a snapshot is expected" in refused(inventory.compare, value, value)
    assert "the folder of a history is expected" in refused(inventory.History, value)
    assert "the name of a run is expected" in refused(inventory.History(tmp_path).load, value)


@pytest.mark.parametrize("value", [None, "5", b"5", [5]], ids=str)
def test_what_is_no_timeout(value: Any) -> None:
    """Before anybody is asked."""
    assert "a timeout in seconds is expected" in refused(inventory.collect, "127.0.0.1:9", timeout=value)


def test_a_path_is_a_saved_answer(tmp_path: Path) -> None:
    """A path is read as ``file:``, alone and among servers, also one that looks like NAME=ADDRESS."""
    paths = [tmp_path / "a.json", tmp_path / "b=c.json", tmp_path / "with # space.json"]
    for path in paths:
        path.write_text(json.dumps({"models": [{"key": path.stem}]}))

    class Elsewhere:
        def __fspath__(self) -> str:
            return str(paths[0])

    assert inventory.collect(paths[0]).models["key"].tolist() == ["a"]
    taken = inventory.collect([*paths, f"text=file:{paths[0]}", inventory.Server(f"file:{paths[0]}", "server")])
    observed = {row["server"]: row for row in rows(taken.tables["observations"])}
    assert {row["status"] for row in observed.values()} == {"ok"}
    assert [*observed] == ["a", "b=c", "server", "text", "with # space"]
    assert observed["b=c"]["url"] == f"file:{paths[1]}"
    assert inventory.collect(Elsewhere()).models["key"].tolist() == ["a"]
    assert inventory.collect(tmp_path / "none.json").observations["status"].tolist() == ["unreachable"]


def _named(value: Any) -> str:
    name = type(value).__name__
    return "None" if value is None else f"an {name}" if name[0] in "aeio" else f"a {name}"
