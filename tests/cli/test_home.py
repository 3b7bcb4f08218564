"""The home folder: ~ is it wherever a path is taken, and a user without one gets on without one."""

import os
from pathlib import Path

import pytest
from support.cli_runner import Done, clean, run
from support.hostile_servers import LEGAL

import inventory
from inventory import History, read

ANSWER = "a=file:~/answer.json"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a saved answer in it, and a folder to work in."""
    (tmp_path / "here").mkdir()
    home = tmp_path / "home"
    home.mkdir()
    (home / "answer.json").write_bytes(LEGAL)
    return home


@pytest.fixture
def here(home: Path) -> Path:
    """Where the commands run."""
    return home.with_name("here")


def at(home: Path, here: Path, *arguments: str, **env: str) -> Done:
    """Run a command for a user with that home, and see that no folder called ~ was made."""
    variables = {name: text for name, text in clean(**env).items() if name not in _PLACES or name in env}
    done = run(*arguments, cwd=here, env=variables | {"HOME": str(home)})
    assert not [path for path in here.rglob("*") if path.name.startswith("~")], arguments
    return done


_PLACES = ("LMS_INVENTORY_HISTORY", "XDG_DATA_HOME", "XDG_CONFIG_HOME")


@pytest.mark.long
def test_flags(home: Path, here: Path) -> None:
    """The history, outputs, lists, the configuration, saved answers and references."""
    out = [word for suffix in ("csv", "parquet", "xlsx", "html", "md") for word in ("-o", f"~/x.{suffix}")]
    assert at(home, here, "snapshot", "-q", "--server", ANSWER, "--history", "~/h", *out).later == Done(0, "", "")
    assert {path.name for path in home.iterdir()} >= {"h", "x.csv", "x.parquet", "x.xlsx", "x.html", "x.md"}
    for suffix in ("csv", "parquet", "xlsx"):
        assert at(home, here, "show", f"~/x.{suffix}").code == 0
        assert at(home, here, "diff", f"~/x.{suffix}", "latest", "--history", "~/h", "-o", "~/d.csv").code == 0
        assert at(home, here, "export", f"~/x.{suffix}", "-o", f"~/y.{suffix}").code == 0
    assert at(home, here, "history", "--history", "~/h", "-o", "~/runs.csv").code == 0
    assert at(home, here, "verify", "--history", "~/h").out.endswith("\n1 run, 0 problems\n")
    (home / "hosts").write_text(f"{ANSWER}\n")
    (home / "inventory.toml").write_text("[history]\npath = '~/h2'\n")
    words = ("--servers-from", "~/hosts", "--allow-files", "--config", "~/inventory.toml")
    assert at(home, here, "snapshot", "-q", *words).later == Done(0, "", "")
    assert (home / "h2" / "observations").is_dir()


@pytest.mark.parametrize("variable", ["LMS_INVENTORY_HISTORY", "XDG_DATA_HOME"])
def test_variables_that_say_where_the_history_is(variable: str, home: Path, here: Path) -> None:
    """As systemd, a container or a file of variables hands them over."""
    done = at(home, here, "snapshot", "-q", "--server", ANSWER, **{variable: "~/place"})
    assert done.later == Done(0, "", "")
    assert (home / "place").is_dir() or (home / ".local" / "share" / "lms-inventory").is_dir()


def test_variables_that_name_files(home: Path, here: Path) -> None:
    """The configuration and the list."""
    (home / "c.toml").write_text("[defaults]\ntimeout = 3\n")
    (home / "hosts").write_text(f"{ANSWER}\n")
    env = {"LMS_INVENTORY_CONFIG": "~/c.toml", "LMS_INVENTORY_SERVERS_FROM": "~/hosts"}
    done = at(home, here, "check", "--json", **env, LMS_INVENTORY_ALLOW_FILES="1")
    assert (done.code, [row["server"] for row in done.data["servers"]]) == (0, ["a"])
    assert {row["value"] for row in done.data["settings"] if row["setting"] == "timeout"} == {3.0}
    done = at(home, here, "snapshot", "-q", "-o", "~/x.csv", "--history", "~/h", "--server", ANSWER)
    done = at(home, here, "diff", "latest", "live", "--history", "~/h", **env, LMS_INVENTORY_ALLOW_FILES="yes")
    assert (done.code, "No changes" in done.out) == (0, True)
    assert at(home, here, "diff", "latest", "live", "--history", "~/h", **env).code == 2


@pytest.mark.parametrize("scheduler", ["cron", "systemd", "launchd", "windows"])
def test_schedules(scheduler: str, home: Path, here: Path) -> None:
    """The files name the whole paths, and are written into a folder of the home."""
    (home / "units").mkdir()
    words = ("--server", ANSWER, "--history", "~/h", "-o", "~/x.csv", "--install", "~/units")
    assert at(home, here, "schedule", scheduler, *words).code == 0
    texts = [path.read_bytes().replace(b"\0", b"").decode("latin-1") for path in (home / "units").iterdir()]
    for place in ("h", "x.csv", "answer.json"):
        assert any(f"{home}/{place}" in text for text in texts)
    assert not any("/~" in text for text in texts)


@pytest.mark.parametrize(
    "arguments",
    [
        ("snapshot", "--history", "~nobody-here/h"),
        ("snapshot", "--no-history", "-o", "~nobody-here/x.csv"),
        ("snapshot", "--no-history", "--server", "file:~nobody-here/a.json"),
        ("show", "~nobody-here/x.csv"),
        ("check", "--config", "~nobody-here/c.toml"),
        ("check", "--servers-from", "~nobody-here/hosts"),
        ("schedule", "cron", "--install", "~nobody-here"),
    ],
)
def test_a_home_that_is_not_there(arguments: tuple[str, ...], home: Path, here: Path) -> None:
    """Is told in one line, with 2; nothing is made."""
    done = at(home, here, *arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "there is no home folder for" in done.err
    assert not list(here.iterdir())


def test_a_file_whose_own_name_begins_so(home: Path, here: Path) -> None:
    """./~NAME is that file, read and written."""
    done = run("snapshot", "-q", "--no-history", "--server", f"a=file:{home}/answer.json", "-o", "./~x.csv", cwd=here)
    assert (done.code, [path.name for path in here.iterdir()]) == (0, ["~x.csv"])
    assert run("show", "./~x.csv", cwd=here).code == 0


def test_python(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same from Python, as text or as a path."""
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(tmp_path)
    taken = inventory.collect(ANSWER)
    taken.write("~/x.xlsx")
    taken.write(Path("~/x.csv"))
    assert read("~/x.csv").tables["models"].equals(read(Path("~/x.xlsx")).tables["models"])
    for place in ("~/h", Path("~/h"), "file://~/h"):
        assert History(place).store.folder == home / "h"


@pytest.fixture
def homeless(tmp_path: Path) -> dict[str, str]:
    """The environment of a user without HOME and without an entry in the system's list of users."""
    (tmp_path / "nobody").mkdir()
    (tmp_path / "nobody" / "sitecustomize.py").write_text(
        "import pwd\ndef nobody(which): raise KeyError(which)\npwd.getpwuid = pwd.getpwnam = nobody\n"
    )
    env = {name: text for name, text in clean().items() if name not in ("HOME", *_PLACES)}
    return env | {"PYTHONPATH": f"{tmp_path / 'nobody'}{os.pathsep}{env['PYTHONPATH']}"}


@pytest.mark.long
def test_without_a_home_what_needs_none_works(homeless: dict[str, str], home: Path, here: Path) -> None:
    """Without a history, with one that is named, with files; and nothing is said about it."""
    saved = ("--server", f"a=file:{home}/answer.json")
    for arguments in (
        ("snapshot", "-q", *saved, "--no-history", "-o", "x.csv", "-o", "x.xlsx", "-o", "x.html"),
        ("snapshot", "-q", *saved, "--history", str(here / "h")),
        ("snapshot", "-q", *saved, "--history", "h"),
        ("show", "x.csv"),
        ("show", "--history", "h"),
        ("diff", "x.csv", "x.xlsx"),
        ("diff", "--history", "h"),
        ("export", "x.csv", "-o", "y.xlsx", "-o", "y.html"),
        ("history", "--history", "h"),
        ("verify", "--history", "h"),
        ("prune", "--keep-last", "1", "--history", "h"),
        ("check", *saved),
        ("check", "--json", *saved),
        *(
            ("schedule", word, *saved, "--history", "h", "--install", ".")
            for word in ("cron", "systemd", "launchd", "windows")
        ),
        ("demo",),
        ("--help",),
        ("snapshot", "--help"),
        ("--version",),
    ):
        done = run(*arguments, cwd=here, env=homeless)
        assert done.code == 0, (arguments, done.err)
        assert "there is no home" not in done.err
    completion = {"_LMS_INVENTORY_COMPLETE": "bash_complete", "COMP_LINE": "lms-inventory sn"}
    assert run(cwd=here, env=homeless | completion) == Done(0, "plain,snapshot\n", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ("snapshot",), ("show",), ("diff",), ("history",), ("baseline", "set", "x"), ("verify",),
        ("prune", "--keep-last", "1"), ("export", "-o", "x.csv"), ("schedule", "cron"), ("diff", "x.csv"),
    ],
)  # fmt: skip
def test_without_a_home_the_history_must_be_named(
    arguments: tuple[str, ...], homeless: dict[str, str], home: Path, here: Path
) -> None:
    """Exit 2 with exactly one line that says so, before anybody is asked."""
    saved = ("--server", f"a=file:{home}/answer.json") if arguments[0] in ("snapshot", "schedule") else ()
    run("snapshot", "-q", "--no-history", "--server", f"a=file:{home}/answer.json", "-o", "x.csv", cwd=here)
    done = run(*arguments, *saved, cwd=here, env=homeless)
    assert done == Done(2, "", "lms-inventory: there is no home directory. Give --history DIR\n")


@pytest.mark.parametrize("value", ["", "relative", "."])
def test_a_home_that_is_no_folder_is_none(value: str, here: Path) -> None:
    """An empty HOME is not the root folder, nor another one a folder of the working directory."""
    env = {name: text for name, text in clean(HOME=value).items() if name not in _PLACES}
    done = run("check", "--json", "--server", "file:~/no-such-file.json", cwd=here, env=env)
    [history] = [row["value"] for row in done.data["settings"] if row["setting"] == "history"]
    assert history is None or (Path(history).is_absolute() and not history.startswith("/.local"))
    assert not list(here.iterdir())
