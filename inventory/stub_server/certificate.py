"""A certificate for 127.0.0.1 that a stand-in makes for itself."""

import subprocess
from pathlib import Path

from inventory.errors import ConfigurationError

# Everything is said here, so that no configuration of the machine adds to it. What signs itself is an authority.
_CONFIGURATION = """\
[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = localhost
[extensions]
subjectAltName = DNS:localhost, IP:127.0.0.1
basicConstraints = critical, CA:TRUE
keyUsage = critical, digitalSignature, keyCertSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
"""
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_COMMAND = ("openssl", "req", "-x509", *_KEY, "-days", "30")
_SECONDS = 60  # A certificate takes a tenth of one.


def create_certificate(folder: Path) -> tuple[Path, Path]:
    """Create a certificate that signs itself, with its key; return the paths of both.

    Args:
        folder: where they are written, as ``certificate.pem`` and ``key.pem``.

    Raises:
        ConfigurationError: the program openssl is not there, or failed.
    """
    certificate, key, configuration = (folder / f"{name}.pem" for name in ("certificate", "key", "configuration"))
    try:
        configuration.write_text(_CONFIGURATION)
        subprocess.run(  # noqa: S603 - the words are our own
            [*_COMMAND, "-config", configuration, "-keyout", key, "-out", certificate],
            check=True, capture_output=True, timeout=_SECONDS, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise ConfigurationError(
            "a certificate could not be made: there is no program openssl", "Install openssl, or do without TLS"
        ) from error
    except (subprocess.SubprocessError, OSError) as error:
        raise ConfigurationError(
            "a certificate could not be made: openssl failed", "Install a current openssl, or do without TLS"
        ) from error
    return certificate, key
