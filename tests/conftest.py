"""What several rooms' tests share."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings
from support.forkserver import retry_quickly

from inventory.sources import _http

settings.register_profile("commit", max_examples=12, deadline=None)  # speed is measured in tests/benchmarks
settings.register_profile("long", max_examples=18, deadline=None)
settings.register_profile("full", max_examples=300, deadline=None)

_PAUSE = _http.PAUSE
_BODIES = Path(__file__).parent / "payloads" / "v1"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --each, --long and --full."""
    parser.addoption("--each", action="store_true", help="take each parameter set of the tests that are not long")
    parser.addoption("--long", action="store_true", help="run the long tests too, as CI does")
    parser.addoption("--full", action="store_true", help="run everything, as before a release; takes most of an hour")


def pytest_configure(config: pytest.Config) -> None:
    """Let hypothesis look longer in the long run; a test whose examples are slow takes a share of this number."""
    if config.getoption("--full"):
        config.option.long = True
    tier = "full" if config.getoption("--full") else "long" if config.getoption("--long") else "commit"
    settings.load_profile(tier)
    retry_quickly()
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # a shell's for what runs in the background, and inherited
        signal.signal(signal.SIGINT, signal.default_int_handler)


SAMPLE = 1
"""Parameter sets of one test that a plain run takes, the first and others evenly among the rest.

``--long``, and so CI, takes each, and so do ``--each`` (the mutation run) and a run of tests that are named.
"""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long tests to CI, and the longest to a release; of tests with many parameter sets most are long."""
    named = any("::" in argument for argument in config.args)
    families: dict[tuple[object, str], list[pytest.Item]] = {}
    for item in items:
        families.setdefault((item.path, getattr(item, "originalname", item.name)), []).append(item)
    for family in () if named or config.getoption("--each") else families.values():
        everyday = [item for item in family if not any(item.get_closest_marker(tier) for tier in ("long", "full"))]
        sample = {everyday[len(everyday) * number // SAMPLE] for number in range(SAMPLE)} if everyday else set()
        for item in everyday:
            if item not in sample:
                item.add_marker("long")
    left = [tier for tier in ("long", "full") if not config.getoption(f"--{tier}")]
    long = [item for item in items if any(item.get_closest_marker(tier) for tier in left)]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.fixture(scope="session")
def payloads() -> dict[str, bytes]:
    """The captured answers of ``GET /api/v1/models``, by file name without its suffix."""
    return {path.stem: path.read_bytes() for path in sorted(_BODIES.glob("*.json"))}


@pytest.fixture
def real_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a server that cannot be reached as long as users do."""
    monkeypatch.setattr(_http, "PAUSE", _PAUSE)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test depends on the tokens, proxies and settings of whoever runs it, nor writes into that user's history."""
    proxies = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
    for name in list(os.environ):
        if name == "LM_API_TOKEN" or name.lower() in proxies or name.startswith("LMS_INVENTORY_"):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    folders = {"XDG_DATA_HOME": "data", "LOCALAPPDATA": "data", "XDG_CONFIG_HOME": "config"}
    for name, folder in ({"HOME": "", "USERPROFILE": ""} | folders).items():
        monkeypatch.setenv(name, str(home / folder))
    monkeypatch.setenv("LMS_INVENTORY_HISTORY", str(home / "history"))
