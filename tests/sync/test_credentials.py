"""Credentials of a store are in no output, no file and no traceback, whatever fails."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cli_runner import Done
from support.object_stores import SmallStore

from sync.conftest import Machine, fleet

Machines = Callable[[str], Machine]
WORD = "Canary12"
AMAZON = {
    "AWS_ACCESS_KEY_ID": f"AKIA{WORD}",
    "AWS_SECRET_ACCESS_KEY": f"{WORD}/secret",
    "AWS_SESSION_TOKEN": f"token{WORD}",
}
SIGNED = {"AZURE_STORAGE_ACCOUNT_NAME": "account", "AZURE_STORAGE_SAS_TOKEN": f"sv=2021-08-06&sig={WORD}%3D&se={WORD}"}
ECHO = f"<Error><Code>{WORD}</Code><Code>Canary</Code><AWSAccessKeyId>AKIA{WORD}</AWSAccessKeyId></Error>"


def _attempts(machine: Machine, folder: Path) -> list[Done]:
    reading = [["show"], ["sync"], ["check"], ["verify"], ["baseline", "set", "x"], ["schedule", "cron"], ["history"]]
    done = [machine.snapshot(fleet("a"), "-o", f"{folder}/x.html", "-o", f"{folder}/x.xlsx")]
    done += [machine.run(*arguments) for arguments in reading]
    return [*done, machine.run("--debug", "sync"), machine.run("check", "--json"), machine.run("sync", "--json")]


@pytest.mark.long
@pytest.mark.guard("errors of a store lose what they quote")
@pytest.mark.parametrize("refuses", [403, 0, pytest.param(500, marks=pytest.mark.full), 301])
@pytest.mark.parametrize("kind", ["signed", "keys"])
def test_no_credential_is_anywhere(tmp_path: Path, store: SmallStore, kind: str, refuses: int) -> None:
    """Neither a key nor a signed address, also if the store repeats it in its errors."""
    store.refuses, store.error = refuses, ECHO.encode()
    url = f"http://127.0.0.1:{store.port}"
    if kind == "keys":
        machine = Machine(tmp_path / "a", AMAZON | {"AWS_ENDPOINT": url})
    else:
        environment = SIGNED | {"AZURE_STORAGE_ENDPOINT": f"{url}/account"}
        machine = Machine(tmp_path / "a", environment, "az://bucket/inventory")
    done = _attempts(machine, tmp_path)
    if refuses:
        assert {each.code for each in done} == {3}, done
    assert WORD not in json.dumps(done)
    assert "Canary" not in json.dumps(done)
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or WORD.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("value", ["rubbish", "ftp://x", "http://a b", "https://u:Canary12@x/?y"])
def test_endpoints_that_are_none(machine: Machines, value: str) -> None:
    """They are refused in a sentence that does not repeat them: one may hold a key."""
    done = machine("rome").run("show", AWS_ENDPOINT=value)
    assert (done.code, done.err.count("\n"), "AWS_ENDPOINT is no address" in done.err) == (2, 1, True)
    assert value not in done.err


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "AWS_SECRET_ACCESS_KEY"])
def test_a_key_with_a_line_break(machine: Machines, name: str) -> None:
    """It is named, not shown."""
    done = machine("rome").run("show", **{name: f"{WORD}\nx"})
    assert (done.code, done.err.count("\n"), name in done.err, WORD in done.err) == (2, 1, True, False)


@pytest.mark.long
def test_the_credentials_of_a_profile(machine: Machines, store: SmallStore, tmp_path: Path) -> None:
    """Keys in Amazon's own file are used, of the default profile and of one that is named."""
    pytest.importorskip("boto3", reason="boto3 is not installed: pip install boto3")
    file = tmp_path / "credentials"
    file.write_text(
        "".join(f"[{name}]\naws_access_key_id={name}\naws_secret_access_key=x\n" for name in ("default", "two"))
    )
    rome = machine("rome")
    rome.environment = {key: value for key, value in rome.environment.items() if "KEY" not in key}
    rome.environment["AWS_SHARED_CREDENTIALS_FILE"] = str(file)
    assert rome.snapshot(fleet("a")).code == 0
    assert "Credential=default/" in store.authorization
    assert rome.run("show", AWS_PROFILE="two").code == 0
    assert "Credential=two/" in store.authorization
    done = rome.run("show", AWS_PROFILE="away")
    assert (done.code, done.err.count("\n"), "of a profile could not be used" in done.err) == (2, 1, True)
