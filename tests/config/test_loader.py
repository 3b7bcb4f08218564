"""What ``inventory.toml`` may say, and what is said of one that says something else."""

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.config import spec
from inventory.config.credentials import CredentialSource
from inventory.config.loader import Configuration, parse, read
from inventory.config.servers import Server
from inventory.errors import ConfigurationError
from inventory.limits import TEXT_LIMIT
from inventory.sources import SOURCES

HERE = Path("/some/where/inventory.toml")
TOKEN = "sk-lm-Canary12:abcdefghijKLMNOPQRST"
SECRET = "hunter2 secret!"
WHOLE = """
[history]
path = "~/models"   # the home

[defaults]
timeout = 3.5
concurrency = 200
recheck = 0
grain = "both"
source = "auto"
ca_file = "company.pem"
token_env = "ALL_TOKEN"

[[server]]
url = "192.168.1.20"
token_file = "secrets/laptop"
labels = { site = "Rome", owner = "Ann" }
timeout = 20

[[server]]
name = "gpu"
url = "https://gpu.example/lm/api/v1"
source = "lmstudio_v0"
ca_file = "/etc/gpu.pem"

[[server]]
url = "file:answers/saved.json"
"""

WRONG = {
    # what a person may write: (the text, the line, what is said of it)
    "an unknown table": ("[servers]", 1, "unknown key 'servers'. Did you mean 'server'?"),
    "an unknown table far from all": (
        "\n[zzz]",
        2,
        "unknown key 'zzz'. There are: server, history, report, ",
    ),
    "an unknown key": ("[[server]]\nurl = 'h'\ntokn_env = 'X'", 3, "unknown key 'tokn_env' in [[server]]. Did"),
    "a key in capitals": ("[[server]]\nURL = 'h'", 2, "unknown key 'URL' in [[server]]. Did you mean 'url'?"),
    "a key of another table": ("[[server]]\nurl = 'h'\nconcurrency = 3", 3, "It belongs in [defaults]"),
    "a key of two other tables": ("timeout = 3", 1, "It belongs in [[server]] or "),
    "a quoted unknown key": ("[history]\n'pa th' = 'x'", 2, "unknown key 'pa th' in [history]. Did you mean 'path'?"),
    "a dotted unknown key": ("# one\nhistory.folder = 'x'", 2, "unknown key 'folder' in [history]"),
    "an unknown key in an inline table": ("server = [\n { url = 'h', nam = 'x' } ]", 1, "'name'?"),
    "an unknown key after a long text": ('[[server]]\nurl = """\nh"""\nfoo = 1', 4, "unknown key 'foo'"),
    "an unknown key in the second server": ("[[server]]\nurl='a'\n[[server]]\nurl='b'\nfoo=1", 5, "unknown key 'foo'"),
    "one bracket": ("[server]\nurl = 'h'", 1, "a server is a table in two brackets. Write [[server]]"),
    "a server that is none": ("server = 'h'", 1, "a server is a table in two brackets"),
    "a server in a list that is none": ("server = ['h']", 1, "a server is a table in two brackets"),
    "two brackets": ("[[history]]\npath = 'x'", 1, "there is one history table. Write [history]"),
    "a table that is a text": ("defaults = 'x'", 1, "there is one defaults table. Write [defaults]"),
    "a server without address": ("\n[[server]]\nname = 'x'", 2, "the server has no url"),
    "an empty server": ("[[server]]", 1, "the server has no url"),
    "an address that is none": ("[[server]]\n\nurl = 'a b'", 3, "'a b' is not the address of a server"),
    "an empty address": ("[[server]]\nurl = ''", 2, "url is empty"),
    "a bare file:": ("[[server]]\nurl = 'file:'", 2, "file: needs a path"),
    "an address that is a number": ("[[server]]\nurl = 1234", 2, "url is a whole number. It must be a text"),
    "an address that is a list": ("[[server]]\nurl = ['a', 'b']", 2, "url is a list"),
    "a name of spaces": ("[[server]]\nurl = 'h'\nname = ' '", 3, "name is empty"),
    "a name with a space before it": ("[[server]]\nurl = 'h'\nname = ' x'", 3, "a server's name cannot be ' x'"),
    "a name with an escape": ('[[server]]\nurl = "h"\nname = "a\\u001b"', 3, "name holds a character"),
    "two servers of one name": (
        "[[server]]\nurl='a'\nname='x'\n[[server]]\nurl='b'\nname='x'",
        4,
        "a second server is named 'x'; the first is at /some/where/inventory.toml line 1",
    ),
    "two servers of one host": ("[[server]]\nurl='a'\n[[server]]\nurl='http://a:1234'", 3, "a second server is named"),
    "a timeout in quotes": ("[defaults]\ntimeout = '3'", 2, "timeout is a text. It must be a number, more than 0"),
    "a timeout of true": ("[defaults]\ntimeout = true", 2, "timeout is true or false"),
    "a timeout of 0": ("[[server]]\nurl = 'h'\ntimeout = 0", 3, "timeout cannot be 0"),
    "a timeout below 0": ("[defaults]\ntimeout = -1", 2, "timeout cannot be -1"),
    "a timeout of inf": ("[defaults]\ntimeout = inf", 2, "timeout cannot be inf"),
    "a timeout of nan": ("[defaults]\ntimeout = nan", 2, "timeout cannot be nan"),
    "a timeout beyond all floats": (f"[defaults]\ntimeout = 1{'0' * 400}", 2, "timeout cannot be 1000"),
    "a timeout that is a time": ("[defaults]\ntimeout = 00:00:10", 2, "timeout is a date or a time"),
    "half a server at once": ("[defaults]\nconcurrency = 1.5", 2, "concurrency is a number with a fraction"),
    "no server at once": ("[defaults]\nconcurrency = 0", 2, "It must be a whole number, from 1 to 1024"),
    "too many at once": ("[defaults]\nconcurrency = 1025", 2, "concurrency cannot be 1025"),
    "a recheck below 0": ("[defaults]\nrecheck = -0.5", 2, "recheck cannot be -0.5"),
    "an unknown grain": ("[defaults]\ngrain = 'modle'", 2, "grain cannot be 'modle'. Did you mean 'model'?"),
    "an unknown source": ("[[server]]\nurl='h'\nsource = 'v0'", 3, "source cannot be 'v0'. "),
    "a source of a saved response": ("[[server]]\nurl='file:x'\nsource = 'auto'", 3, "is a saved response: its source"),
    "a token for a saved response": ("[[server]]\nurl='file:x'\ntoken_env = 'X'", 3, "a saved response needs no token"),
    "both kinds of token": ("[[server]]\nurl='h'\ntoken_env='X'\ntoken_file='y'", 4, "exclude each other"),
    "both kinds for all": ("[defaults]\ntoken_file='y'\ntoken_env='X'", 2, "exclude each other"),
    "a token": (f"[[server]]\nurl='h'\ntoken = '{SECRET}'", 3, "a token may not be in the file"),
    "a token in capitals": (f"[defaults]\nAPI_KEY = '{SECRET}'", 2, "a token may not be in the file"),
    "a token for a variable": (f"[[server]]\nurl='h'\ntoken_env = '{SECRET}'", 3, "token_env is not a va"),
    "a token of LM Studio for a file": (f"[[server]]\nurl='h'\ntoken_file = '{TOKEN}'", 3, "there is an API token"),
    "a token in a comment": (f"[[server]]\nurl='h'\n# {TOKEN}", 3, "there is an API token here"),
    "a token without quotes": (f"[[server]]\nurl='h'\ntoken = {TOKEN}", 3, "there is an API token here"),
    "a password in an address": (f"[[server]]\nurl='http://u:{SECRET}@h'", 2, "may not hold a user, a password"),
    "a key in an address": (f"[[server]]\nurl='http://h/?key={SECRET}'", 2, "may not hold a user, a password"),
    "labels that are a text": ("[[server]]\nurl='h'\nlabels = 'Rome'", 3, "labels is a text. It must be a table"),
    "labels that are a list": ("[[server]]\nurl='h'\nlabels = ['Rome']", 3, "labels is a list"),
    "a label that is a number": ("[[server]]\nurl='h'\n[server.labels]\na='b'\nrack = 7", 3, "the label rack is a"),
    "a label of labels": ("[[server]]\nurl='h'\nlabels.site.town = 'Rome'", 3, "the label site is a table"),
    "a label with an equals sign": ("[[server]]\nurl='h'\nlabels = {'a=b' = 'c'}", 3, "a label cannot be called 'a=b'"),
    "a label without name": ("[[server]]\nurl='h'\nlabels = {'' = 'c'}", 3, "a label cannot be called ''"),
    "a label called server": ("[[server]]\nurl='h'\nlabels.server = 'c'", 3, "--by server means something else"),
    "a label with a line break": ('[[server]]\nurl="h"\nlabels.a = "b\\nc"', 3, "the label a cannot be 'b\\nc'"),
    "an empty path": ("[history]\npath = ''", 2, "path is empty"),
    "a path that is true": ("[history]\npath = true", 2, "path is true or false. It must be a path in quotes"),
    "a path with a NUL": ('[history]\npath = "a\\u0000b"', 2, "path holds a character that cannot be shown"),
    "the path of nobody": ("[history]\npath = '~nobody-of-that-name/x'", 2, "there is no home folder for"),
    "no TOML": ("[history\npath = 'x'", 1, "Expected ']'"),
    "no TOML at all": ("just words", 1, "Expected '=' after a key"),
    "no quotes": ("[[server]]\nurl = 192.168.1.20", 2, "Expected newline or end of document after a statement"),
    "a Windows path in double quotes": ('[history]\npath = "C:\\models"', 2, "Unescaped '\\' in a string"),
    "a Windows path with capitals": ('[history]\npath = "C:\\Users\\me"', 2, "Invalid hex value. In double quotes a"),
    "a Windows path with a tab": ('[history]\npath = "C:\\temp"', 2, "In double quotes a backslash begins an escape"),
    "a Windows path that never ends": ('[history]\npath = "C:\\lab\\"\n', 2, "a backslash begins an escape"),
    "a saved response on Windows": ('[[server]]\nurl = "file:C:\\Users\\a"', 2, "a backslash begins an escape"),
    "a key twice": ("[[server]]\nurl='a'\nurl='b'", 3, "Cannot overwrite a value"),
    "a table twice": ("[history]\n[defaults]\n[history]", 3, "Cannot declare ('history',) twice"),
    "an unclosed text": ('[history]\npath = "x\n', 2, "Illegal character"),
    "an unclosed long text": ('[history]\npath = """x\n\n', 2, "Unterminated string"),
    "a NUL": ("a = 1\n\0", 2, "Invalid statement"),
}  # fmt: skip


@pytest.mark.guard("a token in the configuration")
@pytest.mark.parametrize(("text", "line", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, said: str) -> None:
    """Each thing that a file can get wrong is one sentence with the file and the line, and shows no secret."""
    with pytest.raises(ConfigurationError) as caught:
        parse(text, HERE)
    told = str(caught.value)
    assert told.startswith(f"{HERE} line {line}: ")
    assert said in told
    assert caught.value.advice
    chain: BaseException | None = caught.value
    while chain is not None:
        assert SECRET not in f"{chain} {chain!r}"
        assert TOKEN not in f"{chain} {chain!r}"
        chain = chain.__cause__ or chain.__context__


@pytest.mark.parametrize(
    ("text", "said"),
    [("a = " + "[" * 5000, "it is nested too deeply"), ("a = 1" + "0" * 5000, "Exceeds the limit")],
    ids=["deep", "long"],
)
def test_what_has_no_line_is_told_too(text: str, said: str) -> None:
    """Where TOML's reader gives up without a line, the file is still named."""
    with pytest.raises(ConfigurationError, match=said):
        parse(text, HERE)


def test_what_is_right_is_understood() -> None:
    """What a server does not say, the defaults say for it; paths begin at the file's folder."""
    file = parse(WHOLE, HERE)
    assert file.settings == {
        "history": str(Path("~/models").expanduser()), "timeout": 3.5, "concurrency": 200, "recheck": 0,
        "grain": "both", "source": "auto", "ca_file": "/some/where/company.pem", "token_env": "ALL_TOKEN",
    }  # fmt: skip
    laptop, gpu, saved = file.entries
    assert laptop.server == Server(
        "http://192.168.1.20:1234", "192.168.1.20", None, {"site": "Rome", "owner": "Ann"}, 20, "auto",
        "/some/where/company.pem",
    )  # fmt: skip
    assert laptop.credential == CredentialSource("file", "/some/where/secrets/laptop", f"{HERE} line 16")
    assert gpu.server == Server("https://gpu.example/lm", "gpu", source="lmstudio_v0", ca_file="/etc/gpu.pem")
    assert gpu.credential == CredentialSource("variable", "ALL_TOKEN", f"{HERE} line 12")
    assert saved.server == Server("file:/some/where/answers/saved.json", "saved")
    assert saved.credential is None
    assert file.location_of("history") == f"{HERE} line 3"
    assert file.location_of("grain") == f"{HERE} line 9"


def test_a_server_of_a_flag_has_the_defaults() -> None:
    """A server that the file does not name gets what the file says for all."""
    entry = parse(WHOLE, HERE).entry(Server("other", "x"))
    assert entry.server == Server("other", "x", source="auto", ca_file="/some/where/company.pem")
    assert entry.credential == CredentialSource("variable", "ALL_TOKEN", f"{HERE} line 12")
    assert Configuration().entry(Server("other")).credential is None


@pytest.mark.parametrize(
    "text", ["", "\n", "# nothing\n", "\ufeff", "server = []", "[defaults]", "[history]\n[defaults]"]
)
def test_a_file_may_say_nothing(text: str, tmp_path: Path) -> None:
    """An empty file, or one without servers, says nothing, and that is no error."""
    path = tmp_path / "inventory.toml"
    path.write_text(text, encoding="utf-8")
    assert (read(path).entries, read(path).settings) == ((), {})


def test_line_ends_and_marks_of_other_systems(tmp_path: Path) -> None:
    """A byte order mark and CRLF, as Windows' editors write them, change nothing, also not the lines."""
    path = tmp_path / "inventory.toml"
    path.write_bytes(
        b"\xef\xbb\xbf# caf\xc3\xa9\r\n[history]\r\npath = 'x'\r\n[[server]]\r\nurl = 'h'\r\nnam = 'x'\r\n"
    )
    with pytest.raises(ConfigurationError, match="line 6: unknown key 'nam'"):
        read(path)
    path.write_bytes(path.read_bytes().replace(b"nam =", b"name ="))
    assert read(path).settings == {"history": str(tmp_path / "x")}
    assert read(path).location_of("history") == f"{path} line 3"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[history]\npath = '\xe9'", "line 2: the text is not UTF-8"),
        ("[history]".encode("utf-16"), "line 1: the text is not UTF-8 but UTF-16, as PowerShell writes it"),
        (b"#" * (TEXT_LIMIT + 1), "is larger than 16 MiB"),
    ],
    ids=["latin-1", "utf-16", "huge"],
)
def test_what_is_no_text_is_refused(body: bytes, said: str, tmp_path: Path) -> None:
    """Another encoding, or a file larger than any configuration, is told as that."""
    path = tmp_path / "inventory.toml"
    path.write_bytes(body)
    with pytest.raises(ConfigurationError, match=said):
        read(path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A folder, a pipe, nothing at all, or a name that cannot be one."""
    os.mkfifo(tmp_path / "pipe")
    for name, said in [
        ("", "is not a file"),
        ("pipe", "is not a file"),
        ("x", "No such file"),
        ("x" * 300, "too long"),
    ]:
        with pytest.raises(ConfigurationError, match=said):
            read(tmp_path / name)
    with pytest.raises(ConfigurationError, match="holds a NUL"):
        read(tmp_path / "a\0b")


def test_what_may_not_be_read_is_refused(tmp_path: Path) -> None:
    """A file without permission to read is told as that."""
    path = tmp_path / "inventory.toml"
    path.touch(mode=0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything: run as another")
    with pytest.raises(ConfigurationError, match="Permission denied"):
        read(path)


def test_every_source_that_can_be_named_is_there() -> None:
    """What the file may ask for is what the sources know, but for saved responses, which their address tells."""
    assert {*spec.APIS, "file"} == set(SOURCES)


def test_the_tables_tell_what_the_checks_hold() -> None:
    """No key is listed twice in a table, and each says what it is."""
    for table in spec.TABLES.values():
        assert len({key.name for key in table}) == len(table)
        assert all(key.meaning and key.expected for key in table)


@given(
    st.recursive(
        st.one_of(st.integers(), st.floats(), st.booleans(), st.text("ab:/=@ \u00e9\x00\n", max_size=6), st.dates()),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "url"]), inner)),
        max_leaves=4,
    ),
    st.sampled_from([(title, key) for title, table in spec.TABLES.items() for key in table]),
)
def test_any_value_is_taken_or_told(value: object, chosen: tuple[str, spec.Option]) -> None:
    """Whatever stands at a key, it is understood or is a configuration error with the file and a line."""
    table, key = chosen
    content = f"{key.name} = {_toml(value)}"
    text = f"{spec.title(table)}\n" + ("url = 'h'\n" if table == "server" and key.name != "url" else "") + content
    tomllib.loads(text)
    try:
        parse(text, HERE)
    except ConfigurationError as error:
        assert str(error).startswith(f"{HERE} line ")  # noqa: PT017 - most values are wrong, some are not


def _toml(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(f"\\u{ord(one):04x}" if not one.isalnum() else one for one in value) + '"'
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {_toml(one)}" for name, one in value.items()) + "}"
    return repr(value) if isinstance(value, float) and "e" not in repr(value) else str(value)
