"""
What one kill costs: messages that nobody judges any more, and messages that are judged twice.

The worker and its peers read the same backlog, are killed (SIGKILL) while calls are under way, and
are started again in the same group. Lost is what the group has committed past without a verdict on
any output; doubled is what has more than one. It stands beside how fast each of them is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from confluent_kafka import Consumer, TopicPartition

from tests.benchmarks.children import Child
from tests.benchmarks.scene import Scene
from tests.benchmarks.workload import BACKLOG, PARTITIONS, end_of, outputs_of

MODEL_S = 0.05
"""Long enough that calls are under way whenever the kill comes."""
BEFORE = 1_500
"""Verdicts before the kill, and as many after it."""
TIMEOUT_S = 120.0
"""More than the session of any of them: until then the group waits for the one that was killed."""
POSITIONS = ("safeguard-position", "position")
GROUPS = ("safeguard-group", "group")
"""Headers of the worker's verdicts, and of the peers'."""


def measure(scene: Scene) -> None:
    """Fill in `peers_lost`: for the worker and each peer what is lost and doubled."""
    found = {}
    for who in ("worker", "aiokafka", "faststream-batch", "faststream-workers"):
        scene.say(f"one kill: {who}")
        found[who] = _one(scene, who)
    scene.figures.values["peers_lost"] = {who: each["lost"] for who, each in found.items()}
    scene.figures.details["one_kill"] = found


def _one(scene: Scene, who: str) -> dict[str, int]:
    group = scene.name(f"killed-{who}")
    with scene.server(MODEL_S) as endpoint:
        with _started(scene, who, endpoint, group) as child:
            _wait(scene, child)
            child.kill()
        with _started(scene, who, endpoint, group) as child:
            _wait(scene, child)
    return _reckoned(scene.workload.bootstrap_servers, group)


def _started(scene: Scene, who: str, endpoint: str, group: str) -> Child:
    if who == "worker":
        return scene.worker(endpoint, {"kafka.group": group})
    script, _, mode = who.partition("-")
    return scene.peer(f"{script}_peer", endpoint, mode or "batch", group)


def _wait(scene: Scene, child: Child) -> None:
    for _ in scene.watch(child, BEFORE, TIMEOUT_S):
        pass


def _reckoned(brokers: str, group: str) -> dict[str, int]:
    """By position: verdicts of this group, against what it has committed."""
    verdicts = Counter(_judged(brokers, group))
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": group, "log_level": 2})
    try:
        inputs = [TopicPartition(BACKLOG, number) for number in range(PARTITIONS)]
        committed = {each.partition: each.offset for each in consumer.committed(inputs, timeout=10)}
    finally:
        consumer.close()
    passed = [
        f"{BACKLOG}/{number}/{offset}"
        for number, end in committed.items()
        for offset in range(max(0, end))
    ]
    return {
        "committed": len(passed),
        "lost": sum(position not in verdicts for position in passed),
        "doubled": sum(count > 1 for count in verdicts.values()),
    }


def _judged(brokers: str, group: str) -> Iterator[str]:
    """The position of every verdict of this group, as often as it lies on an output."""
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "bench.reckoning",
            "enable.auto.commit": False,
            "log_level": 2,
        }
    )
    try:
        partitions = [
            TopicPartition(name, number, 0)
            for name in outputs_of(BACKLOG)
            for number in range(PARTITIONS)
        ]
        ends = {(each.topic, each.partition): end_of(consumer, each) for each in partitions}
        consumer.assign(partitions)
        left = {place for place, end in ends.items() if end}
        while left:
            for message in consumer.consume(1_000, 1.0):
                place = (message.topic() or "", message.partition() or 0)
                if (message.offset() or 0) + 1 >= ends[place]:
                    left.discard(place)
                headers = dict(message.headers() or [])
                if any(headers.get(name) == group.encode() for name in GROUPS):
                    for name in POSITIONS:
                        if isinstance(position := headers.get(name), bytes):
                            yield position.decode()
    finally:
        consumer.close()
