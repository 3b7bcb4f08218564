"""Effective settings and where each one comes from."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from inventory.cli._context import PREFIX, configuration, default_history, setting_name, user_folder
from inventory.cli._options import (
    concurrency_option,
    grain_option,
    history_option,
    ignore_option,
    recheck_option,
    retire_after_option,
    stale_after_option,
    timeout_option,
)
from inventory.config.effective import DEFAULT, ENVIRONMENT, FILE, FLAG, Setting

if TYPE_CHECKING:
    from inventory.config.loader import ServerConfig


@click.command()
@history_option
@timeout_option
@concurrency_option
@recheck_option
@grain_option
@ignore_option
@retire_after_option
@stale_after_option
def _configurable(**values: Any) -> dict[str, Any]:
    """Hold every option that the configuration can set, for commands that lack some of them."""
    return values


def effective_setting(name: str) -> tuple[Any, ParameterSource]:
    """Return the value of a setting and its source, even if the running command has no such option."""
    context = click.get_current_context()
    if name not in context.params:
        context = _configurable.make_context("settings", [], parent=context)
    return context.params[name], context.get_parameter_source(name) or ParameterSource.DEFAULT


def uses_own_timeouts() -> bool:
    """Return whether the timeouts of single servers apply: not if a flag or a variable sets one for all."""
    return effective_setting("timeout")[1] in (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP)


def all_settings(entries: "Sequence[ServerConfig]", addresses: Sequence[str], list_path: str | None) -> list[Setting]:
    """List the settings for all servers, then those of each server.

    Args:
        entries: the servers that are queried.
        addresses: the values of ``--server``.
        list_path: the value of ``--servers-from``.
    """
    common = [
        _config(),
        _servers(entries, addresses, list_path),
        *_options(),
        *_server_defaults(),
        *_csv(),
        *_notices(),
    ]
    own_timeouts = uses_own_timeouts()
    return [*common, *(setting for entry in entries for setting in _server_settings(entry, own_timeouts))]


def _config() -> Setting:
    from inventory.config.loader import NAME

    path = configuration().path
    if path is None:
        return Setting("config", None)
    source = click.get_current_context().get_parameter_source("config") or ParameterSource.DEFAULT
    origin, name = _origin(source, "--config", f"{PREFIX}CONFIG")
    place = "the working directory" if path == Path(NAME) else "the configuration directory"
    return Setting("config", str(path), origin, name or place)


def _servers(entries: "Sequence[ServerConfig]", addresses: Sequence[str], list_path: str | None) -> Setting:
    flags = ["--server"] if addresses else []
    flags += [f"--servers-from {list_path}"] if list_path is not None else []
    if flags:
        return Setting("servers", len(entries), FLAG, " and ".join(flags))
    if configuration().entries:
        return Setting("servers", len(entries), FILE, str(configuration().path))
    return Setting("servers", len(entries))


def _options() -> Iterator[Setting]:
    """List the settings that are an option of some command."""
    for option in _configurable.params:
        name = setting_name(option)
        if not option.name or option.name == "config" or not option.expose_value:
            continue
        value, source = effective_setting(option.name)
        if source is ParameterSource.DEFAULT_MAP:
            origin, origin_name = FILE, configuration().location_of(name)
        else:
            origin, origin_name = _origin(source, option.opts[0], str(option.envvar))
        if name == "history" and value is None and user_folder("data"):
            value = str(default_history())
        yield Setting(name, value, origin, origin_name)


def _server_defaults() -> Iterator[Setting]:
    """List what the configuration sets for all servers and no option can set."""
    from inventory.config.credentials import COMMON, DEFAULT_CREDENTIAL
    from inventory.config.spec import APIS

    file = configuration()
    defaults = {"source": APIS[0], "ca_file": None}
    for name in (*defaults, "collector", "keeper"):
        if name in file.settings:
            yield Setting(name, file.settings[name], FILE, file.location_of(name))
        elif name in defaults:
            yield Setting(name, defaults[name])
    if credential := file.credential(("defaults",), file.settings):
        yield Setting("token", str(credential), FILE, credential.location)
    elif os.environ.get(COMMON):
        yield Setting("token", str(DEFAULT_CREDENTIAL), ENVIRONMENT, COMMON)
    else:
        yield Setting("token", None)


def _csv() -> Iterator[Setting]:
    """List how CSV files are written, if the configuration sets it."""
    file = configuration()
    for name, value in (("separator", file.csv.separator), ("decimal", file.csv.decimal)):
        if (location := file.location("csv", name)) != file.location("csv"):
            yield Setting(name, "tab" if value == "\t" else value, FILE, location)


def _notices() -> Iterator[Setting]:
    """List who is told what a run found; where an address is stored, never the address."""
    for notice in configuration().notices:
        yield Setting("notify", notice.name, FILE, notice.location)


def _server_settings(entry: "ServerConfig", own_timeouts: bool) -> Iterator[Setting]:
    """List the settings of one server."""
    file, server = configuration(), entry.server
    for name, value in (("labels", server.labels or None), ("timeout", server.timeout if own_timeouts else None)):
        if value is not None:
            yield Setting(name, value, FILE, entry.location, server.name)
    for name, own in (("source", server.source), ("ca_file", server.ca_file)):
        if entry.location and server.source != "file" and own not in (file.settings.get(name), None, "lmstudio"):
            yield Setting(name, own, FILE, entry.location, server.name)
    if entry.credential:
        yield Setting("token", str(entry.credential), FILE, entry.credential.location, server.name)


def _origin(source: ParameterSource, option: str, variable: str) -> tuple[str, str]:
    """Return the kind of source and its name: an option, a variable, or the default."""
    if source is ParameterSource.COMMANDLINE:
        return FLAG, option
    if source is ParameterSource.ENVIRONMENT:
        return ENVIRONMENT, variable
    return DEFAULT, ""
