"""Pasted addresses come to one form, in time that grows as they do."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.config.addresses import clean_address, host_and_port, path_of
from inventory.errors import ConfigurationError

KEYS = ("", "/qwen/qwen3-4b", "/qwen3@q4_k_m", "/a%20b")
ENDPOINTS = (
    *("/v1", "/v1/completions", "/v1/chat/completions", "/v1/embeddings", "/v1/responses", "/v1/responses/resp_12"),
    *("/v1/messages", "/v1/messages/count_tokens", "/v1/systemone", "/lmstudio-greeting", "/api"),
    *("/api/v0", "/api/v0/chat/completions", "/api/v0/completions", "/api/v0/embeddings"),
    *("/api/v1", "/api/v1/chat", "/api/v1/models/load", "/api/v1/models/unload", "/api/v1/models/download"),
    "/api/v1/models/download/status/job_1",
    *(f"{root}/models{key}" for root in ("/v1", "/api/v0", "/api/v1") for key in KEYS),
)
OTHERS = (
    "/index.html",
    "/v2",
    "/v1/files",
    "/api/tags",
    "/api/v2/models",
    "/v10",
    "/xv1",
    "/v1.0/models",
    "/models",
    "/app/v1/chatty",
)
"""Paths that are no endpoint of LM Studio's: they stay, and are named when nothing answers there."""


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("prefix", ["", "/gpu", "/a/b", "/v1/gpu", "/Api-Gateway"])
@pytest.mark.parametrize("place", ["http://host:1234", "host:1234", "https://[::1]:8443"])
def test_every_endpoint_is_cut_off(place: str, prefix: str, endpoint: str) -> None:
    """As it is, in capitals, with doubled and trailing slashes, twice, with a query or a fragment; a prefix stays."""
    clean = clean_address(place) + prefix
    twice = endpoint + endpoint
    for written in (endpoint, endpoint.upper(), endpoint.replace("/", "//"), f"{endpoint}//", twice):
        for rest in ("", "?stream=true", "#top", "?a=/b#c@d"):
            assert clean_address(place + prefix + written + rest) == clean
    assert path_of(clean) == prefix


@pytest.mark.parametrize("path", OTHERS)
def test_another_path_stays(path: str) -> None:
    """It may be a reverse proxy's; a query is refused there, as it may hold a secret."""
    assert clean_address(f"host{path}/") == f"http://host:1234{path}"
    assert clean_address(f"host{path}/V1/Models") == f"http://host:1234{path}"
    with pytest.raises(ConfigurationError):
        clean_address(f"host{path}?key=x")


@given(st.lists(st.sampled_from(["/", "v1", "V0", "api", "models", "chat", "completions", "x", "lmstudio-greeting"])))
def test_clean_stays_clean(steps: list[str]) -> None:
    """Whatever the order of the words."""
    clean = clean_address(f"http://host/{'/'.join(steps)}")
    assert clean_address(clean) == clean


@pytest.mark.parametrize(
    ("address", "clean"),
    [
        ("[fe80::1%eth0]:80", "http://[fe80::1%eth0]:80"),
        ("http://[FE80::1%En0.100]", "http://[fe80::1%En0.100]"),
        ("[fe80::1%br-1a2b]", "http://[fe80::1%br-1a2b]:1234"),
        ("[::ffff:1.2.3.4]", "http://[::ffff:1.2.3.4]:1234"),
    ],
)
def test_interfaces_in_addresses(address: str, clean: str) -> None:
    """A link-local address keeps its network interface, whose name may have capitals, dots and dashes."""
    assert clean_address(address) == clean


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("http://host", ("host", None)),
        ("http://host:80/x:1", ("host", 80)),
        ("https://[::1]", ("::1", None)),
        ("http://[fe80::1%e]:7", ("fe80::1%e", 7)),
    ],
)
def test_host_and_port(url: str, parts: tuple[str, int | None]) -> None:
    """The two of a clean address."""
    assert host_and_port(url) == parts


def _steps(call: Callable[[], object]) -> int:
    """The lines of Python that a call runs."""
    count = 0

    def trace(*_: object) -> object:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        call()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("end", ["", "/", "/x", "?", "@"])
@pytest.mark.parametrize(
    "piece", ["/api/v1", "/v1", "/api", "/", "/models", "/v1/x", "a", "%", "/v1/chat", "é", ".", ":"]
)
def test_steps_grow_as_the_address_does(piece: str, end: str) -> None:
    """Twice the address takes at most about twice the steps, however often something is repeated in it."""

    def clean(times: int) -> None:
        with suppress(ConfigurationError):
            clean_address(f"http://host{piece * times}{end}")

    assert _steps(lambda: clean(2000)) <= 2.2 * _steps(lambda: clean(1000)) + 100


def test_a_home_in_a_file_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """~ is the home, not a folder of that name; without a home that is told."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert clean_address("file:~/a.json") == f"file:{tmp_path}/a.json"
    assert clean_address("file:./~/a.json") == "file:./~/a.json"
    with pytest.raises(ConfigurationError, match="there is no home folder"):
        clean_address(f"file:~nobody{os.getpid()}/a.json")
