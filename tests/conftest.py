"""What several rooms' tests share."""

import os
from pathlib import Path

import pytest

_BODIES = Path(__file__).parent / "payloads" / "v1"


@pytest.fixture(scope="session")
def payloads() -> dict[str, bytes]:
    """The captured answers of ``GET /api/v1/models``, by file name without its suffix."""
    return {path.stem: path.read_bytes() for path in sorted(_BODIES.glob("*.json"))}


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the tokens, proxies and settings of whoever runs it."""
    proxies = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
    for name in list(os.environ):
        if name == "LM_API_TOKEN" or name.lower() in proxies or name.startswith("LMS_INVENTORY_"):
            monkeypatch.delenv(name)
