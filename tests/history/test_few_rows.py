"""Small states and differences are found without an engine: the same as the queries find."""

import tempfile
from itertools import product
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.history_builders import Model, day, model, run
from support.history_builders import opened as timeless

from inventory.diff import by_column
from inventory.history import few_responses
from inventory.history.sql.state import Until
from inventory.history.states import few_rows
from inventory.history.storage import checked_files
from inventory.tables import rows

MODELS = st.lists(
    st.builds(
        model,
        st.sampled_from(["a", "b", "c"]),
        *[st.sampled_from(["i", "j"])] * 1,
        size_bytes=st.sampled_from([1, 2, None]),
        more=st.sampled_from([{}, {"deep": 1}, {f"n{number}": number for number in range(60)}]),
    )
    | st.builds(model, st.sampled_from(["a", "b", "c"])),
    max_size=4,
)
UNTIL = day(1_000)
FLEETS = st.lists(
    st.dictionaries(st.sampled_from(["s", "t", "é"]), st.none() | MODELS, min_size=1), min_size=2, max_size=4
)


@pytest.mark.long
@settings(max_examples=max(2, settings().max_examples // 10), deadline=None)
@given(FLEETS)
def test_the_same_with_an_engine(fleets: list[dict[str, list[Model] | None]]) -> None:
    """Any two runs, in either order: repeated keys, failures, servers not asked, very many unknown fields."""
    with tempfile.TemporaryDirectory() as folder:
        history = timeless(Path(folder) / "history")
        ids = [run(history, fleet, day(number)) for number, fleet in enumerate(fleets)]
        history.store.record_retired(["t"], ids[0])
        for run_id in ids:
            without, some = history.state(run_id), history.state(run_id, ["s"])
            with patch.object(few_responses, "FEW", -1), patch.object(few_rows, "FEW", -1):
                assert history.state(run_id) == without
                assert history.state(run_id, ["s"]) == some
        observed = pa.concat_tables(run.table(few_rows.COLUMNS) for run in history.store.read_all("observations", ids))
        for pair in product(ids, repeat=2):
            unlike = rows(few_rows.of_unlike_servers(observed, min(pair), UNTIL))
            bounds = [Until(run_id, UNTIL) for run_id in sorted(pair)]
            assert few_rows.differing_states(unlike, *bounds) == few_rows.differing_states(rows(observed), *bounds)
            assert few_rows.not_read(unlike, *pair) == few_rows.not_read(rows(observed), *pair)
            changes = history.diff(*pair)
            for few, small in product((0, 4), (2**18, -1)):  # runs whose states need no engine; files that are small
                with (
                    patch.object(few_responses, "FEW", -1),
                    patch.object(few_rows, "FEW", -1),
                    patch.object(few_rows, "FEW_RUNS", few),
                    patch.object(by_column, "FEW", -1),
                    patch.object(checked_files, "_SMALL", small),
                ):
                    expected = timeless(Path(folder) / "history").diff(*pair)
                assert rows(changes.table) == rows(expected.table)
                assert rows(changes.skipped) == rows(expected.skipped)
