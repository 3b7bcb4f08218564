"""Which servers are asked, and with which token."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.config.addresses import clean_address
from inventory.config.servers import Server, duplicate_addresses, parse_server_list, server_of, unique
from inventory.errors import ConfigurationError

TOKEN = "sk-lm-Canary12:abcdefghijKLMNOPQRST"
SECRET = "hunter2secret"
ADDRESSES = st.one_of(
    st.text(),
    st.text("htps:/.@?#[]%=12v1ap~ models-_", max_size=40),
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["", "http://", "HTTPS://", "ftp://", "file:", "//"]),
        st.sampled_from(["host", "HOST.example", "[::1]", "127.0.0.1", "h\u00f6st", "..", "[fe80::1%eth0]", ""]),
        st.sampled_from(["", ":1", ":1234", ":0", ":99999", ":x", ":"]),
        st.lists(st.sampled_from(["/", "//", "/v1", "/api", "/models", "/v0", "/gpu", "?", "#", "@", "x"])).map(
            "".join
        ),
    ),
)


@pytest.mark.parametrize(
    ("address", "clean"),
    [
        ("host:1234", "http://host:1234"),
        ("host", "http://host:1234"),
        ("  host:80 ", "http://host:80"),
        ("http://host:1234/", "http://host:1234"),
        ("http://host:1234/v1", "http://host:1234"),
        ("http://host:1234/v1/models/", "http://host:1234"),
        ("http://host:1234/api/v0/models", "http://host:1234"),
        ("http://host:1234/api/v1", "http://host:1234"),
        ("http://host:1234/api/v1/models", "http://host:1234"),
        ("http://host:1234//api//v1//models//", "http://host:1234"),
        ("host:1234/api/v1/models", "http://host:1234"),
        ("HTTP://HOST.Example:1234/V", "http://host.example:1234/V"),
        ("http://host", "http://host"),
        ("https://gw.example/lm/api/v1", "https://gw.example/lm"),
        ("https://gw.example/a/b//", "https://gw.example/a/b"),
        ("[::1]", "http://[::1]:1234"),
        ("[::1]:80", "http://[::1]:80"),
        ("http://[FE80::1]:1234/v1", "http://[fe80::1]:1234"),
        ("http://h\u00f6st:1", "http://h\u00f6st:1"),
        ("FILE:Answer.json", "file:Answer.json"),
    ],
)
def test_addresses_are_cleaned(address: str, clean: str) -> None:
    """What people paste comes to one form; a reverse proxy's prefix stays."""
    assert clean_address(address) == clean


@pytest.mark.parametrize(
    "address",
    ["", " ", "http://", "ftp://host", "host:0", "host:99999", "host:x", "::1", "ho st", "ho\nst", "http:/host",
     "http://host/a b", "http://host/a\x1bb", "file:", "file:a\0b", "file:\udcff.json", "//host", "http://[::1",
     "http://[zz]", "[fe80::1x", "[1.2.3.4]", "[::1]x", "[fe80::1%]", f"[fe80::1%{'a' * 70}]",
     f"http://{'a.' * 200}", "."],
)  # fmt: skip
def test_what_is_no_address_is_refused(address: str) -> None:
    """Anything else is a configuration error."""
    with pytest.raises(ConfigurationError):
        clean_address(address)


@pytest.mark.guard("no user or password in an address")
@pytest.mark.guard("no token in an address")
@pytest.mark.parametrize(
    "address",
    [
        f"http://user:{SECRET}@host:1234",
        f"user:{SECRET}@host",
        f"{SECRET}@host",
        f"http://host?key={SECRET}",
        f"http://host:99999/?key={SECRET}",
        f"host#{SECRET}",
        f"http://ho st/#{SECRET}",
        f"name=http://host/?key={SECRET}",
        f"http://user:{SECRET}@[::1",
        f"http://host sk-lm-{SECRET}",
        f"sk-lm-{SECRET}=host",
        f"user:{SECRET}/v1/models/x@host",
        f"http://user:{SECRET}@host/v1/models",
    ],
)
def test_secrets_in_an_address_are_refused_and_not_repeated(address: str) -> None:
    """A user, a password, a query or a fragment is refused, even in an address that is wrong anyway, and not shown."""
    with pytest.raises(ConfigurationError) as caught:
        server_of(address)
    assert SECRET not in str(caught.value)


@given(ADDRESSES)
def test_any_text_is_a_server_or_a_configuration_error(text: str) -> None:
    """No text ends in another exception, and what is clean stays as it is."""
    try:
        server = server_of(text)
    except ConfigurationError:
        return
    assert clean_address(server.url) == server.url
    assert server.name.isprintable()
    server.url.encode()


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("host", "host"),
        ("host:1234", "host"),
        ("host:80", "host:80"),
        ("http://host", "host"),
        ("[::1]", "::1"),
        ("[::1]:80", "[::1]:80"),
        ("rack=host:80", "rack"),
        (" rack = host:80", "rack"),
        ("file:answer.json", "answer"),
        ("file:/some/where/answer.v1.json", "answer.v1"),
        ("file:where/answer", "answer"),
        ("laptop=file:answer.json", "laptop"),
        ("file:a=b.json", "a=b"),
    ],
)
def test_names(given: str, name: str) -> None:
    """A server is called what the user says, else by its host, and its port if that is not LM Studio's."""
    assert server_of(given).name == name


@pytest.mark.parametrize("addresses", [["host", "HOST:1234/v1"], ["a=x", "a=y"], ["x", "x=y"]])
def test_two_servers_with_one_name_are_refused(addresses: list[str]) -> None:
    """Rows of two servers must be told apart."""
    with pytest.raises(ConfigurationError, match="two servers are named"):
        unique([*map(server_of, addresses)])


@pytest.mark.parametrize("address", ["=host", " =host", "a\u202eb=host", "a\x1bb=host"])
def test_a_name_must_be_one(address: str) -> None:
    """An empty name, or one that a terminal would act on, is refused."""
    with pytest.raises(ConfigurationError):
        server_of(address)


@pytest.mark.guard("a malformed token")
@pytest.mark.parametrize("token", ["", " ", f"{TOKEN}\n", f" {TOKEN}", f"{TOKEN} x", f"{TOKEN}\u00e9", f"{TOKEN}\0"])
def test_a_malformed_token_is_refused_and_not_shown(token: str) -> None:
    """A token that cannot be one is refused without its text."""
    with pytest.raises(ConfigurationError) as caught:
        Server("host", token=token)
    assert TOKEN not in str(caught.value)
    assert "malformed" in str(caught.value)


def test_a_token_is_not_in_the_repr() -> None:
    """A server can be printed without giving its token away; a file gets none."""
    assert TOKEN not in repr(Server("host", token=TOKEN))
    assert server_of("file:a.json", TOKEN).token is None


def test_a_list_of_servers() -> None:
    """One address or NAME=ADDRESS a line; comments, blank lines and any line ends are nothing."""
    text = "# the lab\r\n\r\nrack=10.0.0.1:80   # the old one\r\n  10.0.0.2\t#2\n\n#x=y\nfile:a#b.json\nlast = host"
    assert [(server.name, server.url) for server in parse_server_list(text, "hosts.txt", allow_files=True)] == [
        ("rack", "http://10.0.0.1:80"),
        ("10.0.0.2", "http://10.0.0.2:1234"),
        ("a#b", "file:a#b.json"),
        ("last", "http://host:1234"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\n\nb c\n", "hosts.txt line 3: 'b c' is not the address"),
        ("#\n=host", "hosts.txt line 2: a server's name is missing"),
        ("a\nx=b\na:1234", "hosts.txt line 3: a second server is named 'a'; the first is on line 1"),
        (f"a\nhttp://u:{SECRET}@host", "hosts.txt line 2: an address may not hold a user"),
        (f"a\nb sk-lm-{SECRET}", "hosts.txt line 2: an address may not hold an API token"),
        ("host#1", "hosts.txt line 1: an address may not hold"),
        ("a\x1b=host", "hosts.txt line 1: a server's name cannot be"),
        ("", "hosts.txt names no server"),
        ("# a\n\n  \n", "hosts.txt names no server"),
    ],
)
def test_what_is_wrong_in_a_list_is_told_with_its_line(text: str, said: str) -> None:
    """The error names the list and the line, and repeats no secret."""
    with pytest.raises(ConfigurationError) as caught:
        parse_server_list(text, "hosts.txt")
    assert str(caught.value).startswith(said)
    assert SECRET not in f"{caught.value} {caught.value.__cause__}"


@pytest.mark.parametrize(
    ("addresses", "told"),
    [
        (["a=host", "b=HOST:1234/v1", "c=other"], ["a and b have the same address, http://host:1234"]),
        (["a=http://host", "b=host:80", "c=http://host:80/v1"], ["a, b and c have the same address, http://host"]),
        (["a=https://host", "b=https://host:443"], ["a and b have the same address, https://host"]),
        (["a=http://host:1", "b=https://host:1", "c=http://host:1/lm", "d=http://host:2"], []),
        (["a=file:x.json", "b=file:x.json", "c=file:X.json"], ["a and b have the same address, file:x.json"]),
    ],
)
def test_two_names_for_one_address_are_told(addresses: list[str], told: list[str]) -> None:
    """However they are written; each address once."""
    assert duplicate_addresses(map(server_of, addresses)) == [
        f"{one}; it is queried once for each name" for one in told
    ]


@pytest.mark.parametrize(
    ("url", "source", "kept"),
    [
        ("host", "", "lmstudio"),
        ("host", "auto", "auto"),
        ("host", "lmstudio_v0", "lmstudio_v0"),
        ("file:x", "", "file"),
    ],
)
def test_the_source_of_a_server(url: str, source: str, kept: str) -> None:
    """LM Studio's API unless another is asked for; a saved response is a file."""
    assert Server(url, source=source).source == kept
    assert Server(url, source=kept).source == kept


@pytest.mark.parametrize(
    ("url", "source"), [("host", "v0"), ("host", "file"), ("file:x", "auto"), ("file:x", "lmstudio")]
)
def test_a_source_that_cannot_be(url: str, source: str) -> None:
    """An unknown source, or one that cannot read the address, is refused."""
    with pytest.raises(ConfigurationError, match="source"):
        Server(url, source=source)


def test_a_server_is_a_value() -> None:
    """It can be a key, and the labels it was made from may change without changing it."""
    labels = {"site": "Rome"}
    server = Server("host", labels=labels)
    labels["site"] = "Oslo"
    assert server.labels == {"site": "Rome"}
    assert {server: 1}[Server("host", labels={"site": "Rome"})] == 1


@pytest.mark.parametrize("address", ["file:/etc/x.json", "FILE:x", "lab = file:~/x.json", " file:x  # mine"])
def test_files_in_a_list_are_refused(address: str) -> None:
    """A list from elsewhere may not put files of this machine into a report, unless that is allowed."""
    text = f"host\n\n{address}\n"
    with pytest.raises(ConfigurationError, match=r"hosts.txt line 3: file:.* is a file of this machine") as caught:
        parse_server_list(text, "hosts.txt")
    assert "--allow-files" in caught.value.advice
    assert [server.source for server in parse_server_list(text, "hosts.txt", allow_files=True)] == ["lmstudio", "file"]


@pytest.mark.parametrize("quotes", ['""', "''", "``", "\u201c\u201d", "\u201e\u201c", "\u00ab\u00bb"])
def test_a_token_with_quotes_around_it_is_refused(quotes: str) -> None:
    """As a file of variables for a container gives it: said as that, before anybody is asked; not shown."""
    with pytest.raises(ConfigurationError, match="has quotes around it") as caught:
        Server("host", token=f"{quotes[0]}{TOKEN}{quotes[1]}")
    assert TOKEN not in str(caught.value)
    assert "quotes" in caught.value.advice
