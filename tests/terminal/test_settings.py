"""Effective settings -> text for a terminal."""

from click import unstyle

from inventory.config.effective import ENVIRONMENT, FILE, Setting
from inventory.terminal.settings import server_notes, settings_text

SETTINGS = [
    Setting("config", "/etc/lms-inventory/a-very-long-name-of-a-folder/inventory.toml", FILE, "--config"),
    Setting("timeout", 3.0, FILE, "inventory.toml line 5"),
    Setting("ca_file", None),
    Setting("concurrency", 64, ENVIRONMENT, "LMS_INVENTORY_CONCURRENCY"),
    Setting("labels", {"site": "Rome\x1b", "owner": "Ann"}, FILE, "inventory.toml line 8", "laptop"),
    Setting("timeout", 0.5, FILE, "inventory.toml line 8", "laptop"),
]


def test_a_line_for_each_setting_within_the_terminal() -> None:
    """Name, value and origin stand in columns; a value that leaves no room has its origin beneath it."""
    assert unstyle(settings_text(SETTINGS, 80)) == (
        "Settings\n"
        "  config       /etc/lms-inventory/a-very-long-name-of-a-folder/inventory.toml\n"
        "               --config\n"
        "  timeout      3 s  inventory.toml line 5\n"
        "  ca_file      -    default\n"
        "  concurrency  64   LMS_INVENTORY_CONCURRENCY\n"
    )
    folder = Setting("history", "/home/ann/.local/share/inventory", FILE, "inventory.toml line 9")
    assert unstyle(settings_text([folder, *SETTINGS[1:2]], 80)).splitlines()[1:] == [
        "  history  /home/ann/.local/share/inventory  inventory.toml line 9",
        "  timeout  3 s                               inventory.toml line 5",
    ]
    assert unstyle(settings_text([Setting("stale_after", 7)], 80)).endswith("  stale_after  7 days  default\n")
    folded = unstyle(settings_text(SETTINGS[:1], 40)).splitlines()
    assert max(map(len, folded)) <= 40
    assert "".join("".join(folded).split()).startswith("Settingsconfig/etc/lms-inventory/")


def test_settings_of_single_servers() -> None:
    """They stand on one line each, and nothing in it moves the cursor."""
    assert server_notes(SETTINGS) == {"laptop": "labels site=Rome\\x1b, owner=Ann; timeout 0.5 s"}
