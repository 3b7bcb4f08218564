"""Where tokens are kept, and what is said of one that is not there."""

import json
import os
import random
import string
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inventory.config.credentials import (
    DEFAULT_CREDENTIAL,
    CredentialSource,
    contains_token,
    hide_token,
    is_secret,
    permission_warning,
    read_token,
)
from inventory.errors import ConfigurationError

TOKEN = "sk-lm-Canary12:abcdefghijKLMNOPQRST"


def test_a_token_in_a_variable() -> None:
    """It is read from the environment that is given; an unset or empty one is an error that names it."""
    keep = CredentialSource("variable", "LAPTOP_TOKEN", "inventory.toml line 5")
    assert read_token(keep, {"LAPTOP_TOKEN": TOKEN}) == TOKEN
    for environment in ({}, {"LAPTOP_TOKEN": ""}, {"LM_API_TOKEN": TOKEN}):
        with pytest.raises(ConfigurationError, match="line 5: the environment variable LAPTOP_TOKEN is not set"):
            read_token(keep, environment)


def test_the_common_variable_may_be_unset() -> None:
    """LM_API_TOKEN is for servers that need a token; unset it means none."""
    assert read_token(DEFAULT_CREDENTIAL, {"LM_API_TOKEN": TOKEN}) == TOKEN
    assert read_token(DEFAULT_CREDENTIAL, {}) is None


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_token_in_a_file_is_read_without_its_line_end(end: str, tmp_path: Path) -> None:
    """Editors end a file with a line break, which is no part of the token."""
    path = tmp_path / "token"
    path.write_bytes((TOKEN + end).encode())
    assert read_token(CredentialSource("file", str(path), "x"), {}) == TOKEN


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
        read_token(CredentialSource("file", str(path), "inventory.toml line 7"), {})
    assert str(caught.value).startswith(f"inventory.toml line 7: the token file {path} ")
    assert TOKEN not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_a_token_is_read_from_files_only(tmp_path: Path) -> None:
    """A folder or a pipe holds no token, and nobody waits for one."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ConfigurationError, match="is no file"):
            read_token(CredentialSource("file", str(path), "x"), {})


@pytest.mark.guard("a token file that others may read")
@pytest.mark.parametrize(
    ("mode", "said"), [(0o600, ""), (0o400, ""), (0o640, "0640"), (0o604, "0604"), (0o777, "0777")]
)
def test_a_file_that_others_may_use_is_told(mode: int, said: str, tmp_path: Path) -> None:
    """Permissions wider than the owner's are a warning with the command that mends them."""
    path = tmp_path / "token"
    path.write_text(TOKEN)
    path.chmod(mode)
    told = permission_warning(CredentialSource("file", str(path), "x"))
    assert bool(told) == bool(said)
    assert said in told
    assert TOKEN not in told


def test_what_cannot_be_looked_at_is_not_warned_about(tmp_path: Path) -> None:
    """A missing file is an error elsewhere; a variable has no permissions."""
    assert permission_warning(CredentialSource("file", str(tmp_path / "none"), "x")) == ""
    assert permission_warning(DEFAULT_CREDENTIAL) == ""


PAYLOADS = [path.read_bytes() for path in sorted((Path(__file__).parent.parent / "payloads").rglob("*.json"))]
LETTERS = string.ascii_letters + string.digits
SECRETS = {
    "LM Studio's": TOKEN,
    "LM Studio's, all the same": f"sk-lm-{'x' * 8}:{'x' * 20}",
    "another vendor's": "sk-proj-4Tq9ZbX2mKp7Vw3RyLc8Jd",
    "in hex": "9f86d081884c7d659a2feaa0c55ad015",
    "in hex, capitals": "9F86D081884C7D659A2FEAA0C55AD015",
    "a UUID": "0b0c33cc-aaaa-4bbb-8ccc-dddddddddddd",
    "base64": "q83vEjRWeJCrze8SNFZ4kKvN7w==",
    "with signs that no name has": "<b>Canary12</b>&amp;%s",
    "long": "Canary12" + "x" * 4000,
}
WORDS = [
    "lmstudio-community", "lm-studio", "lmstudio", "qwen", "not-needed", "none", "token", "models", "x", '"', "{}",
    "sk-no-key-required", "your-api-key-goes-here", "LM_API_TOKEN", "correct-horse-battery-staple", "1" * 30,
    "qwen/qwen3.6-35b-a3b@q4_k_m", "Mixtral-8x7B-Instruct-v0.1-GGUF", "text-embedding-nomic-embed-text-v1.5",
    "nvidia/Llama-3_1-Nemotron-Ultra-253B-v1-Q8_0", "DeepSeek-R1-Distill-Qwen-14B-abliterated-v2-Q4_K_M",
]  # fmt: skip


def _texts(value: Any) -> Iterator[str]:
    """Every name and text in a JSON value."""
    if isinstance(value, dict):
        yield from value
        yield from (text for inner in value.values() for text in _texts(inner))
    elif isinstance(value, list):
        yield from (text for inner in value for text in _texts(inner))
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("token", SECRETS.values(), ids=SECRETS)
def test_a_secret_is_told_from_a_word(token: str) -> None:
    """LM Studio's form, and what is as random, is a secret."""
    assert is_secret(token)


@pytest.mark.parametrize("length", [28, 32, 40])
@pytest.mark.parametrize("letters", [LETTERS, "0123456789abcdef", LETTERS + "-_"])
def test_random_texts_are_secrets(letters: str, length: int) -> None:
    """Of texts by chance, as long as the chance in LM Studio's tokens, at most one in fifty is taken for a word."""
    chance = random.Random(length)
    assert sum(not is_secret("".join(chance.choices(letters, k=length))) for _ in range(3000)) <= 60


@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_no_secret(word: str) -> None:
    """What people set where no token is needed, and what models are called, refuses no answer that holds it."""
    assert not is_secret(word)
    assert not contains_token(f'{{"models": [{{"key": "{word}"}}]}}'.encode(), word)


def test_no_text_of_a_captured_answer_is_a_secret() -> None:
    """Any name or text that honest answers hold may be set as a token, and refuses none of them."""
    texts = {text for body in PAYLOADS for text in _texts(json.loads(body)) if text.isascii() and " " not in text}
    assert len(texts) > 100
    assert [text for text in texts if is_secret(text)] == []


@pytest.mark.parametrize("token", SECRETS.values(), ids=SECRETS)
def test_a_secret_is_found_in_any_spelling(token: str) -> None:
    """However JSON's escapes spell it, in whole or in part; without its last character it is not there."""
    escapes = {"\\": ["\\\\"], '"': ['\\"'], "/": ["/", "\\/"]}
    chance = random.Random(token)
    for _ in range(50):
        spelt = [chance.choice([*escapes.get(one, [one]), f"\\u{ord(one):04x}", f"\\u{ord(one):04X}"]) for one in token]
        assert json.loads(f'"{"".join(spelt)}"') == token
        body = f'{{"models": [{{"key": "a \\\\{"".join(spelt)} b"}}]}}'
        assert contains_token(body.encode(), token)
        if len(token) < 64:
            assert not contains_token("".join(spelt[:-1]).encode(), token)
            assert not contains_token("".join(spelt[1:]).encode(), token)


@pytest.mark.parametrize("token", [TOKEN, SECRETS["long"], "<'\"\\>" * 8])
def test_a_secret_in_what_is_told_is_hidden(token: str) -> None:
    """Wherever it stands, and as Python and JSON write it."""
    for told in (f"x{token}x", f"key {token!r} came twice", f"beside it {json.dumps([token])}"):
        hidden = hide_token(told, token)
        assert "[token]" in hidden
        assert token[3:] not in hidden


def test_a_word_in_what_is_told_is_hidden_where_it_stands_alone() -> None:
    """It may have been a token after all; a name that only holds it is told as it is, and so is our own sentence."""
    assert hide_token("the key 'short-key' came twice at x.short-key.", "short-key") == (
        "the key '[token]' came twice at x.[token]."
    )
    for told in ("the key 'lmstudio-community/a' came 2 times", "my-lmstudio-community", "lmstudio-community.x"):
        assert hide_token(told, "lmstudio-community") == told
    assert hide_token("Set the API token of this server", "token") == "Set the API token of this server"


@pytest.mark.parametrize("token", [TOKEN, "x" * 36, "xy" * 100])
def test_a_large_answer_is_searched_quickly(token: str) -> None:
    """Sixteen megabytes take no longer with a token that repeats itself, nor with escapes in every place."""
    began = time.process_time()
    assert not contains_token(b"x" * 8 + b"y" + b"\\\\x" * 1_000_000, token)
    assert not contains_token((token[:-1].encode()[:11] + b"\\n ") * 500_000, token)
    assert time.process_time() - began < 10


@pytest.mark.parametrize("escape", ["\\\\", "\\ud83d\\ude00", "\\u0073", "a\\n"])
def test_a_search_takes_no_memory(escape: str) -> None:
    """An answer full of escapes is searched where it lies."""
    body = (escape * 300_000).encode()
    tracemalloc.start()
    try:
        assert not contains_token(body, TOKEN)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
