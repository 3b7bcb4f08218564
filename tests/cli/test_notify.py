"""Notices from the command line: sent after everything is written, with no secret in any output."""

import json
import os
import sys
from pathlib import Path

import pytest
from support.cli_runner import TOKEN, clean, run
from support.sinks import Sink

import inventory
from inventory.stub_server import StubServer, inventory_after, inventory_before

SECRET = "/services/T0/Canary12/hook"


def config(folder: Path, server: str, *notices: str) -> None:
    """Write a configuration with one server and some notices."""
    tables = "".join(f"[[notify]]\n{notice}\n" for notice in notices)
    (folder / "inventory.toml").write_text(f'[[server]]\nname = "lab"\nurl = "{server}"\n{tables}')


def _history() -> Path:
    return Path(os.environ["LMS_INVENTORY_HISTORY"])


def everything(folder: Path) -> bytes:
    """Every byte under a folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.long
def test_a_change_is_told_after_the_report_is_written(tmp_path: Path) -> None:
    """The notice names the report, which is there by then, and the run log says that it was sent."""
    with Sink(200) as sink, StubServer(inventory_before()) as server:
        config(tmp_path, server.url, 'url_env = "HOOK"\nform = "slack"')
        env = clean(HOOK=sink.url + SECRET)
        first = run("snapshot", "-o", "r.html", "-o", "r.csv", cwd=tmp_path, env=env)
        server.models = inventory_after()
        second = run("snapshot", "-o", "r.html", "--fail-on", "any", cwd=tmp_path, env=env)
    assert (first.code, second.code, second.err) == (0, 10, "")
    (request,) = sink.received
    text = json.loads(request.body)["text"]
    assert request.path == SECRET
    assert text.startswith("LM Studio model inventory: ")
    assert f"\nReport: {tmp_path / 'r.html'}" in text
    assert len(text.splitlines()) <= 12
    entries = inventory.read_run_log(_history()).entries
    assert [entry["notices"] for entry in entries] == [
        [{"to": "slack, environment variable HOOK", "sent": sent, "error": None}] for sent in (None, True)
    ]


@pytest.mark.long
def test_a_notice_that_fails_is_one_line_and_changes_nothing(tmp_path: Path) -> None:
    """The exit code stays, the line says why, the run log has it, the history is proved, and the secret is nowhere."""
    with Sink(500) as broken, Sink(302, "http://127.0.0.1:9/") as redirecting, Sink(0) as hanging:
        sinks = {"A": broken.url, "B": redirecting.url, "C": hanging.url, "D": "http://127.0.0.1:9"}
        notices = [f'url_env = "{name}"\nwhen = ["always"]\ntimeout = 0.5' for name in sinks]
        notices += ['url_file = "secret"\nwhen = ["always"]', 'url_env = "NONE"\nwhen = ["always"]']
        (tmp_path / "secret").write_text(f"{broken.url}{SECRET}\n")
        (tmp_path / "secret").chmod(0o600)
        with StubServer(inventory_before()) as server:
            config(tmp_path, server.url, *notices)
            env = clean(**{name: url + SECRET for name, url in sinks.items()})
            done = run("snapshot", "--debug", "-o", "r.html", "-o", "r.prom", cwd=tmp_path, env=env)
            checked = run("check", "--debug", cwd=tmp_path, env=env)
            tested = run("check", "--notify", "--debug", cwd=tmp_path, env=env)
    (tmp_path / "secret").unlink()
    assert (done.code, checked.code, tested.code) == (0, 0, 3)
    lines = done.later.err.splitlines()
    assert len(lines) == 6, done.err
    assert all(line.startswith("lms-inventory: the notice (json, ") and " was not sent: " in line for line in lines)
    reasons = [line.partition(" was not sent: ")[2] for line in lines]
    assert reasons[:2] == ["it answered HTTP 500", "it redirects elsewhere (HTTP 302), which is not followed"]
    assert reasons[2:4] == ["no answer within 0.5 s", "it could not be reached: connection refused"]
    assert reasons[4:] == ["it answered HTTP 500", "the environment variable NONE is not set"]
    (entry,) = inventory.read_run_log(_history()).entries
    assert (entry["exit_code"], [notice["error"] for notice in entry["notices"]]) == (0, reasons)
    assert "notify" in checked.out
    assert "environment variable A" in checked.out
    shown = "".join(one.out + one.err for one in (done, checked, tested)).encode()
    assert b"Canary12" not in shown + everything(tmp_path) + everything(_history())
    assert run("verify", cwd=tmp_path).code == 0


def test_a_test_is_sent_to_everybody(tmp_path: Path) -> None:
    """Check --notify asks no server, says to whom it sent, and is 2 where nobody is configured."""
    with Sink(200) as sink:
        program = f'command = ["{sys.executable}", "-c", "import sys; sys.exit(\'test\' not in sys.stdin.read())"]'
        config(tmp_path, "http://127.0.0.1:9", 'url_env = "HOOK"\nform = "healthchecks"', program)
        env = clean(HOOK=sink.url + SECRET)
        done = run("check", "--notify", cwd=tmp_path, env=env)
        as_json = run("check", "--notify", "--json", cwd=tmp_path, env=env)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "sent a test (healthchecks, environment variable HOOK)",
        f"sent a test (command {sys.executable})",
    ]
    assert [request.path for request in sink.received] == [f"{SECRET}/0"] * 2
    assert [notice["sent"] for notice in as_json.data["notices"]] == [True, True]
    config(tmp_path, "http://127.0.0.1:9")
    nobody = run("check", "--notify", cwd=tmp_path)
    assert (nobody.code, "there is nobody to notify" in nobody.err) == (2, True)


@pytest.mark.long
def test_healthchecks_hears_of_each_run_and_its_exit_code(tmp_path: Path) -> None:
    """Also of one that read nothing; one that is wrong usage is silent, so that the check raises its alarm."""
    with Sink(200) as sink:
        config(tmp_path, "http://127.0.0.1:9", 'url_env = "HOOK"\nform = "healthchecks"')
        env = clean(HOOK=sink.url + SECRET)
        assert run("snapshot", "-q", cwd=tmp_path, env=env).code == 3
        assert run("snapshot", "-q", "--fail-on", "incomplete", cwd=tmp_path, env=env).code == 10
        assert run("snapshot", "-q", "-o", "x.unknown", cwd=tmp_path, env=env).code == 2
        assert run("snapshot", "-q", "--no-history", cwd=tmp_path, env=env).code == 3
    assert [request.path.rpartition("/")[2] for request in sink.received] == ["3", "10", "3"]
    assert sink.bodies[0].startswith("LM Studio model inventory: lab not read\nlab: not read: could not reach ")
    assert sink.bodies[1].endswith(": nothing new; 0 of 1 server read")


def test_a_command_is_not_given_the_tokens(tmp_path: Path) -> None:
    """The token of a server goes to that server, and to no program that is told."""
    script = "import os, sys; open('env', 'w').write(repr(sorted(os.environ)) + sys.stdin.read())"
    with StubServer(inventory_before(), token=TOKEN) as server:
        config(tmp_path, server.url, f'command = ["{sys.executable}", "-c", "{script}"]\nwhen = ["always"]')
        done = run("snapshot", "-q", cwd=tmp_path, env=clean(LM_API_TOKEN=TOKEN, OTHER="x"))
    assert (done.code, done.later.err) == (0, "")
    text = (tmp_path / "env").read_text()
    assert "'OTHER'" in text
    assert "LM_API_TOKEN" not in text
    assert TOKEN not in text


def test_a_link_of_the_configuration_is_told_instead_of_the_path(tmp_path: Path) -> None:
    """Its placeholders are those of files; one that is unknown is refused before any server is asked."""
    with Sink(200) as sink, StubServer(inventory_before()) as server:
        config(tmp_path, server.url, 'url_env = "HOOK"\nwhen = ["always"]')
        path = tmp_path / "inventory.toml"
        path.write_text(path.read_text() + '[report]\nlink = "https://r.example/{run_id}.html"\ntitle = "Fleet"\n')
        assert run("snapshot", "-o", "r.html", cwd=tmp_path, env=clean(HOOK=sink.url)).code == 0
        (document,) = map(json.loads, sink.bodies)
        path.write_text(path.read_text().replace("{run_id}", "{nothing}"))
        done = run("snapshot", cwd=tmp_path, env=clean(HOOK=sink.url))
    assert document["report"] == f"https://r.example/{document['run_id']}.html"
    assert document["title"].startswith("Fleet: nothing new; 1 of 1 server read")
    assert (done.code, "unknown placeholder" in done.err, len(sink.received)) == (2, True, 1)


@pytest.mark.skipif(sys.platform != "linux", reason="a path that is not UTF-8 is possible on Linux only")
def test_a_path_that_is_no_text_is_told_visibly(tmp_path: Path) -> None:
    """A folder whose name is not UTF-8 ends no run: the notice shows the byte."""
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    with Sink(200) as sink, StubServer(inventory_before()) as server:
        config(folder, server.url, 'url_env = "HOOK"\nwhen = ["always"]')
        done = run("snapshot", "-q", "-o", "r.html", cwd=folder, env=clean(HOOK=sink.url))
    assert (done.code, done.later.err) == (0, ""), done.err
    assert json.loads(sink.bodies[0])["report"].endswith("caf\\udce9/r.html")


@pytest.mark.parametrize(
    ("notice", "words"),
    [
        ('url = "https://hooks.example/Canary12"', "an address may not be in the file (it is not shown here)"),
        ('url_file = "https://hooks.example/Canary12"', "an address may not be in the file (it is not shown here)"),
        ('url_env = "https://hooks.example/Canary12"', "is not a variable's name (it is not shown here)"),
        ('url_env = "A"\nform = "slak"', "Did you mean 'slack'"),
        ('url_env = "A"\nwhen = ["faild"]', "Did you mean 'failed'"),
        ('url_env = "A"\nwhen = "failed"', "must be a list"),
        ('url_env = "A"\nwhen = []', "when is empty"),
        ('url_env = "A"\ntimeout = 0', "timeout cannot be 0"),
        ("", "has no address"),
    ],
)
def test_a_wrong_notice_is_refused_with_its_line(notice: str, words: str, tmp_path: Path) -> None:
    """Before any server is asked, in one line, and without what may be a secret."""
    config(tmp_path, "http://127.0.0.1:9", notice)
    done = run("snapshot", "--debug", cwd=tmp_path)
    assert (done.code, words in done.err, "inventory.toml line " in done.err) == (2, True, True), done.err
    assert "Canary12" not in done.out + done.err


def test_a_schedule_carries_everything(tmp_path: Path) -> None:
    """Outputs and the configuration are passed on; an address in a variable is warned of, and is nowhere."""
    config(tmp_path, "http://127.0.0.1:9", 'url_env = "HOOK"', 'url_file = "secret"')
    env = clean(HOOK=f"https://hooks.example{SECRET}")
    done = run("schedule", "cron", "-o", "x.prom", "-o", "{date}.cdx.json", cwd=tmp_path, env=env)
    assert done.code == 0, done.err
    assert f"{tmp_path}/x.prom" in done.out
    assert ".cdx.json" in done.out
    assert f"--config {tmp_path}/inventory.toml" in done.out
    assert "HOOK is not set in a scheduled run, and is not written into the files. Use url_file" in done.err
    assert "Canary12" not in done.out + done.err


def test_the_example_of_the_manual_is_a_configuration(tmp_path: Path) -> None:
    """What the page shows can be copied, and a file that others may read is warned of."""
    page = (Path(inventory.__file__).parent / "manual" / "notices.md").read_text()
    (tmp_path / "inventory.toml").write_text(page.partition("```toml\n")[2].partition("```")[0])
    (tmp_path / "slack.url").write_text("https://hooks.example/Canary12")
    (tmp_path / "slack.url").chmod(0o644)
    done = run("check", "--server", "http://127.0.0.1:9", cwd=tmp_path)
    assert done.code == 3, done.err
    assert "slack.url holds the address of a notice and others may use it (mode 0644)" in done.err
    for name in ("slack, file ", "ntfy, environment variable NTFY_URL", "command /usr/local/bin/open-ticket"):
        assert name in done.out
    assert "Canary12" not in done.out + done.err
