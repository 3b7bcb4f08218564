"""The options of several commands and of ``snapshot``, whose options ``schedule`` passes on, as decorators.

Each has a heading of the help page as its group. The other options of a single command stand at the command.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from inventory import schema
from inventory.cli._command import Days, Option, Seconds, WholeNumber
from inventory.cli._completion import COMPLETERS, complete_words
from inventory.cli._context import PREFIX, load_configuration
from inventory.config import spec
from inventory.config.dialects import PROGRAMS
from inventory.config.store_address import checked_address, is_address
from inventory.filesystem.names import with_home
from inventory.history.engines import ENGINES

_Command = TypeVar("_Command", bound=Callable[..., Any])


class _Path(click.ParamType):  # type: ignore[type-arg]  # generic only in newer versions of click
    """The path of a file or folder, in which ``~`` is the home folder even if no shell expanded it."""

    name = "path"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Expand ``~``; any other problem is reported where the path is used."""
        del param, ctx
        return with_home(value)


PATH = _Path()


class _HistoryPath(_Path):
    """The folder of a history, or the address of a shared one, which is checked before anything shows it."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Expand ``~`` in a path, and check an address."""
        return checked_address(value) if is_address(value) else super().convert(value, param, ctx)


OFFLINE = "inventory.offline"
"""The key in click's context that tells whether ``--offline`` was given."""


def _note_offline(context: click.Context, _: click.Parameter, value: bool) -> None:
    context.meta[OFFLINE] = value or bool(context.meta.get(OFFLINE))


def option(group: str, *names: str, **attributes: Any) -> Callable[[_Command], _Command]:
    """Return an option as a decorator, under one of the headings in ``GROUPS``; its metavar says what completes it."""
    attributes.setdefault("shell_complete", COMPLETERS.get(attributes.get("metavar", "")))
    return click.option(*names, cls=Option, group=group, **attributes)


def setting_option(
    key: spec.Option, metavar: str, kind: type[Seconds | Days | WholeNumber], default: float, text: str
) -> Callable[[_Command], _Command]:
    """Return the option that sets a number of the configuration, within the limits of its key; ``text`` is its help."""
    limits: dict[str, Any] = {"min": key.least, "min_open": key.above, "max": key.most}
    return option(
        "Servers",
        f"--{key.name.replace('_', '-')}",
        metavar=metavar,
        envvar=f"{PREFIX}{key.name.upper()}",
        type=kind(**limits),
        default=default,
        show_default=True,
        help=text,
    )


# Servers: whom a command queries.
_server = option(
    "Servers",
    "--server",
    "addresses",
    metavar="[NAME=]URL",
    multiple=True,
    help="Query this server, or file:PATH for a saved response, instead of the configured ones; [defaults] of "
    "inventory.toml still apply. Repeatable. Default: the servers of inventory.toml, else http://127.0.0.1:1234.",
)
_servers_from = option(
    "Servers",
    "--servers-from",
    "list_path",
    metavar="FILE",
    type=PATH,
    envvar=f"{PREFIX}SERVERS_FROM",
    help="Read the servers from FILE instead, one URL or NAME=URL per line; - reads standard input.",
)
_allow_files = option(
    "Servers",
    "--allow-files",
    is_flag=True,
    envvar=f"{PREFIX}ALLOW_FILES",
    help="Allow file:PATH entries in that list; they read files of this machine.",
)
_where = option(
    "Servers",
    "--where",
    metavar="LABEL=VALUE",
    multiple=True,
    help="Only servers with this label; * and ? are wildcards. Repeatable; all conditions must hold.",
)
_server_names = option(
    "Servers", "--server", "servers", metavar="NAME", multiple=True, help="Only this server. Repeatable."
)
timeout_option = setting_option(
    spec.TIMEOUT, "SECONDS", Seconds, 10.0, "Seconds that each server has to send its complete response."
)
concurrency_option = setting_option(
    spec.CONCURRENCY, "N", WholeNumber, 64, "Number of servers queried at the same time."
)
recheck_option = setting_option(spec.RECHECK, "SECONDS", Seconds, 5.0, spec.RECHECK.meaning)
accept_suspect_option = option(
    "Servers",
    "--accept-suspect",
    is_flag=True,
    help="Accept a response that lost most of its models without waiting for a second run.",
)
# Settings without a flag: the configuration and the environment set them for every command.
retire_after_option = setting_option(spec.RETIRE_AFTER, "DAYS", Days, 30.0, spec.RETIRE_AFTER.meaning)
stale_after_option = setting_option(
    spec.STALE_AFTER, "DAYS", Days, 7.0, "Days after which the last complete answer of a server is stale."
)


def servers_option(command: _Command) -> _Command:
    """Add the options that select the servers to query."""
    return _server(_servers_from(_allow_files(_where(command))))


def known_servers_option(command: _Command) -> _Command:
    """Add the options that select servers of a state or a history, by name and by label."""
    return _server_names(_where(command))


# Output: what is printed and which files are written.
csv_for_option = option(
    "Output",
    "--csv-for",
    metavar="PROGRAM",
    type=click.Choice(list(PROGRAMS), case_sensitive=False),
    help="Write CSV with the separators that a program expects, such as excel-de or excel-fr; semicolon and tab for "
    "others. Default: [csv] in inventory.toml, else commas.",
)


def output_option(text: str, *, required: bool = False) -> Callable[[_Command], _Command]:
    """Return the repeatable option ``-o``.

    Args:
        text: its help.
        required: whether it must be given.
    """
    return option(
        "Output",
        "-o", "--output", "outputs",
        metavar="FILE", type=PATH, multiple=True, required=required, help=text,
    )  # fmt: skip


def files_option(text: str, *, required: bool = False) -> Callable[[_Command], _Command]:
    """Return the repeatable option ``-o`` and the one about CSV files; ``text`` is the help of the first."""
    return lambda command: output_option(text, required=required)(csv_for_option(command))


grain_option = option(
    "Output",
    "--grain",
    envvar=f"{PREFIX}GRAIN",
    type=click.Choice([*schema.GRAINS, "both"]),
    default="model",
    show_default=True,
    help="What one row of a CSV or Parquet file is; both writes NAME.models.csv and NAME.instances.csv.",
)

ROW_FORMATS = ("table", "csv", "json", "jsonl", "md")
"""How rows can be printed."""

filter_option = option(
    "Output",
    "--filter",
    "filters",
    metavar="EXPR",
    multiple=True,
    help="Only rows that meet a condition, such as 'size>10GB', 'params<=8B', 'context>=128k', 'quant=Q4*' or "
    "'publisher!=google': any column, or size, params, quant, context, loaded; one of = != < <= > >=. In texts * and "
    "? are wildcards and case does not count; 128k is 128 x 1024. What was not reported matches only '=null'. "
    "Repeatable; all conditions must hold.",
)
json_option = option("Output", "--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
_json = option(
    "Output", "--json", "as_json", flag_value="json", default=None, help="Print one JSON object and nothing else."
)
_json_lines = option(
    "Output", "--jsonl", "as_json", flag_value="jsonl", default=None, help="Print a line of JSON for each row instead."
)
verbose_option = option(
    "Output", "-v", "--verbose", is_flag=True, help="Name each server that was not read, with its own error."
)
quiet_option = option("Output", "-q", "--quiet", is_flag=True, help="Print errors only.")


def json_options(command: _Command) -> _Command:
    """Add the options that print tables as JSON; the parameter is ``json``, ``jsonl`` or None."""
    return _json(_json_lines(command))


# History: which one, and which part of it.
_history = option(
    "History",
    "--history",
    "history_path",
    metavar="DIR",
    type=_HistoryPath(),
    envvar=f"{PREFIX}HISTORY",
    help="Folder of the history, or the address of a shared one, such as s3://bucket/prefix. Default: in the "
    "platform's data directory.",
)
_offline = option(
    "History",
    "--offline",
    is_flag=True,
    expose_value=False,
    callback=_note_offline,
    help="Do not contact the store of a shared history: use what this machine has of it.",
)
config_option = option(
    "General",
    "--config",
    metavar="FILE",
    type=PATH,
    envvar=f"{PREFIX}CONFIG",
    is_eager=True,
    expose_value=False,
    callback=load_configuration,
    help="Configuration file. Default: inventory.toml in the working directory, else in the user's configuration "
    "directory.",
)


def history_option(command: _Command) -> _Command:
    """Add the options about the history: where it is, whether its store is used, and the configuration."""
    return _history(_offline(config_option(command)))


this_run_option = option(
    "History",
    "--this-run",
    is_flag=True,
    help="Only what this one run read, instead of the last complete answer of each server.",
)
no_history_option = option(
    "History", "--no-history", is_flag=True, help="Do not record this run, and do not compare it with earlier ones."
)
existing_history_option = option(
    "History",
    "--existing-history",
    is_flag=True,
    help="Fail, without querying any server, if there is no history yet; do not start one.",
)
engine_option = option(
    "History",
    "--engine",
    type=click.Choice(ENGINES),
    default=ENGINES[0],
    show_default=True,
    help="What runs the queries: DuckDB in this process, or Apache Spark.",
)


# Comparison: what counts as a change.
ignore_option = option(
    "Comparison",
    "--ignore",
    metavar="FIELD",
    multiple=True,
    envvar=f"{PREFIX}IGNORE",
    help="Do not compare this field; * and ? are wildcards. Repeatable.",
)


def fail_on_option(words: Sequence[str], text: str = "") -> Callable[[_Command], _Command]:
    """Return the option that names what ends a command with 10: some of these words; ``text`` replaces its help."""
    return option(
        "Comparison",
        "--fail-on",
        metavar="WORD,...",
        shell_complete=complete_words(words),
        help=text or f"Exit with 10 if any of these happened: {', '.join(words)}.",
    )
