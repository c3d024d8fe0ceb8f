"""TLS and SASL as an operator sets them: the worker comes in, and a wrong password is told."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from consumer.dev.safeguard.server import StandInSafeguard
from consumer.errors import BrokerUnavailable
from consumer.kafka.cluster.topics import TIMEOUT_S, Topics
from consumer.settings.settings import Settings
from consumer.worker.wiring import kafka_config
from consumer.worker.worker import Worker
from tests.brokers.certificates import make_certificates
from tests.brokers.fixtures import started_or_skipped
from tests.brokers.runtime import RuntimeUnavailable
from tests.brokers.secure import PASSWORD, Mechanism, SecureKafka, secure_kafka_in
from tests.journeys.worker import finished, make_policies, outputs_of, settings_for, working
from tests.records import committed, write
from tests.stage import Broker

MARGIN_S = 5.0
"""What a refusal may take beyond the look at the topics that it ends."""
WRONG = "wrong-horse-battery"


def secure_settings(
    kafka: SecureKafka,
    folder: Path,
    mechanism: Mechanism,
    *,
    password: str = PASSWORD,
    endpoint: str = "http://127.0.0.1:9/v1",
    topic: str = "nobody",
) -> Settings:
    """Settings of a worker that comes in through the secure door."""
    file = folder / "password"
    file.write_text(password + "\n")
    policies = make_policies(folder / "policies", f'["{topic}"]')
    changes = kafka.settings(mechanism, file)
    return settings_for(plain(kafka), endpoint, policies, changes)


def plain(kafka: SecureKafka) -> Broker:
    """The same broker by its plain door, for the test's own reading and writing."""
    return Broker("real", kafka.kafka.bootstrap_servers, kafka.kafka)


@pytest.mark.kafka
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
async def test_a_worker_consumes_and_publishes_over_tls_and_sasl(
    secure_kafka: SecureKafka,
    tmp_path: Path,
    mechanism: Mechanism,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Every client of the worker comes in, nothing goes round by the plain door, no secret told."""
    broker = plain(secure_kafka)
    topic = broker.moderated(partitions=2)
    values = [json.dumps({"text": f"{n} banned thing"}).encode() for n in range(20)]
    for partition in (0, 1):
        write(broker.bootstrap_servers, topic, values, key=b"k", partition=partition)
    with StandInSafeguard.in_thread() as server, capture_logs() as logs:
        settings = secure_settings(
            secure_kafka, tmp_path, mechanism, endpoint=server.base_url, topic=topic
        )
        async with working(settings, 2) as worker:
            await finished(worker, 40)

    found = outputs_of(broker, topic)
    assert len({record.header("safeguard-position") for record in found}) == len(found) == 40
    assert {record.header("safeguard-outcome") for record in found} == {"block"}
    for partition in (0, 1):
        assert committed(broker.bootstrap_servers, settings.kafka.group, topic, partition) == 20
    printed = capfd.readouterr()
    assert PASSWORD not in str(logs) + printed.out + printed.err
    assert PASSWORD not in repr(settings) + repr(worker)


@pytest.mark.kafka
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
async def test_a_wrong_password_is_named_in_time_and_not_shown(
    secure_kafka: SecureKafka,
    tmp_path: Path,
    mechanism: Mechanism,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The worker does not start: the error says that authentication failed and where to look."""
    settings = secure_settings(secure_kafka, tmp_path, mechanism, password=WRONG)
    began_s = time.monotonic()
    with capture_logs() as logs, pytest.raises(BrokerUnavailable) as refused:
        await Worker(settings).start()
    took_s = time.monotonic() - began_s

    message = str(refused.value)
    assert message.lower().count("authentication failed") == 1, message
    assert "[kafka.client]" in message
    assert took_s < TIMEOUT_S + MARGIN_S
    printed = capfd.readouterr()
    assert WRONG not in message + str(logs) + printed.out + printed.err


@pytest.mark.kafka
async def test_a_broker_that_the_authority_does_not_vouch_for_is_named(
    secure_kafka: SecureKafka, tmp_path: Path
) -> None:
    """Another authority's certificate in ssl.ca.location: the error speaks of the certificate."""
    other = make_certificates(tmp_path / "other", "another authority")
    stranger = secure_kafka._replace(authority=other.authority)
    config = kafka_config(secure_settings(stranger, tmp_path, "PLAIN").kafka)
    with pytest.raises(BrokerUnavailable) as refused:
        await asyncio.to_thread(Topics(config).partitions)

    assert "certificate verify failed" in str(refused.value)
    assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize(
    ("ci", "outcome"), [("true", RuntimeUnavailable), ("", pytest.skip.Exception)]
)
def test_without_openssl_a_laptop_skips_and_ci_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ci: str, outcome: type[BaseException]
) -> None:
    """Either way it is said what is missing and what installs it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CI", ci)
    with (
        pytest.raises(outcome, match="openssl is missing; run:"),
        started_or_skipped(secure_kafka_in(tmp_path)),
    ):
        pass
