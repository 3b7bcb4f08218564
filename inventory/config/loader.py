"""``inventory.toml``: which servers are asked, where their tokens are kept, and what holds where nothing else is said.

What each key may be is in ``config/spec.py``. Which file is read, and the environment, are the command line's.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inventory.config import spec
from inventory.config.credentials import VARIABLE, CredentialSource
from inventory.config.dialects import Dialect, dialect_of
from inventory.config.servers import Server
from inventory.config.text_input import text_of
from inventory.errors import ConfigurationError
from inventory.filesystem.names import with_home

if TYPE_CHECKING:
    from inventory.config.toml_lines import Place

NAME = "inventory.toml"


@dataclass(frozen=True)
class ServerConfig:
    """One server that may be asked: everything but its token, and where that is kept."""

    server: Server
    keep: CredentialSource | None = None
    said: str = ""


@dataclass(frozen=True)
class Configuration:
    """What a configuration file says; without a file, nothing.

    Attributes:
        path: the file.
        text: what is in it.
        entries: its servers, in order.
        settings: the values of ``[defaults]`` and ``[compare]``, and that of ``[history]`` as ``history``, by name;
            paths made whole.
        csv: how CSV files are written.
    """

    path: Path | None = None
    text: str = field(default="", repr=False)
    entries: tuple[ServerConfig, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    csv: Dialect = field(default_factory=Dialect)

    def location(self, *place: str | int) -> str:
        """Where a key is: ``inventory.toml line 12``."""
        while place and place not in self._lines:
            place = place[:-1]
        return f"{self.path} line {self._lines[place]}" if place else str(self.path)

    def said_of(self, setting: str) -> str:
        """Where one of ``settings`` is."""
        if setting == "history":
            return self.location("history", "path")
        return self.location("compare" if setting in spec.names("compare") else "defaults", setting)

    def entry(self, server: Server) -> ServerConfig:
        """A server with what the file says for all, where it says nothing itself."""
        if server.source == "file":
            return ServerConfig(server)
        common = {name: self.settings[name] for name in ("source", "ca_file") if name in self.settings}
        return ServerConfig(replace(server, **common), self.keep(("defaults",), self.settings))

    def keep(self, table: "Place", values: Mapping[str, Any]) -> CredentialSource | None:
        """Where a table says that the token is kept."""
        for name, kind in (("token_env", "variable"), ("token_file", "file")):
            if name in values:
                return CredentialSource(kind, values[name], self.location(*table, name))
        return None

    @cached_property
    def _lines(self) -> "dict[Place, int]":
        from inventory.config.toml_lines import lines_of  # only to say where something is

        return lines_of(self.text)


def read(path: Path) -> Configuration:
    """The configuration in a file.

    Raises:
        ConfigurationError: it cannot be read, or says something that cannot be; with the line.
    """
    return parse(text_of(path), path)


def parse(text: str, path: Path) -> Configuration:
    """The configuration that a text holds.

    Args:
        text: TOML.
        path: the file it is from; paths in it begin at that file's folder.

    Raises:
        ConfigurationError: it says something that cannot be; with the line.
    """
    if found := spec.TOKEN.search(text):  # guard: a token in the configuration
        line = text.count("\n", 0, found.start()) + 1
        raise ConfigurationError(f"{path} line {line}: an API token stands here (it is not shown)", spec.ADVICE)
    import tomllib  # only where there is a file

    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path}{_toml_error(error, text)}", _toml_advice(error, text)) from error
    plain = Configuration(path, text)
    _check_names(plain, (), content)
    several = content.get("server", [])
    if not isinstance(several, list) or not all(isinstance(table, dict) for table in several):
        raise ConfigurationError(f"{plain.location('server')}: a server is a table in two brackets", "Write [[server]]")
    tables = (_table(plain, (name,), content.get(name, {})) for name in ("history", "defaults", "compare"))
    history, defaults, comparing = tables
    places = {"history" if name == "path" else name: history[name] for name in history}
    known = replace(plain, settings=places | defaults | comparing)
    csv = _table(plain, ("csv",), content.get("csv", {}))
    with _at(plain, "csv", "decimal"):
        known = replace(known, csv=dialect_of(csv.get("separator"), csv.get("decimal")))
    return replace(known, entries=_distinct([_entry(known, number, table) for number, table in enumerate(several)]))


def _toml_error(error: ValueError | RecursionError, text: str) -> str:
    """What tomllib says, with its line in front."""
    if isinstance(error, RecursionError):
        return ": it is nested too deeply"
    told, _, where = str(error).partition(" (at ")
    found = re.match(r"line ([0-9]+)", where)
    line = found[1] if found else text.rstrip().count("\n") + 1  # at its end, says tomllib
    return f" line {line}: {told}" if where else f": {told}"


def _toml_advice(error: ValueError | RecursionError, text: str) -> str:
    """What to do about it: most are paths of Windows, in which tomllib finds a wrong escape."""
    found = re.search(r"line ([0-9]+)", str(error))
    line = text.split("\n")[int(found[1]) - 1] if found else ""
    if "\\" in line.partition('"')[2]:
        return "In double quotes a backslash is an escape: use single quotes, such as 'C:\\models'"
    return "See https://toml.io for how it is written"


def _check_names(plain: Configuration, place: "Place", content: Mapping[str, Any]) -> None:
    table = str(place[0]) if place else ""
    for name in content:
        if name not in spec.names(table):
            with _at(plain, *place, name):
                raise spec.unknown_key_error(name, table)


def _table(plain: Configuration, place: "Place", content: Any) -> dict[str, Any]:
    """The checked values of one table, its paths made whole."""
    name = str(place[0])
    if not isinstance(content, dict):
        raise ConfigurationError(f"{plain.location(*place)}: there is one {name} table", f"Write {spec.title(name)}")
    _check_names(plain, place, content)
    values = {}
    for key in spec.TABLES[name]:
        if key.name in content:
            with _at(plain, *place, key.name):
                values[key.name] = _value(plain, key, content[key.name])
    if "token_env" in values and "token_file" in values:
        where = plain.location(*place, "token_file")
        raise ConfigurationError(f"{where}: token_env and token_file exclude each other", "Take one of them out")
    return values


def _value(plain: Configuration, key: spec.Option, value: Any) -> Any:
    """One checked value; a path made whole."""
    checked = spec.validate(key, value)
    if key.name == "token_env" and not VARIABLE.fullmatch(checked):
        raise ConfigurationError("token_env is not the name of a variable (it is not shown here)", spec.ADVICE)
    return _whole(plain, checked) if key.kind == "path" else checked


def _whole(plain: Configuration, value: str) -> str:
    """A path as the system knows it: ~ is the home, and what is not absolute begins at the file's folder."""
    path = str((plain.path or Path()).parent / with_home(value))
    return f"./{path}" if path.startswith("~") else path  # of that very name, and not a home


def _entry(known: Configuration, number: int, table: Mapping[str, Any]) -> ServerConfig:
    """One ``[[server]]``, with what ``[defaults]`` says for all where it says nothing itself."""
    place: Place = ("server", number)
    values = _table(known, place, table)
    where = known.location(*place)
    if "url" not in values:
        raise ConfigurationError(f"{where}: the server has no url", 'Write url = "http://HOST:1234"')
    own = {name: values[name] for name in ("labels", "timeout", "source", "ca_file") if name in values}
    with _at(known, *place, "url"):
        url = values["url"]
        if url.lower().startswith("file:"):
            url = "file:" + _whole(known, url[5:]) if url[5:] else url
        address = Server(url)
    with _at(known, *place, "source" if "source" in values else "name"):
        server = Server(url, values.get("name", ""), **own)
    keep = known.keep(place, values)
    if address.source == "file" and keep:
        raise ConfigurationError(f"{keep.said}: a saved answer needs no token", "Take the line out")
    common = known.entry(server)
    return ServerConfig(replace(common.server, **own), keep or common.keep, where)


def _distinct(entries: Sequence[ServerConfig]) -> tuple[ServerConfig, ...]:
    """The same entries, once their names are known to differ."""
    seen: dict[str, str] = {}
    for entry in entries:
        if (name := entry.server.name) in seen:
            raise ConfigurationError(
                f"{entry.said}: a second server is named {name!r}; the first is at {seen[name]}",
                "Give each a name of its own",
            )
        seen[name] = entry.said
    return tuple(entries)


@contextmanager
def _at(plain: Configuration, *place: str | int) -> Iterator[None]:
    """Tell an error as one of a place in the file."""
    try:
        yield
    except ConfigurationError as error:
        raise ConfigurationError(f"{plain.location(*place)}: {error.what}", error.advice) from error
