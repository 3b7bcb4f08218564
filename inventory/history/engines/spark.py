"""Apache Spark: the session that is active, or a new one as Spark's own configuration says (by default, this machine).

Where Spark runs (``spark.master``), with how much memory and with which access to object stores is told to Spark as
always: in ``spark-defaults.conf``, ``SPARK_CONF_DIR`` and ``PYSPARK_SUBMIT_ARGS``, or by making a session first. With
that access it reads a shared history in its store, if it can.
"""

import atexit
import os
import re
import tempfile
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from subprocess import Popen
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa

from inventory.errors import ConfigurationError, FileError

try:
    from py4j.protocol import Py4JError, Py4JJavaError
    from pyspark import SparkConf, SparkContext, __version__
    from pyspark.errors import PySparkException
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession
except ImportError as missing:
    raise ConfigurationError(
        "the engine spark needs pyspark 4, which is not installed", "Install it: pip install 'pyspark>=4.0.1'"
    ) from missing
if [*map(int, re.findall(r"[0-9]+", __version__)[:3])] < [4, 0, 1]:  # guard: Spark 4.0.0 leaves out rows of a state
    raise ConfigurationError(
        f"the engine spark needs pyspark 4.0.1 or newer, and {__version__} is installed",
        "Install a newer one: pip install 'pyspark>=4.0.1'",
    )

if TYPE_CHECKING:
    from inventory.history.engines import Files

_SETTINGS = {"spark.app.name": "lms-inventory", "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
_PARTITIONS = "spark.sql.shuffle.partitions"
_NOT_FOUND = "PATH_NOT_FOUND"
_MISSING = (_NOT_FOUND, "FAILED_READ_FILE", "CANNOT_READ_FILE_FOOTER")  # what Spark calls files it cannot read
_SCHEMES = {"file": ("file",), "s3": ("s3a", "s3"), "gs": ("gs",)}  # what Hadoop calls those of addresses
_NO_JAVA = re.compile(r"JAVA_HOME is not set|java: |UnsupportedClassVersionError")
_PATTERN = re.compile(r"[*?\[\]{}\\]")  # what stands for other characters in the name of a file to read
_COMPLAINT = re.compile(r'^(?:Exception in thread "\S+" [\w.$]+: |Error: |(?=Invalid ))(.+)', re.MULTILINE)


class Engine:
    """An engine that runs SQL over views, in a session of its own of the one Spark process.

    Attributes:
        address: of the store of which the files are copies: it is read if this Spark has a file system for it.
    """

    address = ""

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
            frame = self._session.read.parquet(*self._locations(paths), mergeSchema=table is not None)
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

    def _locations(self, paths: Sequence[Path]) -> list[str]:
        """Return where Spark reads files: in the store of which they are copies, or on this machine.

        The store is read if this Spark has a file system for its address, and finds all of the files there. No listing
        of it counts, only the names of the copies, whose seals were checked; and its bytes must be theirs.

        Raises:
            FileError: an object is damaged.
        """
        local = [_literal(f"file:///{path.absolute().as_posix().lstrip('/')}") for path in paths]
        base = self._base()
        if not base:
            return local
        copies = {"/".join(path.parts[-3:]): path for path in paths}  # the kind, the month and the file
        remote = [_literal(f"{base}/{key}") for key in copies]
        try:
            objects = self._session.read.format("binaryFile").load(remote)
            digests = dict(objects.selectExpr("substring_index(path, '/', -3)", "sha2(content, 256)").collect())
        except PySparkException as error:
            if error.getCondition() != _NOT_FOUND:
                raise
            return local  # a run was not sent yet, or files were just merged
        for key, path in copies.items():
            if digests.get(key) != sha256(path.read_bytes()).hexdigest():
                raise FileError(
                    f"{self.address}/{key} is damaged, and not used",
                    "Delete it there; a collector that has it sends it again: lms-inventory sync --full",
                )
        return remote

    def _base(self) -> str:
        """Return the store's address as this Spark spells it; empty if it has no file system for it."""
        scheme, _, place = self.address.partition("://")
        for name in _SCHEMES.get(scheme, ()):
            settings = self._session._jsparkSession.sessionState().newHadoopConf()
            try:
                self._session._jvm.org.apache.hadoop.fs.FileSystem.getFileSystemClass(name, settings)
            except Py4JJavaError:  # it does not know the name, or lacks the class
                continue
            return f"{name}://{place}"
        return ""


def _literal(location: str) -> str:
    """Return a location in which no character stands for others."""
    return _PATTERN.sub(r"\\\g<0>", location)


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """Report a file that vanished or cannot be read any more as an error of one line."""
    try:
        yield
    except (PySparkException, Py4JJavaError, OSError) as error:
        condition = error.getCondition() if isinstance(error, PySparkException) else None
        if condition and not condition.startswith(_MISSING):  # one without a name is a file system's own
            raise
        raise FileError(
            f"a file of the history could not be read by Spark: {_reason(error)}",
            "Try again; each machine of a cluster must reach the history at the same place",
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
