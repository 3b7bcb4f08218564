"""The help pages: nothing is cut, options are in groups, variables are named, and the examples work."""

import re
import shlex
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from support.cli_runner import clean, run

from inventory import History
from inventory.cli import cli
from inventory.cli._command import GROUPS, Command
from inventory.cli._exit_codes import EXIT_CODES
from inventory.config.servers import Server
from inventory.errors import ExitCode
from inventory.operations.snapshot import take_snapshot
from inventory.stub_server import StubServer, inventory_before

ORDER = [
    "snapshot",
    "show",
    "diff",
    "report",
    "history",
    "servers",
    "unused",
    "baseline",
    "audit",
    "query",
    "export",
    "check",
    "schedule",
    "prune",
    "verify",
    "sync",
    "init",
    "demo",
    "help",
]
URL = "http://127.0.0.1:1234"
CONFIGURED = """
[[server]]
name = "local"
url = "{url}"
labels = {{ site = "Rome" }}
[[rule]]
name = "publishers"
deny = {{ publisher = ["nobody"] }}
[[notify]]
command = ["true"]
"""


def commands() -> Iterator[tuple[str, click.Command]]:
    """Each command and subcommand with its name."""
    for name, command in cli.commands.items():
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {sub}", subcommand) for sub, subcommand in command.commands.items())


NAMES = ["", *(name for name, _ in commands())]


def page(name: str) -> list[str]:
    """The lines of a help page on a terminal of 80 columns."""
    done = run(*name.split(), "--help", env=clean(COLUMNS="80"))
    assert (done.code, done.err) == (0, "")
    return done.out.splitlines()


def test_commands_are_listed_in_the_order_of_use() -> None:
    """With their whole descriptions, none of which is cut at 80 columns."""
    lines = page("")
    listed = [line.split()[0] for line in lines[lines.index("Commands:") + 1 :] if re.match(r"  [a-z]+  +[A-Z]", line)]
    assert listed == [name for name in ORDER if name in cli.commands]
    for name, command in commands():
        assert command.short_help, name
        assert len(command.short_help) <= 60, name
        assert f"{name.split()[-1]:<9} {command.short_help}".replace(" ", "") in "".join(
            line.replace(" ", "") for line in page(name.rpartition(" ")[0])
        )


@pytest.mark.parametrize("name", NAMES)
def test_a_page_fits_and_its_options_are_in_groups(name: str) -> None:
    """No line is longer than 80 columns or cut, and each heading is a known one, in its order."""
    lines = page(name)
    assert max(map(len, lines)) <= 80
    assert not any(line.endswith("...") for line in lines[1:])
    headings = [line[:-1] for line in lines if re.fullmatch(r"[A-Z]\w+:", line)]
    assert [heading for heading in headings if heading in GROUPS] == [group for group in GROUPS if group in headings]
    assert set(headings) <= {*GROUPS, "Commands", "Examples"}


@pytest.mark.parametrize(("name", "command"), list(commands()), ids=[name for name, _ in commands()])
def test_variables_are_named(name: str, command: click.Command) -> None:
    """An option that an environment variable can set names it."""
    text = " ".join(" ".join(page(name)).split())
    for option in command.params:
        assert option.envvar is None or f"[env: {option.envvar}" in text


def test_the_main_page_lists_the_exit_codes() -> None:
    """Each with its meaning."""
    lines = page("")
    assert set(EXIT_CODES) == set(ExitCode)
    for code, meaning in EXIT_CODES.items():
        assert f"    {int(code):<5}{meaning}" in lines


def examples() -> list[tuple[str, str]]:
    """Each example with its command."""
    everything = [("", cli), *commands()]
    return [
        (name, line) for name, command in everything if isinstance(command, Command) for line, _ in command.examples
    ]


def test_each_command_has_three_examples() -> None:
    """Each is a line that fits, with its meaning above it."""
    for name in NAMES:
        if name == "help":
            continue
        lines = [line for command, line in examples() if command == name]
        assert len(lines) == 3, name
        shown = page(name)
        for line in lines:
            assert shown[shown.index(f"  {line}") - 1].startswith("  # ")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder with all that the examples speak of; and the server it is about.

    Its history has runs of the months that are named, of the last month, and of now.
    """
    folder = tmp_path_factory.mktemp("examples")
    with StubServer(inventory_before()) as server:
        (folder / "servers").write_text(f"local={server.url}\n")
        (folder / "examples.toml").write_text(CONFIGURED.format(url=server.url))
        (folder / "monthly.sql").write_text("SELECT key FROM models")
        (folder / "reports").mkdir()
        env = environment(folder)
        last_month = datetime.now(UTC).replace(day=1) - timedelta(days=10)
        for moment in sorted([datetime(2026, 10, 20, tzinfo=UTC), datetime(2026, 11, 5, tzinfo=UTC), last_month]):
            asked = [Server(server.url, "local", labels={"site": "Rome"})]
            take_snapshot(History(folder / "history"), asked, timeout=50, clock=lambda moment=moment: moment)  # type: ignore[misc]
        machines = [f"--server={name}={server.url}" for name in ("old-laptop", "rack-1", "rack-2")]
        assert run("snapshot", "-q", *machines, cwd=folder, env=env).code == 0
        configured = {name: value for name, value in env.items() if name != "LMS_INVENTORY_SERVERS_FROM"}
        for _ in range(2):
            assert run("snapshot", "-q", "-o", "inventory.xlsx", cwd=folder, env=configured).code == 0
        assert run("baseline", "set", "approved", cwd=folder, env=env).code == 0
        shutil.copytree(folder / "history", folder / "backup" / "history")
        yield folder, server.url


def environment(folder: Path) -> dict[str, str]:
    """The environment of the examples."""
    return clean(
        LMS_INVENTORY_HISTORY=str(folder / "history"),
        LMS_INVENTORY_SERVERS_FROM=str(folder / "servers"),
        LMS_INVENTORY_CONFIG=str(folder / "examples.toml"),
    )


@pytest.mark.parametrize("line", [line for _, line in examples() if not {"--serve", "sync"} & set(line.split())])
def test_examples_work(line: str, prepared: tuple[Path, str], tmp_path: Path) -> None:
    """Each ends in 0; ``demo --serve``, which would not end, and ``sync``, which needs a store, have own tests."""
    folder, url = prepared
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    program, *arguments = shlex.split(line.replace(URL, url))
    done = run(*arguments, cwd=copy, env=environment(copy))
    assert (program, done.code) == ("lms-inventory", 0), done.err
    assert done.out or "-q" in arguments
