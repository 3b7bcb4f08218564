"""CSV dialects: the separator between cells, and the decimal mark."""

from dataclasses import dataclass

from inventory.errors import ConfigurationError

SEPARATORS = {",": ",", ";": ";", "tab": "\t", "\t": "\t"}
"""The separators, by their names in ``inventory.toml``."""

DECIMALS = (".", ",")

_POINT_COUNTRIES = {"ch": ";"}
_COMMA_COUNTRIES = (
    "at", "be", "bg", "br", "cs", "da", "de", "el", "es", "et", "fi", "fr", "hr", "hu", "id", "it", "lt", "lv", "nb",
    "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "tr", "uk", "vi",
)  # fmt: skip


@dataclass(frozen=True)
class Dialect:
    """The way in which a CSV file is written.

    Attributes:
        separator: the character between two cells.
        decimal: the decimal mark of its numbers.
    """

    separator: str = ","
    decimal: str = "."


PROGRAMS = {
    "excel": Dialect(),
    "semicolon": Dialect(";"),
    "tab": Dialect("\t"),
    **{f"excel-{country}": Dialect(separator) for country, separator in _POINT_COUNTRIES.items()},
    **{f"excel-{country}": Dialect(";", ",") for country in _COMMA_COUNTRIES},
}
"""The dialect that a program reads correctly, by its name and its language or country."""


def dialect_of(separator: str | None, decimal: str | None) -> Dialect:
    """Return the dialect for two values of ``inventory.toml``; None is the default.

    Raises:
        ConfigurationError: one character cannot be both.
    """
    dialect = Dialect(SEPARATORS[separator or ","], decimal or ".")
    if dialect.separator == dialect.decimal:
        raise ConfigurationError(
            "separator and decimal are both ','", 'Set separator = ";" where decimals follow a comma'
        )
    return dialect
