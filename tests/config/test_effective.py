"""Effective settings and where each one comes from."""

from inventory.config.effective import FILE, Setting

LABELS = Setting("labels", {"site": "Rome\x1b", "owner": "Ann"}, FILE, "inventory.toml line 8", "laptop")


def test_rows_keep_the_types() -> None:
    """For --json a number stays a number and labels an object."""
    assert LABELS.row["value"] == {"site": "Rome\x1b", "owner": "Ann"}
    assert Setting("ca_file", None).row == {
        "server": None,
        "setting": "ca_file",
        "value": None,
        "origin": "default",
        "said": None,
    }
