"""Feeder: writes the messages in bursts and retries until the brokers have each of them."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from confluent_kafka import Producer

from tests.chaos.scene import text_of

HOT_KEYS = 50
COLD_KEYS = 5_000
HOT_SHARE = 0.6
BURST_S = 1.0
FLUSH_S = 120.0
LEAD = 0.05
"""So much of the messages is written ahead of the faults that they are to meet."""


class Feeder:
    """A thread that spreads messages evenly over a time, or over faults that take longer."""

    def __init__(
        self, bootstrap_servers: str, topic: str, messages: int, seconds: float, seed: int
    ) -> None:
        self._topic = topic
        self._messages = messages
        self._seconds = seconds
        self._dice = random.Random(seed)
        self._bootstrap_servers = bootstrap_servers
        self._producer = self._new_producer()
        self._turn = threading.Lock()
        """Held while messages are written, and by whoever wants none to be."""
        self._ended = threading.Event()
        self._progress: Callable[[], float] = lambda: 1.0
        self._thread = threading.Thread(target=self._run, name="feeder", daemon=True)
        self.stored = 0
        self.refused: list[str] = []
        """Messages that were not stored after all; there should be none."""

    def start(self, progress: Callable[[], float]) -> None:
        """`progress` is how much of the faults is over, 0 to 1: none should find nothing to do."""
        self._progress = progress
        self._thread.start()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing is written, or on its way, inside the block; what was due comes after it."""
        with self._turn:
            # One that knows the topic as it was must not meet the next one of its name: librdkafka
            # 2.16 was seen to crash over that, with a broker that came back meanwhile.
            self._producer.flush(FLUSH_S)
            self._producer.close()
            yield
            self._producer = self._new_producer()

    @property
    def share(self) -> float:
        """How much of all messages is stored by now, 0 to 1."""
        return self.stored / self._messages

    def finish(self) -> None:
        """Wait until everything is written and stored."""
        self._thread.join(self._seconds + FLUSH_S)
        assert not self._thread.is_alive(), "the feeder hangs"

    def abandon(self) -> None:
        """Write no more."""
        self._ended.set()
        self._producer.purge()

    def _run(self) -> None:
        began_s = time.monotonic()
        sent = 0
        while sent < self._messages and not self._ended.is_set():
            passed = (time.monotonic() - began_s + BURST_S) / self._seconds
            share = min(1.0, passed, self._progress() + LEAD)
            with self._turn:
                for number in range(sent, int(self._messages * share)):
                    self._send(number)
                sent = max(sent, int(self._messages * share))
                self._producer.poll(0)
            self._ended.wait(BURST_S)
        self._producer.flush(FLUSH_S)

    def _new_producer(self) -> Producer:
        return Producer(
            {
                "bootstrap.servers": self._bootstrap_servers,
                "log_level": 0,
                "acks": "all",
                "enable.idempotence": True,
                # No broker is away for so long: a message is given up by nobody.
                "message.timeout.ms": 600_000,
                "linger.ms": 2,
            }
        )

    def _send(self, number: int) -> None:
        is_hot = self._dice.random() < HOT_SHARE
        key = self._dice.randrange(HOT_KEYS if is_hot else COLD_KEYS)
        text = text_of(number, self._dice)
        value = json.dumps({"id": str(number), "text": text}).encode()
        name = f"{'hot' if is_hot else 'cold'}-{key}"
        self._producer.produce(self._topic, value, name, on_delivery=self._delivered)

    def _delivered(self, error: object, _message: object) -> None:
        if error is None:
            self.stored += 1
        else:
            self.refused.append(str(error))
