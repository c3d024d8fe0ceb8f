"""A certificate authority of a test's own and a server's certificate, made by `openssl`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.brokers.runtime import RuntimeUnavailable

OPENSSL_TIMEOUT_S = 30.0
DAYS = "2"
NAMES = "DNS:localhost,IP:127.0.0.1"


class Certificates(NamedTuple):
    """Files in PEM, which Kafka and librdkafka both read: no Java keystore is needed."""

    authority: Path
    """What a client trusts."""
    server: Path
    """Key, certificate and authority in one file, as Kafka's PEM keystore wants them."""


def make_certificates(folder: Path, name: str) -> Certificates:
    """
    A new authority called `name` and one certificate of it for this machine.

    Raises `RuntimeUnavailable` where there is no `openssl`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    authority, server = folder / "ca.pem", folder / "server.pem"
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    _openssl(
        folder,
        *("req", "-x509", *new_key, "-days", DAYS, "-subj", f"/CN={name}"),
        *("-keyout", "ca.key", "-out", authority.name),
    )
    _openssl(
        folder,
        *("req", *new_key, "-subj", "/CN=localhost"),
        *("-keyout", "server.key", "-out", "server.csr"),
    )
    (folder / "server.ext").write_text(f"subjectAltName={NAMES}\n")
    _openssl(
        folder,
        *("x509", "-req", "-days", DAYS, "-in", "server.csr", "-extfile", "server.ext"),
        *("-CA", authority.name, "-CAkey", "ca.key", "-set_serial", "1", "-out", "server.crt"),
    )
    parts = [(folder / part).read_text() for part in ("server.key", "server.crt", "ca.pem")]
    server.write_text("".join(parts))
    return Certificates(authority, server)


def _openssl(folder: Path, *words: str) -> None:
    command = shutil.which("openssl")
    if command is None:
        raise RuntimeUnavailable("openssl is missing; run: sudo apt-get install openssl")
    done = subprocess.run(
        [command, *words], cwd=folder, capture_output=True, text=True, timeout=OPENSSL_TIMEOUT_S
    )
    assert done.returncode == 0, f"openssl {' '.join(words)}:\n{done.stderr}"
