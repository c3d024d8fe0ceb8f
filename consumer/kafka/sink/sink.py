"""
Sink: publications out, in order, acknowledged or repeated.

`send` only hands to the client and returns. While reports are due the event loop itself asks the
client for them, every millisecond, and gives them to the listener in batches: a thread that waits
for them would be woken for each, and wrest the interpreter from the loop each time.

A publication without a report in time may have been stored all the same, and those sent after it
must not overtake it. So the producer is then emptied and ended as a whole, before the client's own
time-out: that one would let the client start a new sequence and store what was in flight a second
time. Then the outputs are read from the floors, what is found there counts as stored, and the rest
is reported as not stored, in the old order: whether it may be sent again is not the sink's to say.
What can have been stored lies at or above the floor that was noted before the first attempt. An
output that cannot be read holds up its own publications, and no others.

A batch that a broker refuses ends the same way, for what was sent after it must not overtake it
either. What was in it is then taken one at a time (`probation.py`): only what is refused alone is
too large.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, TypeVar

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as KafkaMessage

from consumer.domain.checkpoint import Floor
from consumer.errors import BrokerUnavailable, PublishFailed
from consumer.interfaces import DeliveryReport, Fate, Output, Publication, SinkListener, Ticket
from consumer.kafka import config as properties
from consumer.kafka.client_errors import ClientErrors, ClientFault, Meaning, as_fatal, read
from consumer.kafka.config import KafkaConfig
from consumer.kafka.reader.tail import Identity, TailReader, identity
from consumer.kafka.sink.floors import FloorTracker, lowest
from consumer.kafka.sink.probation import INVALID, TOO_LARGE, Probation, smaller_batch
from consumer.telemetry.metrics import Metrics

log = structlog.get_logger()

REPORTS_S = 0.001
"""How often the client is asked for reports while any are due."""
WATCH_S = 0.1
"""How often it is looked whether one is late; the client tells of errors then, too."""
REPEAT_WAIT_S = 1.0
SETTLE_S = 1.0
"""From the broker's first answer to reading a tail: by then it has what the network held."""


class _Sent(NamedTuple):
    """A publication on its way, and where it can lie at the earliest."""

    publication: Publication
    ticket: Ticket
    floor: Floor
    sent_s: float
    is_alone: bool
    """Whether its output is on probation, so that a refusal means this very publication."""


class KafkaSink:
    """Publishes with an idempotent producer."""

    def __init__(
        self,
        config: KafkaConfig,
        tail: TailReader,
        metrics: Metrics,
        identify: Callable[[Sequence[str]], Mapping[str, str]] = lambda _: {},
        limits: Callable[[Sequence[str]], Mapping[str, int]] = lambda _: {},
    ) -> None:
        """`limits` asks the brokers how large a batch each topic takes, if they say; blocking."""
        self._config = config
        self._limits = limits
        self._tail = tail
        self._identify = identify
        """The broker's ids of topics, where it gives them. Blocking."""
        self._metrics = metrics
        self._producer = self._new_producer()
        self._floors = FloorTracker()
        self._sent: dict[int, _Sent] = {}
        """On their way, in the order they were sent."""
        self._failed: dict[int, _Sent] = {}
        self._held: dict[Output, list[Ticket]] = {}
        """Sent while a repair is under way; they are reported as not stored after it."""
        self._unread: dict[Output, list[_Sent]] = {}
        """Failed publications of outputs that could not be read yet."""
        self._probation = Probation()
        self._next = 0
        self._has_stored = False
        """Whether this producer has been acknowledged anything."""
        self._is_broken = False
        self._reports: deque[tuple[int, KafkaError | None, int]] = deque()
        self._loop: asyncio.AbstractEventLoop
        self._listener: SinkListener
        self._collecting: asyncio.TimerHandle | None = None
        self._repair: asyncio.Task[None] | None = None
        self._rereading: asyncio.Task[None] | None = None
        self._reading = asyncio.Lock()
        self._executor = ThreadPoolExecutor(4, "sink")
        self._watching: asyncio.Task[None]

    def __repr__(self) -> str:
        state = "repairing" if self._is_broken or self._unread else "sending"
        return f"<KafkaSink {state}, on their way {len(self._sent)}, held {len(self._held)}>"

    @property
    def is_idle(self) -> bool:
        return not (self._sent or self._failed or self._held or self._unread)

    @property
    def troubled(self) -> list[str]:
        """Outputs whose publications wait for the broker; health shows them."""
        waiting = tuple(self._failed.values())
        names = {sent.publication.topic for sent in waiting}
        return sorted(names.union(output.topic for output in tuple(self._unread)))

    def start(self, listener: SinkListener, ends: Mapping[Output, Floor]) -> None:
        """
        Begin.

        `ends` are the outputs' end offsets before the first publication of this process, each with
        the topic's id: nothing of its own can lie below them.
        """
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._floors.look(ends)
        self._watching = self._loop.create_task(self._watch())

    def add_outputs(self, ends: Mapping[Output, Floor]) -> list[str]:
        """
        End offsets of outputs that came later, before anything is sent to them.

        Returns those that were known and are other topics by now: ours may lie anywhere on them.
        """
        again = self._floors.look(ends)
        if again:
            # With what the client knows of the old ones, and with what is on its way to either.
            self._give_up(f"made again: {', '.join(again)}")
        return again

    def floor(self, output: Output) -> Floor:
        return self._floors.at(output)

    def takes(self, output: Output) -> bool:
        return self._probation.takes(output)

    def send(self, publication: Publication, ticket: Ticket) -> None:
        output = publication.output
        if (
            self._is_broken
            or output in self._unread
            or output in self._held
            or not self.takes(output)
        ):
            self._held.setdefault(output, []).append(ticket)
            return
        number = self._next
        self._next += 1
        is_alone = self._probation.sent(output)
        self._sent[number] = _Sent(
            publication, ticket, self.floor(output), time.monotonic(), is_alone
        )
        self._collect_soon()
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
            self._fail(number, "the client's queue is full")
        except KafkaException as error:
            if error.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE:
                # The client looks at each alone. What comes after it must not overtake what
                # becomes of it.
                self._sent[number] = self._sent[number]._replace(is_alone=True)
                self._held[output] = []
                self._loop.call_soon(self._settle, [(number, error.args[0], -1)])
            else:
                self._fail(number, str(error))

    def _fail(self, number: int, why: str) -> None:
        """At once, so that nothing that is sent after it gets before it."""
        self._failed[number] = self._sent.pop(number)
        self._give_up(why)

    # Delivery reports.

    def _collect_soon(self) -> None:
        if self._collecting is None:
            self._collecting = self._loop.call_later(REPORTS_S, self._collect_due)

    def _collect_due(self) -> None:
        self._collecting = None
        self._collect()
        if self._sent:
            self._collect_soon()

    def _collect(self) -> None:
        """Settle what has been reported by now."""
        try:
            self._producer.poll(0)
        except KafkaException as error:
            # A fatal error is not told to the callback: it is raised here, once.
            self._note_fault(read(error.args[0]))
        if self._reports:
            batch = [self._reports.popleft() for _ in range(len(self._reports))]
            self._settle(batch)

    def _delivered(self, number: int, error: KafkaError | None, message: KafkaMessage) -> None:
        offset = message.offset() if error is None else None
        self._reports.append((number, error, -1 if offset is None else offset))

    def _settle(self, batch: Sequence[tuple[int, KafkaError | None, int]]) -> None:
        reports: list[DeliveryReport] = []
        for number, error, offset in batch:
            sent = self._sent.pop(number, None)
            if sent is None:
                continue
            output = sent.publication.output
            if error is None:
                self._floors.acknowledged(output, sent.floor, offset)
                self._has_stored = True
                reports.append(DeliveryReport(sent.ticket, Fate.STORED))
            elif error.code() in _NEVER or (error.code() in INVALID and sent.is_alone):
                self._listener.failed(_refused_for_ever(sent.publication, error))
                return
            elif error.code() in TOO_LARGE and self._is_to_blame(sent):
                reports.append(DeliveryReport(sent.ticket, Fate.TOO_LARGE))
            elif (fault := read(error)).meaning is Meaning.FATAL and fault.code != error._FATAL:
                refused = as_fatal(fault, sent.publication.topic)
                self._listener.failed(PublishFailed(str(refused)))
                return
            else:
                if error.code() in INVALID:
                    self._is_to_blame(sent)
                self._sent[number] = sent
                self._fail(number, str(error))
                continue
            if sent.is_alone:
                self._probation.settled(output)
                reports += self._not_sent(output)
        if reports:
            self._listener.reported(reports)

    def _is_to_blame(self, sent: _Sent) -> bool:
        return self._probation.is_to_blame(sent.publication.output, is_alone=sent.is_alone)

    def _not_sent(self, output: Output) -> list[DeliveryReport]:
        """What came for an output while it took nothing: it follows what was looked at alone."""
        return [DeliveryReport(ticket, Fate.NOT_STORED) for ticket in self._held.pop(output, ())]

    async def _watch(self) -> None:
        """Give up what has waited too long for its report; the oldest is the first."""
        while True:
            await asyncio.sleep(WATCH_S)
            self._collect()
            oldest = next(iter(self._sent.values()), None)
            if oldest and time.monotonic() - oldest.sent_s > self._config.message_timeout_s:
                self._give_up("no report in time")

    def _note_fault(self, fault: ClientFault) -> None:
        """The producer is at its end: another one takes over, if that can help."""
        if fault.meaning is Meaning.SEQUENCE and (self._has_stored or self._is_broken):
            self._give_up(fault.words)
        else:
            self._listener.failed(PublishFailed(str(as_fatal(fault))))

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
            self._probation.interrupted()
            if self._probation.refused_topics:
                await self._make_batches_smaller()
            # The old producer first: what lies in its buffers would go out once the broker is back.
            old, self._producer = self._producer, self._new_producer()
            await self._run(partial(_end, old))
            for sent in failed:
                self._unread.setdefault(sent.publication.output, []).append(sent)
            while self._unread and not await self._read_some():
                await asyncio.sleep(REPEAT_WAIT_S)
            self._is_broken = False
            for output in list(self._held):
                self._release(output, [])
            if self._unread and (self._rereading is None or self._rereading.done()):
                self._rereading = self._loop.create_task(self._read_rest())
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._listener.failed(PublishFailed(f"publishing cannot be mended: {error!r}"))

    async def _make_batches_smaller(self) -> None:
        """An output takes less than we knew: ask how much, or go on more carefully."""
        topics = self._probation.refused_topics
        try:
            said = await self._run(partial(self._limits, topics))
        except BrokerUnavailable:
            said = {}
        size = smaller_batch(self._config.batch_bytes_max, min(said.values(), default=None))
        self._config = self._config._replace(batch_bytes_max=size)
        log.warning(
            "a batch was refused: its records go one at a time, and batches are smaller from now",
            outputs=topics,
            batch_bytes_max=size,
        )

    async def _read_rest(self) -> None:
        """Go on asking for the outputs that could not be read; the others are at work again."""
        try:
            while self._unread:
                await asyncio.sleep(REPEAT_WAIT_S)
                await self._read_some()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._listener.failed(PublishFailed(f"publishing cannot be mended: {error!r}"))

    async def _read_some(self) -> bool:
        """
        Read the outputs that can be read, and report what was found.

        Returns whether the brokers are there, so that the other outputs may go on.
        """
        async with self._reading:
            if not await self._run(self._tail.is_there):
                log.warning("brokers are out: publishing waits")
                return False
            outputs = list(self._unread)
            answers = await asyncio.gather(*(self._can_be_read(output) for output in outputs))
            readable = [output for output, answers in zip(outputs, answers, strict=True) if answers]
            if not readable:
                log.warning("outputs cannot be read: publishing waits", outputs=self.troubled)
                return True
            # The brokers are back, and bytes of ours may still be on their way to their logs.
            await asyncio.sleep(SETTLE_S)
            for output in readable:
                failed = self._unread[output]
                try:
                    ids = await self._run(partial(self._identify, [output.topic]))
                    floor = lowest((sent.floor for sent in failed), ids.get(output.topic, ""))
                    stored = await self._run(partial(self._tail.identities, *output, floor))
                except BrokerUnavailable as error:
                    log.warning("an output cannot be read", output=output.topic, error=str(error))
                    continue
                del self._unread[output]
                self._report_mended(output, failed, stored)
            return True

    async def _can_be_read(self, output: Output) -> bool:
        try:
            return output in await self._run(partial(self._tail.ends, [output]))
        except BrokerUnavailable:
            return False

    def _report_mended(self, output: Output, failed: list[_Sent], stored: set[Identity]) -> None:
        done = [sent for sent in failed if identity(dict(sent.publication.headers)) in stored]
        rest = [sent for sent in failed if identity(dict(sent.publication.headers)) not in stored]
        self._metrics.publish_repeats.inc(len(rest))
        log.info(
            "publishing is mended",
            output=f"{output.topic}/{output.partition}",
            found_stored=len(done),
            not_stored=len(rest),
        )
        self._listener.reported([DeliveryReport(sent.ticket, Fate.STORED) for sent in done])
        self._probation.begin(output, len(rest))
        self._release(output, [sent.ticket for sent in rest])

    def _release(self, output: Output, not_stored: list[Ticket]) -> None:
        """What was not stored, and then what was sent since, may be sent again in this order."""
        if output in self._unread:
            return
        tickets = not_stored + self._held.pop(output, [])
        if self._is_broken:
            # They would be held again, each behind the others: they wait for the end of the repair.
            self._held[output] = tickets
        elif tickets:
            self._listener.reported([DeliveryReport(ticket, Fate.NOT_STORED) for ticket in tickets])

    async def _run(self, work: Callable[[], Answer]) -> Answer:
        return await self._loop.run_in_executor(self._executor, work)

    def _new_producer(self) -> Producer:
        self._has_stored = False
        return Producer(properties.producer(self._config, ClientErrors("producer")))

    async def close(self, timeout_s: float) -> None:
        """Wait for what is on its way, within the time given, and end the thread."""
        until_s = time.monotonic() + timeout_s
        while not self.is_idle and time.monotonic() < until_s:
            await asyncio.sleep(0.01)
        for task in (self._repair, self._rereading, self._watching):
            if task is not None:
                task.cancel()
        if self._collecting is not None:
            self._collecting.cancel()
        self._tail.stop()
        await self._run(partial(_end, self._producer))
        self._executor.shutdown(wait=False, cancel_futures=True)


def _end(producer: Producer) -> None:
    """Throw away what a producer still holds, and its connections."""
    producer.purge()
    try:
        producer.flush(1.0)
    except KafkaException as error:
        log.debug("a producer ended badly", error=str(error))
    producer.close()


_NEVER = (KafkaError.TOPIC_EXCEPTION,)
"""Errors that no repetition mends. A topic that is unknown may be new, or be made again."""

Answer = TypeVar("Answer")


def _position(publication: Publication) -> str:
    for name, value in reversed(publication.headers):
        if name == "safeguard-position" and value is not None:
            return value.decode()
    return ""


def _refused_for_ever(publication: Publication, error: KafkaError) -> PublishFailed:
    return PublishFailed(
        f"Kafka refuses to store the verdict on {_position(publication)} on {publication.topic}: "
        f"{error}. Check the topic's configuration (cleanup.policy must be delete, and nothing may "
        "validate the records) and this user's right to write it"
    )
