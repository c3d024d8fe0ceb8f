"""
Sink: publications out, in order, acknowledged or repeated.

`send` only hands to the client and returns; reports are collected by the event loop
(`collecting.py`) and given to the listener in batches. Whatever puts the producer in doubt, such as
a report that does not come in time, ends it as a whole (`mending.py`); what was sent meanwhile is
held and reported as not stored after that.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog
from confluent_kafka import KafkaError, KafkaException

from consumer.domain.checkpoint import Floor
from consumer.errors import PublishFailed
from consumer.interfaces import DeliveryReport, Fate, Output, Publication, SinkListener, Ticket
from consumer.kafka.client_errors import ClientFault, Meaning, as_fatal, read
from consumer.kafka.config import KafkaConfig
from consumer.kafka.reader.tail import TailReader
from consumer.kafka.sink.batches import Batches
from consumer.kafka.sink.collecting import Collecting
from consumer.kafka.sink.floors import FloorTracker
from consumer.kafka.sink.held import Held
from consumer.kafka.sink.mending import Mending
from consumer.kafka.sink.probation import INVALID, TOO_LARGE, Probation
from consumer.kafka.sink.producer import ProducerInUse, Report
from consumer.kafka.sink.stored import StoredFinder
from consumer.kafka.sink.under_way import Sending, UnderWay
from consumer.telemetry.telemetry import Telemetry

log = structlog.get_logger()

THREADS = 4
"""So many outputs are read at once in a repair: a topic has four, and each holds a megabyte or two
while it is read."""


class KafkaSink:
    """Publishes with an idempotent producer."""

    def __init__(
        self,
        config: KafkaConfig,
        tail: TailReader,
        telemetry: Telemetry,
        identify: Callable[[Sequence[str]], Mapping[str, str]] = lambda _: {},
        limits: Callable[[Sequence[str]], Mapping[str, int]] = lambda _: {},
    ) -> None:
        """`identify` asks for topics' ids, `limits` how large a batch each takes; both block."""
        self._timeout_s = config.message_timeout_s
        self._executor = ThreadPoolExecutor(THREADS, "sink")
        self._floors = FloorTracker()
        self._under_way = UnderWay()
        self._held = Held()
        self._probation = Probation()
        self._producer = ProducerInUse(config, self._executor)
        self._batches = Batches(config, limits, self._executor)
        self._finder = StoredFinder(tail, identify, self._executor)
        self._mending = Mending(
            self._under_way,
            self._held,
            self._probation,
            self._producer,
            self._batches,
            self._finder,
            telemetry,
        )
        self._collecting = Collecting(self._collect, self._watch, lambda: bool(self._under_way))
        self._listener: SinkListener

    def __repr__(self) -> str:
        state = "repairing" if self._mending.is_broken or self._held.unread else "sending"
        return f"<KafkaSink {state}, {self._under_way!r}, {self._held!r}>"

    @property
    def is_idle(self) -> bool:
        return self._under_way.is_empty and self._held.is_empty

    @property
    def troubled(self) -> list[str]:
        """Outputs whose publications wait for the broker; health shows them."""
        return sorted(self._under_way.failed_topics | self._held.unread_topics)

    def start(self, listener: SinkListener, ends: Mapping[Output, Floor]) -> None:
        """
        Begin.

        `ends` are the outputs' end offsets before the first publication of this process, each with
        the topic's id: nothing of its own can lie below them.
        """
        self._listener = listener
        self._mending.tell(listener)
        self._floors.look(ends)
        self._collecting.begin()

    def add_outputs(self, ends: Mapping[Output, Floor]) -> list[str]:
        """
        End offsets of outputs that came later, before anything is sent to them.

        Returns those that were known and are other topics by now: ours may lie anywhere on them.
        """
        again = self._floors.look(ends)
        if again:
            # With what the client knows of the old ones, and with what is on its way to either.
            self._mending.begin(f"made again: {', '.join(again)}")
        return again

    def heed_limits(self, limits: Mapping[str, int]) -> None:
        """How large a batch outputs take by now; batches grow again once nothing is on its way."""
        self._batches.look(limits)

    def floor(self, output: Output) -> Floor:
        return self._floors.at(output)

    def takes(self, output: Output) -> bool:
        return self._probation.takes(output)

    def send(self, publication: Publication, ticket: Ticket) -> None:
        output = publication.output
        if self._mending.is_broken or self._held.holds(output) or not self.takes(output):
            self._held.hold(output, [ticket])
            return
        is_alone = self._probation.sent(output)
        floor = self._floors.at(output)
        number = self._under_way.add(
            Sending(publication, output, ticket, floor, time.monotonic(), is_alone)
        )
        self._collecting.soon()
        try:
            self._producer.produce(publication, number)
        except BufferError:
            self._fail(number, "the client's queue is full")
        except KafkaException as error:
            if error.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE:
                # The client looks at each alone. What comes after it must not overtake what
                # becomes of it.
                self._under_way.put_alone(number)
                self._held.hold(output)
                refusal: Report = (number, error.args[0], -1)
                asyncio.get_running_loop().call_soon(self._settle, [refusal])
            else:
                self._fail(number, str(error))

    def _fail(self, number: int, why: str, sending: Sending | None = None) -> None:
        """At once, so that nothing that is sent after it gets before it."""
        self._under_way.fail(number, sending)
        self._mending.begin(why)

    # Delivery reports.

    def _collect(self) -> None:
        """Settle what has been reported by now."""
        try:
            self._producer.poll()
        except KafkaException as error:
            self._note_fault(read(error.args[0]))
        if reports := self._producer.reports():
            self._settle(reports)

    def _settle(self, batch: Sequence[Report]) -> None:
        reports: list[DeliveryReport] = []
        for number, error, offset in batch:
            sending = self._under_way.take(number)
            if sending is None:
                continue
            output = sending.output
            if error is None:
                self._floors.acknowledged(output, sending.floor, offset)
                self._producer.has_stored = True
                reports.append(DeliveryReport(sending.ticket, Fate.STORED))
            elif error.code() in _NEVER or (error.code() in INVALID and sending.is_alone):
                self._listener.failed(_refused_for_ever(sending.publication, error))
                return
            elif error.code() in TOO_LARGE and self._is_to_blame(sending):
                reports.append(DeliveryReport(sending.ticket, Fate.TOO_LARGE))
            elif (fault := read(error)).meaning is Meaning.FATAL and fault.code != error._FATAL:
                self._listener.failed(PublishFailed(str(as_fatal(fault, output.topic))))
                return
            else:
                if error.code() in INVALID:
                    self._is_to_blame(sending)
                self._fail(number, str(error), sending)
                continue
            if sending.is_alone:
                self._probation.settled(output)
                # What came while it was looked at follows it.
                held = self._held.release(output)
                reports += [DeliveryReport(ticket, Fate.NOT_STORED) for ticket in held]
        if reports:
            self._listener.reported(reports)

    def _is_to_blame(self, sending: Sending) -> bool:
        return self._probation.is_to_blame(sending.output, is_alone=sending.is_alone)

    def _watch(self) -> None:
        """Give up what has waited too long for its report, and grow where that is in order."""
        self._collect()
        if self._under_way.is_late(time.monotonic(), self._timeout_s):
            self._mending.begin("no report in time")
        elif self._producer.batch_bytes_max < self._batches.bytes_max and not (
            self._under_way or self._mending.is_broken
        ):
            # Of two producers with something on its way the later one could overtake.
            self._producer.replace_idle(self._batches.config)

    def _note_fault(self, fault: ClientFault) -> None:
        """The producer is at its end: another one takes over, if that can help."""
        can_help = self._producer.has_stored or self._mending.is_broken
        if fault.meaning is Meaning.SEQUENCE and can_help:
            self._mending.begin(fault.words)
        else:
            self._listener.failed(PublishFailed(str(as_fatal(fault))))

    async def close(self, timeout_s: float) -> None:
        """Wait for what is on its way, within the time given, and end the threads."""
        until_s = time.monotonic() + timeout_s
        while not self.is_idle and time.monotonic() < until_s:
            await asyncio.sleep(0.01)
        self._mending.end()
        self._collecting.end()
        self._finder.stop()
        await self._producer.end()
        self._executor.shutdown(wait=False, cancel_futures=True)


_NEVER = (KafkaError.TOPIC_EXCEPTION,)
"""Errors that no repetition mends. A topic that is unknown may be new, or be made again."""


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
