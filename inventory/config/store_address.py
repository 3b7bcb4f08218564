"""Addresses of shared histories, as people write them."""

import re
from hashlib import sha256

from inventory.errors import ConfigurationError

SCHEMES = ("s3", "az", "gs", "file")
"""The kinds of addresses at which a history can be shared."""

_TYPED = re.compile(rf"({'|'.join(SCHEMES)}):/?(?=[^/])", re.IGNORECASE)

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.DOTALL)


def is_address(path: str) -> bool:
    """Return whether a path is an address such as ``s3://bucket/prefix``, of whatever kind, or a mistyped one."""
    return bool(_SCHEME.match(path) or _TYPED.match(path))


def checked_address(text: str) -> str:
    """Return the address of a shared history, without what makes no difference.

    Raises:
        ConfigurationError: no history can be there, or it holds a user name or a key, which is not repeated.
    """
    if typed := _TYPED.match(text):
        raise ConfigurationError(
            f"{text!r} is no address of a history", f"Write it like {typed[1].lower()}://bucket/prefix"
        )
    parts = _SCHEME.match(text)
    scheme, rest = (parts[1].lower(), parts[2]) if parts else ("", text)
    if scheme not in SCHEMES:
        raise ConfigurationError(
            f"a history at a {scheme or text!r}:// address is not supported".replace("'", ""),
            f"Give a folder, or an address that begins with {', '.join(f'{known}://' for known in SCHEMES)}",
        )
    if "@" in rest.split("/")[0] or re.search(r"[?#]", rest):  # guard: an address holds no key
        raise ConfigurationError(
            f"a {scheme}:// address of a history may hold no user, key or question mark (it is not shown here)",
            "Credentials are found as the store's own tools find them: variables, a profile, or the machine's role",
        )
    segments = [segment for segment in rest.split("/") if segment]
    if not rest.isprintable() or {".", ".."} & set(segments):
        raise ConfigurationError(f"{text!r} is no address of a history", "Write it like s3://bucket/prefix")
    if scheme == "file":
        if not rest.startswith("/"):
            raise ConfigurationError(f"{text!r} names no folder", "Write the whole path: file:///FOLDER")
        return f"file:///{'/'.join(segments)}"
    if not segments or rest.startswith("/"):
        what = "container" if scheme == "az" else "bucket"
        raise ConfigurationError(f"{text!r} names no {what}", f"Write it like {scheme}://{what}/prefix")
    return f"{scheme}://{'/'.join(segments)}"


def mirror_name(address: str) -> str:
    """Return the name of the folder of an address's mirror."""
    return sha256(address.encode()).hexdigest()[:32]
