"""Specification of ``inventory.toml``: its keys, their allowed values, and errors that name the nearest key.

A key is one line in ``TABLES``; the checks and the manual's table follow it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from inventory.config.dialects import DECIMALS, SEPARATORS
from inventory.config.labels import check_label
from inventory.errors import ConfigurationError, did_you_mean
from inventory.schema import GRAINS

APIS = ("lmstudio", "lmstudio_v0", "auto")
"""The APIs that can be queried over HTTP."""

FORMS = ("json", "slack", "discord", "ntfy", "healthchecks")
"""The forms of a notice; the first one by default."""

SEVERITIES = ("low", "medium", "high")
"""How bad a finding can be."""

BOM_VERSIONS = ("1.6", "1.7")
"""The versions of CycloneDX that a bill of materials can have; the first one by default."""

ADVICE = "Name the variable (token_env = ...) or the file (token_file = ...) that holds it"
TOKEN = re.compile(r"sk-lm-\w{4}")
"""The beginning of an API token of LM Studio; a text that holds one is never repeated."""

_STALE = re.compile(r"stale:([1-9][0-9]{0,4})([dw])")
_TOKEN_WORDS = ("token", "api_token", "api_key", "apikey", "password", "secret", "bearer")
_TYPES: dict[str, tuple[type, ...]] = {
    "number": (int, float),
    "integer": (int,),
    "labels": (dict,),
    "texts": (list,),
    "paths": (str, list),
    "columns": (dict,),
    "globs": (str, list),
    "date": (date, str),
    "flag": (bool,),
}
_WANTED = {
    "text": "a text",
    "path": "a path in quotes",
    "paths": "a path in quotes, or a list of them",
    "number": "a number",
    "integer": "a whole number",
    "labels": 'a table of texts, such as { site = "Rome" }',
    "texts": "a list of texts",
    "columns": 'a table, such as { publisher = ["lmstudio-community"] }',
    "globs": 'a pattern or a list of patterns, such as "rome-*"',
    "flag": "true or false",
    "date": "a day, such as 2027-03-31",
}
_FOUND = {bool: "true or false", str: "a text", int: "a whole number", list: "a list", dict: "a table"}


@dataclass(frozen=True)
class Option:
    """One key of one table.

    Attributes:
        name: as it stands in the file.
        kind: ``text``, ``flag``, ``path``, ``paths``, ``number``, ``integer``, ``labels``, ``texts``, ``date``, or of
            rules ``globs`` and ``columns``, whose content ``rules/parse.py`` checks.
        meaning: one sentence.
        words: the texts that it can be; empty for any.
        least: the least number.
        most: the greatest number.
        above: the number must be more than the least.
        example: a value, where the kind alone does not tell enough.
    """

    name: str
    kind: str
    meaning: str
    words: tuple[str, ...] = ()
    least: float = 0
    most: float = 86400
    above: bool = False
    example: str = ""

    @property
    def expected(self) -> str:
        """A description of the values it accepts."""
        if self.kind in ("number", "integer"):
            low = f"more than {self.least:g}, at most" if self.above else f"from {self.least:g} to"
            return f"{_WANTED[self.kind]}, {low} {self.most:g}"
        kind = _WANTED[self.kind] + (f", such as {self.example}" if self.example else "")
        return ", ".join(_quoted(word) for word in self.words if word.isprintable()) or kind


TIMEOUT = Option("timeout", "number", "Seconds that a server has for its whole response.", above=True)
CONCURRENCY = Option("concurrency", "integer", "Servers queried at the same time.", least=1, most=1024)
RECHECK = Option(
    "recheck",
    "number",
    "Seconds to wait before re-querying a server that reports far fewer models than before.",
    most=3600,
)
RETIRE_AFTER = Option(
    "retire_after", "number", "Days after which a server that no run asks is retired; 0 for never.", most=36500
)
STALE_AFTER = Option(
    "stale_after", "number", "Days after which a server's last complete answer is stale.", most=36500, above=True
)
_COMMON = (
    Option("token_env", "text", "The environment variable that holds the token."),
    Option("token_file", "path", "The file that holds the token; read when the server is queried."),
    Option("source", "text", "The API to query; `auto` falls back to the older one.", APIS),
    Option("ca_file", "path", "A PEM file with the certificate authorities to trust, for https."),
)
TABLES = {
    "server": (
        Option("name", "text", "The server's name; by default its host."),
        Option("url", "text", "Its address, or `file:PATH` for a saved response. Required."),
        Option("labels", "labels", "Your own labels for it."),
        TIMEOUT,
        *_COMMON,
    ),
    "history": (
        Option("path", "path", "The history's folder, or the address of a shared one, such as `s3://bucket/prefix`."),
        RETIRE_AFTER,
        Option("collector", "text", "The name of this machine in the runs that it records; by default its host name."),
        Option("keeper", "flag", "Whether this machine prunes a shared history; one of all may."),
    ),
    "report": (
        STALE_AFTER,
        Option("output", "paths", "The files that `report` writes without `-o`, such as `reports/{month}.xlsx`."),
        Option("title", "text", "The title of reports."),
        Option("link", "text", "The address of the report for notices, such as `https://files.example/{date}.html`."),
    ),
    "rule": (
        Option("name", "text", "The rule's name; no other rule has it. Required."),
        Option("severity", "text", "How bad a finding is; medium by default.", SEVERITIES),
        Option("because", "text", "Why there is the rule; shown with each finding."),
        Option("grain", "text", "What it is about; model by default.", (*GRAINS, "server")),
        Option("where", "columns", "Labels of the servers that it is about; patterns."),
        Option("only", "columns", "Columns of the rows that it is about; patterns."),
        Option(
            "allow", "columns", "Columns that must match one of the patterns; a value that is not reported does not."
        ),
        Option("deny", "columns", "Columns that may match none of the patterns, whatever `allow` says."),
        Option("most", "columns", 'The greatest number of a column, such as `{ size_bytes = "40 GB" }`.'),
        Option("least", "columns", "The least number of a column."),
        Option("require", "columns", "Patterns, each of which some row of each server must match."),
        Option("unread", "number", "Days within which each server must have been read.", most=36500),
        Option("unused", "number", "Days within which each model must have been loaded.", most=36500),
        Option("if", "text", "SQL over the columns of the grain; where it is true, there is a finding."),
    ),
    "waiver": (
        Option("rule", "text", "The rule to which this is an exception. Required."),
        Option("server", "globs", "The servers that it is about; patterns."),
        Option("key", "globs", "The models that it is about; patterns of their keys."),
        Option("until", "date", "Its last day, in local time. Required."),
        Option("because", "text", "Why there is the exception. Required."),
        Option("by", "text", "Who made it."),
    ),
    "notify": (
        Option("url_env", "text", "The environment variable that holds the address, which is a secret."),
        Option("url_file", "path", "The file that holds the address."),
        Option(
            "command",
            "texts",
            "A program and its arguments, which gets the notice as JSON on its input.",
            example='["notify-me"]',
        ),
        Option("form", "text", "The form of the notice that the address expects.", FORMS),
        Option(
            "when",
            "texts",
            "Events of which it tells, such as `removed` or `failed`; `always` for every run.",
            example='["removed", "failed"]',
        ),
        Option("timeout", "number", "Seconds that a notice has.", most=600, above=True),
        Option("proxy", "text", "The proxy that leads to the address."),
        Option("ca_file", "path", "A PEM file with the certificate authorities to trust, for https."),
    ),
    "metrics": (Option("labels", "texts", "The labels of servers that metrics have too.", example='["site"]'),),
    "cdx": (Option("version", "text", "The version of CycloneDX of bills of materials.", BOM_VERSIONS),),
    "csv": (
        Option("separator", "text", "The separator of CSV files that are written.", tuple(SEPARATORS)),
        Option("decimal", "text", "Their decimal mark.", DECIMALS),
    ),
    "compare": (
        Option(
            "ignore",
            "texts",
            "Fields to ignore in comparisons; `*` and `?` are wildcards.",
            example='["extra.last_used_at"]',
        ),
    ),
    "defaults": (
        TIMEOUT,
        CONCURRENCY,
        RECHECK,
        Option("grain", "text", "The content of a row in CSV and Parquet files.", (*GRAINS, "both")),
        *_COMMON,
    ),
}

ARRAYS = ("server", "rule", "waiver", "notify")
"""Tables of which there may be several."""


def title(table: str) -> str:
    """Return a table's heading as the file writes it."""
    return f"[[{table}]]" if table in ARRAYS else f"[{table}]"


def names(table: str = "") -> list[str]:
    """List the keys of a table, or the tables of the file."""
    return [key.name for key in TABLES[table]] if table else list(TABLES)


def unknown_key_error(name: str, table: str = "") -> ConfigurationError:
    """Return the error for an unknown key: it names the nearest known one, or the table it belongs in."""
    what = f"unknown key {name!r}" + (f" in {title(table)}" if table else "")
    if name.lower() in _TOKEN_WORDS:
        return ConfigurationError("a token may not be in the file (it is not shown here)", ADVICE)
    if near := did_you_mean(name, names(table)):
        return ConfigurationError(what, near)
    if homes := [title(home) for home in TABLES if name in names(home)]:
        return ConfigurationError(what, f"It belongs in {' or '.join(homes)}")
    return ConfigurationError(what, f"There are: {', '.join(names(table))}")


def validate(key: Option, value: Any) -> Any:
    """Return a value after checking that its key accepts it.

    Raises:
        ConfigurationError: it is not.
    """
    if not isinstance(value, _TYPES.get(key.kind, (str,))) or isinstance(value, bool) != (key.kind == "flag"):
        raise ConfigurationError(f"{key.name} is {_kind(value)}", f"It must be {key.expected}")
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        if not key.least <= value <= key.most or (key.above and value == key.least):
            raise ConfigurationError(f"{key.name} cannot be {str(value)[:20]}", f"It must be {key.expected}")
    elif key.kind in ("columns", "globs") or isinstance(value, date):
        return value
    elif isinstance(value, dict):
        _check_labels(value)
    elif isinstance(value, list):
        for text in value:
            if not isinstance(text, str):
                raise ConfigurationError(f"{key.name} holds {_kind(text)}", f"It must be {key.expected}")
            _check_text(key, text)
    else:
        _check_text(key, value)
    return value


def stale_days(word: str) -> int | None:
    """Return the number of days in a word such as ``stale:7d`` or ``stale:2w``; None for another word."""
    match = _STALE.fullmatch(word)
    return int(match[1]) * (7 if match[2] == "w" else 1) if match else None


def _quoted(word: str) -> str:
    return word if word.isidentifier() else repr(word)


def _check_text(key: Option, value: Any) -> None:
    if value in key.words:
        return
    if not value.strip():
        raise ConfigurationError(f"{key.name} is empty", key.meaning)
    if not value.isprintable() and key.name != "if":
        advice = "In double quotes a backslash begins an escape, such as a tab: use single quotes"
        raise ConfigurationError(f"{key.name} holds a character that cannot be shown", advice)
    if key.words and value not in key.words:
        advice = did_you_mean(value, key.words) or f"Use {key.expected}"
        raise ConfigurationError(f"{key.name} cannot be {value!r}", advice)


def _check_labels(labels: Mapping[str, Any]) -> None:
    for name, text in labels.items():
        if not isinstance(text, str):
            raise ConfigurationError(f"the label {name} is {_kind(text)}", "It must be a text, in quotes")
        check_label(name, text)


def _kind(value: Any) -> str:
    return "a number with a fraction" if isinstance(value, float) else _FOUND.get(type(value), "a date or a time")
