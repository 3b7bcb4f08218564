"""The configuration of the running command: found, read, and set as click's defaults.

Each option with an environment variable ``LMS_INVENTORY_NAME`` has a key of that name in ``inventory.toml``; click
applies them in the order default < file < variable < flag.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
import platformdirs
from click.core import ParameterSource

from inventory.errors import ConfigurationError, InventoryError
from inventory.filesystem.names import with_home

if TYPE_CHECKING:
    from inventory.config.loader import Configuration

PREFIX = "LMS_INVENTORY_"
_META_KEY = "inventory.config.loader"  # The configuration's key in click's context.
_PATH_KEY = "inventory.config.path"  # That of its path, while a shell asks for completions.


def load_configuration(context: click.Context, _: click.Parameter, path: str | None) -> None:
    """Read the configuration before any other option is parsed, and make its values click's defaults."""
    if context.resilient_parsing:  # A shell asks for completions: only the path is noted.
        context.meta[_PATH_KEY] = path or context.meta.get(_PATH_KEY)
        return
    explicit = context.get_parameter_source("config") is ParameterSource.COMMANDLINE
    if explicit or _META_KEY not in context.meta:  # A group's own --config applies to its subcommands.
        context.meta[_META_KEY] = find_configuration(path)
    settings = context.meta[_META_KEY].settings
    context.default_map = {
        option.name: settings[name]
        for option in context.command.params
        if option.name and (name := setting_name(option)) in settings
    }


def setting_name(option: click.Parameter) -> str:
    """Return the key of an option in ``inventory.toml``; empty if it has none."""
    variable = option.envvar
    return variable.removeprefix(PREFIX).lower() if isinstance(variable, str) else ""


def find_configuration(path: str | None) -> "Configuration":
    """Read the configuration from a file; by default from the first one that exists in the known places.

    Raises:
        ConfigurationError: it cannot be read or is invalid, or it lies in the working directory and may be somebody
            else's, who could send any token anywhere.
    """
    from inventory.config.loader import NAME, Configuration, read

    if path is not None:
        return read(Path(path))
    if os.path.lexists(NAME):
        from inventory.filesystem.ownership import foreign

        if reason := foreign(Path(NAME)):
            raise ConfigurationError(
                f"{NAME} in the working directory is not used: {reason}, and it could send your tokens anywhere",
                f"Review it, then pass it with --config ./{NAME}, or take ownership with chown and chmod",
            )
        return read(Path(NAME))
    folder = user_folder("config")
    return read(folder / NAME) if folder and os.path.lexists(folder / NAME) else Configuration()


def configuration() -> "Configuration":
    """Return the configuration of the running command; an empty one for a command that reads none."""
    from inventory.config.loader import Configuration

    loaded: Configuration = click.get_current_context().meta.get(_META_KEY) or Configuration()
    return loaded


def configuration_for_completion(context: click.Context) -> "Configuration":
    """Return the configuration that a command line names; an empty one where it cannot be used."""
    from inventory.config.loader import Configuration

    if _META_KEY not in context.meta:
        try:
            context.meta[_META_KEY] = find_configuration(context.meta.get(_PATH_KEY))
        except InventoryError:
            context.meta[_META_KEY] = Configuration()
    loaded: Configuration = context.meta[_META_KEY]
    return loaded


def history_from_flag(context: click.Context) -> bool:
    """Return whether ``--history`` was given on the command line itself."""
    return context.get_parameter_source("history_path") is ParameterSource.COMMANDLINE


def default_history() -> Path:
    """Return the folder of the user's own history.

    Raises:
        ConfigurationError: the user has no home directory, and so no history.
    """
    folder = user_folder("data")
    if folder is None:
        raise no_home_error()
    return folder / "history"


def no_home_error() -> ConfigurationError:
    """Create the error for a user without a home directory, who has no default history."""
    return ConfigurationError("there is no home directory", "Give --history DIR")


def user_folder(kind: str) -> Path | None:
    """Return this user's ``config``, ``data`` or ``cache`` folder for the tool; None without a home directory."""
    folders = {
        "config": platformdirs.user_config_dir,
        "data": platformdirs.user_data_dir,
        "cache": platformdirs.user_cache_dir,
    }
    find = folders[kind]
    try:
        folder = Path(with_home(find("lms-inventory", appauthor=False)))
    except (RuntimeError, ConfigurationError):
        return None
    return folder if folder.is_absolute() else None
