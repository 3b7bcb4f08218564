"""Which servers are asked, and with which token.

Addresses come as people paste them and are cleaned to one form; whatever could leak (a user or a password in an
address, a token that cannot be one) is refused before anything is sent, and is never repeated in the message.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from inventory.errors import ConfigurationError

DEFAULT_ADDRESS = "http://127.0.0.1:1234"
DEFAULT_NAME = "local"
PORT = 1234
_FILE = "file:"
_PASTED = re.compile(r"(?:(?:/api)?/v[01](?:/models)?|/api)*$")  # more than once, so that clean stays clean
_TOKEN = re.compile(r"[\x21-\x7e]+")
_HOST = re.compile(r"[A-Za-z0-9._-]+|[\w.-]+", re.UNICODE)


@dataclass(frozen=True)
class Server:
    """One LM Studio server, or a saved answer of one.

    Attributes:
        url: its address as people paste it (``host``, ``host:1234``, ``http://host:1234/api/v1/models``) or
            ``file:answer.json``; kept in its clean form.
        name: what it is called in the tables; by default its host, and its port if that is not 1234.
        token: its API token, never shown.

    Raises:
        ConfigurationError: an address, a name or a token that cannot be one.
    """

    url: str
    name: str = ""
    token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        url = clean_address(self.url)
        object.__setattr__(self, "url", url)
        object.__setattr__(self, "name", self.name or _name_of(url))
        if not self.name.isprintable() or self.name != self.name.strip():
            raise ConfigurationError(f"a server's name cannot be {self.name!r}", "Use letters, digits and dashes")
        if self.token is not None and not _TOKEN.fullmatch(self.token):
            raise ConfigurationError(
                f"the API token for {self.name} is malformed: it is empty or has a space, a line break or a character "
                "beyond ASCII (it is not shown here)",
                "Set LM_API_TOKEN to the token alone, as LM Studio shows it",
            )

    @property
    def source(self) -> str:
        """The source that reads it: a word of ``sources.SOURCES``."""
        return "file" if self.url.startswith(_FILE) else "lmstudio"


def choose(addresses: Iterable[str], token: str | None = None) -> list[Server]:
    """The servers for addresses as given on the command line: ``[NAME=]URL`` each; none means the local one.

    Raises:
        ConfigurationError: an address cannot be one, or two servers have one name.
    """
    servers = [_parse(address, token) for address in addresses]
    return unique(servers or [Server(DEFAULT_ADDRESS, DEFAULT_NAME, token)])


def unique(servers: list[Server]) -> list[Server]:
    """The same servers, once their names are known to differ.

    Raises:
        ConfigurationError: two servers have one name: their rows could not be told apart.
    """
    seen: dict[str, str] = {}
    for server in servers:
        if server.name in seen:
            raise ConfigurationError(
                f"two servers are named {server.name!r}: {seen[server.name]} and {server.url}",
                "Give each a name of its own: --server NAME=URL",
            )
        seen[server.name] = server.url
    return servers


def clean_address(address: str) -> str:
    """One form for all the ways in which people paste an address.

    Args:
        address: with or without scheme, port, trailing slash, ``/v1``, ``/api/v1`` or ``/api/v1/models``. A port is
            1234 unless it or a scheme is given; another path is a reverse proxy's and stays.

    Raises:
        ConfigurationError: it is no address, or holds a user, a password, a query or a fragment.
    """
    address = address.strip()
    if address.lower().startswith(_FILE):
        return _FILE + _file_path(address[len(_FILE) :])
    if re.search("[@?#]", address):
        raise ConfigurationError(
            "an address may not hold a user, a password, a query or a fragment (it is not shown here)",
            "Give http://HOST:PORT alone, and the token in the environment variable LM_API_TOKEN",
        )
    has_scheme = "://" in address
    try:
        parts = urlsplit(address if has_scheme else f"http://{address}")
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise _no_address(address) from error
    bracketed = parts.netloc.startswith("[")
    if (
        parts.scheme not in ("http", "https")
        or not _is_host(host, bracketed=bracketed)
        or port == 0
        or parts.netloc.endswith(":")  # http:/host is a slip, not a host called http
        or not address.isprintable()
        or " " in address
    ):
        raise _no_address(address)
    return f"{parts.scheme}://{_netloc(host, port, bracketed=bracketed, has_scheme=has_scheme)}{_path(parts)}"


def _netloc(host: str, port: int | None, *, bracketed: bool, has_scheme: bool) -> str:
    shown = f"[{host}]" if bracketed else host
    if port is None and not has_scheme:
        port = PORT
    return shown if port is None else f"{shown}:{port}"


def _path(parts: SplitResult) -> str:
    """A reverse proxy's prefix: the path without what everybody pastes after it, and without doubled slashes."""
    path = re.sub(r"/{2,}", "/", parts.path).rstrip("/")
    return _PASTED.sub("", path)


def _is_host(host: str, *, bracketed: bool) -> bool:
    return bool(re.fullmatch(r"[0-9a-f:.]+(%\w+)?", host) if bracketed else _HOST.fullmatch(host))


def _file_path(path: str) -> str:
    """The path of a saved answer, once it is known to be one that a file system and a table can hold."""
    if not path:
        raise ConfigurationError("file: needs a path after it", "For example --server laptop=file:answer.json")
    try:
        if b"\0" not in path.encode():
            return path
    except UnicodeEncodeError:
        pass
    raise ConfigurationError(f"{path!r} cannot be the path of a saved answer", "Rename the file: its name is not UTF-8")


def _no_address(address: str) -> ConfigurationError:
    return ConfigurationError(
        f"{address!r} is not the address of a server",
        "Give HOST, HOST:PORT or http://HOST:PORT, or file:PATH for a saved answer",
    )


def _parse(text: str, token: str | None) -> Server:
    name, equals, address = text.partition("=")
    if not equals or re.search(r"[:/@?#]", name):  # the = belongs to the address
        name, address = "", text
    elif not name.strip():
        raise ConfigurationError("a server's name is missing before the =", "Give --server NAME=URL, or the URL alone")
    server = Server(address, name.strip())
    return server if server.source == "file" else Server(server.url, server.name, token)


def _name_of(url: str) -> str:
    if url.startswith(_FILE):
        file = re.split(r"[/\\]", url.removeprefix(_FILE))[-1]
        return file.rpartition(".")[0] or file or url
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.port in (None, PORT):
        return host
    return f"[{host}]:{parts.port}" if ":" in host else f"{host}:{parts.port}"
