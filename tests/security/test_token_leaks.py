"""T10: tokens are in no output, no file, no history, no traceback and no command line, whatever fails."""

import base64
import io
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.cli_runner import COMMAND, clean, run
from support.hostile_servers import (
    BEHAVIOURS,
    ENCRYPTED,
    HEAVY,
    LEGAL,
    NEVER_ENDING,
    REFUSED,
    Behaviour,
    Hostile,
    answer,
    silence,
)

import inventory
from inventory import formats
from inventory.config.credentials import CREDENTIAL
from inventory.config.servers import Server
from inventory.tables import rows

SUFFIXES = formats.FORMATS
WORD = "Canary12"  # survives every way of escaping: whatever holds a token whole holds this
TOKEN = f"sk-lm-{WORD}:abcdefghijKLMNOPQRST"
TOKENS = [
    TOKEN,
    f"\"{WORD}'abcdefgh\\ijk/lm",
    f"<b>{WORD}</b>&amp;%s%(x)s{{0}}",
    f"=HYPERLINK({WORD};$HOME;`id`)",
    f".*?[{WORD}]+(x)|^$~abcdefgh",
    f"{WORD}{'x' * 4000}",
]
MALFORMED = [
    "\t", " ", f"{TOKEN}\n", f"{TOKEN}\r\n", f"\n{TOKEN}", f"{TOKEN}\n{TOKEN}", f"{TOKEN} ", f" {TOKEN}", f"{TOKEN} x",
    f"{TOKEN}\t",
    f"{TOKEN}\u00e9", f"{TOKEN}\u200b", f"{TOKEN}\ufeff", f"\u201c{TOKEN}\u201d", f"{TOKEN}\U0001f600", f"{TOKEN}\x7f",
    f"{TOKEN}\x1b[31m", f"Bearer {TOKEN}",
]  # fmt: skip


def _echoing(text: str) -> Behaviour:
    """Answer with models, and with the token that came in the place of ``TOKEN``, as JSON spells it."""

    def behave(connection: object, request: bytes) -> None:
        came = request.partition(b"Bearer ")[2].partition(b"\r\n")[0].decode("latin-1")
        spelt = json.dumps(came)[1:-1]
        body = text.replace("TOKEN", spelt).replace("HEX", "".join(f"\\u{ord(letter):04X}" for letter in came))
        answer(body.replace("SLASH", spelt.replace("/", "\\/")).encode())(connection, request)  # type: ignore[arg-type]

    return behave


ECHOING = {
    "in a key": _echoing('{"models": [{"key": "a TOKEN b"}]}'),
    "in a key that comes twice": _echoing('{"models": [{"key": "TOKEN"}, {"key": "TOKEN"}]}'),
    "in a name": _echoing('{"models": [{"key": "a", "TOKEN": 1}]}'),
    "in a name before a fault": _echoing('{"models": [{"key": "a", "TOKEN": NaN}]}'),
    "beside the models": _echoing('{"models": [], "request": {"authorization": "Bearer TOKEN"}}'),
    "in a new field": _echoing('{"models": [{"key": "a", "headers": [["TOKEN"]]}]}'),
    "of a wrong type": _echoing('{"models": [{"key": "a", "size_bytes": "TOKEN"}]}'),
    "in an instance": _echoing('{"models": [{"key": "a", "loaded_instances": [{"id": "TOKEN", "config": {}}]}]}'),
    "escaped": _echoing('{"models": [{"key": "HEX"}]}'),
    "with other slashes": _echoing('{"models": [{"key": "SLASH"}]}'),
    "in an error": _echoing('{"error": {"message": "TOKEN"}}'),
    "as an error's code": _echoing('{"error": "TOKEN", "models": []}'),
}
"""Servers that repeat the token in an answer which is otherwise one."""


def _contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Everything under a folder as a reader sees it: names, bytes, what is in archives, and the values of tables."""
    for path in sorted(folder.rglob("*")):
        yield f"name of {path}", str(path.relative_to(folder)).encode()
        if not path.is_file():
            continue
        body = path.read_bytes()
        yield str(path), body
        if path.suffix == ".parquet":
            file = pq.ParquetFile(path)
            yield f"values of {path}", repr((file.read().to_pydict(), file.schema_arrow.metadata)).encode()
        elif zipfile.is_zipfile(io.BytesIO(body)):
            archive = zipfile.ZipFile(io.BytesIO(body))
            yield from ((f"{name} in {path}", archive.read(name)) for name in archive.namelist())


def _forms(token: str) -> list[bytes]:
    """How a token may stand somewhere."""
    encoded = [base64.b64encode(f"{before}{token}".encode())[4:-4] for before in ("", "x", "xx")]
    return [WORD.encode(), WORD.encode("utf-16-le"), *(form for form in encoded if len(form) > 8)]


def _hits(token: str, *texts: tuple[str, bytes]) -> list[str]:
    return [name for name, text in texts if any(form in text for form in _forms(token))]


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    """Without the token being sent, a word that a server says is found in each kind of file: the search can hit."""
    with Hostile(answer(json.dumps({"models": [{"key": WORD}]}).encode())) as server:
        out = [part for suffix in SUFFIXES for part in ("-o", f"a.{suffix}")]
        done = run("snapshot", "--server", server.url, "--history", "h", *out, cwd=tmp_path)
    assert _hits(TOKEN, ("out", done.out.encode())) == ["out"]
    actual = _hits(TOKEN, *_contents(tmp_path))
    for kind in ("a.csv", "a.parquet", "a.xlsx", "a.html", "a.md", "a.cdx.json", "/payloads/", "/models/"):
        assert any(kind in name for name in actual), kind


def _fleet(folder: Path, stack: ExitStack) -> list[Hostile]:
    """Write a configuration with every failure in it; the servers that answer, and therefore hear the token."""
    failing = {name: BEHAVIOURS[name] for name in REFUSED if name not in HEAVY} | ENCRYPTED
    failing |= {name: BEHAVIOURS[name] for name in NEVER_ENDING if "full speed" not in name}
    echoing = [stack.enter_context(Hostile(behaviour)) for behaviour in ECHOING.values()]
    lines = [f"[[server]]\nurl='{server.url}'\nname='echo {number}'\n" for number, server in enumerate(echoing)]
    good = stack.enter_context(Hostile(answer(LEGAL)))
    lines.append(f"[[server]]\nurl='{good.url}'\nname='good'\n")
    for name, case in failing.items():
        url, timeout = stack.enter_context(case.server()).url, 0.5 if case.status == "timeout" else 50
        lines.append(f"[[server]]\nurl='{url}'\nname=\"{name}\"\ntimeout={timeout}\n")
    (folder / "inventory.toml").write_text("".join(lines))
    return [*echoing, good]


@pytest.mark.guard("a response that repeats its token")
@pytest.mark.parametrize("token", TOKENS)
def test_a_token_is_nowhere_whatever_fails(token: str, tmp_path: Path) -> None:
    """With every failure at once, and --debug, it is in no output, in no file of any format and not in the history."""
    env = clean(LM_API_TOKEN=token)
    out = [part for suffix in SUFFIXES for part in ("-o", f"a.{suffix}")]
    with ExitStack() as stack:
        heard = _fleet(tmp_path, stack)
        done = run("snapshot", "-v", "--debug", "--history", "h", *out, cwd=tmp_path, env=env)
        assert all(token.encode() in server.requests[0] for server in heard)
        also = run("check", "--json", "--debug", "--where", "none=none", cwd=tmp_path, env=env)
    shown = [run(word, "--history", "h", "--debug", cwd=tmp_path, env=env) for word in ("history", "show", "verify")]
    assert [one.code for one in (done, also, *shown)] == [3, 2, 0, 0, 0], done.err
    assert done.err.count(": the response contains the API token") >= len(ECHOING) - 2
    texts = [(f"output {number}", f"{one.out}{one.err}".encode()) for number, one in enumerate((done, also, *shown))]
    assert _hits(token, *texts, *_contents(tmp_path)) == []
    assert "Traceback" not in done.err


KEPT = {
    "LM_API_TOKEN": "",
    "token_env": "token_env = 'MINE'",
    "token_file": f"token_file = '{CREDENTIAL}'",
    "credential": "",
}


@pytest.mark.parametrize("place", KEPT)
def test_a_malformed_token_is_refused_before_any_request(place: str, tmp_path: Path) -> None:
    """Wherever it is kept: exit 2, said in words, shown nowhere, also with --debug, and no server hears anything."""
    in_file = place in ("credential", "token_file")
    env = {"LM_API_TOKEN": "", "MINE": ""}
    if place == "credential":
        env["CREDENTIALS_DIRECTORY"] = str(tmp_path)
    with Hostile(answer(LEGAL)) as first, Hostile(answer(LEGAL)) as server:
        entries = f"[[server]]\nname='first'\nurl='{first.url}'\n[[server]]\nname='a'\nurl='{server.url}'\n"
        (tmp_path / "inventory.toml").write_text(entries + KEPT[place])
        for token in MALFORMED:
            if not in_file:
                env["MINE" if place == "token_env" else place] = token
            elif token.endswith("\n"):  # as editors end a file: no part of the token
                continue
            else:
                (tmp_path / CREDENTIAL).write_text(token, encoding="utf-8")
                (tmp_path / CREDENTIAL).chmod(0o600)
            done = run("check", "--debug", cwd=tmp_path, env=clean(**env))
            assert (done.code, done.out, "malformed" in done.err) == (2, "", True), token
            assert {"token_env": "MINE", "token_file": CREDENTIAL}.get(place, "") in done.err.splitlines()[-1]
            assert _hits(token, ("output", done.err.encode())) == [], token
        assert first.requests == server.requests == []


@pytest.mark.guard("a token in a message")
@pytest.mark.parametrize(
    "arguments",
    [
        ["check", TOKEN],
        [TOKEN],
        ["check", f"--{TOKEN}"],
        ["check", "--token", TOKEN],
        ["check", f"--token={TOKEN}"],
        ["check", "--timeout", TOKEN],
        ["check", "--server", TOKEN],
        ["check", "--server", f"http://{TOKEN}@host"],
        ["check", "--where", TOKEN],
        ["check", "--config", TOKEN],
        ["show", TOKEN],
        ["diff", TOKEN, TOKEN],
        ["snapshot", "-o", TOKEN, "--no-history"],
        ["snapshot", "--fail-on", TOKEN],
        ["schedule", TOKEN],
    ],
    ids=lambda words: " ".join(words).replace(TOKEN, "TOKEN"),
)
def test_a_token_given_by_mistake_is_not_repeated(arguments: list[str], tmp_path: Path) -> None:
    """On the command line a token is an error, which ends up in logs: the line does not hold it."""
    done = run(*arguments, cwd=tmp_path)
    assert done.code in (2, 4)
    assert WORD not in done.out + done.err


@pytest.mark.guard("the token is masked in messages")
@pytest.mark.parametrize("token", ["short-key", TOKEN, "sk\"lm\\canary'0123456789"])
def test_what_an_answer_repeats_is_not_told(token: str) -> None:
    """Errors and warnings that quote an answer do not quote the token in it, also one that is short."""
    for name, behaviour in ECHOING.items():
        with Hostile(behaviour) as server:
            snapshot = inventory.collect(Server(server.url, "s", token))
        (row,) = rows(snapshot.tables["observations"])
        assert row["status"] == ("invalid" if len(token) > 15 or "error" in name or "fault" in name else "ok"), name
        told = f"{row['error']}{row['warnings']}"
        assert not any(form in told for form in (token, json.dumps(token)[1:-1], repr(token)[1:-1])), name


def test_a_repeated_token_is_masked_where_the_answer_is_kept() -> None:
    """A word too short to be a token may stand in an answer; the warnings that quote it show a mask."""
    with Hostile(ECHOING["in a key that comes twice"]) as server:
        snapshot = inventory.collect(Server(server.url, "s", "short-key"))
    (row,) = rows(snapshot.tables["observations"])
    assert row["status"] == "ok"
    assert "[token]" in row["warnings"]


@pytest.mark.long
@pytest.mark.parametrize(
    "token", ["lmstudio-community", "lm-studio", "qwen", "key", "22", "Q4_0", "gemma-3-270m-it-qat"]
)
def test_a_word_as_a_token_changes_nothing(token: str, tmp_path: Path) -> None:
    """Where no token is needed people set a word: of an honest answer every name is told and kept as it is."""
    body = (Path(__file__).parents[1] / "payloads" / "v1" / "22-docs-example-0.4.0.json").read_bytes()
    told = {}
    with Hostile(answer(body)) as server:
        for name, env in (("without", clean()), ("with", clean(LM_API_TOKEN=token))):
            arguments = ("--server", f"s={server.url}", "--history", name, "-o", f"{name}.csv")
            done = run("snapshot", *arguments, cwd=tmp_path, env=env)
            assert (done.code, done.later.err.count("token")) == (0, 0), done.err
            lines = run("show", "--history", name, cwd=tmp_path).out.splitlines()[1:]
            told[name] = [line for line in lines if not line.startswith("State at ")]
    assert told["with"] == told["without"]
    without, sent = (inventory.read(tmp_path / f"{name}.csv").models.drop(columns="as_of") for name in told)
    assert sent.equals(without)
    assert token.encode() in server.requests[-1]


@pytest.mark.parametrize("body", ['{"models": [{"key": "a PIECE b"}]}', '{"models": [], "error": null, "x": "PIECE"}'])
def test_a_piece_of_a_token_is_no_token(body: str) -> None:
    """Only the whole one is: an answer that holds its beginning, as LM Studio's own errors do, is read."""
    for piece in (TOKEN[:-1], TOKEN[1:], TOKEN[:14], TOKEN[6:14], "sk-lm-"):
        with Hostile(answer(body.replace("PIECE", piece).encode())) as server:
            snapshot = inventory.collect(Server(server.url, "s", TOKEN))
        assert snapshot.complete, piece


def _with_children(pid: int) -> list[int]:
    """A process and those that it started."""
    own = (Path(f"/proc/{pid}/task") / str(pid) / "children").read_text().split()
    return [pid, *(descendant for child in own for descendant in _with_children(int(child)))]


def test_no_command_line_holds_a_token(tmp_path: Path) -> None:
    """While servers are asked, neither the command nor a process that it started has the token among its arguments."""
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("only Linux shows command lines as files")
    env = clean(LM_API_TOKEN=TOKEN)
    with (
        Hostile(silence) as server,
        subprocess.Popen(
            [*COMMAND, "snapshot", "--server", server.url, "--timeout", "20"],
            cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as process,
    ):  # fmt: skip
        deadline = time.monotonic() + 30
        while not server.requests and time.monotonic() < deadline:
            time.sleep(0.02)
        # Only of this command and its children: other tests of other runs use the same token.
        lines = {str(pid): (Path("/proc") / str(pid) / "cmdline").read_bytes() for pid in _with_children(process.pid)}
        process.terminate()
        out, _ = process.communicate(timeout=20)
    assert TOKEN.encode() in server.requests[0]
    assert b"inventory" in lines[str(process.pid)]
    assert _hits(TOKEN, *lines.items(), ("output", out)) == []


_LOGGED = """
import asyncio, io, logging, pickle, sys, traceback
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
import inventory
from inventory.errors import InventoryError
from inventory.config.servers import Server
token = sys.stdin.read()
one = Server(sys.argv[1], "s", token)
print(one, repr(one), str([one]), {"a": one})
print(inventory.collect([one, *(Server(url, url, token) for url in sys.argv[2:])], timeout=2))
for wrong in (token + " ", token + "\\u00e9"):
    try: Server(sys.argv[1], "s", wrong)
    except InventoryError as error: traceback.print_exc(); print(repr(error), error.args, pickle.dumps(error))
"""


@pytest.mark.long
@pytest.mark.guard("no headers in a debug log")
def test_a_librarys_log_holds_no_token() -> None:
    """With everything logged that can be, in Python's development mode, the library shows no token that it sends."""
    names = ["as it should be", "broken", "moved", "garbage", "closed at once", "silent", "self-signed certificate"]
    with ExitStack() as stack:
        urls = [stack.enter_context(BEHAVIOURS[name].server()).url for name in names]
        heads = [(f"200 {TOKEN}",), ("200 OK", f"X-Echo: Bearer {TOKEN}"), ("401 No", f"{TOKEN}: {TOKEN}", TOKEN)]
        urls += [stack.enter_context(Hostile(answer(LEGAL, *head))).url for head in heads]
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-c", _LOGGED, *urls],
            input=TOKEN, capture_output=True, text=True, timeout=60, check=False, env=clean(PYTHONWARNINGS="default"),
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "DEBUG" in done.stderr
    assert "malformed" in done.stderr
    assert _hits(TOKEN, ("output", done.stdout.encode()), ("log", done.stderr.encode())) == []


def test_an_environment_is_left_as_it_is(tmp_path: Path) -> None:
    """The token is read, not handed on: nothing of it is written where other programs look."""
    home = Path(os.environ["HOME"])
    with Hostile(answer(LEGAL)) as server:
        assert run("snapshot", "--server", server.url, cwd=tmp_path, env=clean(LM_API_TOKEN=TOKEN)).code == 0
    assert any(home.rglob("*.parquet"))
    assert _hits(TOKEN, *_contents(home), *_contents(tmp_path)) == []
