"""The broker stops, stands still or restarts in the middle: nothing is lost, nothing is twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from consumer.dev.safeguard.behaviour import Behaviour
from consumer.dev.safeguard.server import StandInSafeguard
from tests.brokers.kafka import RealKafka
from tests.dataset.ledger import count
from tests.journeys.worker import finished, make_policies, outputs_of, settings_for, working
from tests.records import write_rows
from tests.stage import Broker
from tests.waiting import until

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("fault", ["pause", "kill"])
async def test_a_broker_that_goes_and_comes_back(tmp_path: Path, fault: str) -> None:
    """
    Publications that timed out while the broker stood still were stored after all; they are found
    on the output and not sent twice. After a kill, what was not stored is sent again, in order.
    """
    with RealKafka(tmp_path / "kafka") as kafka:
        broker = Broker("real", kafka.bootstrap_servers, kafka)
        topic = broker.moderated(partitions=2)
        policies = make_policies(tmp_path / "policies", f'["{topic}"]')
        texts = ("all is fine", "a doubtful thing", "a banned thing")
        rows = [
            (number % 2, b"k%d" % (number % 7), json.dumps({"text": texts[number % 3]}).encode())
            for number in range(3_000)
        ]
        write_rows(broker.bootstrap_servers, topic, rows)
        async with StandInSafeguard(Behaviour(latency_s=0.02)) as safeguard:
            settings = settings_for(
                broker,
                safeguard.base_url,
                policies,
                {
                    "kafka.message_timeout_s": "1.5",
                    # Longer than the outage: the member keeps its partitions.
                    "kafka.session_timeout_s": "45",
                    "pipeline.in_flight_max": "32",
                },
            )
            async with working(settings, 2) as worker:
                await until(lambda: worker.member.intake.ledger.verdicts > 300, "some verdicts")
                node = kafka.node(0)
                if fault == "pause":
                    node.pause()
                else:
                    node.kill()
                await until(lambda: "repairing" in repr(worker.member.sink), "the first time-out")
                if fault == "pause":
                    node.resume()
                else:
                    node.start()
                await finished(worker, 3_000)

        positions = [
            f"{topic}/{partition}/{offset}" for partition in (0, 1) for offset in range(1_500)
        ]
        ledger = count(positions, outputs_of(broker, topic))

    assert ledger.adds_up, ledger
    assert ledger.messages == 3_000
