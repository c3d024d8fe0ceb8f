"""Outputs take less from one moment on: nobody who fits is blamed, and keys keep their order."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from consumer.dev.safeguard.server import StandInSafeguard
from tests.contracts.test_sink import alter
from tests.journeys.test_cli import flags, safeguard
from tests.journeys.worker import (
    OUTPUTS,
    finished,
    make_policies,
    outputs_of,
    settings_for,
    working,
)
from tests.records import write_rows
from tests.stage import Broker

COUNT = 900
LIMIT = 4_000
"""More than what becomes of any message here that is not large."""
LARGE = range(100, COUNT, 90)
WORDS = ("all is fine", "a doubtful thing", "a banned thing")


def value_of(number: int) -> bytes:
    """Nothing in it can be compressed, so that batches are as large as they look."""
    if number % 10 == 7:
        return b"{" + os.urandom(300)
    size = 15_000 if number in LARGE else 200
    return json.dumps({"text": f"{WORDS[number % 3]} {os.urandom(size).hex()}"}).encode()


@pytest.mark.kafka
@pytest.mark.parametrize("which", ["all", "the dead-letter topic alone"])
async def test_limits_lowered_under_a_running_worker(
    real_broker: Broker, tmp_path: Path, which: str
) -> None:
    """What is too large is cut or becomes a dead letter without value; all others are as ever."""
    topic = real_broker.moderated(partitions=2)
    lowered = [topic + end for end in OUTPUTS] if which == "all" else [f"{topic}.dead-letter"]
    for end in OUTPUTS:
        alter(real_broker, topic + end, "message.timestamp.type", "LogAppendTime")
    more = '[outputs]\npayload = "passthrough"'
    policies = make_policies(tmp_path, f'["{topic}"]', more=more)
    rows: list[tuple[int, bytes | None, bytes | None]] = [
        (number % 2, b"k%d" % (number % 6), value_of(number)) for number in range(COUNT)
    ]
    async with StandInSafeguard() as server:
        changes = {
            # A busy machine must not look like lost reports.
            "kafka.session_timeout_s": "25",
            "kafka.message_timeout_s": "6",
            "kafka.linger_ms": "50",
            "kafka.client.compression.type": "none",
            "pipeline.in_flight_max": "128",
            # Looked at so seldom, limits are learned from refusals alone.
            "kafka.topics_refresh_s": "600",
        }
        settings = settings_for(real_broker, server.base_url, policies, changes)
        async with working(settings, 2) as worker:
            write_rows(real_broker.bootstrap_servers, topic, rows[:60])
            await finished(worker, 60)
            for name in lowered:
                alter(real_broker, name, "max.message.bytes", str(LIMIT))
            write_rows(real_broker.bootstrap_servers, topic, rows[60:])
            await finished(worker, COUNT)
        where = flags(
            kafka__bootstrap_servers=real_broker.bootstrap_servers,
            kafka__group=settings.kafka.group,
            policies__folder=str(policies),
        )
        found = await asyncio.to_thread(safeguard, "audit", "--topic", topic, "--json", *where)
        assert found.returncode in (0, 1), found.stderr
        report = json.loads(found.stdout)
        faults = ("missing", "contradicting", "duplicated_same_verdict", "out_of_order")
        counts = {name: report[name] for name in faults}
        assert counts == dict.fromkeys(faults, 0), report["examples"]

    outputs = outputs_of(real_broker, topic)
    assert len(outputs) == COUNT
    too_large = {
        str(record.header("safeguard-position"))
        for record in outputs
        if record.header("safeguard-dead-letter-reason") == "too_large"
    }
    large = {f"{topic}/{number % 2}/{number // 2}" for number in LARGE}
    assert too_large <= large
    assert bool(too_large) is (which == "all")
