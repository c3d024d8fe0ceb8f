"""
What recovery costs: the checkpoints while all is well, and the tails when a partition is assigned.

The first is messages per CPU-second with and without commit metadata, taking turns. The second is
the time from the assignment (as the worker's log has it) to the first verdict on one of its
partitions, once with 10,000 verdicts of its group in the tail and once with none.
"""

from __future__ import annotations

import json
import random
import time
from datetime import datetime
from statistics import median

from confluent_kafka import Consumer, Producer, TopicPartition

from consumer.domain.checkpoint import Checkpoint, Floor
from tests.benchmarks.children import Child, ChildFailed
from tests.benchmarks.scene import Scene
from tests.benchmarks.workload import RECOVERED, outputs_of, value

TAIL = 10_000
TIMEOUT_S = 60.0
WITHOUT = "tests.benchmarks.without_metadata"


def measure(scene: Scene) -> None:
    """Fill in `metadata_cpu_share` and `first_verdict_s`."""
    rounds = scene.scale.rounds
    per_cpu_s: dict[str, list[float]] = {"with": [], "without": []}
    for number in range(rounds):
        for kind, module in (("with", "consumer"), ("without", WITHOUT)):
            scene.say(f"commits {kind} metadata, round {number + 1}")
            with scene.server(0.0) as endpoint, scene.worker(endpoint, module=module) as child:
                steady = scene.steady(child, scene.scale.own_messages, 120.0)
                per_cpu_s[kind].append(steady.per_cpu_s)
    share = 1 - median(per_cpu_s["with"]) / median(per_cpu_s["without"])
    scene.figures.values["metadata_cpu_share"] = round(share, 3)
    first: dict[str, list[float]] = {f"tail_{TAIL}": [], "tail_0": []}
    for number in range(rounds):
        for kind, tail in ((f"tail_{TAIL}", TAIL), ("tail_0", 0)):
            scene.say(f"first verdict after an assignment, {kind}, round {number + 1}")
            first[kind].append(_first_verdict_s(scene, tail))
    values = {kind: round(median(found), 3) for kind, found in first.items()}
    scene.figures.values["first_verdict_s"] = values
    scene.figures.details["recovery"] = {
        "messages_per_cpu_s": {
            kind: [round(x) for x in found] for kind, found in per_cpu_s.items()
        },
        "first_verdict_s": {kind: [round(x, 3) for x in found] for kind, found in first.items()},
    }


def _first_verdict_s(scene: Scene, tail: int) -> float:
    """Seconds from the assignment to the first verdict, with so many verdicts in the tail."""
    brokers = scene.workload.bootstrap_servers
    group = scene.name("recovered")
    allow = f"{RECOVERED}.allow"
    producer = Producer({"bootstrap.servers": brokers, "linger.ms": 5, "log_level": 2})
    for number in range(tail):
        headers: list[tuple[str, str | bytes | None]] = [
            ("safeguard-position", b"%s/0/%d" % (RECOVERED.encode(), number)),
            ("safeguard-group", group.encode()),
            ("safeguard-verdict-id", b"0" * 32),
            ("safeguard-policy-digest", b"0" * 32),
        ]
        producer.produce(allow, b"{}", partition=0, headers=headers)
        producer.poll(0)
    producer.flush(30)
    client = Consumer({"bootstrap.servers": brokers, "group.id": group, "log_level": 2})
    try:
        start = _end(client, RECOVERED)
        ends = {name: _end(client, name) for name in outputs_of(RECOVERED)}
        floors = {name: Floor(end - (tail if name == allow else 0)) for name, end in ends.items()}
        metadata = Checkpoint("bench", 1, 0, True, floors=floors).encode(start, RECOVERED)
        client.commit(offsets=[TopicPartition(RECOVERED, 0, start, metadata)], asynchronous=False)
        producer.produce(RECOVERED, value(0, random.Random(7)), b"k", partition=0)
        producer.flush(10)
        settings = {"kafka.group": group, "telemetry.log_level": "info"}
        with (
            scene.server(0.0) as endpoint,
            scene.worker(endpoint, settings, RECOVERED) as child,
        ):
            stored_s = _stored_s(client, ends, child)
            return stored_s - _assigned_s(child)
    finally:
        client.close()


def _end(client: Consumer, topic: str) -> int:
    return client.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)[1]


def _stored_s(client: Consumer, ends: dict[str, int], child: Child) -> float:
    """When the first verdict beyond the ends was written, in seconds since 1970."""
    client.assign([TopicPartition(name, 0, end) for name, end in ends.items()])
    until_s = time.monotonic() + TIMEOUT_S
    while time.monotonic() < until_s:
        message = client.poll(0.1)
        if message is not None and message.error() is None:
            return message.timestamp()[1] / 1_000
        child.check()
    raise ChildFailed(f"{child.name} published nothing within {TIMEOUT_S:.0f} s: {child.output()}")


def _assigned_s(child: Child) -> float:
    """When the worker was given the partition, as its log says, in seconds since 1970."""
    for line in child.lines():
        if line.startswith("{") and json.loads(line).get("event") == "assigned":
            return datetime.fromisoformat(json.loads(line)["timestamp"]).timestamp()
    raise ChildFailed(f"{child.name} has not said when it was assigned its partition")
