"""What Windows does with files, as far as it can be simulated: names that are devices, files that others have open."""

from pathlib import Path

import pytest
from support.cli_runner import clean, run
from support.killed_writers import two_snapshots

from inventory import History
from inventory.errors import ConfigurationError, FileError
from inventory.filesystem import atomic
from inventory.filesystem.names import no_name
from inventory.formats import output_paths


@pytest.mark.parametrize(
    "name",
    ["con", "NUL.csv", "aux.models.csv", "com1.xlsx", "LPT9.md", "con .csv", "a:b.csv", "a?.csv", "x.", "x ", "a\\b"],
)
def test_names_that_are_no_files_on_windows(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Devices, streams and patterns are known; as a target on Windows they end in 2, elsewhere they are names."""
    assert no_name(name)
    target = f"{name.rstrip('. ')}.csv"
    if no_name(target):
        assert output_paths(target, "model")
        monkeypatch.setattr("inventory.formats.WINDOWS", True)
        with pytest.raises(ConfigurationError, match="cannot be the name of a file on Windows"):
            output_paths(target, "model")


@pytest.mark.parametrize(
    "name", ["con-1.csv", "console.csv", "com10.csv", "com.csv", "nul_.csv", "a.con", "\u00e9.xlsx"]
)
def test_names_that_are_files(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What only resembles a device is a file."""
    monkeypatch.setattr("inventory.formats.WINDOWS", True)
    assert not no_name(name)
    assert output_paths(f"{name}.csv", "model")


def test_no_baseline_is_named_as_a_device(tmp_path: Path) -> None:
    """A history may be copied to another system, so its names are files everywhere."""
    with pytest.raises(ConfigurationError, match="a baseline's name cannot be 'Con'"):
        History(tmp_path).store.save_baseline("Con", "20261101T060000.000000Z-0000")


@pytest.mark.parametrize("times", [2, 1000])
def test_a_target_that_another_program_has_open(times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is replaced once the other lets it go; if it does not, it stays as it was, and the error says what to do."""
    refused: list[Path] = []
    replace = Path.replace

    def busy(path: Path, target: Path) -> Path:
        refused.append(path)
        if len(refused) <= times:
            raise PermissionError(13, "Access is denied", str(path), 5, str(target))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", busy)
    monkeypatch.setattr(atomic, "_PATIENCE", 0.3)
    monkeypatch.setattr(atomic, "_PAUSE", 0.01)
    monkeypatch.setattr(atomic, "fcntl", None)
    target = tmp_path / "x.csv"
    target.write_text("old")
    if times == 2:
        two_snapshots()["new"].write(target)
        assert len(refused) == 3
        assert "new" in target.read_text()
    else:
        with pytest.raises(FileError) as caught:
            two_snapshots()["new"].write(target)
        assert str(target) in str(caught.value)
        assert "is it open in another program?" in str(caught.value)
        assert target.read_text() == "old"
        assert len(refused) > 3
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.long
@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "cp932"])
def test_consoles_that_cannot_show_everything(encoding: str, tmp_path: Path) -> None:
    """Names of any script, and the bars of the trend, are printed in what the console has; nothing fails."""
    answer = tmp_path / "answer.json"
    body = '{"models": [{"key": "\u6a21\u578b/\u00e9", "display_name": "\u6a21\u578b \U0001f600", "size_bytes": 5}]}'
    answer.write_text(body, encoding="utf-8")
    env = clean(PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    for arguments in (("snapshot", "--server", f"s=file:{answer}"), ("history",), ("show",), ("diff",)):
        done = run(*arguments, "--history", tmp_path / "h", env=env, encoding=encoding)
        assert (done.code, done.later.err) == (0, "") or arguments == ("diff",)
        assert "Traceback" not in done.err
