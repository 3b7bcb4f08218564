"""A history asked by DuckDB, by Spark on this machine and by a cluster: a master and workers, as processes here.

    python tests/benchmarks/spark_cluster.py --servers 1000 --runs 365

Makes the history, asks each the same, compares the answers row by row, and prints the times and each worker's share.
The workers need Java and the history's files under the same path, and no Python.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import pyarrow as pa
from pyarrow import feather

import inventory
from inventory import History
from inventory.history.engines import open_engine

WORKERS = 2
WHOLE = "--whole"
"""Let the executors read all files; otherwise the driver reads those below 256 KB, and hands their rows over."""
AGAIN = "--again"
"""Ask everything once more, with engines that are warm."""
_SECONDS = 60  # until a process of the cluster must have said where it listens
_MEMORY = "1g"  # of the driver and of each executor, which is the least that suffices for 1,000 servers
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Cluster:
    """A cluster that runs.

    Attributes:
        master: its address for ``spark.master``.
        page: the address of the master's own page.
    """

    master: str
    page: str

    def workers(self) -> list[str]:
        """The ids of the workers that the master knows as alive."""
        with urllib.request.urlopen(f"{self.page}/json/", timeout=_SECONDS) as page:
            return sorted(worker["id"] for worker in json.load(page)["workers"] if worker["state"] == "ALIVE")


@contextmanager
def cluster(folder: Path, workers: int = WORKERS) -> Iterator[Cluster]:
    """Start a master and workers with a core each, with their work and their logs in a folder, and end them."""
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        listen = ("--host", _LOOPBACK, "--port", "0", "--webui-port", "0")
        log = stack.enter_context(_daemon(folder / "master.log", "master.Master", *listen))
        master = _said(log, r"Starting Spark master at (spark://\S+)")
        running = Cluster(master, _said(log, r"MasterWebUI to \S+, and started at (http://\S+)"))
        for number in range(workers):
            own = (*listen, "--cores", "1", "--memory", _MEMORY, "--work-dir", str(folder / f"worker-{number}"))
            stack.enter_context(_daemon(folder / f"worker-{number}.log", "worker.Worker", *own, master))
        end = time.monotonic() + _SECONDS
        while len(running.workers()) < workers:
            if time.monotonic() > end:
                raise TimeoutError(f"the workers did not find the master: see {folder}")
            time.sleep(0.2)
        yield running


def ask(
    history: Path, answers: Path, engine: str, settings: Mapping[str, str] = MappingProxyType({}), *flags: str
) -> dict[str, float]:
    """Ask a history everything in a process of its own, and keep the answers.

    Args:
        history: its folder.
        answers: where the answers go, a file each.
        engine: what answers.
        settings: for Spark: what its ``spark-defaults.conf`` says.
        flags: ``WHOLE``: let Spark read the small files too. ``AGAIN``: ask everything once more.

    Returns:
        The seconds of each question; of ``start`` until the engine is there; of ``again`` of all questions once more.
    """
    answers.mkdir(parents=True)
    paths = os.pathsep.join([str(Path(inventory.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    lines = [f"{name} {value}\n" for name, value in {"spark.driver.memory": _MEMORY, **settings}.items()]
    (answers / "spark-defaults.conf").write_text("".join(lines))
    own = {"PYTHONPATH": paths, "SPARK_LOCAL_IP": _LOOPBACK, "SPARK_CONF_DIR": str(answers)}
    own["PYSPARK_PYTHON"] = "/no/python"  # the workers' own; they get by without
    environment = {name: value for name, value in os.environ.items() if name != "PYSPARK_SUBMIT_ARGS"} | own
    command = [sys.executable, __file__, "--ask", engine, str(history), str(answers), *flags]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    seconds: dict[str, float] = json.loads(done.stdout)
    return seconds


def on(running: Cluster, events: Path) -> dict[str, str]:
    """The settings with which Spark runs on a cluster, and keeps a log of what its executors do."""
    events.mkdir(parents=True)
    return {
        "spark.master": running.master,
        "spark.driver.host": _LOOPBACK,
        "spark.executor.memory": _MEMORY,
        "spark.sql.shuffle.partitions": str(2 * WORKERS),
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": events.absolute().as_uri(),
        "spark.eventLog.compress": "false",
        "spark.eventLog.rolling.enabled": "false",
        "spark.scheduler.minRegisteredResourcesRatio": "1",  # begin once all workers are there
    }


def work_of_each(events: Path) -> dict[str, Counter[str]]:
    """What each worker did according to Spark's log: the tasks that succeeded and the bytes read from files."""
    where: dict[str, str] = {}
    work: dict[str, Counter[str]] = {}
    for path in events.rglob("*"):
        for line in path.read_text().splitlines() if path.is_file() and not path.name.startswith(".") else ():
            event = json.loads(line)
            if event["Event"] == "SparkListenerExecutorAdded":
                log = event["Executor Info"]["Log Urls"]["stdout"]  # each worker has a page of its own
                where[event["Executor ID"]] = urlsplit(log).netloc
                work[where[event["Executor ID"]]] = Counter()
            elif event["Event"] == "SparkListenerTaskEnd" and event["Task End Reason"]["Reason"] == "Success":
                done = work[where[event["Task Info"]["Executor ID"]]]
                done["tasks"] += 1
                done["bytes read"] += event["Task Metrics"]["Input Metrics"]["Bytes Read"]
    return work


def differing(one: Path, other: Path) -> list[str]:
    """The questions whose answers differ in a row, in the order of rows, or in a type."""
    names = sorted({path.name for folder in (one, other) for path in folder.glob("*.arrow")})
    return [name for name in names if not _answer(one / name).equals(_answer(other / name))]


def make(folder: Path, servers: int, runs: int) -> None:
    """Record runs of a fleet, of which half a percent changes each day."""
    from bodies import changed, fleet
    from generated_histories import Past

    from inventory.history.recorder import record

    history, past = History(folder), Past(fleet(servers))
    for number in range(runs):
        if number:
            past.next(changed(past.bodies, 0.005, number))
        record(history, past.snapshot)


def compare(folder: Path, history: Path) -> None:
    """Ask each engine, and print the times as a table for the manual, and what each worker did."""
    local = {"spark.master": f"local[{WORKERS}]"}
    times = {"DuckDB": ask(history, folder / "duckdb", "duckdb", {}, AGAIN)}
    times[f"Spark, local[{WORKERS}]"] = ask(history, folder / "local", "spark", local, AGAIN)
    with cluster(folder / "daemons") as running:
        for name, flags in (("cluster", [AGAIN]), ("cluster, small files too", [WHOLE, AGAIN])):
            events = folder / f"events {name}".replace(" ", "-")
            times[f"Spark, {name}"] = ask(history, folder / name, "spark", on(running, events), *flags)
            _print(f"{name}: { ({worker: dict(did) for worker, did in work_of_each(events).items()}) }")
    for name in ("local", "cluster", "cluster, small files too"):
        if questions := differing(folder / "duckdb", folder / name):
            raise SystemExit(f"{name} and DuckDB differ in: {', '.join(questions)}")
    rows = {path.stem: _answer(path).num_rows for path in sorted((folder / "duckdb").glob("*.arrow"))}
    _print(f"the same, row by row: {rows}")
    questions = list(times["DuckDB"])
    _print(f"| engine | {' | '.join(questions)} |\n|---|{'---|' * len(questions)}")
    for name, seconds in times.items():
        _print(f"| {name} | {' | '.join(f'{seconds[question]:.1f} s' for question in questions)} |")


def main() -> None:
    """Make a history, or take one that is there, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--servers", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=365)
    parser.add_argument("--history", type=Path, help="one that is there, instead of a new one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        history = given.history or Path(temporary, "history")
        if given.history is None:
            make(history, given.servers, given.runs)
        compare(Path(temporary, "answers"), history)


def _ask(engine: str, folder: str, answers: str, *flags: str) -> None:
    """Ask everything, write the answers and print the seconds as JSON."""
    if WHOLE in flags:
        from inventory.history.storage import checked_files

        checked_files._SMALL = 0
    seconds = {}
    began = time.perf_counter()
    open_engine(engine)
    seconds["start"] = time.perf_counter() - began
    for question, answer in _questions(Path(folder), engine):
        began = time.perf_counter()
        tables = answer()
        seconds[question] = time.perf_counter() - began
        for name, table in tables.items():
            feather.write_feather(table, Path(answers, f"{question} {name}.arrow"))
    began = time.perf_counter()
    for _, answer in _questions(Path(folder), engine) if AGAIN in flags else ():
        answer()
    seconds["again"] = time.perf_counter() - began
    _print(json.dumps(seconds))


def _questions(folder: Path, engine: str) -> Iterator[tuple[str, Callable[[], Mapping[str, pa.Table]]]]:
    """Each question with what answers it: an opened history keeps what it has read, so each has its own."""
    yield "timeline", lambda: {"changes": History(folder, engine).timeline_table()}
    yield "lifecycle", lambda: {"models": History(folder, engine).lifecycle_table()}
    yield "state", lambda: dict(History(folder, engine).state().tables)
    yield "diff", lambda: {"changes": History(folder, engine).diff("first", "latest").table}


@contextmanager
def _daemon(log: Path, name: str, *arguments: str) -> Iterator[Path]:
    """Run a daemon of Spark, and end it; yields the file with its log."""
    import pyspark

    home = Path(pyspark.__file__).parent
    own = {"SPARK_HOME": str(home), "SPARK_DAEMON_MEMORY": "512m", "SPARK_DAEMON_JAVA_OPTS": "-XX:TieredStopAtLevel=1"}
    environment = {**os.environ, **own, "SPARK_LOCAL_IP": _LOOPBACK}
    command = [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}", *arguments]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield log
    finally:
        process.terminate()
        process.wait()


def _said(log: Path, pattern: str) -> str:
    """What a daemon said in its log, once it did."""
    end = time.monotonic() + _SECONDS
    while not (found := re.search(pattern, log.read_text())):
        if time.monotonic() > end:
            raise TimeoutError(f"no {pattern} in {log}")
        time.sleep(0.1)
    return found[1]


def _answer(path: Path) -> pa.Table:
    table: pa.Table = feather.read_table(path)
    return table


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--ask"]:
        _ask(*sys.argv[2:])
    else:
        main()
