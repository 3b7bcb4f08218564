"""Counts over many servers -> text for a terminal; the figures themselves are tested in ``tests/report``."""

import json

from inventory.terminal import fleet


def test_texts_from_elsewhere_stay_texts() -> None:
    """Nothing moves the cursor; a long label is cut, a key never; many quantizations are counted."""
    row = {"key": "k" * 90 + "\x1b", "servers": 9, "size_bytes": None, "loaded_instance_count": 0}
    kinds = {f"Q{number}": number for number in range(1, 8)} | {"\x1b[2J": 9}
    text = fleet.models_text([row | {"quantizations": json.dumps(kinds)}], "Now\x07")
    assert "k" * 90 + "\\x1b" in fleet.models_text([row | {"quantizations": "{}"}], "Now", 200)
    assert {"9,", "Q7", "7,", "Q6", "6,", "Q5", "5,", "4", "more"} <= {*text.split()}
    assert "\x07" not in text
    group = {
        "name": "x" * 90,
        "servers": 1,
        "different_models": 0,
        "model_count": 0,
        "size_bytes": 0,
        "instance_count": 0,
    }
    assert "x" * 37 + "..." in fleet.groups_text([group], "site", "", 200)
