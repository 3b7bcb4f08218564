"""Digests of rows, which tell whether two responses say the same."""

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from inventory import schema
from inventory.normalize.flatten import Columns, Rows
from inventory.normalize.ticking import without_ticking

_TOGETHER = 100  # lines


def digest(rows: Rows, ignore: Sequence[str] | None = ()) -> str:
    """Return the SHA-256 of the rows, in hex: equal for responses that differ only in order and in fields that tick.

    Left out: ordinals, which follow the order sent, and the fields of ``schema.CLOCKS``. An instance is hashed inside
    its model, and a list as a set, because that is how they are compared.

    Args:
        rows: the rows of one answer.
        ignore: globs of unknown fields that are left out too; None leaves clocks among the unknown fields in, as
            earlier versions did, which did not look there.
    """
    return digest_of(canonical_lines(rows, ignore))


def canonical_lines(rows: Rows, ignore: Sequence[str] | None) -> list[bytes]:
    """Return the text of each model that is hashed, with its instances; arguments as for ``digest``."""
    inner: dict[tuple[str, int], list[str]] = {}
    own = (*schema.INSTANCES.keys[3:4], *schema.INSTANCES.compared)
    texts = _canonical(rows.instances, schema.INSTANCES, own, ignore)
    for key, ordinal, text in zip(rows.instances["key"], rows.instances["ordinal"], texts, strict=True):
        inner.setdefault((key, ordinal), []).append(text)
    texts = _canonical(rows.models, schema.MODELS, ("key", *schema.MODELS.compared), ignore)
    return [
        (text + "".join(sorted(inner.get((key, ordinal), ())))).encode()
        for key, ordinal, text in zip(rows.models["key"], rows.models["ordinal"], texts, strict=True)
    ]


def digest_of(lines: Iterable[bytes]) -> str:
    """Return the digest of the models of a response, in whichever order they are."""
    hashed = sha256()
    lines = sorted(lines)
    for start in range(0, len(lines), _TOGETHER):  # all at once would take their memory twice more
        hashed.update(b"\n" * (start > 0) + b"\n".join(lines[start : start + _TOGETHER]))
    return hashed.hexdigest()


def _canonical(columns: Columns, table: schema.Table, names: Sequence[str], ignore: Sequence[str] | None) -> list[str]:
    kinds = {column.name: column.kind for column in table.columns}
    values: list[Any] = []
    for name in names:
        column = columns[name]
        if kinds[name] == schema.LIST:
            column = [text and sorted(set(json.loads(text))) for text in column]
        elif kinds[name] == schema.OBJECT and ignore is not None:
            column = [text and without_ticking(text, ignore) for text in column]
        values.append(column)
    return [json.dumps(row, ensure_ascii=False) for row in zip(*values, strict=True)]
