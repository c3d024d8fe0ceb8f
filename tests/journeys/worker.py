"""A real worker in the test's own process, and what it left on the topics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from consumer.settings.load import load_settings
from consumer.settings.settings import Settings
from consumer.worker.worker import Worker
from tests.records import Stored, read_all
from tests.stage import Broker
from tests.waiting import until

OUTPUTS = (".allow", ".flag", ".block", ".dead-letter")


def make_policies(folder: Path, topics: str, *, live: int = 1, more: str = "") -> Path:
    """One set with one short policy that the stand-in can decide by its words."""
    version = folder / "set" / f"v{live}"
    version.mkdir(parents=True, exist_ok=True)
    (folder / "set" / "topic.toml").write_text(
        f'topics = {topics}\nlive = {live}\nstart = "earliest"\n{more}\n'
    )
    (version / "words.md").write_text(POLICY)
    return folder


POLICY = """---
title: Words
labels:
  FINE: allow
  DOUBT: flag
  BANNED: block
rules:
  R1: says the first word
  R2: says the second word
---
# Criteria
## FINE: Nothing below applies
- Everything else.
## DOUBT: To be looked at
- R1: says "doubtful thing".
## BANNED: Not wanted
- R2: says "banned thing".
"""


def settings_for(
    broker: Broker, endpoint: str, policies: Path, changes: Mapping[str, str] = {}
) -> Settings:
    """Settings of a worker of this test's own group."""
    config = broker.config()
    return load_settings(
        None,
        {
            "kafka.bootstrap_servers": broker.bootstrap_servers,
            "kafka.group": config.group,
            "kafka.session_timeout_s": "6",
            "kafka.message_timeout_s": "1.5",
            "kafka.request_timeout_s": "1.5",
            "kafka.lease_margin_s": "0.5",
            "kafka.clock_skew_s": "0.2",
            "kafka.topic_ids": "false" if broker.kind == "embedded" else "true",
            "kafka.replication": "1",
            "kafka.client.heartbeat.interval.ms": "300",
            "inference.endpoint": endpoint,
            "inference.model": "stand-in-safeguard",
            "inference.probe_every_s": "0.1",
            "inference.wait_max_s": "0.5",
            "policies.folder": str(policies),
            "policies.watch": "false",
            "pipeline.commit_every_s": "0.1",
            "pipeline.drain_s": "10",
            "telemetry.health_port": "0",
            **changes,
        },
        environment={},
    )


@asynccontextmanager
async def working(settings: Settings, partitions: int) -> AsyncIterator[Worker]:
    """A worker that owns its partitions; stopped, and checked to add up, at the end."""
    worker = Worker(settings)
    await worker.start()
    stop = asyncio.Event()
    source = worker.member.source
    run = asyncio.create_task(worker.run(stop))
    try:
        await until(lambda: run.done() or len(source.owned) == partitions, "an assignment")
        yield worker
    finally:
        stop.set()
        await run
    assert worker.member.intake.ledger.difference == 0


async def finished(worker: Worker, count: int, seconds: float = 60) -> None:
    """Wait until so many records are terminal, at most for so long."""
    ledger = worker.member.intake.ledger

    def is_done() -> bool:
        if worker.member.intake.failure.done():
            worker.member.intake.failure.result()
        ended = ledger.verdicts + ledger.dead_letters + ledger.passed_over
        return ended >= count and ledger.in_flight == 0

    await until(is_done, worker, seconds)


def outputs_of(broker: Broker, topic: str) -> list[Stored]:
    """Everything on the outputs of an input."""
    return read_all(broker.bootstrap_servers, [topic + output for output in OUTPUTS])
