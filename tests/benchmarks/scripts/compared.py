"""What a comparison by datacompy found, row by row."""

from collections.abc import Iterator
from typing import Any


def changes(comparison: Any) -> Iterator[tuple[str, str, str]]:
    """What happened, the server and the key of each row that differs; of pandas or polars."""
    for word, table in (("added", comparison.df2_unq_rows), ("removed", comparison.df1_unq_rows)):
        for server, key in zip(table["server"], table["key"], strict=True):
            yield word, server, key
    both = comparison.all_mismatch()
    for server, key in zip(both["server_df1"], both["key_df1"], strict=True):
        yield "reconfigured", server, key
