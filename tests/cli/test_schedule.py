"""``lms-inventory schedule``: what it prints and writes, and that what it writes really runs."""

import os
import plistlib
import re
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from support.cli_runner import BEGINNING, COMMAND, TOKEN, clean, run

from inventory.cli.snapshot import snapshot
from inventory.config.credentials import CREDENTIAL
from inventory.history.run_log import read
from inventory.history.verify import prove
from inventory.schedules import SCHEDULES
from inventory.stub_server import StubServer, inventory_before

TASK = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def command(*arguments: str | Path, cwd: Path | None = None, **env: str) -> list[str]:
    """What a schedule of these options would start, as launchd is told."""
    done = run("schedule", "launchd", *arguments, cwd=cwd, env=clean(**env))
    assert done.code == 0, done.err
    words: list[str] = plistlib.loads(done.out.encode())["ProgramArguments"]
    return words


def options(words: list[str]) -> list[str]:
    """What comes after the program."""
    assert words[:6] == [sys.executable, "-P", "-m", "inventory", "snapshot", "-q"]
    return words[6:]


def test_without_anything_the_history_is_named(tmp_path: Path) -> None:
    """A run without this environment finds the same history: the variable's, else the platform's."""
    folder = clean()["LMS_INVENTORY_HISTORY"]
    assert options(command(cwd=tmp_path)) == ["--history", folder]
    env = clean()
    del env["LMS_INVENTORY_HISTORY"]
    done = run("schedule", "cron", cwd=tmp_path, env=env)
    assert f" --history {env['XDG_DATA_HOME']}/lms-inventory/history\n" in done.out


def test_paths_are_made_absolute(tmp_path: Path) -> None:
    """Files, the history, lists and saved answers are those of here, wherever the run starts."""
    (tmp_path / "my hosts").write_text("b=10.0.0.2\n")
    (tmp_path / "50% out").mkdir()
    given = ["-o", "50% out/{date}.csv", "--history", "h", "--servers-from", "my hosts", "--server", "lab=file:a.json"]
    assert sorted(options(command(*given, cwd=tmp_path))) == sorted(
        ["-o", f"{tmp_path}/50% out/{{date}}.csv", "--history", f"{tmp_path}/h", "--server",
         f"lab=file:{tmp_path}/a.json", "--servers-from", f"{tmp_path}/my hosts"]
    )  # fmt: skip


def test_a_list_with_answers_of_this_folder_is_refused(tmp_path: Path) -> None:
    """A relative path in a list would mean another file where the run starts; an absolute one does not."""
    (tmp_path / "hosts").write_text(f"a=file:{tmp_path}/a.json\n")
    words = command("--servers-from", "hosts", "--allow-files", cwd=tmp_path)
    assert {"--servers-from", f"{tmp_path}/hosts", "--allow-files"} <= {*words}
    (tmp_path / "hosts").write_text("a=file:a.json\n")
    done = run("schedule", "cron", "--servers-from", "hosts", "--allow-files", cwd=tmp_path)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "hosts: file:a.json is relative, and a scheduled run starts in another folder" in done.err


def test_the_configuration_is_named_and_says_the_rest(tmp_path: Path) -> None:
    """The file that is used here is used there, from its absolute path; what it says is not said twice."""
    (tmp_path / "inventory.toml").write_text('[history]\npath = "h"\n[defaults]\ntimeout = 3\n')
    env = clean()
    del env["LMS_INVENTORY_HISTORY"]
    for more in ([], ["--config", "inventory.toml"]):
        done = run("schedule", "systemd", *more, cwd=tmp_path, env=env)
        assert f" snapshot -q --config {tmp_path}/inventory.toml\n" in done.out


def test_every_option_of_snapshot_is_passed_on(tmp_path: Path) -> None:
    """What snapshot understands a schedule does too, but for what makes no sense unattended."""
    words = options(
        command("--timeout", "2.5", "--fail-on", "added,removed", "--accept-suspect", "--grain", "both", cwd=tmp_path)
    )
    for pair in (["--timeout", "2.5"], ["--fail-on", "added,removed"], ["--grain", "both"]):
        assert words[words.index(pair[0]) + 1] == pair[1]
    assert "--accept-suspect" in words
    text = run("schedule", "--help").out
    for option in snapshot.params:
        shown = option.name not in ("no_history", "as_json", "quiet")
        assert bool(re.search(rf"^ .*{re.escape(option.opts[-1])}\b", text, re.MULTILINE)) == shown, option.name


def test_variables_are_passed_on_as_options(tmp_path: Path) -> None:
    """A scheduler does not have this environment, so what LMS_INVENTORY_* says here is said as options."""
    words = options(command(cwd=tmp_path, LMS_INVENTORY_TIMEOUT="7", LMS_INVENTORY_GRAIN="instance"))
    assert words[words.index("--timeout") + 1] == "7"
    assert words[words.index("--grain") + 1] == "instance"


@pytest.mark.parametrize("scheduler", SCHEDULES)
def test_no_token_is_written_or_said(scheduler: str, tmp_path: Path) -> None:
    """A token of the environment is in no file and on no stream; that a run lacks it is said, with what to do."""
    (tmp_path / "inventory.toml").write_text(
        '[[server]]\nurl = "10.0.0.1"\ntoken_env = "MINE"\n[[server]]\nurl = "b"\n'
    )
    env = clean(LM_API_TOKEN=TOKEN, MINE=TOKEN)
    seen = []
    for more in ([], ["--install", "."], ["--debug"]):
        done = subprocess.run(
            [*COMMAND, "schedule", scheduler, *more], cwd=tmp_path, env=env, capture_output=True, check=True
        )
        for name in (b"LM_API_TOKEN", b"MINE"):
            assert b"lms-inventory: " + name + b" is not set in a scheduled run" in done.stderr
        seen += [done.stdout, done.stderr]
    files = [path.read_bytes() for path in tmp_path.iterdir()]
    assert len(files) > 1
    assert not any(token in text for text in (*files, *seen) for token in (TOKEN.encode(), TOKEN.encode("utf-16-le")))


@pytest.mark.parametrize("scheduler", SCHEDULES)
def test_what_to_do_about_a_token(scheduler: str, tmp_path: Path) -> None:
    """A token in a file is there in a scheduled run, and nothing is said; for another, what the scheduler knows."""
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    (tmp_path / "inventory.toml").write_text('[[server]]\nurl = "10.0.0.1"\ntoken_file = "token"\n')
    command, env = ("schedule", scheduler, "--install", "."), clean(LM_API_TOKEN=TOKEN)
    done = run(*command, cwd=tmp_path, env=env)
    assert "scheduled run" not in done.err
    done = run(*command, "--server", "10.0.0.1", cwd=tmp_path, env=env)
    assert "LM_API_TOKEN is not set in a scheduled run" in done.err
    assert ("lm-api-token" in done.err) == (scheduler == "systemd")
    (tmp_path / "inventory.toml").write_text('[[server]]\nurl = "10.0.0.1"\ntoken_env = "MINE"\n')
    done = run(*command, cwd=tmp_path, env=clean(MINE=TOKEN))
    assert "MINE is not set in a scheduled run" in done.err
    assert "lm-api-token" not in done.err


@pytest.mark.parametrize("scheduler", SCHEDULES)
def test_what_is_installed_is_what_is_printed(scheduler: str, tmp_path: Path) -> None:
    """Into a pipe go the bytes of the files; --install writes the same, and says what comes next on stderr."""
    printed = subprocess.run(
        [*COMMAND, "schedule", scheduler],
        cwd=tmp_path,
        env=clean(),
        capture_output=True,
        check=True,
    )
    done = run("schedule", scheduler, "--install", "my files", cwd=tmp_path)
    assert (done.code, done.err.count("\n")) == (4, 1)
    (tmp_path / "my files").mkdir()
    done = run("schedule", scheduler, "--install", "my files", cwd=tmp_path)
    files = sorted((tmp_path / "my files").iterdir())
    assert done.code == 0
    assert done.out == "".join(f"{path} written\n" for path in files)
    assert b"".join(path.read_bytes() for path in files) == printed.stdout
    assert all(str(path) in done.err for path in files)
    assert run("schedule", scheduler, "--install", "my files", cwd=tmp_path).out.count(" unchanged\n") == len(files)


@pytest.mark.parametrize("scheduler", SCHEDULES)
def test_somebody_elses_file_is_refused(scheduler: str, tmp_path: Path) -> None:
    """Exit 4 with one line, and nothing in the folder has changed."""
    run("schedule", scheduler, "--install", ".", cwd=tmp_path)
    files = sorted(tmp_path.iterdir())
    files[0].write_text("mine")
    before = {path: path.read_bytes() for path in files}
    done = run("schedule", scheduler, "--every", "1h", "--install", ".", cwd=tmp_path)
    assert (done.code, done.out, done.err.count("\n")) == (4, "", 1)
    assert f"{files[0]} already exists, and lms-inventory did not write it" in done.err
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cron", "--at", "25:00"], "'25:00' is not a time of day"),
        (["cron", "--every", "7h"], "every 7h does not divide an hour or a day evenly"),
        (["cron", "--every", ""], "'' is not an interval"),
        (["cron", "--every", "1h", "--at", "06:00"], "--at and --every exclude each other"),
        (["cron", "--name", "a b"], "a schedule cannot be named 'a b'"),
        (["cron", "--fail-on", "gone"], "--fail-on does not know 'gone'"),
        (["cron", "-o", "a.txt"], "a.txt: unknown format"),
        (["cron", "--server", "http://user:secret@host"], "may not hold a user"),
        (["cron", "--server", "a=b", "--server", "a=c"], "two servers are named 'a'"),
        (["cron", "--servers-from", "-"], "a scheduled run has no standard input"),
        (["cron", "--history", "a\nb"], "a scheduler's file cannot hold"),
        (["cron", "--history", "a\\b"], "cron does not support a path with a backslash"),
        (["windows", "--history", "%TEMP%"], "Task Scheduler would replace"),
        (["anacron"], "SCHEDULER cannot be 'anacron'. "),
        ([], "needs SCHEDULER: cron, systemd"),
    ],
    ids=str,
)
def test_what_cannot_be_scheduled_is_one_line(arguments: list[str], said: str, tmp_path: Path) -> None:
    """Wrong usage ends in 2 with one line, prints no file, and shows no secret."""
    done = run("schedule", *arguments, cwd=tmp_path, input="")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err
    assert "secret" not in done.err


def test_the_same_times_everywhere(tmp_path: Path) -> None:
    """Repeated times are said once and in order."""
    at = ["--at", "18:30", "--at", "6:00", "--at", "06:00"]
    assert re.findall(r"^(\d.*?) \S*python", run("schedule", "cron", *at, cwd=tmp_path).out, re.MULTILINE) == [
        "0 6 * * *", "30 18 * * *"
    ]  # fmt: skip
    assert re.findall(r"OnCalendar=(.*)", run("schedule", "systemd", *at, cwd=tmp_path).out) == [
        "*-*-* 06:00:00", "*-*-* 18:30:00"
    ]  # fmt: skip


@pytest.fixture
def scheduled(tmp_path: Path) -> Path:
    """A folder with spaces and a percent sign in its name, with a configuration and a token file in it."""
    folder = tmp_path / "my 50% fleet"
    folder.mkdir()
    (folder / "token").write_text(TOKEN)
    (folder / "token").chmod(0o600)
    return folder


def _configure(folder: Path, url: str) -> None:
    (folder / "inventory.toml").write_text(
        f'[[server]]\nname = "a"\nurl = "{url}"\ntoken_file = "token"\n[history]\npath = "history"\n'
    )


def _words(scheduler: str, text: bytes) -> list[str]:
    """The command in a file, as its scheduler would start it."""
    if scheduler == "cron":
        line = next(line for line in text.decode().splitlines() if not line.startswith("#"))
        return ["/bin/sh", "-c", line.split(" ", 5)[5].replace("\\%", "%")]
    if scheduler == "systemd":
        found = re.search(r"^ExecStart=:(.*)$", text.decode(), re.MULTILINE)
        return shlex.split(found[1].replace("%%", "%")) if found else []
    if scheduler == "launchd":
        words: list[str] = plistlib.loads(text)["ProgramArguments"]
        return words
    task = ElementTree.fromstring(text)
    program, line = (task.findtext(f".//{TASK}{name}") or "" for name in ("Command", "Arguments"))
    return [program, *shlex.split(line)]


@pytest.mark.long
@pytest.mark.parametrize("scheduler", SCHEDULES)
def test_what_is_scheduled_really_runs(scheduler: str, scheduled: Path, tmp_path: Path) -> None:
    """From another folder and with hardly any environment the run finds everything, and is in the journal."""
    with StubServer(inventory_before(), token=TOKEN) as server:
        _configure(scheduled, server.url)
        env = {name: value for name, value in clean().items() if name != "LMS_INVENTORY_HISTORY"}
        out = ["-o", "models {date}.csv"]
        assert run("schedule", scheduler, *out, "--install", tmp_path, cwd=scheduled, env=env).code == 0
        file = min(path for path in tmp_path.iterdir() if path.is_file())
        started = {"PYTHONPATH": env["PYTHONPATH"]}  # where the tests' package is, as if it were installed
        done = subprocess.run(
            _words(scheduler, file.read_bytes()), cwd="/", env=started, capture_output=True, check=False
        )
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (0, b"", 1)
    assert done.stderr.startswith(BEGINNING.encode())
    assert [entry["statuses"] for entry in read(scheduled / "history").entries] == [{"ok": 1}]
    assert [path.name[:6] for path in scheduled.glob("*.csv")] == ["models"]


@pytest.mark.long
def test_a_folder_called_inventory_is_no_trap(tmp_path: Path) -> None:
    """A run that starts in a folder with an ``inventory.py`` of somebody else takes ours."""
    (tmp_path / "inventory.py").write_text("raise SystemExit(99)")
    words = command("--server", "127.0.0.1:9", "--history", tmp_path / "h", cwd=Path("/"))
    done = subprocess.run(words, cwd=tmp_path, env=clean(), capture_output=True, check=False)
    assert done.returncode == 3


def test_a_credential_of_systemd_is_the_token(tmp_path: Path) -> None:
    """The token in $CREDENTIALS_DIRECTORY is used where LM_API_TOKEN is not set; the unit's empty default is none."""
    given = tmp_path / CREDENTIAL
    with StubServer(inventory_before(), token=TOKEN) as server:
        for body, more, code in (
            (None, {}, 3),
            (f"{TOKEN}\n", {}, 0),
            ("\n", {}, 3),
            ("\n", {"LM_API_TOKEN": TOKEN}, 0),
            ("two words", {}, 2),
        ):
            if body is not None:
                given.write_text(body)
            done = run("check", "--server", server.url, env=clean(CREDENTIALS_DIRECTORY=str(tmp_path), **more))
            assert (done.code, TOKEN in done.out + done.err) == (code, False), (body, done.err)
    given.unlink()
    given.mkdir()
    done = run("check", "--server", "a", env=clean(CREDENTIALS_DIRECTORY=str(tmp_path)))
    assert (done.code, done.err.count("\n")) == (2, 1)


@pytest.mark.long
def test_two_runs_at_once_are_harmless(tmp_path: Path) -> None:
    """Schedules that overlap, in one history: both runs are recorded, both are in the journal, and the proof holds."""
    with StubServer(inventory_before()) as server:
        words = command("--server", f"a={server.url}", "--history", tmp_path / "h", cwd=tmp_path)
        running = [subprocess.Popen(words, env=clean()) for _ in range(4)]
        assert [process.wait(timeout=60) for process in running] == [0] * 4
    from inventory import History

    store = History(tmp_path / "h").store
    assert sorted(entry["run_id"] for entry in read(tmp_path / "h").entries) == store.run_ids()
    assert len(store.run_ids()) == 4
    assert prove(store).problems.num_rows == 0


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals here")
def test_on_a_terminal_a_task_is_text(tmp_path: Path) -> None:
    """Who looks at it sees XML, not its UTF-16."""
    ours, theirs = os.openpty()
    words = [*COMMAND, "schedule", "windows"]
    subprocess.run(words, stdout=theirs, stderr=subprocess.DEVNULL, env=clean(), cwd=tmp_path, check=True)
    os.close(theirs)
    assert os.read(ours, 65536).startswith(b'<?xml version="1.0" encoding="UTF-16"?>\r\n<Task version="1.2"')
    os.close(ours)


@pytest.mark.long
def test_a_monthly_report_runs(past: Path, tmp_path: Path) -> None:
    """--report makes a schedule of its own, whose command writes the report of the last month, and says nothing."""
    arguments = ("--report", "month", "--history", past, "-o", tmp_path / "{month}.md")
    words = command(*arguments)
    assert words[3:7] == ["inventory", "report", "month", "-q"]
    words[words.index("month")] = "2026-11"  # the runs of this history are of that month
    made = subprocess.run(words, capture_output=True, env=clean(), check=False, cwd="/")
    assert (made.returncode, made.stdout, made.stderr) == (0, b"", b"")
    assert "November 2026" in (tmp_path / "2026-11.md").read_text()
    done = run("schedule", "cron", *arguments, "--install", tmp_path)
    assert (done.code, (tmp_path / "lms-inventory-report.cron").exists()) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--report", "month"], "no file to write was named"),
        (["--report", "year", "-o", "a.md"], "--report cannot be 'year'"),
        (["--report", "week", "-o", "a.csv"], "a.csv is not a report"),
        (["--report", "week", "-o", "a.md", "--every", "1h"], "--every and --report exclude each other"),
        (["--report", "week", "-o", "a.md", "--fail-on", "any"], "--fail-on is about snapshots"),
    ],
    ids=str,
)
def test_mistakes_in_a_scheduled_report(arguments: list[str], error: str) -> None:
    """One line, exit 2."""
    done = run("schedule", "cron", *arguments)
    assert (done.code, done.out, error in done.err) == (2, "", True), done.err
