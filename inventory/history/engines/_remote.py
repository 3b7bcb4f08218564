"""A folder at an address that Spark can read: S3, HDFS, Azure, any file system of Hadoop's. Nothing is written there.

It is reached as Spark reaches it, through the Java that Spark runs in, with its jars, settings and credentials. To
check the seal of a file its bytes come to this process once, and again only when its length or its time has changed;
besides, Spark reads of it what a query needs. A folder is listed whenever a reading asks what there is, and an object
store takes its time for each answer: a history of few large files (``prune --compact``) is read much faster there.
"""

import errno
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from io import SEEK_CUR, SEEK_END, RawIOBase
from pathlib import PurePosixPath
from threading import Thread
from typing import Any, NamedTuple, NoReturn, TypeVar

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from inventory.errors import ConfigurationError, FileError

_PATIENCE = 60.0  # seconds for the first answer; Hadoop itself tries some hosts for a quarter of an hour
_PART = 2**23  # bytes that come from Java at a time
_NO_JAR = re.compile(r"ClassNotFoundException|NoClassDefFoundError")
_NO_ADDRESS = re.compile(r"UnsupportedFileSystemException|URISyntaxException|IllegalArgumentException")
_PASSWORD = re.compile(r"\w+://[^/@]*:[^/@]*@")
_PATTERN = re.compile(r"[*?\[\]{}\\]")  # what stands for other characters in the name of a file to read

_Told = TypeVar("_Told")


class _Status(NamedTuple):
    """What is known of a file without reading it, in the words of ``os.stat_result``."""

    st_mtime_ns: int
    st_ctime_ns: int
    st_size: int
    st_ino: int


class _Bytes(RawIOBase):
    """The bytes of a file, of which only those come here that are read."""

    def __init__(self, address: "Address") -> None:
        self._address = address
        self._size = address.stat().st_size
        self._at = 0
        with address.told():
            self._stream = address.disk.open(address.path)

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + {SEEK_CUR: self._at, SEEK_END: self._size}.get(whence, 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        with self._address.told():
            self._stream.seek(self._at)
            part = self._stream.readNBytes(min(len(buffer), _PART))
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def close(self) -> None:
        if not self.closed:
            super().close()
            with self._address.told():
                self._stream.close()


@dataclass(frozen=True, order=True)
class Address:
    """What is at an address: as much of a ``pathlib.Path`` as the readers of a history ask, and what ``Remote`` says.

    Attributes:
        root: where its file system begins: ``s3a://bucket``.
        place: where it is from there.
        disk: the file system, an ``org.apache.hadoop.fs.FileSystem``.
        java: all of Java.

    All methods raise FileNotFoundError for what is not there, and FileError for what could not be read.
    """

    root: str
    place: PurePosixPath
    disk: Any = field(compare=False, repr=False)
    java: Any = field(compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.root}{self.place}"

    def __truediv__(self, name: str) -> "Address":
        return replace(self, place=self.place / name)

    @property
    def parent(self) -> "Address":
        """The folder it is in."""
        return replace(self, place=self.place.parent)

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.place.name

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return self.place.stem

    @property
    def suffix(self) -> str:
        """The ending of the name."""
        return self.place.suffix

    @property
    def path(self) -> Any:
        """The address as Hadoop writes it."""
        return self.java.org.apache.hadoop.fs.Path(str(self))

    @property
    def pattern(self) -> str:
        """The address where it may hold what stands for other characters: it means only itself."""
        return literal(str(self))

    def exists(self) -> bool:
        """Whether there is something."""
        with self.told():
            return bool(self.disk.exists(self.path))

    def stat(self) -> _Status:
        """Its length and its time: what tells it from what was there before."""
        with self.told():
            status = self.disk.getFileStatus(self.path)
            moment = status.getModificationTime() * 10**6
            return _Status(moment, moment, status.getLen(), 0)

    def open(self, mode: str = "rb") -> _Bytes:
        """Its bytes."""
        if mode != "rb":
            self._refuse()
        return _Bytes(self)

    def read_bytes(self) -> bytes:
        """All its bytes."""
        with self.open() as file:
            return b"".join(iter(lambda: file.read(_PART) or b"", b""))

    def read_text(self) -> str:
        """All its text."""
        return self.read_bytes().decode()

    def names(self) -> list[str]:
        """The names in a folder, brought here as one text, ``Array(a/b, a/c)``: to ask for each would take long."""
        with self.told():
            paths = self.java.org.apache.hadoop.fs.FileUtil.stat2Paths(self._listed())
            told = self.java.scala.runtime.ScalaRunTime.stringOf(paths)
        return [path.rpartition("/")[2] for path in told[len("Array(") : -len(")")].split(", ") if path]

    def identities(self) -> dict[str, int]:
        """The names in a folder, each with when it was changed: 0 where that is always now, as of S3's folders."""
        with self.told():
            now = time.time_ns() // 10**6
            found = {one.getPath().getName(): one.getModificationTime() for one in self._listed()}
        return {name: moment if moment < now else 0 for name, moment in found.items()}

    def _listed(self) -> Any:
        """What is in a folder; nothing if it is not there, which an exception of Java's would say far more slowly."""
        return self.disk.globStatus(self.java.org.apache.hadoop.fs.Path(f"{self.pattern}/*"))

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise ConfigurationError(
            f"the history at {self} can only be read: by history and diff",
            "Record, prune and verify where it was copied from",
        )

    glob = is_dir = mkdir = rglob = unlink = _refuse  # what those who write, or prove the whole, begin with
    parents = property(_refuse)

    @contextmanager
    def told(self) -> Iterator[None]:
        """What Java says went wrong is told in one line."""
        try:
            yield
        except (Py4JError, PySparkException) as error:
            missing = self.java.java.lang.Class.forName("java.io.FileNotFoundException")
            if isinstance(error, Py4JJavaError) and missing.isInstance(error.java_exception):
                raise FileNotFoundError(errno.ENOENT, "it is not there", str(self)) from error
            raise _unread(str(self), error) from error


def folder_at(address: str, session: SparkSession) -> Address:
    """The folder at an address, which must be there.

    Raises:
        ConfigurationError: no file system of Spark's has such addresses.
        FileError: it is not there, or could not be reached.
    """
    if _PASSWORD.match(address):
        raise ConfigurationError("the address of a history cannot hold a password", "Give it to Spark, in its settings")
    scheme, _, rest = address.partition("://")
    authority, _, place = rest.partition("/")
    java = session.sparkContext._jvm
    hadoop = session.sparkContext._jsc.hadoopConfiguration()

    def found() -> Address:
        try:
            disk = java.org.apache.hadoop.fs.Path(f"{scheme}://{authority}/").getFileSystem(hadoop)
        except (Py4JError, PySparkException) as error:
            raise _unreached(address, error, java.org.apache.hadoop.util.VersionInfo.getVersion()) from error
        folder = Address(f"{scheme}://{authority}", PurePosixPath("/") / place, disk, java)
        with folder.told():
            if not disk.getFileStatus(folder.path).isDirectory():
                raise FileError(f"{address} is no folder", "Give the folder that holds the history")
        return folder

    try:
        return _within(_PATIENCE, found)
    except FileNotFoundError as error:
        raise FileError(f"there is no history at {address}", "See that it was copied to this folder") from error
    except TimeoutError as error:
        what = f"{address} could not be read: no answer within {_PATIENCE:.0f} s"
        raise FileError(what, "Is the address right, and can this machine reach it?") from error


def literal(text: str) -> str:
    """A pattern of Hadoop's for a path that matches only that path."""
    return _PATTERN.sub(r"\\\g<0>", text)


def reason(error: Exception) -> str:
    """The first line of what an error of Java's goes back to, or of the error itself."""
    said: Any = error
    if isinstance(error, Py4JJavaError):
        said = error.java_exception
        while (cause := said.getCause()) is not None:
            said = cause
        said = said.toString()
    return str(said).strip().partition("\n")[0]


def _unread(what: str, error: Exception) -> FileError:
    return FileError(
        f"{what} could not be read: {reason(error).rstrip('.')}",
        "Spark reaches it with the credentials and settings that its own configuration gives it",
    )


def _unreached(address: str, error: Exception, version: str) -> ConfigurationError | FileError:
    """The error for an address whose file system could not be made."""
    said = reason(error).rstrip(".")
    scheme = address.partition("://")[0]
    if _NO_JAR.search(said):
        return ConfigurationError(
            f"Spark lacks the jar that reads {scheme}:// addresses: {said}",
            f"Add it to spark.jars.packages; for s3a: org.apache.hadoop:hadoop-aws:{version}",
        )
    if _NO_ADDRESS.search(said) or (isinstance(error, PySparkException) and "UnknownHost" not in said):
        advice = "For S3, write s3a://" if scheme in ("s3", "s3n") else "It is like s3a://bucket/folder"
        return ConfigurationError(f"a history cannot be read at {address}: {said}", advice)
    return _unread(address, error)


def _within(seconds: float, work: Callable[[], _Told]) -> _Told:
    """What some work gives, if it is done in time; else it goes on by itself, to no effect.

    Raises:
        TimeoutError: it is not done in time.
    """
    answer: Future[_Told] = Future()

    def run() -> None:
        try:
            answer.set_result(work())
        except BaseException as error:  # noqa: BLE001 - whoever waits raises it
            answer.set_exception(error)

    Thread(target=run, daemon=True).start()
    return answer.result(seconds)
