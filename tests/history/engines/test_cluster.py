"""Spark as a cluster of a master and two workers, which are processes of their own, says what DuckDB says."""

from pathlib import Path

import pytest
from support.history_builders import made

from history.engines.conftest import NEEDS_SPARK
from history.engines.test_spark import FLEETS_OF_A_WEEK

pytestmark = [NEEDS_SPARK[0], pytest.mark.xdist_group("cluster")]  # it shares no process with the other tests
QUICK = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.driver.defaultJavaOptions": "-XX:TieredStopAtLevel=1",
    "spark.executor.defaultJavaOptions": "-XX:TieredStopAtLevel=1",
}
"""Settings with which small questions cost little."""


def test_a_cluster_says_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Timeline, lifecycle, state and diff, of files that the executors read: both workers did some of it."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    from spark_cluster import WHOLE, WORKERS, ask, cluster, differing, on, work_of_each

    history, _ = made(tmp_path, *FLEETS_OF_A_WEEK[:3])
    folder, events = history.store.folder, tmp_path / "events"
    with cluster(tmp_path / "cluster") as running:
        assert len(running.workers()) == WORKERS
        asked = ask(folder, tmp_path / "spark", "spark", on(running, events) | QUICK, WHOLE)
    ask(folder, tmp_path / "duckdb", "duckdb")
    assert {"timeline", "lifecycle", "state", "diff"} < asked.keys()
    assert len(list((tmp_path / "duckdb").glob("*.arrow"))) == 6
    assert differing(tmp_path / "spark", tmp_path / "duckdb") == []
    work = work_of_each(events)
    assert len(work) == WORKERS
    assert all(each["tasks"] and each["bytes read"] for each in work.values()), work
