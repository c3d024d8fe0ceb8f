"""An operator pauses and resumes an input: other topics go on, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType
from structlog.testing import capture_logs

from consumer.commands.pause import pause_topic, resume_topic, show_paused
from consumer.dev.safeguard.server import StandInSafeguard
from consumer.errors import InvalidSettings, TopicsMissing
from consumer.kafka.cluster.controls import CONTROLS_TOPIC, controls_steps
from consumer.kafka.cluster.topics import Topics
from consumer.settings.settings import Settings
from consumer.worker.wiring import kafka_config
from consumer.worker.worker import Worker
from tests.brokers.kafka import RealKafka
from tests.journeys.test_cli import flags, safeguard
from tests.journeys.worker import finished, make_policies, outputs_of, settings_for, working
from tests.readiness import readiness
from tests.records import committed, write
from tests.stage import Broker
from tests.waiting import until


@pytest.fixture
def endpoint() -> Iterator[str]:
    with StandInSafeguard.in_thread() as server:
        yield server.base_url


def texts(count: int) -> list[bytes]:
    return [json.dumps({"text": f"{n} banned thing"}).encode() for n in range(count)]


def gauge(worker: Worker) -> float | None:
    return worker.telemetry.metrics.registry.get_sample_value("safeguard_topics_paused")


def paused_by(worker: Worker) -> object:
    return readiness(f"http://127.0.0.1:{worker.vitals.port}")["paused_topics"]


async def paused_topics(worker: Worker, wanted: list[str]) -> None:
    """Wait until health says so."""

    def is_so() -> bool:
        return paused_by(worker) == wanted

    await until(is_so, f"paused topics {wanted}")


@pytest.mark.kafka
async def test_a_paused_topic_waits_while_others_go_on(
    real_kafka: RealKafka, endpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing of it is judged, by this worker or by one that starts; resumed, all of it is."""
    broker = Broker("real", real_kafka.bootstrap_servers, real_kafka)
    held, other = broker.moderated(partitions=2), broker.moderated()
    make_policies(tmp_path, f'["{held}", "{other}"]')
    settings = settings_for(broker, endpoint, tmp_path, {"kafka.controls_refresh_s": "0.2"})
    servers, group = broker.bootstrap_servers, settings.kafka.group
    topics = Topics(kafka_config(settings.kafka))
    topics.apply(controls_steps(topics.partitions()), 1, {})
    with capture_logs() as logs:
        async with working(settings, 3) as worker:
            write(servers, held, texts(5))
            await finished(worker, 5)

            assert await asyncio.to_thread(pause_topic, settings, held, "a test") == 0
            await paused_topics(worker, [held])
            assert gauge(worker) == 1
            # The Kafka thread pauses between two polls: after two rounds of another topic it has.
            for count in (6, 7):
                write(servers, other, texts(1))
                await finished(worker, count)
            for partition in (0, 1):
                write(servers, held, texts(20), partition=partition)
            write(servers, other, texts(20))
            await finished(worker, 27)

            assert len(outputs_of(broker, held)) == 5
            assert len(outputs_of(broker, other)) == 22
        async with working(settings, 3) as worker:
            # It has read the controls before it was given its partitions.
            assert paused_by(worker) == [held]
            write(servers, other, texts(20))
            await finished(worker, 20)
            assert len(outputs_of(broker, held)) == 5
            assert worker.member.intake.ledger.consumed == 20
            capsys.readouterr()
            assert show_paused(settings) == 0
            shown = next(x for x in capsys.readouterr().out.splitlines() if x.startswith(held))
            assert f"{held}  paused by " in shown
            assert shown.endswith(": a test")

            assert await asyncio.to_thread(resume_topic, settings, held, "") == 0
            await finished(worker, 60)
            await paused_topics(worker, [])
            assert gauge(worker) == 0

    found = outputs_of(broker, held)
    assert len({record.header("safeguard-position") for record in found}) == len(found) == 45
    assert committed(servers, group, held, 0) == 25
    assert committed(servers, group, held, 1) == 20
    told = [
        (x["event"], x["topic"]) for x in logs if x["event"] in ("topic paused", "topic resumed")
    ]
    assert told == [("topic paused", held), ("topic paused", held), ("topic resumed", held)]
    assert resume_topic(settings, held, "") == 0
    assert "was not paused" in capsys.readouterr().out


@pytest.mark.kafka
def test_apply_makes_the_controls_compacted(real_kafka: RealKafka) -> None:
    """It is planned where it is missing; the operator's properties join and do not undo it."""
    assert controls_steps({CONTROLS_TOPIC: 1}) == []
    (step,) = controls_steps({})
    assert f"{CONTROLS_TOPIC}: missing" in str(step)
    broker = Broker("real", real_kafka.bootstrap_servers, real_kafka)
    topics = Topics(broker.config())
    made = step._replace(topic=broker.config().group + ".controls")
    topics.apply([made], 1, {"cleanup.policy": "delete", "segment.bytes": "1048576"})

    admin = real_kafka.node(1).admin()
    resource = ConfigResource(ResourceType.TOPIC, made.topic)
    config = admin.describe_configs([resource])[resource].result(10)
    assert config["cleanup.policy"].value == "compact"
    assert config["segment.bytes"].value == "1048576"
    assert topics.partitions()[made.topic] == 1


@pytest.mark.kafka
def test_the_commands_from_a_shell(real_kafka: RealKafka, tmp_path: Path) -> None:
    """plan names the controls' topic or has it, pause and resume exit 0, a slip exits 2."""
    broker = Broker("real", real_kafka.bootstrap_servers, real_kafka)
    topic = broker.moderated()
    make_policies(tmp_path, f'["{topic}"]')
    where = flags(
        kafka__bootstrap_servers=broker.bootstrap_servers,
        kafka__replication="1",
        policies__folder=str(tmp_path),
    )
    assert safeguard("topics", "apply", *where).returncode == 0
    assert safeguard("topics", "plan", *where).returncode == 0
    paused = safeguard("topics", "pause", topic, "--reason", "too hot", *where)
    assert paused.returncode == 0, paused.stderr
    assert f"{topic} is paused (too hot): within 5 s" in paused.stdout
    listed = safeguard("topics", "paused", *where).stdout
    assert any(x.startswith(topic) and x.endswith(": too hot") for x in listed.splitlines())
    assert safeguard("topics", "resume", topic, *where).returncode == 0
    assert topic not in safeguard("topics", "paused", *where).stdout
    slip = safeguard("topics", "pause", f"{topic}x", *where)
    assert slip.returncode == 2
    assert "is no input" in slip.stderr


def make_settings(broker: Broker, folder: Path) -> tuple[Settings, str]:
    topic = broker.moderated()
    make_policies(folder, f'["{topic}"]')
    return settings_for(broker, "http://127.0.0.1:9/v1", folder), topic


def test_without_the_controls_the_command_says_what_makes_them(
    embedded_broker: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and the command to run; `paused` has nothing to show and says why."""
    settings, topic = make_settings(embedded_broker, tmp_path)
    for command in (pause_topic, resume_topic):
        with pytest.raises(TopicsMissing, match="`safeguard topics apply` makes it"):
            command(settings, topic, "")
    assert show_paused(settings) == 0
    assert "`safeguard topics apply` makes it" in capsys.readouterr().out


def test_a_topic_that_is_no_input_cannot_be_paused(embedded_broker: Broker, tmp_path: Path) -> None:
    """A slip in the name would pause nothing and look as if it had: the inputs are listed."""
    settings, topic = make_settings(embedded_broker, tmp_path)
    with pytest.raises(InvalidSettings, match=f"x{topic} is no input: .* {topic} here"):
        pause_topic(settings, f"x{topic}", "")


async def test_a_worker_runs_without_the_controls(
    embedded_broker: Broker, endpoint: str, tmp_path: Path
) -> None:
    """No topic, no pause, no warning."""
    topic = embedded_broker.moderated()
    make_policies(tmp_path, f'["{topic}"]')
    changes = {"kafka.controls_refresh_s": "0.2"}
    settings = settings_for(embedded_broker, endpoint, tmp_path, changes)
    with capture_logs() as logs:
        async with working(settings, 1) as worker:
            write(embedded_broker.bootstrap_servers, topic, texts(5))
            await finished(worker, 5)
            assert paused_by(worker) == []

    assert [x for x in logs if "pause" in str(x["event"]) or "control" in str(x)] == []
