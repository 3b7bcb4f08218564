"""Files that people name: pipes, devices and files without an end are refused wherever they are given."""

import os
import socket
import sys
from io import BytesIO
from pathlib import Path

import pytest
from support.cli_runner import clean, run

from inventory.config.text_input import text_in
from inventory.errors import ConfigurationError
from inventory.filesystem.regular_files import UnsuitableFileError, read_cached, read_regular
from inventory.limits import TEXT_LIMIT

pytestmark = pytest.mark.skipif(os.name != "posix", reason="no such files here")
ENDLESS = ["/dev/zero", "/proc/kmsg", "/proc/self/pagemap", "pipe", "socket"]
GIVEN = {
    "a server": ["snapshot", "--no-history", "--server", "s=file:this"],
    "a server to check": ["check", "--server", "s=file:this"],
    "a list of servers": ["snapshot", "--no-history", "--servers-from", "this"],
    "a configuration": ["snapshot", "--no-history", "--config", "this"],
    "a token": ["snapshot", "--no-history", "--config", "token.toml"],
    "a credential": ["snapshot", "--no-history", "--config", "plain.toml"],
    "authorities": ["snapshot", "--no-history", "--config", "authorities.toml"],
    "a CSV file": ["diff", "this.csv", "this.csv"],
    "a Parquet file": ["diff", "this.parquet", "this.parquet"],
    "a workbook": ["diff", "this.xlsx", "this.xlsx"],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a pipe and a socket in it."""
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(tmp_path / "socket"))  # a path of a socket may not be long
    return tmp_path


@pytest.mark.parametrize("size", [0, 1, 99, 100])
def test_a_file_is_read_whole(size: int, tmp_path: Path) -> None:
    """Up to the limit, also by a link."""
    body = os.urandom(size)
    (tmp_path / "a").write_bytes(body)
    (tmp_path / "link").symlink_to("a")
    assert read_regular(tmp_path / "a", 100) == read_regular(tmp_path / "link", 100) == body


@pytest.mark.parametrize("size", [0, 1, 5000, 2**20, 2**20 + 1])
def test_a_file_at_hand_is_the_same(size: int, tmp_path: Path) -> None:
    """What is read without waiting is the whole file or nothing."""
    body = os.urandom(size)
    (tmp_path / "a").write_bytes(body)
    assert read_cached(tmp_path / "a", 2**20) in (None, body)
    if sys.platform == "linux":
        assert (read_cached(tmp_path / "a", 2**20) is None) == (size in (0, 2**20 + 1))


def test_what_is_no_file_is_not_at_hand(folder: Path) -> None:
    """Nothing is told of it, and nothing is waited for: whoever reads it with time says what is wrong."""
    for name in ("pipe", "socket", ".", "none", "/dev/zero", "/proc/self/pagemap"):
        assert read_cached(folder / name, 2**20) is None


@pytest.mark.guard("only a regular file is read")
def test_nothing_else_is_read(folder: Path) -> None:
    """A pipe, a socket, a folder, a device: each at once, and in words; what is not there is the system's error."""
    for name in ("pipe", "socket", ".", "/dev/zero", "/dev/full"):
        with pytest.raises(UnsuitableFileError, match="not a regular file"):
            read_regular(folder / name, 100)
    (folder / "large").write_bytes(bytes(2**20 + 1))
    with pytest.raises(UnsuitableFileError, match="is larger than 1 MiB") as caught:
        read_regular(folder / "large", 2**20)
    assert caught.value.too_large
    for name in ("none", "loop", "x" * 300):
        (folder / "loop").unlink(missing_ok=True)
        (folder / "loop").symlink_to("loop")
        with pytest.raises(OSError, match=r"No such file|Too many levels|too long"):
            read_regular(folder / name, 100)


def test_the_null_device_is_an_empty_file() -> None:
    """As people give it who want no configuration."""
    assert read_regular(Path(os.devnull), 100) == b""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux has such files")
def test_what_tells_no_size_is_not_read() -> None:
    """The system's own files look like regular ones, and may have no end."""
    for name in ("status", "pagemap", "mem"):
        assert read_regular(Path("/proc/self", name), 1000) == b""


def test_a_text_without_an_end() -> None:
    """Of standard input no more is read than a text may have."""
    with pytest.raises(ConfigurationError, match="standard input is larger than 16 MiB"):
        text_in(BytesIO(b" " * (TEXT_LIMIT + 1)), "standard input")


@pytest.mark.parametrize("given", GIVEN)
def test_what_has_no_end_is_refused_wherever_it_is_given(given: str, folder: Path) -> None:
    """One line and the documented exit code: nothing hangs, and nothing is half-read."""
    for suffix in ("csv", "parquet", "xlsx"):
        (folder / f"this.{suffix}").symlink_to("this")
    (folder / "lm-api-token").symlink_to("this")
    server = "[[server]]\nname = 's'\nurl = 'https://127.0.0.1:9'\n"
    (folder / "token.toml").write_text(f"{server}token_file = 'this'\n")
    (folder / "authorities.toml").write_text(f"{server}ca_file = 'this'\n")
    (folder / "plain.toml").write_text(server)
    env = clean(CREDENTIALS_DIRECTORY=str(folder)) if given == "a credential" else clean()
    seen = 0
    for what in ENDLESS:
        if not os.path.lexists(folder / what):
            continue
        (folder / "this").unlink(missing_ok=True)
        (folder / "this").symlink_to(what)
        done = run(*GIVEN[given], cwd=folder, env=env)
        assert done.code in (2, 3, 4), (what, done)
        assert "Traceback" not in done.err
        told = [line for line in done.err.splitlines() if line.startswith("lms-inventory: ")]
        assert len(told) == 1 or given == "a server to check", (what, done)
        seen += 1
    assert seen >= 3
