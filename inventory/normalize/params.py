"""How many parameters a model has, read out of the text that LM Studio gives: ``8.0B``, ``35B-A3B``, ``270M``."""

import re
from decimal import Decimal
from functools import lru_cache

from inventory.limits import PARAMS_LIMIT

_NUMBER = re.compile(r"(?<![0-9.,])(?:([0-9]+)\s*[xX\u00d7]\s*)?([0-9]+(?:\.[0-9]+)?)\s*([KMBTkmbt])(?![A-Za-z0-9])")
_SCALE = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


@lru_cache(4096)
def params_count(text: str | None) -> int | None:
    """Return the first number of parameters in a text, or None: 8.0B is 8,000,000,000, 8x7B is 56,000,000,000."""
    if text is None or len(text) > PARAMS_LIMIT:  # the search takes time squared
        return None
    if match := _NUMBER.search(text):
        times, number, unit = match.groups()
        count = int(Decimal(number) * _SCALE[unit.upper()]) * int(times or 1)
    elif re.fullmatch(r"[0-9]+", plain := text.strip()):
        count = int(plain)
    else:
        return None
    return count if count < 2**63 else None
