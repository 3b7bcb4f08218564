"""A state in every format: what its rows are as of, which state it is, and that older answers are good ones."""

import json
from pathlib import Path

import pandas as pd
import pytest
from support.snapshots import same
from support.states import BEFORE, NEVER, NOW, RUN, WHAT, model, observation, state, with_tables

import inventory
from inventory.cli._output import print_json
from inventory.formats import write
from inventory.report.facts import Report
from inventory.tables import is_known, rows


@pytest.mark.parametrize("suffix", ["parquet", "xlsx"])
def test_a_state_is_read_back_as_one(suffix: str, tmp_path: Path) -> None:
    """Rows, ages and statuses come back, from runs that differ, and the file says that it is a state and of when."""
    path = tmp_path / f"x.{suffix}"
    original = state(NEVER)
    original.write(path)
    result = inventory.read(path)
    same(original, result, "models", "observations")
    assert (result.what, result.state_of, result.gaps.notes) == (WHAT, RUN, ())
    assert not inventory.compare(original, result).table.num_rows


def test_a_pair_of_files_is_one_state(tmp_path: Path) -> None:
    """Two Parquet files of both grains hold one state, also if pandas wrote the models again without attributes."""
    state(NEVER).write(tmp_path / "x.parquet", "both")
    result = inventory.read(tmp_path / "x.parquet")
    same(state(NEVER), result)
    assert result.what == WHAT
    models = tmp_path / "x.models.parquet"
    frame = pd.read_parquet(models)
    frame.attrs.clear()
    frame.to_parquet(models)
    result = inventory.read(tmp_path / "x.parquet")
    same(state(NEVER), result)
    assert result.what == WHAT


@pytest.mark.parametrize("suffix", ["parquet", "xlsx"])
def test_one_run_is_read_back_as_one(suffix: str, tmp_path: Path) -> None:
    """Of a run the file says which."""
    path = tmp_path / f"x.{suffix}"
    run = state(state_of="")
    run = with_tables(run, observations=[row | {"run_id": RUN} for row in rows(run.tables["observations"])])
    run.write(path)
    assert inventory.read(path).what == f"run {RUN}"


@pytest.mark.parametrize("suffix", ["parquet", "xlsx"])
def test_observations_of_several_runs_are_a_state_or_damaged(suffix: str, tmp_path: Path) -> None:
    """One run has one id."""
    path = tmp_path / f"x.{suffix}"
    state(state_of="").write(path)
    with pytest.raises(inventory.FileError, match="no run has such an id"):
        inventory.read(path)


def test_csv_holds_the_rows_of_unread_servers(tmp_path: Path) -> None:
    """In a state a suspect answer hides no rows, as they are those of the answer before; in one run it does."""
    path = tmp_path / "x.csv"
    (file,) = write(Report(state(NEVER)), path)
    assert (file.rows, file.without) == (4, ())
    result = inventory.read(path)
    same(state(), result, "models")
    ages = {row["server"]: row["as_of"] for row in rows(result.tables["observations"])}
    assert ages == {"asleep": BEFORE, "awake": NOW, "doubted": BEFORE, "weekly": BEFORE}
    doubtful = state(observation("lost", "suspect", None))
    doubtful = with_tables(doubtful, models=[*rows(doubtful.tables["models"]), model("lost")])
    (file,) = write(Report(doubtful), path)
    assert (file.rows, file.without) == (4, ("lost",))


def test_only_older_answers_are_good_answers(tmp_path: Path) -> None:
    """Where nobody answered now, the state is still written; where nobody ever did, no table is."""
    asleep = observation("asleep", "timeout", BEFORE)
    old = with_tables(state(), observations=[asleep], models=[model("asleep", BEFORE)])
    never = with_tables(state(), observations=[NEVER], models=[])
    for path in (tmp_path / "x.csv", tmp_path / "x.parquet"):
        (file,) = write(Report(old), path)
        assert (file.rows, file.skipped) == (1, "")
        (file,) = write(Report(never), path)
        assert file.skipped == "left as it was: no server could be read"


def test_frames_say_what_they_are(tmp_path: Path) -> None:
    """A DataFrame says of which state or run it is, also one of a Parquet file that pandas reads alone."""
    snapshot = state()
    for frame in (snapshot.models, snapshot.instances, snapshot.observations):
        assert frame.attrs == {"lms_inventory": WHAT}
    snapshot.write(tmp_path / "x.parquet")
    frame = pd.read_parquet(tmp_path / "x.parquet")
    assert frame.attrs["lms_inventory"] == WHAT
    assert frame["as_of"].tolist() == [BEFORE, NOW, BEFORE, BEFORE]


def test_a_state_that_pandas_wrote_again(tmp_path: Path) -> None:
    """Its attributes are enough to know which servers' rows are of an older answer, also of one without models."""
    path = tmp_path / "x.parquet"
    empty = observation("empty", "timeout", BEFORE)
    snapshot = state(NEVER, empty)
    kept = [row for row in rows(snapshot.tables["models"]) if row["server"] != "empty"]
    with_tables(snapshot, models=kept).write(path)
    pd.read_parquet(path).to_parquet(path)
    result = inventory.read(path)
    assert result.what == WHAT
    known = {row["server"]: is_known(row) for row in rows(result.tables["observations"])}
    assert known == dict.fromkeys(["asleep", "awake", "doubted", "empty", "weekly"], True) | {"new": False}


def test_ages_are_no_changes() -> None:
    """The same models as of another day are the same."""
    later = with_tables(state(), models=[row | {"as_of": NOW} for row in rows(state().tables["models"])])
    assert inventory.compare(state(), later).table.num_rows == 0


def test_rows_as_json_have_their_age(capsys: pytest.CaptureFixture[str]) -> None:
    """The rows that JSON prints have the column too."""
    print_json("show", {"models": rows(state().tables["models"])[:1]})
    data = json.loads(capsys.readouterr().out)["data"]
    assert data["models"][0]["as_of"] == "2026-11-27T06:00:04.000000Z"
