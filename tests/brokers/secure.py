"""A real broker that also listens with TLS and SASL, and the settings that reach it there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from confluent_kafka.admin._scram import (
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from tests.brokers.certificates import make_certificates
from tests.brokers.kafka import RealKafka
from tests.servers.child import free_ports

Mechanism = Literal["PLAIN", "SCRAM-SHA-512"]
USER = "judge"
PASSWORD = "correct-horse-battery"
SCRAM_ITERATIONS = 4_096
SCRAM_TIMEOUT_S = 30.0


class SecureKafka(NamedTuple):
    """
    One node with two doors: SASL_SSL for what is tested, plain for the test's own clients.

    The plain one lets a test write, read and create topics without showing its papers.
    """

    kafka: RealKafka
    secure_servers: str
    """The address of the listener with TLS and SASL."""
    authority: Path

    def settings(self, mechanism: Mechanism, password_file: Path) -> dict[str, str]:
        """What an operator writes under `[kafka]` to come in through the secure door."""
        return {
            "kafka.bootstrap_servers": self.secure_servers,
            "kafka.client.security.protocol": "SASL_SSL",
            "kafka.client.sasl.mechanism": mechanism,
            "kafka.client.sasl.username": USER,
            "kafka.client.ssl.ca.location": str(self.authority),
            "kafka.client_files.sasl.password": str(password_file),
        }


@contextmanager
def secure_kafka_in(folder: Path) -> Iterator[SecureKafka]:
    """
    Start one; it ends with the block.

    Raises `RuntimeUnavailable` where Java, Maven or openssl cannot be had.
    """
    certificates = make_certificates(folder / "tls", "test authority")
    (port,) = free_ports(1)
    with RealKafka(folder, extra=_properties(port, certificates.server)) as kafka:
        _add_scram_user(kafka)
        yield SecureKafka(kafka, f"127.0.0.1:{port}", certificates.authority)


def _properties(port: int, keystore: Path) -> dict[str, str]:
    """As verified in reference/broker.md, section 5; the places in braces are the node's."""
    login = "org.apache.kafka.common.security"
    return {
        "listeners": "PLAINTEXT://127.0.0.1:${port},"
        f"SECURE://127.0.0.1:{port},CONTROLLER://127.0.0.1:${{controller_port}}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:${{port}},SECURE://127.0.0.1:{port}",
        "listener.security.protocol.map": (
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL"
        ),
        "inter.broker.listener.name": "PLAINTEXT",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(keystore),
        "listener.name.secure.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        "listener.name.secure.plain.sasl.jaas.config": (
            f'{login}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
        ),
        "listener.name.secure.scram-sha-512.sasl.jaas.config": (
            f"{login}.scram.ScramLoginModule required;"
        ),
    }


def _add_scram_user(kafka: RealKafka) -> None:
    """SCRAM users live in the cluster's metadata, so they are added once it runs."""
    mechanism = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, SCRAM_ITERATIONS)
    added = UserScramCredentialUpsertion(USER, mechanism, PASSWORD.encode())
    admin = kafka.node(1).admin()  # its answers are lost when it goes, so it has a name
    for future in admin.alter_user_scram_credentials([added]).values():
        future.result(SCRAM_TIMEOUT_S)
