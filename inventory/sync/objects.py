"""Objects in a store: listed, read, and written once; each failure is one sentence without a secret."""

import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar

from inventory.errors import ConfigurationError, FileError, StoreUnreachable

_Value = TypeVar("_Value")

_TRIES = 4  # of a write to which the store says that another one is under way
_PAUSE = 0.1  # seconds before the second one; each further one doubles it
_STATUS = re.compile(r"status code: ([0-9]{3}[ A-Za-z]*)")
_CODE = re.compile(  # no other word of a store is repeated: it may quote a key
    "<Code>(AccessDenied|AllAccessDisabled|AuthenticationFailed|AuthorizationFailure|AuthorizationPermissionMismatch|"
    "ExpiredToken|InvalidAccessKeyId|InvalidToken|RequestTimeTooSkewed|SignatureDoesNotMatch|SlowDown)</Code>"
)
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT")
_ENDPOINT = re.compile(r"https?://[\w.\[:-]+\]?(:\d+)?(/[^\s?#]*)?")
_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    *(f"AWS_CONTAINER_CREDENTIALS_{word}_URI" for word in ("RELATIVE", "FULL")),
)
_NO_FOLDER, _NO_CREDENTIALS = "there is no such folder", "no credentials were found"
_CERTAIN = (
    (re.compile(r"NoSuchBucket|ContainerNotFound|bucket does not exist", re.IGNORECASE), "there is no such bucket"),
    (re.compile(r"canonicalize|No such file or directory"), _NO_FOLDER),
    (re.compile(r"169\.254\.|metadata|token request", re.IGNORECASE), _NO_CREDENTIALS),
)
"""Reasons that a text names whatever status is in it."""

_PROBABLE = (
    (re.compile(r"Account must be specified"), "the account is not known"),
    (re.compile(r"TimedOut|operation timed out"), "it did not answer in time"),
    (re.compile(r"error sending request|dns error|ConnectError", re.IGNORECASE), "no connection"),
)
"""Reasons of a failure without a status."""

_ADVICE = {
    "there is no such bucket": "Create it, or correct the address",
    _NO_FOLDER: "Create it, or mount its disk",
    "the account is not known": "Set AZURE_STORAGE_ACCOUNT_NAME",
    _NO_CREDENTIALS: "Set them as the store's own tools need them; see: lms-inventory help shared",
}
_CHECK = "Check the network, the endpoint and the credentials"


class ObjectStore(Protocol):
    """What a mirror needs of a store. Keys are relative to the prefix of the address."""

    address: str

    def sizes(self, folder: str, after: str = "") -> dict[str, int]:
        """List the keys below a folder, each with its size in bytes; only those that sort after a name in it."""

    def read(self, key: str) -> bytes | None:
        """Read an object; None if it does not exist."""

    def create(self, key: str, body: bytes) -> bool:
        """Write an object that must not exist yet; return False if it exists, or another write of it is under way."""

    def delete(self, key: str) -> None:
        """Delete an object if it exists."""


class RemoteObjects:
    """The objects below one address.

    Args:
        address: as ``checked_address`` returns it.
        environment: the variables from which the store's client takes its endpoint; it finds credentials by itself.

    Raises:
        ConfigurationError: the client is not installed, or a variable of it is wrong.
        StoreUnreachable: the folder of a ``file://`` address does not exist.
    """

    def __init__(self, address: str, environment: Mapping[str, str]) -> None:
        self.address = address
        try:
            import obstore  # an extra, which only a history in a store needs
            from obstore.store import from_url
        except ImportError as error:
            raise ConfigurationError(
                f"a history at {address} needs the package obstore", "Install it: pip install 'lms-inventory[objects]'"
            ) from error
        self._obstore = obstore
        _check_variables(environment)
        plain = bool(environment.get("AZURE_STORAGE_USE_EMULATOR")) or any(
            environment.get(name, "").startswith("http://") for name in _ENDPOINTS
        )
        seconds = timedelta(seconds=1)
        settings: dict[str, Any] = {"client_options": {"connect_timeout": "5s", "timeout": "60s", "allow_http": plain}}
        settings["retry_config"] = {
            "max_retries": 3,
            "retry_timeout": 20 * seconds,
            "backoff": {"init_backoff": 0.1 * seconds, "max_backoff": 2 * seconds, "base": 2},
        }
        if address.startswith("file:"):
            settings = {}
        if address.startswith("s3:") and _needs_profile(environment):
            settings["credential_provider"] = _profile()
        with self._errors():
            self._store = from_url(address, **settings)

    def sizes(self, folder: str, after: str = "") -> dict[str, int]:
        """List the keys below a folder; errors as ``create``."""
        offset = f"{folder}/{after}" if after else None
        with self._errors():
            pages = self._obstore.list(self._store, prefix=folder, offset=offset)
            return {str(entry["path"]): int(entry["size"]) for page in pages for entry in page}

    def read(self, key: str) -> bytes | None:
        """Read an object; errors as ``create``."""
        with self._errors():
            try:
                return bytes(self._obstore.get(self._store, key).bytes())
            except FileNotFoundError:
                return None

    def create(self, key: str, body: bytes) -> bool:
        """Write an object that must not exist yet; return False if it exists, or another write of it is under way.

        Raises:
            StoreUnreachable: the store could not be reached, or refused.
        """
        with self._errors():
            try:
                self._obstore.put(self._store, key, body, mode="create", use_multipart=False)
            except self._obstore.exceptions.AlreadyExistsError:
                return False
            except FileNotFoundError as error:
                raise OSError(str(error)) from error  # the bucket
            return True

    def delete(self, key: str) -> None:
        """Delete an object if it exists; errors as ``create``."""
        with self._errors(), suppress(FileNotFoundError):
            self._obstore.delete(self._store, key)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn the client's errors into one sentence: their texts may quote addresses with signatures."""
        try:
            yield
        except FileNotFoundError:
            raise
        except self._obstore.exceptions.UnknownConfigurationKeyError as error:
            raise ConfigurationError(f"{self.address} could not be opened: a setting is unknown", _CHECK) from error
        except (self._obstore.exceptions.BaseError, OSError, ValueError) as error:
            reason = reason_of(str(error))
            if reason == _NO_FOLDER and not self.address.startswith("file:"):
                reason = _NO_CREDENTIALS  # a file that holds them
            unreached = StoreUnreachable(
                f"the history {self.address} could not be reached: {reason}", _ADVICE.get(reason, _CHECK)
            )
            raise unreached from None  # guard: errors of a store lose what they quote


def _check_variables(environment: Mapping[str, str]) -> None:
    """Refuse variables at which the client would end the process, whose messages may quote a key."""
    for name, value in environment.items():
        if name.startswith(("AWS_", "AZURE_", "GOOGLE_")) and value and not value.isprintable():
            raise ConfigurationError(f"{name} holds a line break or another control character", "Set it anew")
    for name in _ENDPOINTS:
        if (endpoint := environment.get(name)) and not _ENDPOINT.fullmatch(endpoint):
            raise ConfigurationError(f"{name} is no address of a store", "Write it like https://HOST:PORT")


def reason_of(text: str) -> str:
    """Return why a request failed, in a few words that hold nothing of an address."""
    code, status = _CODE.search(text), _STATUS.search(text)
    if certain := next((reason for pattern, reason in _CERTAIN if pattern.search(text)), ""):
        return certain
    if status:
        return f"it answered {status[1].strip()}" + (f" ({code[1]})" if code else "")
    return next((reason for pattern, reason in _PROBABLE if pattern.search(text)), "the request failed")


def _needs_profile(environment: Mapping[str, str]) -> bool:
    """Return whether the credentials are in the files of Amazon's own tools, which the client does not read."""
    if any(environment.get(name) for name in _CREDENTIALS):
        return False
    file = Path(environment.get("AWS_SHARED_CREDENTIALS_FILE") or Path("~/.aws/credentials").expanduser())
    return bool(environment.get("AWS_PROFILE")) or file.is_file()


def _profile() -> Any:
    """Return what finds the credentials of a profile, which needs boto3."""
    try:
        from obstore.auth.boto3 import Boto3CredentialProvider

        return Boto3CredentialProvider()
    except Exception as error:
        raise ConfigurationError(
            "the credentials of a profile could not be used",
            "Install boto3, and check the name in AWS_PROFILE and the file ~/.aws/credentials",
        ) from error


def write_once(store: ObjectStore, key: str, body: bytes) -> bool:
    """Write an object; return False if it was there with the same content, as after an answer that got lost.

    Raises:
        FileError: it exists with another content.
        StoreUnreachable: the store could not be reached.
    """
    for attempt in range(_TRIES):
        if store.create(key, body):
            return True
        there = store.read(key)
        if there == body:
            return False
        if there is not None:  # guard: another object of that name is reported
            raise FileError(
                f"{store.address}/{key} exists with another content", "Nothing was overwritten; verify the history"
            )
        time.sleep(_PAUSE * 2**attempt)  # 409: another write of that key is under way, or has just failed
    raise StoreUnreachable(
        f"the history {store.address} could not be reached: it answered 409 Conflict to each of {_TRIES} writes", _CHECK
    )


def probe(store: ObjectStore) -> None:
    """Check with a key of its own that the store refuses to overwrite an object, as writing once needs.

    Raises:
        ConfigurationError: it ignores the condition.
        StoreUnreachable: the store could not be reached.
    """
    key = f"_probe/{secrets.token_hex(8)}"
    try:
        write_once(store, key, b"first")
        again = store.create(key, b"second")
        body = store.read(key)
    finally:
        with suppress(StoreUnreachable):
            store.delete(key)
    if again or body != b"first":  # guard: a store that overwrites is refused
        raise ConfigurationError(
            f"the store of {store.address} ignores If-None-Match: it would overwrite what another collector wrote",
            "Use a store that honours conditional writes, or a newer version of it",
        )


def at_once(function: Callable[[str], _Value], keys: list[str]) -> Iterator[tuple[str, _Value]]:
    """Call a function for many keys, several at the same time; yield each key with its result, in their order."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(12) as pool:
        yield from zip(keys, pool.map(function, keys), strict=True)
