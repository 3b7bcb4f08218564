"""Rows of stored answers are the same, whether their files are read as a whole or column by column."""

from pathlib import Path
from unittest.mock import patch

import pytest

from inventory import History
from inventory.history import few_responses
from inventory.history.storage import checked_files
from inventory.tables import rows

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "history").glob("*/history"))


@pytest.mark.long
@pytest.mark.parametrize("folder", GOLDEN, ids=lambda folder: folder.parent.name)
@pytest.mark.parametrize("small", [2**18, -1])
def test_histories_of_before(folder: Path, small: int) -> None:
    """Files of earlier versions, which lack columns; those of several runs, which hold an answer more than once."""
    history = History(folder)
    ids = history.store.run_ids()
    with (
        patch.object(few_responses, "FEW", -1),
        patch.object(checked_files, "_SMALL", small),
    ):
        by_column = History(folder)
        for run_id in ids:
            assert by_column.state(run_id) == history.state(run_id)
            assert by_column.load(run_id) == history.load(run_id)
            changes, expected = by_column.diff(ids[0], run_id), history.diff(ids[0], run_id)
            assert rows(changes.table) == rows(expected.table)
            assert rows(changes.skipped) == rows(expected.skipped)
