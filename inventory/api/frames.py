"""Arrow tables as DataFrames: nullable types, a column for each label of a server, and changed values as values."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from inventory import schema
from inventory.tables import json_rows, rows

if TYPE_CHECKING:
    import pandas as pd

LABEL = "label_"
"""How the name of a column begins that holds a label: ``label_site``."""


def frame(table: pa.Table) -> "pd.DataFrame":
    """Convert an Arrow table to a pandas DataFrame with nullable types."""
    return table.to_pandas()  # type: ignore[no-any-return]


def labelled_frame(table: pa.Table, labels: Mapping[str, Mapping[str, str]]) -> "pd.DataFrame":
    """Convert a table with a column ``server``, and add a text column for each label that some server has.

    Args:
        table: the table.
        labels: the labels of each server by name; a server without one has a blank.

    Returns:
        The columns of the table, then ``label_NAME`` for each label, by name.
    """
    import pandas as pd

    content = frame(table)
    for name in sorted({name for own in labels.values() for name in own}):
        cells = [labels.get(server, {}).get(name) for server in content["server"]]
        content[f"{LABEL}{name}"] = pd.array(cells, dtype="string")
    return content


def change_frame(table: pa.Table) -> "pd.DataFrame":
    """Convert a table of changes, and add what its texts ``old`` and ``new`` stand for.

    Args:
        table: columns of ``schema.CHANGES``, perhaps among others.

    Returns:
        The columns of the table, then ``old_value`` and ``new_value``: a number, a text, True or False, a list, or for
        what came or went the values of the row by name; None where ``old`` or ``new`` is blank.
    """
    import pandas as pd

    content = frame(table)
    changes = json_rows(schema.CHANGES, rows(table.select(["field", "old", "new"])))
    for side in ("old", "new"):
        values = [change[side] for change in changes]
        content[f"{side}_value"] = pd.Series(values, index=content.index, dtype="object")
    return content
