"""Sender: writes the demo's messages to the inputs, and remembers what stands where."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import chain

import orjson
from confluent_kafka import KafkaError, Message, Producer

from consumer.dev.demo.stage.stage import INPUTS
from consumer.dev.traffic import Contribution, chat_messages, comments
from consumer.domain.messages.message import Position

FLUSH_S = 10.0
"""The broker is in this process: it has them long before."""
TICK_S = 0.02
"""Fine enough that messages do not come in lumps."""


class Sender:
    """A producer of invented traffic, and of sentences that somebody says."""

    def __init__(self, bootstrap_servers: str, seed: int) -> None:
        # At once: what is typed is to be seen.
        self._producer = Producer(
            {"bootstrap.servers": bootstrap_servers, "log_level": 0, "linger.ms": 0}
        )
        self._traffic = traffic(seed)
        self._texts: dict[Position, str] = {}
        self._marks: dict[Position, str] = {}
        self.sent = 0

    def __repr__(self) -> str:
        return f"<Sender {self.sent} sent>"

    async def flow(self, rate: float, is_over: Callable[[float], bool]) -> None:
        """Send at a rate until it is over; it is asked with the seconds that have passed."""
        started_s, before = time.monotonic(), 0
        while not is_over(passed_s := time.monotonic() - started_s):
            while before < passed_s * rate:
                self._send(next(self._traffic))
                before += 1
            self._producer.poll(0)
            await asyncio.sleep(TICK_S)

    async def flush(self) -> None:
        await asyncio.to_thread(self._producer.flush, FLUSH_S)

    def say(self, text: str, mark: str) -> None:
        """Send one sentence to the chat, and know its verdict by this mark when it comes."""
        document = {"id": f"{mark}-{self.sent}", "room": "demo", "author": {"id": mark}}
        value = orjson.dumps(document | {"text": text})
        self._send(Contribution(b"demo", value, INPUTS[0]), mark)
        self._producer.poll(0)

    def _send(self, contribution: Contribution, mark: str = "") -> None:
        key, value, topic = contribution
        text = text_of_value(value)

        def stored(error: KafkaError | None, message: Message) -> None:
            if error is None:
                place = Position(topic, message.partition() or 0, message.offset() or 0)
                self._texts[place] = text
                if mark:
                    self._marks[place] = mark

        self._producer.produce(topic, value, key, on_delivery=stored)
        self.sent += 1

    def recall(self, position: Position) -> tuple[str, str]:
        """What was written there, and its mark, if it had one; told once."""
        self._producer.poll(0)
        return self._texts.pop(position, ""), self._marks.pop(position, "")


def traffic(seed: int) -> Iterator[Contribution]:
    """Two chat messages for each comment; tombstones only where they become dead letters."""
    chat, posts = chat_messages(seed), comments(seed)
    together = chain.from_iterable(zip(chat, chat, posts, strict=False))
    return (item for item in together if item.value is not None or item.topic == INPUTS[0])


def text_of_value(value: bytes | None) -> str:
    """What a person would read of a record."""
    if value is None:
        return "(a tombstone)"
    try:
        document = orjson.loads(value)
    except ValueError:
        return value.decode(errors="replace")
    texts = (document.get(name, "") for name in ("title", "body", "text"))
    return " ".join(text for text in texts if text.strip()) or "(no text)"
