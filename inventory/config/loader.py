"""``inventory.toml``: servers, where their tokens are stored, and defaults.

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
from inventory.config.metrics import metric_labels
from inventory.config.notices import NoticeConfig, parse_notice
from inventory.config.servers import Server
from inventory.config.store_address import checked_address, is_address
from inventory.config.text_input import text_of
from inventory.errors import ConfigurationError
from inventory.filesystem.names import with_home

if TYPE_CHECKING:
    from inventory.config.toml_lines import KeyPath

NAME = "inventory.toml"
_SYNTAX = "See https://toml.io for the syntax"


@dataclass(frozen=True)
class ServerConfig:
    """A configured server: everything but its token, and where that is stored."""

    server: Server
    credential: CredentialSource | None = None
    location: str = ""


@dataclass(frozen=True)
class Configuration:
    """The contents of a configuration file; empty without a file.

    Attributes:
        path: the file.
        text: its text.
        entries: its servers, in order.
        settings: the values of ``[defaults]``, ``[compare]``, ``[report]`` and ``[history]`` by name, the path of the
            history as ``history``; paths made whole.
        csv: the dialect of CSV files that are written.
        rules: the values of each ``[[rule]]``, in order; what is in them is checked by ``rules/parse.py``.
        waivers: the values of each ``[[waiver]]``.
        metric_labels: the labels of servers that metrics have, with their names there.
        bom_version: the version of CycloneDX of bills of materials.
        notices: who is told what a run found.
    """

    path: Path | None = None
    text: str = field(default="", repr=False)
    entries: tuple[ServerConfig, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    csv: Dialect = field(default_factory=Dialect)
    rules: tuple[Mapping[str, Any], ...] = ()
    waivers: tuple[Mapping[str, Any], ...] = ()
    metric_labels: Mapping[str, str] = field(default_factory=dict)
    bom_version: str = spec.BOM_VERSIONS[0]
    notices: tuple[NoticeConfig, ...] = ()

    def location(self, *key_path: str | int) -> str:
        """Return where a key is: ``inventory.toml line 12``."""
        while key_path and key_path not in self._lines:
            key_path = key_path[:-1]
        return f"{self.path} line {self._lines[key_path]}" if key_path else str(self.path)

    def location_of(self, setting: str) -> str:
        """Return where one of ``settings`` is."""
        if setting == "history":
            return self.location("history", "path")
        homes = [table for table in ("compare", "report", "history") if setting in spec.names(table)]
        return self.location(*homes, *([] if homes else ["defaults"]), setting)

    @contextmanager
    def errors_at(self, *key_path: str | int) -> Iterator[None]:
        """Report an error of the block with the place of a key."""
        try:
            yield
        except ConfigurationError as error:
            raise ConfigurationError(f"{self.location(*key_path)}: {error.what}", error.advice) from error

    def entry(self, server: Server) -> ServerConfig:
        """Return a server with the defaults of the file where it has no settings of its own."""
        if server.source == "file":
            return ServerConfig(server)
        common = {name: self.settings[name] for name in ("source", "ca_file") if name in self.settings}
        return ServerConfig(replace(server, **common), self.credential(("defaults",), self.settings))

    def credential(self, table: "KeyPath", values: Mapping[str, Any]) -> CredentialSource | None:
        """Return where a table says that the token is stored."""
        for name, kind in (("token_env", "variable"), ("token_file", "file")):
            if name in values:
                return CredentialSource(kind, values[name], self.location(*table, name))
        return None

    @cached_property
    def _lines(self) -> "dict[KeyPath, int]":
        from inventory.config.toml_lines import lines_of  # only to report where something is

        return lines_of(self.text)


def read(path: Path) -> Configuration:
    """Read the configuration in a file.

    Raises:
        ConfigurationError: it cannot be read, or a key or value is wrong; with the line.
    """
    return parse(text_of(path), path)


def parse(text: str, path: Path) -> Configuration:
    """Parse a configuration.

    Args:
        text: TOML.
        path: the file it is from; relative paths in it begin at that file's folder.

    Raises:
        ConfigurationError: a key or value is wrong; with the line.
    """
    if match := spec.TOKEN.search(text):  # guard: a token in the configuration
        line = text.count("\n", 0, match.start()) + 1
        raise ConfigurationError(f"{path} line {line}: there is an API token here (it is not shown)", spec.ADVICE)
    import tomllib  # only where there is a file

    try:
        content = tomllib.loads(text)
    except RecursionError as error:
        raise ConfigurationError(f"{path}: it is nested too deeply", _SYNTAX) from error
    except ValueError as error:
        raise _toml_error(error, text, path) from error
    plain = Configuration(path, text)
    _check_names(plain, (), content)
    servers, rules, waivers, notices = (_several(plain, name, content.get(name, [])) for name in spec.ARRAYS)
    names = ("history", "defaults", "compare", "report", "csv", "metrics", "cdx")
    tables = {name: _table(plain, (name,), content.get(name, {})) for name in names}
    settings = {"history" if name == "path" else name: value for name, value in tables["history"].items()}
    settings |= {**tables["defaults"], **tables["compare"], **tables["report"]}
    with plain.errors_at("csv", "decimal"):
        csv = dialect_of(tables["csv"].get("separator"), tables["csv"].get("decimal"))
    with plain.errors_at("metrics", "labels"):
        labels = metric_labels(tables["metrics"].get("labels", ()))
    version = tables["cdx"].get("version", spec.BOM_VERSIONS[0])
    configuration = replace(plain, settings=settings, csv=csv, metric_labels=labels, bom_version=version)
    return replace(
        configuration,
        entries=_distinct([_entry(configuration, number, table) for number, table in enumerate(servers)]),
        rules=tuple(_table(plain, ("rule", number), table) for number, table in enumerate(rules)),
        waivers=tuple(_table(plain, ("waiver", number), table) for number, table in enumerate(waivers)),
        notices=_numbered([_notice(plain, number, table) for number, table in enumerate(notices)]),
    )


def _several(plain: Configuration, name: str, content: Any) -> list[Mapping[str, Any]]:
    """Return the tables of one name, of which there may be several."""
    if not isinstance(content, list) or not all(isinstance(table, dict) for table in content):
        raise ConfigurationError(
            f"{plain.location(name)}: a {name} is a table in two brackets", f"Write {spec.title(name)}"
        )
    return content


def _toml_error(error: ValueError, text: str, path: Path) -> ConfigurationError:
    """Return tomllib's error with the line in front; most are Windows paths, whose backslashes begin wrong escapes."""
    message, _, where = str(error).partition(" (at ")
    match = re.match(r"line ([0-9]+)", where)
    number = int(match[1]) if match else text.rstrip().count("\n") + 1  # at its end, says tomllib
    is_path = match and "\\" in text.split("\n")[number - 1].partition('"')[2]
    advice = "In double quotes a backslash begins an escape: use single quotes, such as 'C:\\models'"
    return ConfigurationError(
        f"{path} line {number}: {message}" if where else f"{path}: {message}", advice if is_path else _SYNTAX
    )


def _check_names(plain: Configuration, key_path: "KeyPath", content: Mapping[str, Any]) -> None:
    table = str(key_path[0]) if key_path else ""
    for name in content:
        if name not in spec.names(table):
            with plain.errors_at(*key_path, name):
                raise spec.unknown_key_error(name, table)


def _table(plain: Configuration, key_path: "KeyPath", content: Any) -> dict[str, Any]:
    """Return the checked values of one table, its paths made absolute."""
    name = str(key_path[0])
    if not isinstance(content, dict):
        raise ConfigurationError(f"{plain.location(*key_path)}: there is one {name} table", f"Write {spec.title(name)}")
    _check_names(plain, key_path, content)
    values = {}
    for key in spec.TABLES[name]:
        if key.name in content:
            with plain.errors_at(*key_path, key.name):
                values[key.name] = _value(plain, key, content[key.name])
    if "token_env" in values and "token_file" in values:
        where = plain.location(*key_path, "token_file")
        raise ConfigurationError(f"{where}: token_env and token_file exclude each other", "Remove one of them")
    return values


def _value(plain: Configuration, key: spec.Option, value: Any) -> Any:
    """Return one checked value; a path made absolute."""
    checked = spec.validate(key, value)
    if key.name == "token_env" and not VARIABLE.fullmatch(checked):
        raise ConfigurationError("token_env is not a variable's name (it is not shown here)", spec.ADVICE)
    if key.kind == "paths":
        return tuple(_whole(plain, path) for path in ([checked] if isinstance(checked, str) else checked))
    if key.name == "path" and is_address(checked):
        return checked_address(checked)
    return _whole(plain, checked) if key.kind == "path" else checked


def _whole(plain: Configuration, value: str) -> str:
    """Return an absolute path: ~ is the home folder, and a relative path begins at the file's folder."""
    path = str((plain.path or Path()).parent / with_home(value))
    return f"./{path}" if path.startswith("~") else path  # of that very name, not a home folder


def _entry(configuration: Configuration, number: int, table: Mapping[str, Any]) -> ServerConfig:
    """Return one ``[[server]]``, with the values of ``[defaults]`` where it has none of its own."""
    key_path: KeyPath = ("server", number)
    values = _table(configuration, key_path, table)
    where = configuration.location(*key_path)
    if "url" not in values:
        raise ConfigurationError(f"{where}: the server has no url", 'Write url = "http://HOST:1234"')
    own = {name: values[name] for name in ("labels", "timeout", "source", "ca_file") if name in values}
    with configuration.errors_at(*key_path, "url"):
        url = values["url"]
        if url.lower().startswith("file:"):
            url = "file:" + _whole(configuration, url[5:]) if url[5:] else url
        address = Server(url)
    with configuration.errors_at(*key_path, "source" if "source" in values else "name"):
        server = Server(url, values.get("name", ""), **own)
    credential = configuration.credential(key_path, values)
    if address.source == "file" and credential:
        raise ConfigurationError(f"{credential.location}: a saved response needs no token", "Remove the line")
    common = configuration.entry(server)
    return ServerConfig(replace(common.server, **own), credential or common.credential, where)


def _notice(plain: Configuration, number: int, table: Mapping[str, Any]) -> NoticeConfig:
    """Return one ``[[notify]]``; a program with a folder in its name is found from the file's folder."""
    key_path: KeyPath = ("notify", number)
    if "url" in table or str(table.get("url_file", "")).lower().startswith(("http:", "https:")):
        where = plain.location(*key_path, "url" if "url" in table else "url_file")
        advice = "It is a secret: name the variable (url_env) or the file (url_file) that holds it"
        raise ConfigurationError(f"{where}: an address may not be in the file (it is not shown here)", advice)
    values = _table(plain, key_path, table)
    if (command := values.get("command")) and "/" in command[0].replace("\\", "/"):
        values["command"] = [_whole(plain, command[0]), *command[1:]]
    try:
        return parse_notice(values, plain.location(*key_path))
    except ConfigurationError as error:
        where = plain.location(*key_path, error.what.split()[0])  # its first word is the key, if it is about one
        raise ConfigurationError(f"{where}: {error.what}", error.advice) from error


def _numbered(notices: Sequence[NoticeConfig]) -> tuple[NoticeConfig, ...]:
    """Tell notices of one name apart."""
    names = [notice.name for notice in notices]
    return tuple(replace(notice, number=names[: place + 1].count(notice.name)) for place, notice in enumerate(notices))


def _distinct(entries: Sequence[ServerConfig]) -> tuple[ServerConfig, ...]:
    """Return the same servers after checking that no two have the same name."""
    locations: dict[str, str] = {}
    for entry in entries:
        if (name := entry.server.name) in locations:
            raise ConfigurationError(
                f"{entry.location}: a second server is named {name!r}; the first is at {locations[name]}",
                "Give each a name of its own",
            )
        locations[name] = entry.location
    return tuple(entries)
