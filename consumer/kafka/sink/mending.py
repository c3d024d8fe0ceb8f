"""
Mending: a producer that is in doubt is emptied, and what it stored is found out.

A publication without a report in time may have been stored all the same, and those sent after it
must not overtake it. So the producer is emptied and ended as a whole. Then the outputs are read
from the floors, what is found there counts as stored, and the rest is reported as not stored, in
the old order: whether it may be sent again is not the sink's to say. An output that cannot be read
holds up its own publications, and no others.

A batch that a broker refuses ends the same way, for what was sent after it must not overtake it
either. What was in it is then taken one at a time (`probation.py`): only what is refused alone is
too large.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import compress

import structlog

from consumer.errors import BrokerUnavailable, PublishFailed
from consumer.interfaces import DeliveryReport, Fate, Output, SinkListener, Ticket
from consumer.kafka.sink.batches import Batches
from consumer.kafka.sink.held import Held
from consumer.kafka.sink.probation import Probation
from consumer.kafka.sink.producer import ProducerInUse
from consumer.kafka.sink.stored import StoredFinder
from consumer.kafka.sink.under_way import Sending, UnderWay
from consumer.telemetry.telemetry import Telemetry

log = structlog.get_logger()

EMPTY_S = 0.05
"""How often it is looked whether an emptied producer has reported everything; it does at once."""
AGAIN_S = 1.0
"""How often brokers that are out, or outputs that cannot be read, are asked again. Without end, for
nothing may be published before; what waits is bounded by `pipeline.pending_total_max`."""
SETTLE_S = 1.0
"""From the broker's first answer to reading a tail: by then it has what the network held. Physics:
what is held for longer is among what cannot be ruled out, see deploy/README.md."""


class Mending:
    """One repair at a time; outputs that it could not read are read beside the others' work."""

    def __init__(
        self,
        under_way: UnderWay,
        held: Held,
        probation: Probation,
        producer: ProducerInUse,
        batches: Batches,
        finder: StoredFinder,
        telemetry: Telemetry,
    ) -> None:
        self._under_way = under_way
        self._held = held
        self._probation = probation
        self._producer = producer
        self._batches = batches
        self._finder = finder
        self._metrics = telemetry.metrics
        self._listener: SinkListener
        self.is_broken = False
        """Whether a repair is under way: until its end nothing is sent."""
        self._repair: asyncio.Task[None] | None = None
        self._rereading: asyncio.Task[None] | None = None
        self._reading = asyncio.Lock()
        self._told_waits: set[tuple[str, ...]] = set()
        """What publishing waits for, as the log has it; empty where it does not wait."""

    def __repr__(self) -> str:
        return f"<Mending {'under way' if self.is_broken else 'not needed'}, {self._held!r}>"

    def tell(self, listener: SinkListener) -> None:
        """Who is told what was stored and what was not."""
        self._listener = listener

    def begin(self, why: str) -> None:
        """Empty the producer, so that everything on its way fails now, and mend."""
        if self.is_broken:
            return
        log.warning("publishing failed: trying again", on_their_way=len(self._under_way), error=why)
        self.is_broken = True
        self._producer.empty()
        self._repair = asyncio.get_running_loop().create_task(self._mend())

    def end(self) -> None:
        """Give up what is not mended."""
        for task in (self._repair, self._rereading):
            if task is not None:
                task.cancel()

    async def _mend(self) -> None:
        """Wait for every report, find what was stored after all, and report the rest in order."""
        try:
            while self._under_way:
                await asyncio.sleep(EMPTY_S)
            failed = self._under_way.take_failed()
            self._probation.interrupted()
            if topics := self._probation.refused_topics:
                await self._batches.make_smaller(topics)
            # The old producer first: what lies in its buffers would go out once the broker is back.
            await self._producer.replace(self._batches.config)
            self._held.fail(failed)
            while self._held.unread and not await self._read_some():
                await asyncio.sleep(AGAIN_S)
            self.is_broken = False
            for output in self._held.outputs:
                self._release(output, [])
            if self._held.unread and (self._rereading is None or self._rereading.done()):
                self._rereading = asyncio.create_task(self._read_rest())
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._fail(error)

    async def _read_rest(self) -> None:
        """Go on asking for the outputs that could not be read; the others are at work again."""
        try:
            while self._held.unread:
                await asyncio.sleep(AGAIN_S)
                await self._read_some()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._fail(error)

    async def _read_some(self) -> bool:
        """
        Read the outputs that can be read, and report what was found.

        Returns whether the brokers are there, so that the other outputs may go on.
        """
        async with self._reading:
            if not await self._finder.are_brokers_there():
                self._tell_wait("brokers are out: publishing waits")
                return False
            readable = await self._finder.readable(list(self._held.unread))
            if not readable:
                waiting = sorted(self._held.unread_topics)
                self._tell_wait(
                    "outputs cannot be read: publishing waits",
                    *waiting,
                    mend="`safeguard topics plan` names those that are missing; for the others "
                    "this worker needs the right to read",
                )
                return True
            # The brokers are back, and bytes of ours may still be on their way to their logs.
            await asyncio.sleep(SETTLE_S)
            for output in readable:
                failed = self._held.unread[output]
                try:
                    are_stored = await self._finder.among(output, failed)
                except BrokerUnavailable as error:
                    self._tell_wait("an output cannot be read", output.topic, error=str(error))
                    continue
                del self._held.unread[output]
                self._report(output, failed, are_stored)
            return True

    def _tell_wait(self, event: str, *outputs: str, **more: str) -> None:
        """Once, however long it takes: it is asked each second, and an outage may be of hours."""
        if (event, *outputs) not in self._told_waits:
            self._told_waits.add((event, *outputs))
            log.warning(event, outputs=list(outputs) or "all", **more)

    def _report(
        self, output: Output, failed: Sequence[Sending], are_stored: Sequence[bool]
    ) -> None:
        done = list(compress(failed, are_stored))
        rest = list(compress(failed, (not is_so for is_so in are_stored)))
        self._metrics.publish_repeats.inc(len(rest))
        self._told_waits.clear()
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
        if output in self._held.unread:
            return
        tickets = not_stored + self._held.release(output)
        if self.is_broken:
            # They would be held again, each behind the others: they wait for the end of the repair.
            self._held.hold(output, tickets)
        elif tickets:
            self._listener.reported([DeliveryReport(ticket, Fate.NOT_STORED) for ticket in tickets])

    def _fail(self, error: BaseException) -> None:
        self._listener.failed(PublishFailed(f"publishing cannot be mended: {error!r}"))
