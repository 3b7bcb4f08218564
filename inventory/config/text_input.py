"""Text input that configures a run: a configuration or a server list, from a file or standard input."""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from io import BytesIO
from pathlib import Path
from typing import IO

from inventory.errors import ConfigurationError
from inventory.filesystem.regular_files import UnsuitableFileError, read_regular
from inventory.limits import TEXT_LIMIT


def text_of(path: Path) -> str:
    """Read the text of a configuration file or a server list.

    Raises:
        ConfigurationError: it is not a file, cannot be read, is larger than ``TEXT_LIMIT`` or is not UTF-8.
    """
    try:
        return text_in(BytesIO(read_regular(path, TEXT_LIMIT)), str(path))
    except UnsuitableFileError as error:
        if error.too_large:
            raise ConfigurationError(f"{path} {error}", "Is it the right file?") from error
        raise ConfigurationError(f"{path} is not a file", "Give the path of a text file") from error
    except OSError as error:
        raise ConfigurationError(f"{path} could not be read: {error.strerror}", "Check the path") from error
    except ValueError as error:  # a path that no system can have
        raise ConfigurationError("the path of a file cannot be read: it holds a NUL", "Check the path") from error


def text_in(file: IO[bytes], name: str) -> str:
    """Read the text of an open file; errors as ``text_of``."""
    body = file.read(TEXT_LIMIT + 1)
    if len(body) > TEXT_LIMIT:
        raise ConfigurationError(f"{name} is larger than {TEXT_LIMIT // 2**20} MiB", "Is it the right file?")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if body.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
            what = f"{name} line 1: the text is not UTF-8 but UTF-16, as PowerShell writes it"
            raise ConfigurationError(what, "Save the file as UTF-8") from error
        line = body.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{name} line {line}: the text is not UTF-8", "Save the file as UTF-8") from error
