"""A partition that stands at a transaction which somebody has left open, on a real broker."""

from __future__ import annotations

from pathlib import Path

import pytest
from confluent_kafka import Producer

from consumer.dev.safeguard.server import StandInSafeguard
from consumer.worker.following import transactions
from consumer.worker.worker import Worker
from tests.journeys.worker import finished, make_policies, settings_for, working
from tests.records import write
from tests.stage import Broker, new_name
from tests.waiting import until

pytestmark = pytest.mark.kafka


def held(worker: Worker) -> object:
    return worker.vitals.ready().details["held_by_transactions"]


async def test_what_an_open_transaction_holds_up_is_said(
    real_broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In readiness and in a metric, until it ends; then what came after it is judged."""
    monkeypatch.setattr(transactions, "TRANSACTIONS_S", 0.5)
    broker = real_broker
    topic = broker.moderated(2)
    policies = make_policies(tmp_path, f'["{topic}"]')
    producer = Producer(
        {
            "bootstrap.servers": broker.bootstrap_servers,
            "transactional.id": new_name(),
            "log_level": 0,
        }
    )
    producer.init_transactions(30)
    good = b'{"text": "good morning"}'
    async with StandInSafeguard() as server:
        settings = settings_for(broker, server.base_url, policies)
        async with working(settings, 2) as worker:
            for partition in (0, 1):
                write(broker.bootstrap_servers, topic, [good], partition=partition)
            await finished(worker, 2)
            producer.begin_transaction()
            producer.produce(topic, good, partition=1)
            assert producer.flush(30) == 0
            write(broker.bootstrap_servers, topic, [good] * 3, partition=1)
            await until(lambda: held(worker) == [f"{topic}/1"], worker, 20)
            assert worker.telemetry.metrics.partitions_held_by_transactions._value.get() == 1
            assert worker.member.intake.ledger.consumed == 2

            producer.commit_transaction(30)
            await finished(worker, 6)
            await until(lambda: held(worker) == [], worker, 20)
            assert worker.telemetry.metrics.partitions_held_by_transactions._value.get() == 0
