"""Numbers with units, as people write them: ``40 GB``, ``1.5 TiB``, ``70B`` parameters, ``131072 tokens``."""

import re

from inventory import schema
from inventory.errors import ConfigurationError
from inventory.rules.model import Bound

_NUMBER = re.compile(r"([0-9][0-9_,]*(?:\.[0-9]+)?|\.[0-9]+)\s*([A-Za-z]*)")
_DECIMAL = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "p": 10**15}
_BYTES = {
    **{f"{prefix}b": factor for prefix, factor in _DECIMAL.items()},
    **{f"{prefix}ib": 2 ** (10 * power) for power, prefix in enumerate("kmgtp", 1)},
}
_PARAMETERS = {"k": 10**3, "m": 10**6, "b": 10**9, "t": 10**12}


def bound_of(value: object, column: schema.Column) -> Bound:
    """Return the number that a value of the configuration means for a column.

    Raises:
        ConfigurationError: it means none.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        if value != value or abs(value) == float("inf"):
            raise _not_a_number(value, column)
        return Bound(value, f"{value:,}")
    match = _NUMBER.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise _not_a_number(value, column)
    factors = {"": 1, column.unit.lower(): 1, column.unit.lower().removesuffix("s"): 1}
    factors |= {"bytes": _BYTES, "parameters": _PARAMETERS}.get(column.unit, {})
    unit = match[2].lower()
    if unit not in factors:
        raise _not_a_number(value, column)
    number = float(match[1].replace(",", "").replace("_", "")) * factors[unit]
    return Bound(int(number) if number.is_integer() else number, str(value).strip())


def _not_a_number(value: object, column: schema.Column) -> ConfigurationError:
    examples = {"bytes": 'such as "40 GB" or "1.5 TiB"', "parameters": 'such as "70B"'}
    unit = f"in {column.unit}, " if column.unit else ""
    example = examples.get(column.unit, f"such as {'131072' if column.unit == 'tokens' else '4'}")
    return ConfigurationError(f"{column.name} cannot be bounded by {value!r}", f"Write a number, {unit}{example}")
