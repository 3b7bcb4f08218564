"""Whose a file is that nobody named."""

import os
from pathlib import Path

import pytest

from inventory.filesystem.ownership import foreign

SOMEBODY = 4001


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of this user's own in a folder of this user's own."""
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o755)
    path = folder / "inventory.toml"
    path.touch(mode=0o644)
    return path


@pytest.mark.guard("a file of another user")
def test_whose_a_file_is(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user's if the file or its folder is, or if everybody or a group of several may write there."""
    assert foreign(file) == ""
    for place, what in ((file, "it"), (file.parent, "its folder")):
        mode = place.stat().st_mode
        place.chmod(mode | 0o002)
        assert foreign(file) == f"everybody may write to {what}"
        place.chmod(mode | 0o020)
        with monkeypatch.context() as context:
            context.setattr("inventory.filesystem.ownership._is_private", lambda _: False)
            assert foreign(file).endswith(f"may write to {what}")
            context.setattr("inventory.filesystem.ownership._is_private", lambda _: True)
            assert foreign(file) == ""
        place.chmod(mode)
    with monkeypatch.context() as context:  # as another user sees it
        context.setattr(os, "geteuid", lambda: SOMEBODY)
        assert foreign(file).startswith("it belongs to another user, ") == (file.stat().st_uid != 0)
    if os.geteuid() == 0:
        for place, what in ((file, "it"), (file.parent, "its folder")):
            os.chown(place, SOMEBODY, SOMEBODY)
            assert foreign(file) == f"{what} belongs to another user, {SOMEBODY}"
            os.chown(place, 0, 0)


def test_a_folder_where_everybody_may_write_their_own(file: Path) -> None:
    """Like /tmp: one's own file there is one's own."""
    file.parent.chmod(0o1777)
    assert foreign(file) == ""
    file.chmod(0o666)
    assert foreign(file) == "everybody may write to it"


def test_what_a_link_leads_to(file: Path, tmp_path: Path) -> None:
    """A link is as trustworthy as the file behind it, and as that file's folder."""
    link = tmp_path / "inventory.toml"
    link.symlink_to(file)
    assert foreign(link) == ""
    file.parent.chmod(0o777)
    assert foreign(link) == "everybody may write to its folder"


def test_what_is_not_there_is_nobodys(tmp_path: Path) -> None:
    """A dangling link, or a file that went: whoever reads it is told."""
    (tmp_path / "inventory.toml").symlink_to(tmp_path / "nothing")
    assert foreign(tmp_path / "inventory.toml") == ""
