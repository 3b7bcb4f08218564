"""Server addresses, as people paste them, in one form.

LM Studio's own endpoints are listed in its REST documentation (https://lmstudio.ai/docs/developer): its API v1 and v0,
the OpenAI-compatible and the Anthropic-compatible ones, and the greeting that its own tools look for.
"""

from collections.abc import Sequence
from itertools import pairwise

from inventory.errors import ConfigurationError
from inventory.filesystem.names import with_home
from inventory.limits import HOST_LIMIT, ZONE_LIMIT

PORT = 1234
FILE = "file:"

ADVICE = "Give http://HOST:PORT alone, and the token in the environment variable LM_API_TOKEN"
_VERSIONS = ("v0", "v1")
_ROOTS = ("api", *_VERSIONS, "lmstudio-greeting")
_OPEN = ("models", "responses", "messages")  # endpoints below a version that a key, an id or an action may follow
_CLOSED = tuple(
    (version, *words)
    for version in _VERSIONS
    for words in (("chat", "completions"), ("chat",), ("completions",), ("embeddings",), ("systemone",))
)


def clean_address(address: str) -> str:
    """Bring an address into one form, however it was pasted.

    Args:
        address: with or without scheme, port and trailing slashes. Any endpoint that LM Studio documents may follow,
            in any case of letters, also with a query or a fragment: it is cut off. A port is 1234 unless it or a
            scheme is given; another path is a reverse proxy's and stays. Or ``file:PATH``, where ~ is the home folder.

    Raises:
        ConfigurationError: it is no address, or holds a user, a password, a query or a fragment.
    """
    address = address.strip()
    if address.lower().startswith(FILE):
        return FILE + _file_path(address[len(FILE) :])
    place, path, rest = _parts(address)
    path, is_endpoint = _without_endpoint(path)
    if "@" in place + path or (rest and not is_endpoint):  # guard: no user or password in an address
        raise ConfigurationError(
            "an address may not hold a user, a password, a query or a fragment (it is not shown here)", ADVICE
        )
    origin = _origin(place, address)
    if not path.isprintable() or " " in path:
        raise _no_address(address)
    return origin + path


def path_of(url: str) -> str:
    """Return the path in a clean address: that of a reverse proxy, or something that was pasted by mistake."""
    return "" if url.startswith(FILE) else _parts(url)[1]


def host_and_port(url: str) -> tuple[str, int | None]:
    """Return the host of a clean address without its brackets, and the port if it says one."""
    place = _parts(url)[0].partition("://")[2]
    host, colon, port = place.rpartition(":")
    if not colon or place.endswith("]"):
        host, port = place, ""
    return host.strip("[]"), int(port) if port else None


def _parts(address: str) -> tuple[str, str, str]:
    """Return an address in three: scheme, host and port; the path; the query and the fragment."""
    begin = address.find("://") + 3 if "://" in address else 0
    ends = [at for mark in "/?#" if (at := address.find(mark, begin)) >= 0]
    end = min(ends, default=len(address))
    behind = [at for mark in "?#" if (at := address.find(mark, end)) >= 0]
    split = min(behind, default=len(address))
    return address[:end], address[end:split], address[split:]


def _without_endpoint(path: str) -> tuple[str, bool]:
    """Return a path without doubled slashes and without LM Studio's endpoints, and whether it had any."""
    steps = [step for step in path.split("/") if step]
    words = [step.lower() for step in steps]
    end = next((at for at, pair in enumerate(pairwise(words)) if pair[0] in _VERSIONS and pair[1] in _OPEN), len(words))
    while length := _endpoint_length(words[max(end - 3, 0) : end]):  # more than once, so that clean stays clean
        end -= length
    return "".join(f"/{step}" for step in steps[:end]), end < len(steps)


def _endpoint_length(words: Sequence[str]) -> int:
    """Count the last words that are an endpoint, or the root of some."""
    if words and words[-1] in _ROOTS:
        return 1
    return next((len(end) for end in _CLOSED if (*words[-len(end) :],) == end), 0)


def _origin(place: str, address: str) -> str:
    """Return the scheme, host and port of an address, in small letters."""
    scheme, has_scheme, netloc = place.rpartition("://")
    host, colon, port = netloc.rpartition(":")
    if not colon or netloc.endswith("]"):
        host, colon, port = netloc, "", ""
    scheme = scheme.lower() if has_scheme else "http"
    host, percent, zone = host.partition("%")
    host = f"{host.lower()}{percent}{zone}"  # the name of a network interface may have capitals
    if (
        scheme not in ("http", "https")
        or not _is_host(host)
        or (colon and not _is_port(port))  # also nothing: http:/host is a slip, not a host called http
    ):
        raise _no_address(address)
    if not colon and not has_scheme:
        port = str(PORT)
    return f"{scheme}://{host}:{int(port)}" if port else f"{scheme}://{host}"


def _is_port(port: str) -> bool:
    return port.isascii() and port.isdigit() and len(port) <= 6 and 0 < int(port) <= 65535


def _is_host(host: str) -> bool:
    """Return whether a host can be one: a name, an IPv4 address, or an IPv6 address in brackets."""
    if not host.startswith("["):
        return len(host) <= HOST_LIMIT and _is_word(host)
    number, percent, zone = host[1:-1].partition("%")
    if not host.endswith("]") or (percent and not (len(zone) <= ZONE_LIMIT and zone.isascii() and _is_word(zone))):
        return False
    from ipaddress import IPv6Address  # only where there is one

    try:
        IPv6Address(number)
    except ValueError:
        return False
    return True


def _is_word(text: str) -> bool:
    return text.replace(".", "").replace("-", "").replace("_", "").isalnum()


def _file_path(path: str) -> str:
    """Return the path of a saved response, once it is known to be one that a file system and a table can hold."""
    if not path:
        raise ConfigurationError("file: needs a path after it", "For example --server laptop=file:answer.json")
    try:
        if b"\0" not in path.encode():
            return with_home(path)
    except UnicodeEncodeError:
        pass
    raise ConfigurationError(
        f"{path!r} cannot be the path of a saved response", "Rename the file: its name is not UTF-8"
    )


def _no_address(address: str) -> ConfigurationError:
    hidden = any(mark in address for mark in "@?#")  # which may come with a password or a key
    return ConfigurationError(
        "what was given is not the address of a server (it is not shown here)"
        if hidden
        else f"{address!r} is not the address of a server",
        "Give HOST, HOST:PORT or http://HOST:PORT, or file:PATH for a saved response",
    )
