"""``lms-inventory init``: the first configuration of a user."""

import re
from pathlib import Path

import pytest
from support.cli_runner import TOKEN, clean, run

from inventory.config import loader, spec
from inventory.config.servers import Server
from inventory.config.starter import FoundServer, starter_text
from inventory.stub_server import StubServer, inventory_before

CLOSED = "127.0.0.1:9"


@pytest.mark.long
def test_what_is_found_is_written(tmp_path: Path) -> None:
    """Servers that respond and those that were named; exit 3 as one was not read; every command then uses the file."""
    with StubServer(inventory_before()) as stub:
        done = run("init", f"rome bob={stub.url}", CLOSED, "--timeout", "2", cwd=tmp_path)
        assert (done.code, done.err) == (3, "")
        assert "6 models, 3 loaded instances" in done.out
        assert "unreachable" in done.out
        assert "Wrote inventory.toml, with 2 servers. Next:\n  lms-inventory check\n" in done.out
        configured = loader.read(tmp_path / "inventory.toml").entries
        assert [entry.server for entry in configured] == [
            Server(stub.url, "rome bob"),
            Server(f"http://{CLOSED}", "127.0.0.1:9"),
        ]
        rows = run("check", "--json", "--timeout", "2", cwd=tmp_path).data["servers"]
        assert {row["server"]: row["status"] for row in rows} == {"rome bob": "ok", "127.0.0.1:9": "unreachable"}
        assert run("init", f"a={stub.url}", "--force", "--timeout", "2", cwd=tmp_path).code == 0
    assert [entry.server.name for entry in loader.read(tmp_path / "inventory.toml").entries] == ["a"]
    assert not list((tmp_path).glob(".*"))


@pytest.mark.long
def test_a_token_is_sent_and_never_written(tmp_path: Path) -> None:
    """With LM_API_TOKEN the server is read; without it the file and the next steps say what is missing."""
    with StubServer(inventory_before(), token=TOKEN) as stub:
        with_token = run("init", f"a={stub.url}", "-o", "with.toml", cwd=tmp_path, env=clean(LM_API_TOKEN=TOKEN))
        without = run("init", f"a={stub.url}", "-o", "without.toml", cwd=tmp_path)
    assert (with_token.code, without.code) == (0, 3)
    assert "LM_API_TOKEN" in without.out
    assert "asked for a token" in (tmp_path / "without.toml").read_text()
    assert "lms-inventory check --config without.toml" in without.out
    for text in (with_token.out, *(path.read_text() for path in tmp_path.iterdir())):
        assert TOKEN[:12] not in text


def test_a_file_is_not_replaced(tmp_path: Path) -> None:
    """Without --force a file that exists, or a link that leads nowhere, ends in 2 before anybody is asked."""
    (tmp_path / "inventory.toml").write_text("# mine\n")
    (tmp_path / "link.toml").symlink_to("none")
    for name in ("inventory.toml", "link.toml"):
        done = run("init", "-o", name, cwd=tmp_path)
        assert done == (2, "", f"lms-inventory: {name} exists already. Edit it, or write it again with --force\n")
    assert (tmp_path / "inventory.toml").read_text() == "# mine\n"


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["a b"], 2, "'a b' is not the address of a server. "),
        (["x=127.0.0.1:9", "x=127.0.0.1:8"], 2, "two servers are named 'x'"),
        (["-o", "none/inventory.toml"], 4, "none/inventory.toml cannot be written: there is no folder none. "),
        (["-o", ".", "--force"], 4, ". could not be written: "),
    ],
    ids=str,
)
def test_mistakes(arguments: list[str], code: int, problem: str, tmp_path: Path) -> None:
    """One line, and nothing is written."""
    done = run("init", *arguments, "--timeout", "1", cwd=tmp_path)
    assert (done.code, done.err.count("\n")) == (code, 1)
    assert done.err.startswith(f"lms-inventory: {problem}")
    assert not list(tmp_path.iterdir())


def test_every_comment_is_a_setting() -> None:
    """Each key of the specification is there as a comment that works once its # is gone."""
    text = starter_text([FoundServer(Server("http://h:1234", 'a "b"'), "It had 1 model.")])
    assert [entry.server for entry in loader.parse(text, Path("x.toml")).entries] == [Server("http://h:1234", 'a "b"')]
    active = re.sub(r"^# (?=[a-z_]+ = |\[\[)", "", text, flags=re.MULTILINE)
    active = re.sub(r"^token_file.*\n", "", active, flags=re.MULTILINE)  # it and token_env exclude each other
    configuration = loader.parse(active, Path("x.toml"))
    assert [entry.server.name for entry in configuration.entries] == ['a "b"', "gpu"]
    for table in ("history", "defaults", "compare", "report", "csv"):
        for key in spec.names(table):
            assert f"# {key} = " in text
