"""Values that a file holds as texts, as spreadsheets of many countries write them; what is not exact is refused."""

import re
from datetime import UTC, datetime
from typing import Any

from inventory import schema
from inventory.formats._unreadable import Unreadable

_TRUE = (
    "true", "1", "yes", "wahr", "vrai", "vero", "verdadero", "verdadeiro", "waar", "prawda", "pravda", "sant", "sand",
    "sann", "tosi", "igaz", "adevărat", "истина", "істина", "doğru", "αληθης", "αληθής", "istina", "tiesa", "tõene",
)  # fmt: skip
_FALSE = (
    "false", "0", "no", "falsch", "faux", "falso", "onwaar", "fałsz", "nepravda", "falskt", "falsk", "usann",
    "epätosi", "hamis", "fals", "ложь", "хибність", "лъжа", "yanliş", "yanl\u0131ş", "ψευδης", "ψευδής", "neistina",
    "lažno", "melas", "väär",
)  # fmt: skip
_BOOLEANS = {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}
_INTEGER = re.compile(r"([+-]?[0-9]{1,30})(?:[.,]0{1,30})?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,400}(?:[.,][0-9]{0,1000})?|[.,][0-9]{1,1000})(?:[eE][+-]?[0-9]{1,4})?")
_ROUNDED = re.compile(r"[+-]?[0-9]{1,30}(?:[.,][0-9]{1,30})?[eE][+-]?[0-9]{1,4}")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:[.,'\u2019 \u00a0\u202f][0-9]{3}){1,10}(?:[.,][0-9]{1,30})?")
_COULD_BE_GROUPED = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")
_HALF = 2**63


def parsed(text: str, kind: str, separator: str = "") -> Any:
    """Parse the value that a text stands for.

    Args:
        text: the text; not empty.
        kind: what the column holds, as in ``schema``.
        separator: what separates the cells of the file: where it is ``;``, a comma stands before decimals.

    Raises:
        Unreadable: it stands for none, or not for one alone; the error says why, to go on after the text.
    """
    plain = text.strip()
    if kind == schema.INTEGER:
        return _integer(plain)
    if kind == schema.NUMBER:
        return _number(plain, separator)
    if kind == schema.BOOLEAN:
        if (word := plain.lower()) not in _BOOLEANS:
            raise Unreadable("is neither true nor false")
        return _BOOLEANS[word]
    if kind == schema.TIME:
        return _time(plain)
    return text


def _integer(text: str) -> int:
    if match := _INTEGER.fullmatch(text):
        number = int(match[1])
        if not -_HALF <= number < _HALF:
            raise Unreadable("is a number beyond 64 bits")
        return number
    if _ROUNDED.fullmatch(text):
        raise Unreadable("is a number that a spreadsheet rounded", "Show the column with all digits and save it again")
    if _GROUPED.fullmatch(text):
        raise Unreadable("is a number with separators in it", "Show the column without them and save it again")
    raise Unreadable("is not a whole number")


def _number(text: str, separator: str) -> float:
    if separator != ";" and _COULD_BE_GROUPED.fullmatch(text):
        raise Unreadable("can be read as two numbers", "Save it with a point before decimals, and without separators")
    if _NUMBER.fullmatch(text):
        return float(text.replace(",", "."))
    if _GROUPED.fullmatch(text):
        raise Unreadable("is a number with separators in it", "Show the column without them and save it again")
    raise Unreadable("is not a number")


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Unreadable("is not a time", "Write it as 2026-11-23 06:00:00Z") from error
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
