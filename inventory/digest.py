"""Rows to digests: whether two answers say the same."""

import json
from collections.abc import Sequence
from hashlib import sha256

from inventory import schema
from inventory.flatten import Columns, Rows

_TOGETHER = 100  # lines


def digest(rows: Rows) -> str:
    """SHA-256 of what the rows say, in hex: equal for two answers that differ only in order and in clocks.

    Left out: ordinals, which follow the order sent, and ``remaining_ttl_seconds``, which only counts down. An instance
    is hashed inside its model, and a list as a set, because that is how they are compared.
    """
    inner: dict[tuple[str, int], list[str]] = {}
    own = (*schema.INSTANCES.keys[3:4], *schema.INSTANCES.compared)
    texts = _canonical(rows.instances, schema.INSTANCES, own)
    for key, ordinal, text in zip(rows.instances["key"], rows.instances["ordinal"], texts, strict=True):
        inner.setdefault((key, ordinal), []).append(text)
    texts = _canonical(rows.models, schema.MODELS, ("key", *schema.MODELS.compared))
    lines = [
        text + "".join(sorted(inner.get((key, ordinal), ())))
        for key, ordinal, text in zip(rows.models["key"], rows.models["ordinal"], texts, strict=True)
    ]
    told = sha256()
    lines.sort()
    for start in range(0, len(lines), _TOGETHER):  # all at once would take their memory twice more
        told.update(("\n" * (start > 0) + "\n".join(lines[start : start + _TOGETHER])).encode())
    return told.hexdigest()


def _canonical(columns: Columns, table: schema.Table, names: Sequence[str]) -> list[str]:
    lists = {column.name for column in table.columns if column.kind == schema.LIST}
    values = [
        [text and sorted(set(json.loads(text))) for text in columns[name]] if name in lists else columns[name]
        for name in names
    ]
    return [json.dumps(row, ensure_ascii=False) for row in zip(*values, strict=True)]
