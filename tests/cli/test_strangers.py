"""What somebody else put there is not obeyed: a configuration in the working directory, files in a list."""

import os
from pathlib import Path

import pytest
from support.cli_runner import clean, run
from support.hostile_servers import LEGAL, Hostile, answer

SECRET = "SecretOfTheUser1234"


def folder_with(tmp_path: Path, url: str) -> Path:
    """A folder with a configuration that would send a variable to a server."""
    folder = tmp_path / "downloads"
    folder.mkdir(mode=0o755)
    (folder / "inventory.toml").write_text(f"[[server]]\nname='a'\nurl='{url}'\ntoken_env='CLOUD_SECRET'\n")
    (folder / "inventory.toml").chmod(0o644)
    return folder


def test_a_configuration_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    """One line, exit 2, and no server hears anything; named, it is used, and one's own is used as it lies there."""
    env = clean(CLOUD_SECRET=SECRET)
    with Hostile(answer(LEGAL)) as server:
        folder = folder_with(tmp_path, server.url)
        file = folder / "inventory.toml"
        for place, mode, restored in ((file, 0o666, 0o644), (folder, 0o777, 0o755)):
            place.chmod(mode)
            for arguments in (("snapshot", "-q", "--no-history"), ("check",), ("schedule", "cron"), ("history",)):
                done = run(*arguments, cwd=folder, env=env)
                assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
                assert "inventory.toml in the working directory is not used: everybody may write to it" in (
                    done.err.replace("its folder", "it")
                )
                assert "--config ./inventory.toml" in done.err
            assert server.requests == []
            assert run("snapshot", "--help", cwd=folder, env=env).code == 0
            for named in (("--config", "./inventory.toml"), ("--config", str(file))):
                assert run("snapshot", "-q", "--no-history", *named, cwd=folder, env=env).code == 0
            env_named = env | {"LMS_INVENTORY_CONFIG": "inventory.toml"}
            assert run("snapshot", "-q", "--no-history", cwd=folder, env=env_named).code == 0
            place.chmod(restored)
            server.requests.clear()
        assert run("snapshot", "-q", "--no-history", cwd=folder, env=env).code == 0
        assert SECRET.encode() in server.requests[0]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a file to another user")
def test_a_file_that_belongs_to_another_user(tmp_path: Path) -> None:
    """The file's owner, and its folder's."""
    env = clean(CLOUD_SECRET=SECRET)
    with Hostile(answer(LEGAL)) as server:
        folder = folder_with(tmp_path, server.url)
        for place in (folder / "inventory.toml", folder):
            os.chown(place, 4001, 4001)
            done = run("snapshot", "-q", "--no-history", cwd=folder, env=env)
            assert (done.code, done.err.count("\n")) == (2, 1)
            assert "belongs to another user, 4001" in done.err
            os.chown(place, 0, 0)
        assert server.requests == []


@pytest.mark.long
def test_files_in_lists(tmp_path: Path) -> None:
    """Refused with their line, from a file, standard input and a variable; allowed by a flag; as a server they stay."""
    (tmp_path / "private.json").write_text('{"models": [{"key": "x", "password": "hunter2"}]}')
    (tmp_path / "hosts").write_text("# the lab\nlab=file:private.json\n")
    quiet = ("snapshot", "-q", "--no-history", "-o", "r.csv")
    text = (tmp_path / "hosts").read_text()
    for arguments, more in (
        (("--servers-from", "hosts"), {}),
        (("--servers-from", "-"), {"input": text}),
        ((), {"env": clean(LMS_INVENTORY_SERVERS_FROM="hosts")}),
    ):
        done = run(*quiet, *arguments, cwd=tmp_path, **more)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
        assert "line 2: file:private.json is a file of this machine" in done.err
        assert not (tmp_path / "r.csv").exists()
        assert run("check", *arguments, cwd=tmp_path, **more).code == 2
        done = run(*quiet, *arguments, "--allow-files", cwd=tmp_path, **more)
        assert (done.code, "hunter2" in (tmp_path / "r.csv").read_text()) == (0, True)
        (tmp_path / "r.csv").unlink()
    assert run(*quiet, "--server", "file:private.json", cwd=tmp_path).code == 0
    (tmp_path / "inventory.toml").write_text("[[server]]\nurl = 'file:private.json'\n")
    assert run(*quiet, cwd=tmp_path).code == 0
    refused = run("schedule", "cron", "--servers-from", "hosts", cwd=tmp_path)
    assert (refused.code, "--allow-files" in refused.err) == (2, True)
