"""``lms-inventory unused`` as people run it."""

from pathlib import Path

import pandas as pd
from support.cli_runner import Done, clean, run


def unused(past: Path, *arguments: str | Path) -> Done:
    """List what is not used."""
    return run("unused", *arguments, "--history", past, env=clean())


def test_what_is_not_used(past: Path, tmp_path: Path) -> None:
    """The models that are there and were not loaded, with the space they hold: as text, as JSON and in files."""
    done = unused(past, "2", "--server", "laptop", "-o", tmp_path / "unused.csv")
    assert done.code == 0
    keys = ["microsoft/phi-4", "qwen/qwen3-8b", "ibm/granite-4-h-tiny", "text-embedding-nomic-embed-text-v1.5"]
    assert all(key in done.out for key in keys)
    assert done.out.endswith("4 models not loaded in 2 days, 18.40 GB\n")
    assert sorted(pd.read_csv(tmp_path / "unused.csv")["key"]) == sorted(keys)
    assert len(unused(past, "2", "--json").data["lifecycle"]) == 4
    assert unused(past, "9").out == "No model has been there for 9 days without being loaded\n"
    assert unused(past, "99999999").out == "No model has been there for 99,999,999 days without being loaded\n"
    assert unused(past).out == "No model has been there for 30 days without being loaded\n"


def test_an_empty_history(tmp_path: Path) -> None:
    """No history is not a history in which everything is used."""
    done = unused(tmp_path / "none")
    assert (done.code, done.out, "there is no history at" in done.err) == (4, "", True)
