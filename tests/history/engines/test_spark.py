"""Spark says what DuckDB says of the same history, and behaves as a guest on the user's machine and session."""

import os
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reliability.test_random_fleets import FLEETS
from support.cli_runner import clean
from support.cli_runner import run as command
from support.history_builders import Fleet, day, made, model, opened, run

from history.engines.conftest import NEEDS_SPARK, SMALL
from history.test_delta import _MODELS as MODELS
from inventory import History
from inventory.errors import ConfigurationError, FileError
from inventory.history.engines import open_engine

needs_spark = [pytest.mark.usefixtures("spark"), *NEEDS_SPARK]
PLAIN, TWICE = model("x", "i", display_name="X"), [model("d", size_bytes=1), model("d", size_bytes=2)]
GOLDEN = Path(__file__).parents[2] / "golden" / "history" / "schema-2" / "history"
HUGE = model("only here", params_string="7B", size_bytes=2**62)  # a sum of these is too large for a whole number
FLEETS_OF_A_WEEK: list[Fleet] = [
    {"a": [PLAIN, model("y"), *TWICE], "b": [model("x")], "c": None},
    {"a": None, "b": [model("x", "i", "j")], "c": [model("only here")]},
    {"a": [{**PLAIN, "description": "new", "more": {"deep": [1]}}, *TWICE[::-1]], "b": [model("x", "i", "j")]},
    {"a": [model("x", size_bytes=2**62), TWICE[0]], "b": [], "c": [HUGE, HUGE]},
    {"a": [model("x", size_bytes=None), model("y")], "b": [model("\u00e9'\\"), model("x")], "c": None},
]


def told(history: History, ids: list[str], steps: list[tuple[str, str]]) -> Iterator[tuple[str, Any]]:
    """Every question to a history, with the answer."""
    yield "runs", history.runs_table()
    yield "some runs", history.runs_table(["a", "s"], day(1))
    yield "timeline", history.timeline_table()
    yield "lifecycle", history.lifecycle_table()
    yield "complete", history.complete_runs()
    yield "unused", history.unused(1)
    try:
        yield "life", history.model_history("x", ["a"], day(2))
    except ConfigurationError as error:
        yield "life", str(error)
    for group in (None, "server", "label:site", "quantization_name"):
        yield f"panel by {group}", history.panel(by=group).to_csv()
    for old, new in steps:
        changes = history.diff(old, new)
        yield f"diff {old} {new}", (changes.table, changes.skipped)
    yield from (*history.state(ids[-1]).tables.items(), *history.load(ids[0]).tables.items())


def compare(history: History, ids: list[str], steps: list[tuple[str, str]]) -> None:
    """Ask both engines the same."""
    other = opened(history.store.folder, engine="spark")
    for (question, duckdb), (_, spark) in zip(told(history, ids, steps), told(other, ids, steps), strict=True):
        assert spark == duckdb, question


class TestTheSame:
    """Histories of which both engines say the same."""

    pytestmark = needs_spark

    def test_a_week(self, tmp_path: Path) -> None:
        """Failures, servers not asked, keys given twice, fields that come and go, several answers in one day."""
        history, ids = made(tmp_path, *FLEETS_OF_A_WEEK)
        for hour in (1, 2):
            ids.append(
                run(history, {"a": [model("x"), model(f"h{hour}", "i")], "c": None}, day(4) + timedelta(hours=hour))
            )
        assert history.timeline_table().num_rows > 20
        compare(history, ids, [(ids[-1], ids[0])])

    def test_a_golden_history(self) -> None:
        """One with merged months, a pruned run and fields that no column holds."""
        history = History(GOLDEN)
        ids = history.store.run_ids()
        assert len(ids) == 7
        compare(history, ids, [*pairwise(ids), (ids[0], ids[-1])])

    def test_unknown_fields_as_one(self, tmp_path: Path) -> None:
        """Names that are others each time; what stands for them is the same text on both engines."""
        fleets: list[Fleet] = [
            {"a": [model("x", **{f"\u00e9\U0001f600{run}_{name}": 1 for name in range(1001)}), model("y", own=run)]}
            for run in range(2)
        ]
        history, ids = made(tmp_path, *fleets)
        assert history.timeline_table().num_rows == 2
        compare(history, ids, [(ids[0], ids[1])])

    def test_nothing_yet(self, tmp_path: Path) -> None:
        """A history without a run, and one in which nobody could be read."""
        history, _ = made(tmp_path)
        assert opened(history.store.folder, engine="spark").lifecycle_table() == history.lifecycle_table()
        history, _ = made(tmp_path, {"s": None}, {"s": None})
        assert opened(history.store.folder, engine="spark").runs_table() == history.runs_table()

    @pytest.mark.long
    @given(st.one_of(FLEETS, st.lists(st.fixed_dictionaries({"s": MODELS}), min_size=2, max_size=4)))
    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
    def test_random_fleets(self, fleets: list[Fleet]) -> None:
        """Whatever the servers answered."""
        with tempfile.TemporaryDirectory() as folder:
            history, ids = made(Path(folder), *fleets)
            compare(history, ids, [*pairwise(ids), (ids[-1], ids[0])])

    def test_the_users_session_stays_as_it_is(self, tmp_path: Path) -> None:
        """A session that is there is used, whatever its time zone; its settings and its views are not touched."""
        from pyspark.sql import SparkSession

        history, _ = made(tmp_path, *FLEETS_OF_A_WEEK[:2])
        session = SparkSession.builder.getOrCreate()
        before = session.conf.get("spark.sql.session.timeZone")
        session.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
        session.range(7).createOrReplaceTempView("observations")
        try:
            found = opened(history.store.folder, engine="spark").lifecycle_table()
            assert session.conf.get("spark.sql.session.timeZone") == "Asia/Tokyo"
            assert session.sql("SELECT count(*) FROM observations").first()[0] == 7
        finally:
            session.conf.set("spark.sql.session.timeZone", before)
            session.catalog.dropTempView("observations")
        assert found == history.lifecycle_table()

    def test_a_damaged_file(self, tmp_path: Path) -> None:
        """What Spark cannot read is an error of one line, and so is a broken seal, which is found before."""
        path = tmp_path / "x.parquet"
        path.write_bytes(b"PAR1 is not all there is to it PAR1")
        with pytest.raises(FileError, match=r"could not be read by Spark: .*footer") as caught:
            open_engine("spark").open("things", ([path], None))
        assert "\n" not in str(caught.value)
        history, ids = made(tmp_path, *FLEETS_OF_A_WEEK[:1])
        sealed = history.store.path("models", ids[0])
        body = bytearray(sealed.read_bytes())
        body[len(body) // 2] ^= 1
        sealed.chmod(0o600)
        sealed.write_bytes(body)
        with pytest.raises(FileError, match="is damaged"):
            opened(history.store.folder, engine="spark").lifecycle_table()


@pytest.mark.skipif(NEEDS_SPARK[0].args[0], reason=str(NEEDS_SPARK[0].kwargs["reason"]))
def test_the_command(tmp_path: Path) -> None:
    """--engine spark prints what DuckDB prints, nothing else, and leaves no process of Java behind."""
    history, _ = made(tmp_path, *FLEETS_OF_A_WEEK[:3])
    mark = f"-Dmark={tmp_path}"
    started = {"PYSPARK_SUBMIT_ARGS": SMALL.format(more=mark)}
    env = clean(**started) | {name: os.environ[name] for name in ("JAVA_HOME",) if name in os.environ}
    asked = ("diff", "--json", "--history", history.store.folder)
    done = command(*asked, "--engine", "spark", env=env, capture_output=True)
    assert done == command(*asked)
    assert done.err == ""
    if Path("/proc/self/cmdline").exists():
        lines = [_command_line(path) for path in Path("/proc").glob("[0-9]*/cmdline")]
        assert any(lines)
        assert not [line for line in lines if mark in line]


def _command_line(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:  # it has just ended
        return ""


def test_without_pyspark(tmp_path: Path) -> None:
    """The error says how to get pyspark."""
    history, _ = made(tmp_path, *FLEETS_OF_A_WEEK[:1])
    (tmp_path / "py4j.py").write_text("raise ImportError('none here')\n")
    paths = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{clean()['PYTHONPATH']}"}
    done = command(
        "history", "--engine", "spark", "--history", history.store.folder, env=clean(**paths), capture_output=True
    )
    assert done == (2, "", "lms-inventory: " + done.err.removeprefix("lms-inventory: "))
    assert done.err.endswith("Install it: pip install 'pyspark>=4.0.1'\n")
    assert done.err.count("\n") == 1


@pytest.mark.guard("Spark 4.0.0 leaves out rows of a state")
@pytest.mark.parametrize("version", ["3.5.9", "4.0.0", "4.0.0.dev1"])
def test_too_old_a_spark(tmp_path: Path, version: str) -> None:
    """It is refused: a state that was read by Spark 4.0.0 lacked a server."""
    history, _ = made(tmp_path, *FLEETS_OF_A_WEEK[:1])
    modules = {
        "py4j/protocol.py": "Py4JError = Py4JJavaError = Exception",
        "pyspark/__init__.py": f"SparkConf = SparkContext = None; __version__ = {version!r}",
        "pyspark/errors.py": "PySparkException = Exception",
        "pyspark/java_gateway.py": "launch_gateway = None",
        "pyspark/sql.py": "SparkSession = None",
    }
    for name, code in modules.items():
        path = tmp_path / "modules" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{code}\n")
    paths = {"PYTHONPATH": f"{tmp_path / 'modules'}{os.pathsep}{clean()['PYTHONPATH']}"}
    done = command(
        "history", "--engine", "spark", "--history", history.store.folder, env=clean(**paths), capture_output=True
    )
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert f"and {version} is installed. Install a newer one: pip install 'pyspark>=4.0.1'" in done.err


@pytest.mark.skipif(NEEDS_SPARK[0].args[0], reason=str(NEEDS_SPARK[0].kwargs["reason"]))
@pytest.mark.parametrize(
    ("settings", "reason"),
    [("--master nonsense", "Master must"), ("--driver-memory 1x", "Invalid maximum heap size"), ("--what", "--what")],
)
def test_settings_that_spark_refuses(tmp_path: Path, settings: str, reason: str) -> None:
    """What Spark says of its own settings is told in one line."""
    history, _ = made(tmp_path, *FLEETS_OF_A_WEEK[:1])
    env = clean(PYSPARK_SUBMIT_ARGS=f"{settings} pyspark-shell")
    env |= {name: os.environ[name] for name in ("JAVA_HOME",) if name in os.environ}
    done = command("history", "--engine", "spark", "--history", history.store.folder, env=env, capture_output=True)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith("lms-inventory: Spark did not start: ")
    assert reason in done.err


@pytest.mark.skipif("pyspark" in str(NEEDS_SPARK[0].kwargs["reason"]), reason="pyspark is not installed")
@pytest.mark.parametrize("home", [None, "nowhere"])
def test_without_java(tmp_path: Path, home: str | None) -> None:
    """The error says how to get Java, whether there is none or JAVA_HOME names none; Spark's own talk is not shown."""
    history, _ = made(tmp_path, *FLEETS_OF_A_WEEK[:1])
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "env", "dirname", "readlink", "uname", "rm", "ls"):
        if found := next((path for folder in ("/bin", "/usr/bin") if (path := Path(folder, name)).exists()), None):
            (tools / name).symlink_to(found)
    env = clean(PATH=str(tools)) | ({"JAVA_HOME": str(tmp_path / home)} if home else {})
    done = command("history", "--engine", "spark", "--history", history.store.folder, env=env, capture_output=True)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("lms-inventory: the engine spark needs Java 17 or newer")
    assert "apt-get install openjdk-17-jre-headless" in done.err
    assert done.err.count("\n") == 1
