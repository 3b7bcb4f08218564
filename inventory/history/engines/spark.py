"""Apache Spark: the session that is active, or a new one as Spark's own configuration says (by default, this machine).

Where Spark runs (``spark.master``), with how much memory and with which access to object stores is told to Spark as
always: in ``spark-defaults.conf``, ``SPARK_CONF_DIR`` and ``PYSPARK_SUBMIT_ARGS``, or by making a session first.
"""

import atexit
import os
import re
import tempfile
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa

from inventory.errors import ConfigurationError, FileError

try:
    from py4j.protocol import Py4JError, Py4JJavaError
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession
except ImportError as missing:
    raise ConfigurationError(
        "the engine spark needs pyspark 4, which is not installed", "Install it: pip install 'pyspark>=4'"
    ) from missing

if TYPE_CHECKING:
    from inventory.history.engines import Files

_SETTINGS = {"spark.app.name": "lms-inventory", "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
_PARTITIONS = "spark.sql.shuffle.partitions"
_MISSING = ("PATH_NOT_FOUND", "FAILED_READ_FILE", "CANNOT_READ_FILE_FOOTER")  # what Spark calls files it cannot read
_NO_JAVA = re.compile(r"JAVA_HOME is not set|java: |UnsupportedClassVersionError")
_PATTERN = re.compile(r"[*?\[\]{}\\]")  # what stands for other characters in the name of a file to read
_COMPLAINT = re.compile(r'^(?:Exception in thread "\S+" [\w.$]+: |Error: |(?=Invalid ))(.+)', re.MULTILINE)


class Engine:
    """An engine that runs SQL over views, in a session of its own of the one Spark process."""

    def __init__(self) -> None:
        self._session = _spark().newSession()  # views and settings of its own: the user's session stays as it is
        settings = self._session.conf
        settings.set("spark.sql.session.timeZone", "UTC")
        if str(settings.get("spark.master", None)).startswith("local") and not settings.get(_PARTITIONS, None):
            settings.set(_PARTITIONS, str(os.cpu_count() or 1))  # Spark's 200 are meant for a cluster

    def open(self, name: str, files: "Files", columns: Sequence[str] = ("*",)) -> None:
        """Make a view over Parquet files, of all columns or of some."""
        paths, table = files
        if not paths:
            if table is not None:
                self.add(name, table)
            return
        with _one_line_errors():
            frame = self._session.read.parquet(*map(_location, paths), mergeSchema=table is not None)
            if table is not None:
                frame = frame.unionByName(self._session.createDataFrame(table), allowMissingColumns=True)
            frame.select(*columns).createOrReplaceTempView(name)

    def add(self, name: str, table: pa.Table) -> None:
        """Make a view over a table in memory."""
        self._session.createDataFrame(table).createOrReplaceTempView(name)

    def query(self, sql: str) -> pa.Table:
        """Return the result of one query."""
        with _one_line_errors():
            table = self._session.sql(sql).toArrow()
        # Spark marks some columns as never null; elsewhere any column may be.
        return pa.Table.from_arrays(table.columns, table.column_names)


def _location(path: Path) -> str:
    """Return a file's address for Spark, whose own default may be another file system than this machine's."""
    literal = _PATTERN.sub(r"\\\g<0>", path.absolute().as_posix())
    return f"file:///{literal.lstrip('/')}"


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """Report a file that vanished or cannot be read any more as an error of one line."""
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        if isinstance(error, PySparkException) and not (error.getCondition() or "").startswith(_MISSING):
            raise
        raise FileError(
            f"a file of the history could not be read by Spark: {_reason(error)}",
            "Try again; each machine of a cluster must see the history under the same path",
        ) from error


def _spark() -> SparkSession:
    """Return the active session, or a new one, quiet and without a web page, that ends with this process.

    Raises:
        ConfigurationError: it could not be started; there is no Java, for one.
    """
    active = SparkSession.getActiveSession()
    if active is not None:
        return active
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # pyspark's, about pandas 3, which is not used here
        if SparkContext._active_spark_context is None:
            _start()
        return SparkSession.builder.getOrCreate()


def _start() -> None:
    """Start Spark, with its log kept off the terminal.

    Raises:
        ConfigurationError: it did not start, with Spark's own reason.
    """
    settings = SparkConf(loadDefaults=False).setAll(list(_SETTINGS.items()))
    with tempfile.TemporaryFile() as log:
        try:
            gateway = SparkContext._gateway or _launch(settings, log)
            context = SparkContext(conf=settings, gateway=gateway)
        except (PySparkException, Py4JError) as error:
            raise _start_error(error, log) from error
    atexit.register(_end, context, gateway)


def _launch(settings: SparkConf, log: IO[bytes]) -> Any:
    """Start the Java process; when it fails or is interrupted, end that process and close its pipe.

    pyspark leaves both behind, in a local variable ``proc`` of the function that raised the error.
    """
    try:
        return launch_gateway(settings, {"stdout": log, "stderr": log})
    except BaseException as error:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if isinstance(process := frame.f_locals.get("proc"), Popen):
                process.kill()
                process.communicate()
        raise


def _end(context: SparkContext, gateway: Any) -> None:
    """End Spark, and wait until its process is gone."""
    context.stop()
    gateway.shutdown()
    if gateway.proc is not None:
        gateway.proc.stdin.close()
        gateway.proc.wait()


def _start_error(error: Exception, log: IO[bytes]) -> ConfigurationError:
    log.seek(0)
    text = log.read().decode(errors="replace")
    if _NO_JAVA.search(text):
        return ConfigurationError(
            "the engine spark needs Java 17 or newer, which is not there",
            "Install it (on Debian: apt-get install openjdk-17-jre-headless), or let JAVA_HOME name its folder",
        )
    complaint = _COMPLAINT.search(text)
    reason = complaint[1] if complaint else _reason(error)
    return ConfigurationError(
        f"Spark did not start: {reason.rstrip('.')}", "Its settings are in spark-defaults.conf and PYSPARK_SUBMIT_ARGS"
    )


def _reason(error: Exception) -> str:
    """Return the first line of the root cause of a Java error, or of the error itself."""
    cause: Any = error
    if isinstance(error, Py4JJavaError):
        cause = error.java_exception
        while (inner := cause.getCause()) is not None:
            cause = inner
        cause = cause.toString()
    return str(cause).strip().partition("\n")[0]
