"""A Python that has imported what commands need, and forks for each: importing takes longer than most commands.

Each command is a process of its own all the same, with its own environment, folder, output and exit code. Run as a
program: it reads one JSON object a line from the socket whose descriptor it is given, and answers with one each.
"""

import importlib
import json
import os
import signal
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import Any

SECONDS = 60
PRELOADED = (
    "inventory.cli",
    "inventory.collection.collector",
    "inventory.history.engines.duckdb",
    "inventory.history.recorder",
    "inventory.operations.compare",
    "inventory.sources.file",
    "inventory.sources.lmstudio",
    *(f"inventory.formats.{name}" for name in ("csv", "html", "md", "parquet", "xlsx")),
    "anyio._backends._asyncio",
    "openpyxl",
)
"""What commands import; not pandas, without which Arrow takes another way, as it does in most commands."""


def retry_quickly() -> None:
    """Wait for a server that cannot be reached as often as ever, but only for a moment; how long is its own test."""
    importlib.import_module("inventory.sources._http").PAUSE = 0.01  # type: ignore[attr-defined]


def serve(link: socket.socket) -> None:
    """Run one command after the other, until the tests are over."""
    for name in PRELOADED:
        importlib.import_module(name)
    retry_quickly()
    with link.makefile("rw", encoding="utf-8") as lines:
        for line in lines:
            request = json.loads(line)
            child = os.fork()
            if not child:
                link.close()
                _run_command(request)
            lines.write(json.dumps(_wait_for_exit(child)) + "\n")
            lines.flush()


def _run_command(request: dict[str, Any]) -> None:
    """Be the command; never returns."""
    code = 1
    try:
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])
        time.tzset()
        _customize(request["env"].get("PYTHONPATH", ""))
        for descriptor, path in ((0, os.devnull), (1, request["out"]), (2, request["err"])):
            os.dup2(os.open(path, os.O_RDWR), descriptor)
        from inventory.cli import main

        main(request["arguments"])
    except SystemExit as exiting:
        code = exiting.code if isinstance(exiting.code, int) else int(exiting.code is not None)
    except BaseException:  # noqa: BLE001 - as Python does with what nobody catches
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def _customize(folders: str) -> None:
    """Run the ``sitecustomize.py`` in a folder of PYTHONPATH, as a Python that begins does."""
    for folder in folders.split(os.pathsep):
        if Path(folder, "sitecustomize.py").exists():
            sys.path.insert(0, folder)
            sys.modules.pop("sitecustomize", None)
            importlib.import_module("sitecustomize")
            return


def _wait_for_exit(child: int) -> int:
    """The exit code of a command; one that takes too long is killed."""
    deadline = time.monotonic() + SECONDS
    while True:
        reaped, status = os.waitpid(child, os.WNOHANG)
        if reaped:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.002)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as parent:
        serve(parent)
