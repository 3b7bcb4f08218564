"""The configuration and lists of servers, as the commands use them."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.cli_runner import COMMAND, TOKEN, Done, clean, run
from support.hostile_servers import LEGAL, Hostile, answer

OTHER = "sk-lm-Canary34:ABCDEFGHIJklmnopqrst"
COMMON = "sk-lm-Common56:ABCDEFGHIJklmnopqrst"


@pytest.fixture
def three() -> Iterator[list[Hostile]]:
    """Three servers that answer as they should."""
    with ExitStack() as servers:
        yield [servers.enter_context(Hostile(answer(LEGAL))) for _ in range(3)]


def written(folder: Path, text: str) -> Path:
    """The folder, with a configuration in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "inventory.toml").write_text(text)
    return folder


def names(done: Done) -> list[str]:
    """The servers that check asked."""
    return [row["server"] for row in done.data["servers"]]


def settings(done: Done) -> dict[str, tuple[object, str, str | None]]:
    """What holds for all servers: value, origin and who said so, by name."""
    rows = done.data["settings"]
    return {row["setting"]: (row["value"], row["origin"], row["said"]) for row in rows if row["server"] is None}


def sent(server: Hostile) -> list[str]:
    """The authorization that each request brought."""
    lines = [line for request in server.requests for line in request.decode().split("\r\n")]
    return [line.partition(": ")[2] for line in lines if line.lower().startswith("authorization:")]


def test_flags_beat_variables_and_those_the_file_and_that_the_defaults(tmp_path: Path) -> None:
    """Default < file < LMS_INVENTORY_* < flag; check says which it was."""
    (tmp_path / "a.json").write_bytes(LEGAL)

    def used(*flags: str, **env: str) -> tuple[object, str, str | None]:
        done = run("check", "--json", "--server", "file:a.json", *flags, cwd=tmp_path, env=clean(**env))
        return settings(done)["timeout"]

    assert used() == (10.0, "default", None)
    written(tmp_path, "\n[defaults]\ntimeout = 7")
    assert used() == (7.0, "file", "inventory.toml line 3")
    assert used(LMS_INVENTORY_TIMEOUT="8") == (8.0, "environment", "LMS_INVENTORY_TIMEOUT")
    assert used("--timeout", "9", LMS_INVENTORY_TIMEOUT="8") == (9.0, "flag", "--timeout")


def test_every_setting_says_where_it_is_from(tmp_path: Path) -> None:
    """Also those that check itself has no option for."""
    written(
        tmp_path,
        "[history]\npath='h'\nretire_after=60\n[defaults]\nrecheck=2\ngrain='both'\ntoken_env='X'\n"
        "[[server]]\nurl='file:a.json'\n[compare]\nignore=['extra.seen']\n[report]\nstale_after=9",
    )
    (tmp_path / "a.json").write_bytes(LEGAL)
    env = clean(LMS_INVENTORY_CONCURRENCY="3", LMS_INVENTORY_GRAIN="instance", LMS_INVENTORY_STALE_AFTER="2")
    del env["LMS_INVENTORY_HISTORY"]
    assert settings(run("check", "--json", cwd=tmp_path, env=env)) == {
        "config": ("inventory.toml", "default", "the working directory"),
        "servers": (1, "file", "inventory.toml"),
        "history": ("h", "file", "inventory.toml line 2"),
        "timeout": (10.0, "default", None),
        "concurrency": (3, "environment", "LMS_INVENTORY_CONCURRENCY"),
        "recheck": (2.0, "file", "inventory.toml line 5"),
        "grain": ("instance", "environment", "LMS_INVENTORY_GRAIN"),
        "ignore": (["extra.seen"], "file", "inventory.toml line 11"),
        "retire_after": (60.0, "file", "inventory.toml line 3"),
        "stale_after": (2.0, "environment", "LMS_INVENTORY_STALE_AFTER"),
        "source": ("lmstudio", "default", None),
        "ca_file": (None, "default", None),
        "token": ("environment variable X", "file", "inventory.toml line 7"),
    }


def test_a_token_of_the_environment_is_told_by_its_variable(tmp_path: Path) -> None:
    """Where the token is from, never what it is; nothing, where there is none."""
    (tmp_path / "a.json").write_bytes(LEGAL)
    for env, told in (
        (clean(LM_API_TOKEN=TOKEN), ("environment variable LM_API_TOKEN", "environment", "LM_API_TOKEN")),
        (clean(), (None, "default", None)),
    ):
        done = run("check", "--json", "--server", "file:a.json", cwd=tmp_path, env=env)
        assert settings(done)["token"] == told
        assert TOKEN not in done.out + done.err


def test_the_file_is_looked_for_here_and_then_in_the_users_folder(tmp_path: Path) -> None:
    """--config beats LMS_INVENTORY_CONFIG, and that the working directory, and that the configuration directory."""
    own = written(Path(os.environ["XDG_CONFIG_HOME"]) / "lms-inventory", "[defaults]\ntimeout = 1")
    here = tmp_path / "here"
    here.mkdir()
    (tmp_path / "a.json").write_bytes(LEGAL)

    def used(*flags: str | Path, **env: str) -> tuple[object, object]:
        said = settings(run("check", "--json", "--server", "file:../a.json", *flags, cwd=here, env=clean(**env)))
        return said["config"], said["timeout"][0]

    assert used() == ((str(own / "inventory.toml"), "default", "the configuration directory"), 1.0)
    written(here, "[defaults]\ntimeout = 2")
    assert used() == (("inventory.toml", "default", "the working directory"), 2.0)
    third = written(tmp_path / "third", "[defaults]\ntimeout = 3") / "inventory.toml"
    assert used(LMS_INVENTORY_CONFIG=str(third)) == ((str(third), "environment", "LMS_INVENTORY_CONFIG"), 3.0)
    fourth = written(tmp_path / "fourth", "[defaults]\ntimeout = 4") / "inventory.toml"
    assert used("--config", fourth, LMS_INVENTORY_CONFIG=str(third)) == ((str(fourth), "flag", "--config"), 4.0)
    assert used("--config", os.devnull) == ((os.devnull, "flag", "--config"), 10.0)


def test_check_tells_a_person_what_is_set(tmp_path: Path, three: list[Hostile]) -> None:
    """The file, each setting and its origin, and for each server its labels and where its token is kept."""
    written(
        tmp_path, f"[[server]]\nname='laptop'\nurl='{three[0].url}'\ntoken_env='LAPTOP'\nlabels.site='Rome'\ntimeout=5"
    )
    done = run("check", cwd=tmp_path, env=clean(LAPTOP=TOKEN, COLUMNS="80"))
    lines = done.out.splitlines()
    assert (done.code, done.err, lines[0]) == (0, "", "Settings")
    assert lines[1].split() == ["config", "inventory.toml", "the", "working", "directory"]
    assert lines[-5].startswith("laptop   http://127.0.0.1:")
    assert lines[-2:] == ["", "1 of 1 server ok"]
    assert lines[-3] == "  labels site=Rome; timeout 5 s; token environment variable LAPTOP"
    done = run("check", "--timeout", "9", cwd=tmp_path, env=clean(LAPTOP=TOKEN))
    assert done.out.splitlines()[-3] == "  labels site=Rome; token environment variable LAPTOP"  # a flag is for all


def test_each_token_goes_to_its_own_server_only(tmp_path: Path, three: list[Hostile]) -> None:
    """One from a variable, one from a file, one common: no server hears another's, and no output has any."""
    (tmp_path / "gpu.token").write_text(f"{OTHER}\n")
    (tmp_path / "gpu.token").chmod(0o600)
    written(
        tmp_path,
        f"[[server]]\nname='a'\nurl='{three[0].url}'\ntoken_env='A_TOKEN'\n"
        f"[[server]]\nname='b'\nurl='{three[1].url}'\ntoken_file='gpu.token'\n"
        f"[[server]]\nname='c'\nurl='{three[2].url}'\n",
    )
    env = clean(A_TOKEN=TOKEN, LM_API_TOKEN=COMMON, LMS_INVENTORY_HISTORY=str(tmp_path / "history"))
    done = [
        run(*arguments, "--debug", cwd=tmp_path, env=env)
        for arguments in (
            ["check"],
            ["check", "--json"],
            ["snapshot", "-o", "a.csv", "-o", "a.xlsx"],
            ["diff", "latest", "live"],
        )
    ]
    assert [one.code for one in done] == [0, 0, 0, 0]
    for server, token in zip(three, (TOKEN, OTHER, COMMON), strict=True):
        assert sent(server) == [f"Bearer {token}"] * 4
    written_files = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "gpu.token"]
    assert len(written_files) > 5
    for token in (TOKEN, OTHER, COMMON):
        assert not [one for one in done if token in one.out + one.err]
        assert not [path for path in written_files if token.encode() in path.read_bytes()]


def test_a_token_is_not_asked_for_where_its_server_is_not(tmp_path: Path, three: list[Hostile]) -> None:
    """With --where only the tokens of the servers that are meant must be there."""
    written(
        tmp_path,
        f"[[server]]\nname='a'\nurl='{three[0].url}'\ntoken_env='A_TOKEN'\nlabels.site='Rome'\n"
        f"[[server]]\nname='b'\nurl='{three[1].url}'\nlabels.site='Oslo'\n",
    )
    done = run("check", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("lms-inventory: inventory.toml line 4: the environment variable A_TOKEN is not set")
    done = run("check", "--json", "--where", "site=Os*", cwd=tmp_path)
    assert (done.code, names(done)) == (0, ["b"])
    assert three[0].requests == []


def test_a_token_file_that_others_may_read_is_a_warning_once(tmp_path: Path, three: list[Hostile]) -> None:
    """It is used all the same; -q does not say it."""
    (tmp_path / "t").write_text(TOKEN)
    (tmp_path / "t").chmod(0o644)
    servers = "".join(f"[[server]]\nname='s{number}'\nurl='{one.url}'\n" for number, one in enumerate(three))
    written(tmp_path, f"[defaults]\ntoken_file='t'\n{servers}")
    done = run("check", cwd=tmp_path)
    assert done.code == 0
    assert done.err == "lms-inventory: t holds a token and others may use it (mode 0644). Run: chmod 600 t\n"
    assert run("snapshot", "--no-history", "-q", cwd=tmp_path).err == ""
    assert all(sent(one) == [f"Bearer {TOKEN}"] * 2 for one in three)


def test_two_names_for_one_address_are_a_warning(tmp_path: Path) -> None:
    """They are asked all the same; of many, some are named and the others counted."""
    (tmp_path / "a.json").write_bytes(LEGAL)
    done = run("check", "--server", "x=file:a.json", "--server", "y=file:a.json", cwd=tmp_path)
    assert done.code == 0
    assert done.err == "lms-inventory: x and y have the same address, file:a.json; it is queried once for each name\n"
    for number in range(8):
        (tmp_path / f"{number}.json").write_bytes(LEGAL)
    hosts = "".join(f"a{number}=file:{number}.json\nb{number}=file:{number}.json\n" for number in range(8))
    done = run("check", "--servers-from", "-", "--allow-files", cwd=tmp_path, input=hosts)
    assert len(done.err.splitlines()) == 6
    assert done.err.splitlines()[-1] == "lms-inventory: 3 more addresses have several names"


def test_servers_from_a_list(tmp_path: Path, three: list[Hostile]) -> None:
    """From a file, standard input or a variable; instead of the configuration's servers, with its defaults."""
    written(tmp_path, f"[defaults]\ntoken_env='ALL'\n[[server]]\nname='not-asked'\nurl='{three[2].url}'")
    hosts = f"# the lab\na={three[0].url}\n\nb={three[1].url}\n"
    (tmp_path / "hosts.txt").write_text(hosts)
    env = clean(ALL=TOKEN)
    assert names(run("check", "--json", "--servers-from", "hosts.txt", cwd=tmp_path, env=env)) == ["a", "b"]
    assert names(run("check", "--json", "--servers-from", "-", cwd=tmp_path, env=env, input=hosts)) == ["a", "b"]
    done = run("check", "--json", cwd=tmp_path, env=env | {"LMS_INVENTORY_SERVERS_FROM": "hosts.txt"})
    assert names(done) == ["a", "b"]
    more = ("--servers-from", "hosts.txt", "--server", f"c={three[0].url}")
    done = run("check", "--json", *more, cwd=tmp_path, env=env)
    assert names(done) == ["a", "b", "c"]
    assert settings(done)["servers"] == (3, "flag", "--server and --servers-from hosts.txt")
    assert set(sent(three[0]) + sent(three[1])) == {f"Bearer {TOKEN}"}
    assert three[2].requests == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--servers-from", "none.txt"], "none.txt could not be read: No such file"),
        (["--servers-from", "."], ". is not a file"),
        (["--servers-from", "empty"], "empty names no server"),
        (["--servers-from", "bad"], "bad line 2: 'x y' is not the address of a server"),
        (["--servers-from", "latin"], "latin line 1: the text is not UTF-8"),
        (["--servers-from", "-"], "standard input names no server"),
        (["--servers-from", "good", "--server", "h=other"], "two servers are named 'h'"),
        (["--server", "h", "--where", "site=Rome"], "no server has site=Rome. No server has labels"),
        (["--where", "site"], "--where 'site' is not a condition"),
        (["--concurrency", "0"], "--concurrency cannot be 0. "),
        (["--config", "none.toml"], "none.toml could not be read: No such file"),
        (["--config", "."], ". is not a file"),
        (["--config", ""], " is not a file"),
        (["--config", "latin"], "latin line 1: the text is not UTF-8"),
        (["--config", "bad"], "bad line 1: Expected '=' after a key"),
    ],
    ids=str,
)  # fmt: skip
def test_wrong_usage_is_one_line(arguments: list[str], said: str, tmp_path: Path) -> None:
    """Exit 2 with one line on stderr and nothing on stdout."""
    for name, body in {"empty": b"#\n", "bad": b"a\nx y\n", "latin": b"\xe9", "good": b"h\n"}.items():
        (tmp_path / name).write_bytes(body)
    done = run("check", *arguments, cwd=tmp_path, input="")
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert said in done.err


@pytest.mark.parametrize(
    ("name", "value"), [("TIMEOUT", "abc"), ("CONCURRENCY", "0"), ("RECHECK", "-1"), ("GRAIN", "x")]
)
def test_a_wrong_variable_is_told(name: str, value: str, tmp_path: Path) -> None:
    """Exit 2, also in check, which has no option for some of them."""
    (tmp_path / "a.json").write_bytes(LEGAL)
    done = run("check", "--server", "file:a.json", cwd=tmp_path, env=clean(**{f"LMS_INVENTORY_{name}": value}))
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert done.err.startswith(f"lms-inventory: LMS_INVENTORY_{name} cannot be ")


@pytest.mark.parametrize(
    "command",
    [["check"], ["snapshot"], ["diff"], ["history"], ["baseline", "set", "x"], ["show"], ["export", "-o", "x.csv"],
     ["verify"], ["prune"]],
    ids=str,
)  # fmt: skip
def test_a_wrong_file_stops_every_command_that_uses_it(command: list[str], tmp_path: Path) -> None:
    """Exit 2, before anything is asked or opened; help is still given."""
    written(tmp_path, "[defaults]\ntimout = 3")
    line = "lms-inventory: inventory.toml line 2: unknown key 'timout' in [defaults]. Did you mean 'timeout'?\n"
    assert run(*command, cwd=tmp_path) == (2, "", line)
    assert run(command[0], "--help", cwd=tmp_path).code == 0


def test_the_file_says_where_the_history_is(tmp_path: Path) -> None:
    """For every command, from any folder; a variable and a flag beat it."""
    (tmp_path / "a.json").write_bytes(LEGAL)
    written(tmp_path, "[history]\npath = 'kept'\n[[server]]\nname = 'a'\nurl = 'file:a.json'")
    (tmp_path / "elsewhere").mkdir()
    env = clean()
    del env["LMS_INVENTORY_HISTORY"]
    assert run("snapshot", "-q", cwd=tmp_path, env=env).later == (0, "", "")
    assert (tmp_path / "kept" / "observations").is_dir()

    def there(*arguments: str) -> Done:
        return run(*arguments, cwd=tmp_path / "elsewhere", env=env)

    config = ("--config", "../inventory.toml")
    assert len(there("history", "--json", *config).data["runs"]) == 1
    assert there("verify", *config).out.endswith("1 run, 0 problems\n")
    assert there("baseline", "set", "y", *config).out.startswith("The baseline y is run ")
    assert there("baseline", "set", "z", "--history", "../kept").code == 0
    assert there("diff", "baseline:z", *config).code == 0
    env["LMS_INVENTORY_CONFIG"] = "none.toml"
    assert there("baseline", "list", *config).code == 0
    assert run("baseline", "set", "x", cwd=tmp_path, env=clean()).code == 4  # LMS_INVENTORY_HISTORY: an empty one


def test_a_default_grain_is_for_files_only(tmp_path: Path) -> None:
    """A grain that the file chooses is what snapshot writes; show, which knows no "both", keeps its own."""
    (tmp_path / "a.json").write_bytes(LEGAL)
    written(tmp_path, "[defaults]\ngrain = 'both'\n[[server]]\nurl = 'file:a.json'")
    assert run("snapshot", "-q", "-o", "x.csv", cwd=tmp_path).code == 0
    assert {path.name for path in tmp_path.glob("*.csv")} == {"x.models.csv", "x.instances.csv"}
    assert run("show", cwd=tmp_path).code == 0


def test_live_asks_the_servers_of_the_file(tmp_path: Path, three: list[Hostile]) -> None:
    """With their tokens; without a file, those of the newest run."""
    assert run("snapshot", "-q", "--server", f"old={three[0].url}").code == 0
    assert run("diff", "latest", "live").code == 0
    assert len(three[0].requests) == 2
    written(tmp_path, f"[[server]]\nname='new'\nurl='{three[1].url}'\ntoken_env='NEW'")
    done = run("show", "live", "--json", cwd=tmp_path, env=clean(NEW=TOKEN))
    assert (done.code, {row["server"] for row in done.data["models"]}) == (0, {"new"})
    assert sent(three[1]) == [f"Bearer {TOKEN}"]
    assert len(three[0].requests) == 2
    written(tmp_path, "[defaults]\ntoken_env='NEW'")
    assert run("diff", "latest", "live", cwd=tmp_path, env=clean(NEW=TOKEN)).code == 0
    assert sent(three[0]) == [f"Bearer {TOKEN}"]
    (tmp_path / "hosts").write_text(f"listed={three[2].url}")
    env = clean(NEW=TOKEN, LMS_INVENTORY_SERVERS_FROM="hosts")
    assert {row["server"] for row in run("show", "live", "--json", cwd=tmp_path, env=env).data["models"]} == {"listed"}


def test_a_missing_file_of_authorities_is_told_with_its_line(tmp_path: Path) -> None:
    """Before anybody is asked."""
    written(tmp_path, "[[server]]\nurl = 'https://host'\nca_file = 'none.pem'")
    done = run("check", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("lms-inventory: inventory.toml line 1: there is no file none.pem with certificate")


def test_a_closed_standard_input_is_told() -> None:
    """A list cannot come from there."""
    command = 'exec "$@" check --servers-from - <&-'
    done = subprocess.run(
        ["/bin/sh", "-c", command, "sh", *COMMAND], env=clean(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("lms-inventory: standard input is closed")


@pytest.mark.long
def test_twenty_thousand_servers_are_read_from_a_list(tmp_path: Path) -> None:
    """All of them, each by its own name; what is wrong in the last line is found."""
    hosts = "".join(f"s{number}=10.0.{number // 250}.{number % 250}\n" for number in range(20_000))
    done = run("check", "--servers-from", "-", "--where", "site=x", cwd=tmp_path, input=hosts)
    assert (done.code, "no server has site=x" in done.err) == (2, True)
    done = run("check", "--servers-from", "-", cwd=tmp_path, input=f"{hosts}s7=host\n")
    assert done.err.startswith(
        "lms-inventory: standard input line 20001: a second server is named 's7'; the first is on line 8"
    )
