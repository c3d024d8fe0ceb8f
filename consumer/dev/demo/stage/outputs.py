"""Outputs: what lies on the topics behind the workers, read as it comes, and counted at the end."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

from confluent_kafka import Consumer, Message, TopicPartition

from consumer.dev.demo.screen.row import Told
from consumer.dev.demo.stage.stage import INPUTS, PARTITIONS, topics
from consumer.domain.messages.message import Position

READ_BACK_S = 30.0
"""How long the count at the end may take; what is missing then does not add up."""
POLL_S = 0.05
"""How late a verdict may be shown, and how long the end waits for the thread."""


class OutputFollower:
    """Follows all outputs in a thread of its own, as those who act on verdicts would."""

    def __init__(
        self,
        bootstrap_servers: str,
        take: Callable[[Told], None],
        wall_ms: Callable[[], int],
    ) -> None:
        """`take` is called in that thread."""
        self._reader = _reader(bootstrap_servers)
        self._take, self._wall_ms = take, wall_ms
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="outputs", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<OutputFollower {'closed' if self._is_over.is_set() else 'following'}>"

    def _follow(self) -> None:
        self._reader.assign([TopicPartition(*place, 0) for place in _places()])
        while not self._is_over.is_set():
            for message in self._reader.consume(200, POLL_S):
                if message.error() is None:
                    self._take(told_of(message, self._wall_ms()))

    def close(self) -> None:
        self._is_over.set()
        self._thread.join()
        self._reader.close()


def stored(bootstrap_servers: str) -> Counter[str]:
    """What lies on the outputs, read anew from the start: `<kind> <position>` -> how often."""
    reader = _reader(bootstrap_servers)
    found: Counter[str] = Counter()
    try:
        starts: list[TopicPartition] = []
        left = 0
        for topic, number in _places():
            low, high = reader.get_watermark_offsets(TopicPartition(topic, number))
            starts.append(TopicPartition(topic, number, low))
            left += high - low
        reader.assign(starts)
        until_s = time.monotonic() + READ_BACK_S
        while left > 0 and time.monotonic() < until_s:
            for message in reader.consume(min(500, left), 0.1):
                left -= 1
                shown = _headers(message).get("safeguard-position", "?")
                found[f"{(message.topic() or '').rpartition('.')[2]} {shown}"] += 1
    finally:
        reader.close()
    return found


def told_of(message: Message, seen_ms: int) -> Told:
    """A record as it was read."""
    headers = _headers(message)
    topic, _, place = headers.get("safeguard-position", "?/0/0").partition("/")
    partition, _, offset = place.partition("/")
    return Told(
        (message.topic() or "").rpartition(".")[2],
        Position(topic, int(partition), int(offset)),
        headers,
        message.value() or b"",
        seen_ms,
    )


def _headers(message: Message) -> Mapping[str, str]:
    given: Any = message.headers() or ()
    return {name: (value or b"").decode(errors="replace") for name, value in given}


def _places() -> list[tuple[str, int]]:
    outputs = [topic for topic in topics() if topic not in INPUTS]
    return list(product(outputs, range(PARTITIONS)))


def _reader(bootstrap_servers: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": "demo-reader",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 50,
            "log_level": 0,
        }
    )
