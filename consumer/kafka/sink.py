"""
Sink: publications out, in order, acknowledged or repeated.

`send` only hands to the client and returns; a thread collects delivery reports and gives them to
the listener in batches. A publication without a report in time may have been stored all the same,
and those sent after it must not overtake it. So the producer is then emptied and ended as a whole,
before the client's own time-out: that one would let the client start a new sequence and store what
was in flight a second time. Then the outputs are read from the floors, what is found there counts
as stored, and the rest is reported as not stored, in the old order: whether it may be sent again
is not the sink's to say. A floor is the first offset at which a publication can lie: one past what
was last acknowledged there, noted before the first attempt.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as KafkaMessage

from consumer.errors import BrokerUnavailable, PublishFailed
from consumer.interfaces import Fate, Output, Publication, Report, SinkListener, Ticket
from consumer.kafka import config as properties
from consumer.kafka.client_errors import ClientErrors
from consumer.kafka.config import KafkaConfig
from consumer.kafka.tail import TailReader
from consumer.telemetry.metrics import Metrics

log = structlog.get_logger()

POLL_S = 0.1
WATCH_S = 0.1
REPEAT_WAIT_S = 1.0
SETTLE_S = 1.0
"""From the broker's first answer to reading a tail: by then it has what the network held."""


class _Sent(NamedTuple):
    """A publication on its way, and where it can lie at the earliest."""

    publication: Publication
    ticket: Ticket
    floor: int
    sent_s: float


class KafkaSink:
    """Publishes with an idempotent producer."""

    def __init__(self, config: KafkaConfig, tail: TailReader, metrics: Metrics) -> None:
        self._config = config
        self._tail = tail
        self._metrics = metrics
        self._producer = self._new_producer()
        self._floors: dict[Output, int] = {}
        self._sent: dict[int, _Sent] = {}
        """On their way, in the order they were sent."""
        self._failed: dict[int, _Sent] = {}
        self._held: deque[Ticket] = deque()
        """Sent while a repair is under way; they are reported as not stored after it."""
        self._next = 0
        self._is_broken = False
        self._is_closed = False
        self._reports: deque[tuple[int, KafkaError | None, int]] = deque()
        self._loop: asyncio.AbstractEventLoop
        self._listener: SinkListener
        self._thread = threading.Thread(target=self._poll, name="kafka-sink", daemon=True)
        self._repair: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None]

    def __repr__(self) -> str:
        state = "repairing" if self._is_broken else "sending"
        return f"<KafkaSink {state}, on their way {len(self._sent)}, held {len(self._held)}>"

    @property
    def is_idle(self) -> bool:
        return not (self._sent or self._failed or self._held)

    def start(self, listener: SinkListener, ends: Mapping[Output, int]) -> None:
        """
        Begin.

        `ends` are the outputs' end offsets before the first publication of this process: nothing of
        its own can lie below them.
        """
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._floors.update(ends)
        self._thread.start()
        self._watching = self._loop.create_task(self._watch())

    def add_outputs(self, ends: Mapping[Output, int]) -> None:
        """End offsets of outputs that came later, before anything is sent to them."""
        for output, end in ends.items():
            self._floors.setdefault(output, end)

    def floor(self, output: Output) -> int:
        return self._floors.get(output, 0)

    def send(self, publication: Publication, ticket: Ticket) -> None:
        if self._is_broken:
            self._held.append(ticket)
            return
        number = self._next
        self._next += 1
        floor = self.floor(publication.output)
        self._sent[number] = _Sent(publication, ticket, floor, time.monotonic())
        try:
            self._producer.produce(
                publication.topic,
                publication.value,
                publication.key,
                publication.partition,
                on_delivery=partial(self._delivered, number),
                headers=list(publication.headers),
            )
        except BufferError:
            self._report_later(number, _QUEUE_FULL)
        except KafkaException as error:
            self._report_later(number, error.args[0])

    def _report_later(self, number: int, error: KafkaError) -> None:
        self._loop.call_soon(self._settle, [(number, error, -1)])

    # The thread.

    def _delivered(self, number: int, error: KafkaError | None, message: KafkaMessage) -> None:
        offset = message.offset() if error is None else None
        self._reports.append((number, error, -1 if offset is None else offset))

    def _poll(self) -> None:
        while not self._is_closed:
            self._producer.poll(POLL_S)
            if self._reports:
                batch = list(self._reports)
                for _ in batch:
                    self._reports.popleft()
                self._loop.call_soon_threadsafe(self._settle, batch)

    # On the event loop.

    def _settle(self, batch: Sequence[tuple[int, KafkaError | None, int]]) -> None:
        reports: list[Report] = []
        for number, error, offset in batch:
            sent = self._sent.pop(number, None)
            if sent is None:
                continue
            if error is None:
                output = sent.publication.output
                if offset >= self._floors.get(output, 0):
                    self._floors[output] = offset + 1
                reports.append(Report(sent.ticket, Fate.STORED))
            elif error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
                reports.append(Report(sent.ticket, Fate.TOO_LARGE))
            elif error.code() in _NEVER:
                self._listener.failed(
                    PublishFailed(f"Kafka refuses to store on {sent.publication.topic}: {error}")
                )
                return
            else:
                self._failed[number] = sent
                self._give_up(str(error))
        if reports:
            self._listener.reported(reports)

    async def _watch(self) -> None:
        """Give up what has waited too long for its report; the oldest is the first."""
        while True:
            await asyncio.sleep(WATCH_S)
            oldest = next(iter(self._sent.values()), None)
            if oldest and time.monotonic() - oldest.sent_s > self._config.message_timeout_s:
                self._give_up("no report in time")

    def _give_up(self, why: str) -> None:
        """Empty the producer, so that everything on its way fails now, and mend."""
        if self._is_broken:
            return
        log.warning("publishing failed: trying again", on_their_way=len(self._sent), error=why)
        self._is_broken = True
        self._producer.purge()
        self._repair = self._loop.create_task(self._mend())

    async def _mend(self) -> None:
        """Wait for every report, find what was stored after all, and report the rest in order."""
        try:
            while self._sent:
                await asyncio.sleep(0.05)
            failed = [self._failed[number] for number in sorted(self._failed)]
            self._failed.clear()
            # The old producer first: what lies in its buffers would go out once the broker is back.
            old, self._producer = self._producer, self._new_producer()
            await asyncio.to_thread(_end, old)
            stored = await self._stored_after_all(failed)
            self._is_broken = False
            held, self._held = self._held, deque()
            done = [sent for sent in failed if _position(sent.publication) in stored]
            rest = [sent for sent in failed if _position(sent.publication) not in stored]
            self._metrics.publish_repeats.inc(len(rest))
            log.info("publishing is mended", found_stored=len(done), not_stored=len(rest))
            not_stored = [sent.ticket for sent in rest] + list(held)
            self._listener.reported(
                [Report(sent.ticket, Fate.STORED) for sent in done]
                + [Report(ticket, Fate.NOT_STORED) for ticket in not_stored]
            )
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._listener.failed(PublishFailed(f"publishing cannot be mended: {error!r}"))

    async def _stored_after_all(self, failed: list[_Sent]) -> set[str]:
        floors: dict[Output, int] = {}
        for sent in failed:
            output = sent.publication.output
            floors[output] = min(sent.floor, floors.get(output, sent.floor))
        while True:
            try:
                await asyncio.to_thread(self._tail.ends, list(floors))
                # The broker is back, and bytes of ours may still be on their way to its log.
                await asyncio.sleep(SETTLE_S)
                return await asyncio.to_thread(self._find, floors)
            except BrokerUnavailable as error:
                log.warning("brokers are out: waiting", error=str(error))
                await asyncio.sleep(REPEAT_WAIT_S)

    def _find(self, floors: Mapping[Output, int]) -> set[str]:
        stored: set[str] = set()
        for (topic, partition), floor in floors.items():
            stored |= self._tail.positions(topic, partition, floor)
        return stored

    def _new_producer(self) -> Producer:
        return Producer(properties.producer(self._config, ClientErrors("producer")))

    async def close(self, timeout_s: float) -> None:
        """Wait for what is on its way, within the time given, and end the thread."""
        until_s = time.monotonic() + timeout_s
        while not self.is_idle and time.monotonic() < until_s:
            await asyncio.sleep(0.01)
        for task in (self._repair, self._watching):
            if task is not None:
                task.cancel()
        self._is_closed = True
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(_end, self._producer)


def _end(producer: Producer) -> None:
    """Throw away what a producer still holds, and its connections."""
    producer.purge()
    producer.flush(1.0)
    producer.close()


_QUEUE_FULL = KafkaError(KafkaError._QUEUE_FULL)
_NEVER = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError._UNKNOWN_PARTITION,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.INVALID_RECORD,
    KafkaError.TOPIC_EXCEPTION,
)
"""Errors that no repetition mends."""


def _position(publication: Publication) -> str:
    for name, value in reversed(publication.headers):
        if name == "safeguard-position" and value is not None:
            return value.decode()
    return ""
