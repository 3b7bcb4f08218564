"""What DataFrames have beside the columns of the tables: labels, and changed values as what they are."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from support.history_builders import collected, day, model, opened
from support.snapshots import names, snapshot

import inventory
from inventory import History, Snapshot, schema
from inventory.api.frames import change_frame
from inventory.history.recorder import record
from inventory.tables import rows, table_of

LABELS = {"a": {"site": "Rome", "owner": "Bob"}, "b": {"site": "Oslo"}, "c": {}}


def labelled(folder: Path) -> Snapshot:
    """A run over three servers with labels, of which the third could not be read."""
    answers = {"a": [model("m", "m:1"), model("n")], "b": [model("m")], "c": None}
    read = collected(folder, answers, day(0))
    observed = [row | {"labels": json.dumps(LABELS[str(row["server"])])} for row in rows(read.tables["observations"])]
    return replace(read, tables={**read.tables, "observations": table_of(schema.OBSERVATIONS, observed)})


def recorded(folder: Path) -> History:
    """A history of that run."""
    history = opened(folder / "history")
    record(history, labelled(folder / "answers"))
    return history


def test_labels_are_columns(tmp_path: Path) -> None:
    """Each label is a text column after those of the table, blank for a server that has none."""
    taken = labelled(tmp_path)
    for content, names_of in ((taken.observations, schema.OBSERVATIONS), (taken.models, schema.MODELS)):
        assert [*content] == [*names_of.names, "label_owner", "label_site"]
        assert content["label_site"].dtype == content["server"].dtype == "string"
    assert taken.observations["label_owner"].fillna("-").tolist() == ["Bob", "-", "-"]
    assert taken.models["label_site"].tolist() == ["Rome", "Rome", "Oslo"]
    assert taken.instances["label_site"].tolist() == ["Rome"]


def test_labels_of_a_history(tmp_path: Path) -> None:
    """The state, its models and the servers of a history have them too; a query over models is what it says."""
    history = recorded(tmp_path)
    assert history.models().groupby("label_site").size().to_dict() == {"Oslo": 1, "Rome": 2}
    assert history.servers()["label_site"].fillna("-").tolist() == ["Rome", "Oslo", "-"]
    assert [*history.sql("SELECT server FROM servers")] == ["server"]


def test_nothing_is_added_without_labels() -> None:
    """Without labels a frame has the columns of its table; empty ones do as well."""
    assert [*snapshot().models] == [*schema.MODELS.names]
    assert [*snapshot([{"server": "s", "key": "k", "ordinal": 0}]).observations] == [*schema.OBSERVATIONS.names]


def test_files_hold_what_the_tables_hold(tmp_path: Path) -> None:
    """A label is a column in pandas only: a file that is written and read back has the tables' columns."""
    taken = labelled(tmp_path)
    taken.write(tmp_path / "x.xlsx")
    again = inventory.read(tmp_path / "x.xlsx")
    assert [*again.tables["models"].column_names] == [*schema.MODELS.names]
    assert again.observations["label_site"].fillna("-").tolist() == ["Rome", "Oslo", "-"]


VALUES = {
    "size_bytes": (2**60, 2**60 + 1),
    "quantization_bits_per_weight": (4.5, 8.0),
    "capabilities_vision": (True, False),
    "variants": ('["a", "b"]', '["b"]'),
    "publisher": ("7", "[1]"),
    "extra": ('{"n": {"m": 1.5}}', '{"n": {"m": "x"}}'),
}


def test_changed_values_are_values() -> None:
    """A number is a number, however large, a list a list, and a text that looks like either is a text."""
    usual = {"server": "s", "key": "k", "ordinal": 0}
    before, after = ({name: pair[side] for name, pair in VALUES.items()} for side in (0, 1))
    changes = inventory.compare(snapshot([usual | before]), snapshot([usual | after, usual | {"key": "new"}])).frame
    assert [*changes] == [*schema.CHANGES.names, "old_value", "new_value"]
    values = {row.field: (row.old_value, row.new_value) for row in changes.itertuples() if isinstance(row.field, str)}
    expected: dict[str, Any] = {**VALUES, "variants": (["a", "b"], ["b"]), "extra.n.m": (1.5, "x")}
    del expected["extra"]
    assert values == expected
    assert all(type(value) is type(expected[name][0]) for name, (value, _) in values.items())
    [added] = changes[changes.change == "added"].itertuples()
    assert (added.old_value, added.new_value) == (None, json.loads(str(added.new)))


@given(names, names, st.integers(0, 2**63 - 1))
def test_any_value_is_read_back(old: str, new: str, size: int) -> None:
    """Whatever texts and numbers change, the value is the one that the row had."""
    usual = {"server": "s", "key": "k", "ordinal": 0}
    before, after = (snapshot([usual | {"publisher": text, "size_bytes": n}]) for text, n in ((old, size), (new, 1)))
    changes = inventory.compare(before, after).frame
    seen = {row.field: (row.old_value, row.new_value) for row in changes.itertuples()}
    assert seen.get("publisher", (old, old)) == (old, new)
    assert seen.get("size_bytes", (1, 1)) == (size, 1)


def test_no_changes_keep_their_columns() -> None:
    """An empty table has the columns too, and a difference of values can be summed."""
    empty = change_frame(inventory.compare(snapshot(), snapshot()).table)
    assert [*empty][-2:] == ["old_value", "new_value"]
    assert (empty.new_value - empty.old_value).sum() == 0
    assert empty.dtypes["old_value"] == pd.Series(dtype="object").dtype


def test_the_timeline_has_values(tmp_path: Path) -> None:
    """What the history tells of every change it tells with types too."""
    history = opened(tmp_path / "history")
    for number, size in enumerate((10, 30)):
        record(history, collected(tmp_path / "answers", {"s": [model("m", size_bytes=size)]}, day(number)))
    grown = history.timeline().query("field == 'size_bytes'")
    assert (grown.new_value - grown.old_value).tolist() == [20]
