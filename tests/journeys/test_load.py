"""What the model must carry without a filter, by what the brokers hold."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from rich.console import Console

from consumer.commands.doctor import Checks
from consumer.commands.load import WINDOW_S, CarriedLoad, carried_load
from consumer.registry.load import load_catalogue
from consumer.telemetry.clock import SystemClock
from consumer.worker.wiring import kafka_config
from tests.journeys.worker import make_policies, settings_for
from tests.records import write
from tests.stage import Broker
from tests.wrong_screening import FILTER, filtered

SENT = 36


def send(broker: Broker, topic: str) -> None:
    values = [json.dumps({"text": f"hello {at}"}).encode() for at in range(SENT)]
    write(broker.bootstrap_servers, topic, values)


def test_it_is_the_last_hours_messages_times_the_policies(
    embedded_broker: Broker, tmp_path: Path
) -> None:
    """Of the inputs that the set binds, and of no other."""
    topic, other = embedded_broker.moderated(), embedded_broker.moderated()
    make_policies(tmp_path, f'["{topic}"]')
    send(embedded_broker, topic)
    send(embedded_broker, other)
    settings = settings_for(embedded_broker, "http://127.0.0.1:1/v1", tmp_path)
    catalogue = load_catalogue(tmp_path)
    (binding,) = catalogue.bindings
    now_ms = SystemClock().wall_ms()
    partitions = {topic: 1, other: 1}
    config = kafka_config(settings.kafka)
    found = carried_load(config, catalogue, binding, partitions, now_ms)
    assert found == CarriedLoad(SENT / WINDOW_S, 1)
    assert found._replace(policies=3).line.startswith(
        "the model must carry all: 0.01 messages a second in the last hour, so 0.03 calls a second "
        "under its 3 policies"
    )


async def test_the_doctor_says_it_where_a_filter_is_for_another_version(
    embedded_broker: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what the filter had kept from the model."""
    topic = embedded_broker.moderated()
    filtered()(tmp_path)
    make_policies(tmp_path, f'["{topic}"]', more=FILTER.format(0.95))
    (policy,) = (tmp_path / "set" / "v1").glob("*.md")
    policy.write_text(policy.read_text() + "\nNothing else counts.\n")
    send(embedded_broker, topic)
    settings = settings_for(embedded_broker, "http://127.0.0.1:1/v1", tmp_path)
    checks = Checks(Console(width=1_000))
    catalogue = checks.policies(settings)
    await asyncio.to_thread(checks.broker, settings, catalogue)
    said = capsys.readouterr().out
    assert "was made for policy version" in said
    assert "times what this left it" in said
    assert "without the filter of set: the model must carry all: 0.01 messages a second" in said
