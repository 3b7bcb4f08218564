"""Where tokens are kept, and what is said of one that is not there."""

import os
import time
from pathlib import Path

import pytest

from inventory.errors import ConfigurationError
from inventory.tokens import COMMON_KEEP, Keep, quotes, repeats, token_in, too_open

TOKEN = "sk-lm-Canary12:abcdefghijKLMNOPQRST"


def test_a_token_in_a_variable() -> None:
    """It is read from the environment that is given; an unset or empty one is an error that names it."""
    keep = Keep("variable", "LAPTOP_TOKEN", "inventory.toml line 5")
    assert token_in(keep, {"LAPTOP_TOKEN": TOKEN}) == TOKEN
    for environment in ({}, {"LAPTOP_TOKEN": ""}, {"LM_API_TOKEN": TOKEN}):
        with pytest.raises(ConfigurationError, match="line 5: the environment variable LAPTOP_TOKEN is not set"):
            token_in(keep, environment)


def test_the_common_variable_may_be_unset() -> None:
    """LM_API_TOKEN is for servers that need a token; unset it means none."""
    assert token_in(COMMON_KEEP, {"LM_API_TOKEN": TOKEN}) == TOKEN
    assert token_in(COMMON_KEEP, {}) is None


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_token_in_a_file_is_read_without_its_line_end(end: str, tmp_path: Path) -> None:
    """Editors end a file with a line break, which is no part of the token."""
    path = tmp_path / "token"
    path.write_bytes((TOKEN + end).encode())
    assert token_in(Keep("file", str(path), "x"), {}) == TOKEN


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (TOKEN.encode() * 2000, "is too large"),
        (None, "No such file"),
        (TOKEN.encode("utf-16"), "begins with a byte order mark, as PowerShell writes it"),
        (TOKEN.encode("utf-8-sig"), "begins with a byte order mark, as PowerShell writes it"),
    ],
    ids=["empty", "blank", "large", "missing", "PowerShell", "Notepad"],
)
def test_a_file_without_a_token_is_told(body: bytes | None, said: str, tmp_path: Path) -> None:
    """The error names the line and the file, and shows nothing of what is in it."""
    path = tmp_path / "token"
    if body is not None:
        path.write_bytes(body)
    with pytest.raises(ConfigurationError, match=said) as caught:
        token_in(Keep("file", str(path), "inventory.toml line 7"), {})
    assert str(caught.value).startswith(f"inventory.toml line 7: the token's file {path} ")
    assert TOKEN not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_a_token_is_read_from_files_only(tmp_path: Path) -> None:
    """A folder or a pipe holds no token, and nobody waits for one."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ConfigurationError, match="is no file"):
            token_in(Keep("file", str(path), "x"), {})


@pytest.mark.parametrize(
    ("mode", "said"), [(0o600, ""), (0o400, ""), (0o640, "0640"), (0o604, "0604"), (0o777, "0777")]
)
def test_a_file_that_others_may_use_is_told(mode: int, said: str, tmp_path: Path) -> None:
    """Permissions wider than the owner's are a warning with the command that mends them."""
    path = tmp_path / "token"
    path.write_text(TOKEN)
    path.chmod(mode)
    told = too_open(Keep("file", str(path), "x"))
    assert bool(told) == bool(said)
    assert said in told
    assert TOKEN not in told


def test_what_cannot_be_looked_at_is_not_warned_about(tmp_path: Path) -> None:
    """A missing file is an error elsewhere; a variable has no permissions."""
    assert too_open(Keep("file", str(tmp_path / "none"), "x")) == ""
    assert too_open(COMMON_KEEP) == ""


@pytest.mark.parametrize(
    ("body", "token", "found"),
    [
        (f"a {TOKEN} b", TOKEN, True),
        (f"a {TOKEN[:12]} b", TOKEN, True),
        (f"a {TOKEN[9:21]} b", TOKEN, True),
        (f"a {TOKEN[-12:]}", TOKEN, True),
        (f"a {TOKEN[:11]} {TOKEN[11:22]}", TOKEN, False),
        ("".join(f"\\u{ord(letter):04X}" for letter in TOKEN[3:15]), TOKEN, True),
        ("".join(f"\\u{ord(letter):04x}" for letter in TOKEN[3:14]), TOKEN, False),
        ("/".join(["sk-lm", "0123456789"]).replace("/", "\\/"), "sk-lm/0123456789", True),
        ('\\"0123456789\\\\', '"0123456789\\', True),
        ("0123456789", "0123456789", True),
        ("lm-studio", "lm-studio", False),
    ],
)
def test_an_answer_that_holds_a_piece_of_the_token(body: str, token: str, found: bool) -> None:
    """Twelve characters of a token side by side are a repetition, however they are spelt; a short word is none."""
    assert repeats(body.encode(), token) == found
    assert repeats(b"x" * 1000 + body.encode() + b'"' * 1000, token) == found


def test_what_quotes_a_piece_of_the_token() -> None:
    """Of what is said of an answer eight characters are enough; a short word may stand in it."""
    assert quotes(f"invalid at {TOKEN[5:13]}", TOKEN)
    assert not quotes(f"invalid at {TOKEN[5:12]}", TOKEN)
    assert not quotes("LM Studio: lm-studio", "lm-studio")


@pytest.mark.parametrize("token", [TOKEN, "x" * 36, "xy" * 100])
def test_a_large_answer_is_searched_quickly(token: str) -> None:
    """Sixteen megabytes take no longer with a token that repeats itself, nor with escapes in every place."""
    began = time.process_time()
    assert not repeats(b"x" * 8 + b"y" + b"\\\\x" * 1_000_000, token)
    assert not repeats((token[:-1].encode()[:11] + b"\\n ") * 500_000, token)
    assert time.process_time() - began < 10
