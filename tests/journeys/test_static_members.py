"""Static members on a real broker: killed and started again at once, and two of the same name."""

from __future__ import annotations

import json
import signal
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource

from consumer.dev.safeguard.server import StandInSafeguard
from tests.brokers.kafka import RealKafka
from tests.journeys.test_cli import Service, wait_for
from tests.journeys.test_processes import named
from tests.journeys.worker import make_policies
from tests.readiness import readiness
from tests.records import committed, write
from tests.stage import Broker, new_name

pytestmark = pytest.mark.kafka
TEXTS = [json.dumps({"text": f"{n} banned thing"}).encode() for n in range(20)]


LONG_S = 20
"""The session of a group whose members take a while to start on a busy machine."""


def lengthen_session(broker: Broker, group: str) -> None:
    """With KIP-848 the group has it; it is never shorter than what the workers believe."""
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    resource = ConfigResource(ConfigResource.Type.GROUP, group)
    resource.add_incremental_config(
        ConfigEntry(
            "consumer.session.timeout.ms",
            str(LONG_S * 1_000),
            incremental_operation=AlterConfigOpType.SET,
        )
    )
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(LONG_S)


def health_of(log: Path) -> str:
    wait_for(lambda: named(log, "started"), "the start")
    return str(named(log, "started")[0]["health"])


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_killed_static_member_that_starts_again_at_once_goes_on_by_itself(
    real_kafka: RealKafka, tmp_path: Path, protocol: str
) -> None:
    """With KIP-848 the name is held until the session ends: it waits, says so, and is not ready."""
    broker = Broker("real", real_kafka.bootstrap_servers, real_kafka)
    topic, group = broker.moderated(), new_name()
    make_policies(tmp_path, f'["{topic}"]')
    words = ["--set", f"kafka.static_member={group}"]
    first, second = tmp_path / "first", tmp_path / "second"
    done = partial(committed, broker.bootstrap_servers, group, topic)
    if protocol == "consumer":
        lengthen_session(broker, group)
    with StandInSafeguard.in_thread() as server:
        service = Service(broker, server.base_url, tmp_path, group, protocol)
        with service.running(*words, log=first) as process:
            write(broker.bootstrap_servers, topic, TEXTS, key=b"k")
            wait_for(lambda: done() == 20, "the first verdicts")
            process.kill()
            process.wait()
        with service.running(*words, log=second) as process:
            write(broker.bootstrap_servers, topic, TEXTS, key=b"k")
            health = health_of(second)
            if protocol == "consumer":
                wait_for(lambda: "still held" in str(readiness(health)), "the refusal")
                assert not readiness(health)["ok"]
                assert f"kafka.static_member = {group}" in str(readiness(health)["why"])
            wait_for(lambda: done() == 40, "the rest")
            wait_for(lambda: readiness(health)["ok"], "readiness")
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_of_two_static_members_of_one_name_one_ends_and_says_why(
    real_kafka: RealKafka, tmp_path: Path, protocol: str
) -> None:
    """Classic: the newer one stays. KIP-848: the older one does. The other one exits with 1."""
    broker = Broker("real", real_kafka.bootstrap_servers, real_kafka)
    topic, group = broker.moderated(), new_name()
    make_policies(tmp_path, f'["{topic}"]')
    words = ["--set", f"kafka.static_member={group}"]
    # How long the name is waited for: the session of 6 s, and these.
    words += ["--set", "pipeline.drain_s=1"]
    first, second = tmp_path / "first", tmp_path / "second"
    with StandInSafeguard.in_thread() as server:
        service = Service(broker, server.base_url, tmp_path, group, protocol)
        with service.running(*words, log=first) as older:
            wait_for(lambda: named(first, "recovered"), "an assignment")
            with service.running(*words, log=second) as newer:
                ends, stays = (older, newer) if protocol == "classic" else (newer, older)
                assert ends.wait(60) == 1
                write(broker.bootstrap_servers, topic, TEXTS, key=b"k")
                wait_for(
                    lambda: committed(broker.bootstrap_servers, group, topic) == 20, "verdicts"
                )
                assert stays.poll() is None
    (said,) = named(first if protocol == "classic" else second, "cannot carry on")
    assert "kafka.static_member of its own" in str(said["error"])
