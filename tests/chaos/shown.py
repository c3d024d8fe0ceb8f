"""
Shown: up to where the outputs showed their records, asked all the time.

A broker that has appended a record shows it once all copies that are in step have it. Who reads
meanwhile does not find it, whatever it does: window 2 of deploy/README.md. So it is written down
what could be found when.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicPartition

from tests.brokers.node import CLIENT

ASK_EVERY_S = 0.1
ANSWER_S = 1.0
"""A broker that stands still is asked anew."""

Output = tuple[str, int]


class _Seen(NamedTuple):
    asked_ms: float
    """The answer is of this moment or of a later one."""
    end: int


class Shown:
    """What was seen of each output, for as long as `watched` lasts."""

    def __init__(self) -> None:
        self._seen: dict[Output, list[_Seen]] = {}

    def __repr__(self) -> str:
        return f"<Shown, looked {sum(map(len, self._seen.values()))} times>"

    def note(self, output: Output, asked_ms: float, end: int) -> None:
        self._seen.setdefault(output, []).append(_Seen(asked_ms, end))

    def was_hidden(self, output: Output, offset: int, at_ms: float, until_ms: float) -> bool:
        """
        Whether a record that lay there at a moment was surely not shown yet: at that moment or
        later, and before it was gone, the output ended at or before it.
        """
        return any(
            at_ms <= seen.asked_ms < until_ms and seen.end <= offset
            for seen in self._seen.get(output, ())
        )


@contextmanager
def watched(bootstrap_servers: str, outputs: Sequence[Output]) -> Iterator[Shown]:
    """Ask about each output by itself, so that a broker that hangs holds up none of the others."""
    shown, ended = Shown(), threading.Event()
    properties = {**CLIENT, "bootstrap.servers": bootstrap_servers, "group.id": "chaos.watch"}
    consumer = Consumer({**properties, "enable.auto.commit": False})

    def ask(output: Output) -> None:
        part = TopicPartition(*output)
        while not ended.wait(ASK_EVERY_S):
            asked_ms = time.time() * 1_000
            try:
                found = consumer.get_watermark_offsets(part, timeout=ANSWER_S, cached=False)
            except KafkaException:
                continue
            if found is not None and found[1] >= 0:
                shown.note(output, asked_ms, found[1])

    threads = [threading.Thread(target=ask, args=(each,), daemon=True) for each in outputs]
    for thread in threads:
        thread.start()
    try:
        yield shown
    finally:
        ended.set()
        for thread in threads:
            thread.join()
        consumer.close()
