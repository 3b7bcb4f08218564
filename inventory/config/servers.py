"""Servers to query: names, addresses and tokens, as they are given.

Addresses come as people paste them and are cleaned to one form; whatever could leak (a user or a password in an
address, a malformed token) is refused before anything is sent, and is never repeated in the message.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from inventory.config.addresses import ADVICE, FILE, PORT, clean_address, host_and_port
from inventory.config.spec import APIS, TOKEN
from inventory.errors import ConfigurationError, wrong_type

DEFAULT_ADDRESS = "http://127.0.0.1:1234"
DEFAULT_NAME = "local"
_DEFAULT_PORT = re.compile(r"^(?:(http://[^/]+):80|(https://[^/]+):443)(?=/|$)")
_COMMENT = re.compile(r"(?:^|\s)#.*")
_TOKEN = re.compile(r"[\x21-\x7e]+")
_QUOTES = "\"'`\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb"


@dataclass(frozen=True)
class Server:
    """One LM Studio server, or a saved response of one.

    Attributes:
        url: its address as people paste it (``host``, ``host:1234``, ``http://host:1234/api/v1/models``) or
            ``file:answer.json``; kept in its clean form.
        name: its name in the tables; by default its host, and its port if that is not 1234.
        token: its API token, never shown.
        labels: the user's own (site, owner ...), stored with every observation.
        timeout: seconds for its whole response; None means the run's.
        source: the API to query: ``lmstudio``, ``lmstudio_v0`` or ``auto``; empty becomes ``lmstudio``. That of a saved
            response is ``file``.
        ca_file: path of a PEM file with the certificate authorities to trust instead of the public ones.

    Raises:
        ConfigurationError: the address, the name, the token, a label or the source is malformed.
    """

    url: str
    name: str = ""
    token: str | None = field(default=None, repr=False)
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    timeout: float | None = None
    source: str = ""
    ca_file: str | None = None

    def __post_init__(self) -> None:
        for value, what in ((self.url, "an address"), (self.name, "a name"), (self.token, "a token")):
            if not isinstance(value, str) and not (what == "a token" and value is None):
                raise wrong_type(value, f"{what} of a server", "Give a text")
        url = clean_address(self.url)
        object.__setattr__(self, "url", url)
        object.__setattr__(self, "name", self.name or _name_of(url))
        if not self.name.isprintable() or self.name != self.name.strip():
            raise ConfigurationError(f"a server's name cannot be {self.name!r}", "Use letters, digits and dashes")
        if self.token is not None and _is_quoted(self.token):
            raise ConfigurationError(
                f"the API token for {self.name} is malformed: it has quotes around it (it is not shown here)",
                "Remove the quotes: where no shell reads them they are part of it",
            )
        if self.token is not None and not _TOKEN.fullmatch(self.token):  # guard: a malformed token
            raise ConfigurationError(
                f"the API token for {self.name} is malformed: it is empty or has a space, a line break or a character "
                "beyond ASCII (it is not shown here)",
                "Give only the token, as LM Studio shows it",
            )
        object.__setattr__(self, "labels", dict(self.labels))
        object.__setattr__(self, "source", _source(self))


def server_of(text: str, token: str | None = None) -> Server:
    """Parse an address from the command line, ``[NAME=]URL``; a saved response gets no token.

    Raises:
        ConfigurationError: it is malformed.
    """
    if TOKEN.search(text):  # guard: no token in an address
        raise ConfigurationError("an address may not hold an API token (it is not shown here)", ADVICE)
    name, equals, address = text.partition("=")
    if not equals or re.search(r"[:/@?#]", name):  # the = belongs to the address
        name, address = "", text
    elif not name.strip():
        raise ConfigurationError("a server's name is missing before the =", "Give --server NAME=URL, or the URL alone")
    server = Server(address, name.strip())
    return replace(server, token=token) if token is not None and server.source != "file" else server


def parse_server_list(text: str, name: str, *, allow_files: bool = False) -> list[Server]:
    """Parse a server list: one address or ``name=address`` a line; ``#`` begins a comment.

    Args:
        text: the list.
        name: its name in an error: a path.
        allow_files: whether it may name saved responses: a list from elsewhere could put any file into a report.

    Raises:
        ConfigurationError: a line is malformed or not allowed, a name is used twice, or the list is empty; with the
            line.
    """
    servers: list[Server] = []
    locations: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        address = _COMMENT.sub("", line).strip()
        if not address:
            continue
        try:
            server = server_of(address)
        except ConfigurationError as error:
            raise ConfigurationError(f"{name} line {number}: {error.what}", error.advice) from error
        if server.source == "file" and not allow_files:
            raise ConfigurationError(
                f"{name} line {number}: {server.url} is a file of this machine, which would get into every report",
                "If the list is your own, allow it with --allow-files",
            )
        if server.name in locations:
            raise ConfigurationError(
                f"{name} line {number}: a second server is named {server.name!r}; the first is on line "
                f"{locations[server.name]}",
                "Give each a name of its own: NAME=ADDRESS",
            )
        locations[server.name] = number
        servers.append(server)
    if not servers:
        raise ConfigurationError(f"{name} names no server", "Write one address or NAME=ADDRESS per line")
    return servers


def duplicate_addresses(servers: Iterable[Server]) -> list[str]:
    """List the addresses that have more than one name, a sentence each."""
    groups: dict[str, list[Server]] = defaultdict(list)
    for server in servers:
        groups[_DEFAULT_PORT.sub(r"\1\2", server.url)].append(server)
    return [
        f"{', '.join(server.name for server in others)} and {last.name} have the same address, {others[0].url}; "
        "it is queried once for each name"
        for *others, last in groups.values()
        if others
    ]


def unique(servers: list[Server]) -> list[Server]:
    """Return the same servers after checking that no two have the same name.

    Raises:
        ConfigurationError: two servers have the same name: their rows could not be told apart.
    """
    locations: dict[str, str] = {}
    for server in servers:
        if server.name in locations:
            raise ConfigurationError(
                f"two servers are named {server.name!r}: {locations[server.name]} and {server.url}",
                "Give each a name of its own: --server NAME=URL",
            )
        locations[server.name] = server.url
    return servers


def _source(server: Server) -> str:
    """Return the word of ``sources.SOURCES`` that reads a server."""
    if server.url.startswith(FILE):
        if server.source not in ("", "file"):
            raise ConfigurationError(
                f"{server.name} is a saved response: its source cannot be {server.source!r}", "Remove the source"
            )
        return "file"
    if server.source not in ("", *APIS):
        raise ConfigurationError(f"the source of {server.name} cannot be {server.source!r}", f"Use {', '.join(APIS)}")
    return server.source or APIS[0]


def _is_quoted(token: str) -> bool:
    return len(token) > 1 and token[0] in _QUOTES and token[-1] in _QUOTES


def _name_of(url: str) -> str:
    if url.startswith(FILE):
        file = re.split(r"[/\\]", url.removeprefix(FILE))[-1]
        return file.rpartition(".")[0] or file or url
    host, port = host_and_port(url)
    if port in (None, PORT):
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
