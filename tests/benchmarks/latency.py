"""
The worker's own latency at half capacity, beside a bare consume-to-produce loop at the same rate.

A feeder writes records with distinct keys at a fixed rate; each key is the moment the record was
made, and it travels on to the verdict. The latency of a message is the moment this process has read
its verdict (which is after the broker acknowledged it) less the moment in the key; for the worker
also less the server's constant model time, so that whatever the server takes beyond it counts
against the worker. The first seconds of a run are not counted: connections open, the broker
compiles, and what piled up meanwhile is worked off. The bare loop is read by the same reader, at
the same rate, taking turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from confluent_kafka import Consumer, Producer, TopicPartition

from tests.benchmarks.children import Child, ChildFailed, module
from tests.benchmarks.report import percentiles
from tests.benchmarks.scene import Scene
from tests.benchmarks.workload import LOOPED, PACED, PARTITIONS, end_of, outputs_of

MODEL_S = 0.02
RATE_STEP = 50
GROUP = {"kafka.group": "paced"}
"""The same in every round: each begins where the last one stopped."""


def measure(scene: Scene) -> None:
    """Fill in `own_latency_ms` and `bare_latency_ms`."""
    capacity = capacity_per_s(scene)
    per_s = max(RATE_STEP, int(capacity / 2) // RATE_STEP * RATE_STEP)
    own: list[float] = []
    bare: list[float] = []
    for number in range(min(2, scene.scale.rounds)):
        scene.say(f"own latency at {per_s}/s, round {number + 1}: bare loop")
        bare += _latencies(scene, LOOPED, per_s, lambda: _bare_loop(scene))
        with scene.server(MODEL_S) as endpoint:
            scene.say(f"own latency at {per_s}/s, round {number + 1}: worker")
            with_model = _latencies(
                scene, PACED, per_s, lambda: scene.worker(endpoint, GROUP, PACED)
            )
            own += [each - MODEL_S * 1_000 for each in with_model]
    scene.figures.values["own_latency_ms"] = percentiles(own)
    scene.figures.values["bare_latency_ms"] = percentiles(bare)
    scene.figures.details["latency"] = {
        "messages_per_s": per_s,
        "capacity_per_s": round(capacity),
        "model_ms": MODEL_S * 1_000,
        "samples": {"own": len(own), "bare": len(bare)},
    }


def capacity_per_s(scene: Scene) -> float:
    """Messages per second that the worker reaches here with this model time."""
    scene.say("finding the capacity")
    with scene.server(MODEL_S) as endpoint, scene.worker(endpoint) as child:
        return scene.steady(child, scene.scale.own_messages, 120.0).per_s


def _bare_loop(scene: Scene) -> Child:
    command = module(
        "bare_loop",
        *("--brokers", scene.workload.bootstrap_servers),
        *("--source", LOOPED, "--target", f"{LOOPED}.allow"),
    )
    return Child(scene.name("bare-loop"), command, scene.workload.folder)


def _latencies(
    scene: Scene, topic: str, per_s: int, start: Callable[[], AbstractContextManager[Child]]
) -> list[float]:
    """Milliseconds from each record to its verdict, in the order they came."""
    seconds = scene.scale.warm_s + scene.scale.latency_s
    count = int(per_s * seconds)
    brokers = scene.workload.bootstrap_servers
    reader = Reader(brokers, topic)
    try:
        with start() as child:
            greet(brokers, topic)
            reader.read(PARTITIONS, 30.0, child)
            command = module(
                "feeder",
                *("--brokers", brokers, "--topic", topic),
                *("--per-s", str(per_s), "--count", str(count)),
            )
            with Child(scene.name("feeder"), command, scene.workload.folder) as feeder:
                found = reader.read(count, seconds * 2 + 30, child)
                feeder.wait(10)
    finally:
        reader.close()
    return found[int(per_s * scene.scale.warm_s) :]


def wait_until_working(brokers: str, child: Child) -> None:
    """One message to each partition, and its verdict read: everybody is connected then."""
    reader = Reader(brokers, PACED)
    try:
        greet(brokers, PACED)
        reader.read(PARTITIONS, 30.0, child)
    finally:
        reader.close()


def greet(brokers: str, topic: str) -> None:
    """One message to each partition: who reads the verdicts knows that everybody is connected."""
    producer = Producer({"bootstrap.servers": brokers, "log_level": 2})
    for number in range(PARTITIONS):
        producer.produce(
            topic, b'{"text": "hello", "id": "w"}', b"%d" % time.time_ns(), partition=number
        )
    producer.flush(10)


class Reader:
    """Reads the outputs of one topic from where they end now."""

    def __init__(self, brokers: str, topic: str) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": brokers,
                "group.id": "bench.reader",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 20,
                "log_level": 2,
            }
        )
        partitions = [
            TopicPartition(name, number)
            for name in outputs_of(topic)
            for number in range(PARTITIONS)
        ]
        for partition in partitions:
            partition.offset = end_of(self._consumer, partition)
        self._consumer.assign(partitions)

    def read(self, count: int, timeout_s: float, child: Child) -> list[float]:
        """
        The latencies of the next `count` verdicts, in milliseconds.

        Raises:
            ChildFailed: they did not all come, or one came twice.
        """
        found: list[float] = []
        keys: set[bytes] = set()
        until_s = time.monotonic() + timeout_s
        while len(found) < count:
            first = self._consumer.poll(0.2)
            if first is None:
                if time.monotonic() > until_s:
                    raise ChildFailed(
                        f"{child.name}: {len(found)} of {count} verdicts came: {child.output()}"
                    )
                child.check()
                continue
            messages = [first, *self._consumer.consume(999, 0)]
            now_ns = time.time_ns()
            for message in messages:
                key = message.key()
                if message.error() is None and isinstance(key, bytes):
                    keys.add(key)
                    found.append((now_ns - int(key)) / 1_000_000)
        if len(keys) != count or len(found) != count:
            raise ChildFailed(
                f"{child.name}: {len(found)} verdicts on {len(keys)} messages, not {count}"
            )
        return found

    def close(self) -> None:
        self._consumer.close()
