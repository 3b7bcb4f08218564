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
from typing import IO, TYPE_CHECKING, Any, cast

import pyarrow as pa

from inventory.errors import ConfigurationError, FileError

try:
    from py4j.protocol import Py4JError, Py4JJavaError
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    from inventory.history.engines._remote import Address, folder_at, literal, reason
except ImportError as missing:
    raise ConfigurationError(
        "the engine spark needs pyspark 4, which is not installed", "Install it: pip install 'pyspark>=4'"
    ) from missing

if TYPE_CHECKING:
    from inventory.history.engines import Files

_OWN = {"spark.app.name": "lms-inventory", "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
_PARTITIONS = "spark.sql.shuffle.partitions"
_GONE = ("PATH_NOT_FOUND", "FAILED_READ_FILE", "CANNOT_READ_FILE_FOOTER")  # what Spark calls files it cannot read
_NO_JAVA = re.compile(r"JAVA_HOME is not set|java: |UnsupportedClassVersionError")
_COMPLAINT = re.compile(r'^(?:Exception in thread "\S+" [\w.$]+: |Error: |(?=Invalid ))(.+)', re.MULTILINE)


class Engine:
    """Runs SQL over views of Parquet files and of Arrow tables, in a session of its own of the one Spark there is."""

    def __init__(self) -> None:
        self._session = _spark().newSession()  # views and settings of its own: the user's session stays as it is
        settings = self._session.conf
        settings.set("spark.sql.session.timeZone", "UTC")
        if str(settings.get("spark.master", None)).startswith("local") and not settings.get(_PARTITIONS, None):
            settings.set(_PARTITIONS, str(os.cpu_count() or 1))  # Spark's 200 are meant for a cluster

    def open(self, name: str, files: "Files", columns: Sequence[str] = ("*",)) -> None:
        """Make a view over Parquet files, of all columns or of some."""
        paths, like = files
        if not paths:
            return
        with _told():
            found = self._session.read.parquet(*map(_location, paths), mergeSchema=like is not None)
            if like is not None:
                found = found.unionByName(self._session.createDataFrame(like), allowMissingColumns=True)
            found.select(*columns).createOrReplaceTempView(name)

    def add(self, name: str, table: pa.Table) -> None:
        """Make a view over a table in memory."""
        self._session.createDataFrame(table).createOrReplaceTempView(name)

    def query(self, sql: str) -> pa.Table:
        """The result of one query."""
        with _told():
            found = self._session.sql(sql).toArrow()
        return pa.Table.from_arrays(found.columns, found.column_names)  # any column may be null, as in other engines


def place(address: str) -> Path:
    """What is at an address that Spark can read: it does for those who read a history all that a Path does.

    Raises:
        ConfigurationError: it cannot be an address of Spark's.
        FileError: there is no folder, or it could not be reached.
    """
    return cast("Path", folder_at(address, _spark()))


def _location(path: Path | Address) -> str:
    """A file's address for Spark, whose own default may be another file system than this machine's."""
    if isinstance(path, Address):
        return path.pattern
    return "file:///" + literal(path.absolute().as_posix()).lstrip("/")


@contextmanager
def _told() -> Iterator[None]:
    """A file that vanished or cannot be read any more is told as one."""
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        if isinstance(error, PySparkException) and not (error.getCondition() or "").startswith(_GONE):
            raise
        raise FileError(
            f"a file of the history could not be read by Spark: {reason(error)}",
            "Try again; each machine of a cluster must see the history under the same path",
        ) from error


def _spark() -> SparkSession:
    """The active session, or a new one, quiet and without a web page, that ends with this process.

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
    """Start Spark, with its own talk kept off the terminal; only why it did not start is told."""
    settings = SparkConf(loadDefaults=False).setAll(list(_OWN.items()))
    with tempfile.TemporaryFile() as talk:
        try:
            gateway = SparkContext._gateway or _launched(settings, talk)
            context = SparkContext(conf=settings, gateway=gateway)
        except (PySparkException, Py4JError) as error:
            raise _not_started(error, talk) from error
    atexit.register(_end, context, gateway)


def _launched(settings: SparkConf, talk: IO[bytes]) -> Any:
    """A new process of Java; if it is not wanted any more before it is ready, it is ended, which pyspark leaves out."""
    try:
        return launch_gateway(settings, {"stdout": talk, "stderr": talk})
    except BaseException as error:  # an interruption too
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


def _not_started(error: Exception, talk: IO[bytes]) -> ConfigurationError:
    talk.seek(0)
    said = talk.read().decode(errors="replace")
    if _NO_JAVA.search(said):
        return ConfigurationError(
            "the engine spark needs Java 17 or newer, which is not there",
            "Install it (on Debian: apt-get install openjdk-17-jre-headless), or let JAVA_HOME name its folder",
        )
    complaint = _COMPLAINT.search(said)
    said = complaint[1] if complaint else reason(error)
    return ConfigurationError(
        f"Spark did not start: {said.rstrip('.')}", "Its settings are in spark-defaults.conf and PYSPARK_SUBMIT_ARGS"
    )
