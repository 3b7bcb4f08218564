"""How a CSV file is written: what separates its cells, and what stands before the decimals."""

from dataclasses import dataclass

from inventory.errors import ConfigurationError

SEPARATORS = {",": ",", ";": ";", "tab": "\t", "\t": "\t"}
"""What may separate cells, by the word for it in ``inventory.toml``."""

DECIMALS = (".", ",")

_POINT_COUNTRIES = {"ch": ";"}
_COMMA_COUNTRIES = (
    "at", "be", "bg", "br", "cs", "da", "de", "el", "es", "et", "fi", "fr", "hr", "hu", "id", "it", "lt", "lv", "nb",
    "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "tr", "uk", "vi",
)  # fmt: skip


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written.

    Attributes:
        separator: the character between two cells.
        decimal: the character before the decimals of a number.
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
"""What a program reads right, by its name and the language or country that it is set to."""


def dialect_of(separator: str | None, decimal: str | None) -> Dialect:
    """The dialect that two words of ``inventory.toml`` mean; None is the default.

    Raises:
        ConfigurationError: one character cannot be both.
    """
    dialect = Dialect(SEPARATORS[separator or ","], decimal or ".")
    if dialect.separator == dialect.decimal:
        raise ConfigurationError(
            "separator and decimal are both ','", 'Set separator = ";" where decimals follow a comma'
        )
    return dialect
