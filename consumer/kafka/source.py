"""
Source: one thread owns the Kafka consumer; nobody else touches it.

Calls from other threads leave a command and return at once; commands run between two polls. What
the thread learns goes to the listener on the event loop in the order it happened: an assignment
before its records, records before the revocation. The first record of a batch is waited for, the
rest is taken as it lies: `consume(n, t)` would wait for n records and add t to every message.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import TimeoutError as FutureTimeout
from typing import cast

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from consumer.domain.decoding import UNREADABLE_HEADERS
from consumer.domain.message import Headers, Position, Record
from consumer.errors import Fatal
from consumer.interfaces import Assigned, Partition, SourceListener
from consumer.kafka import config as properties
from consumer.kafka.client_errors import ClientErrors
from consumer.kafka.config import KafkaConfig
from consumer.kafka.start import StartRule, starting_offsets
from consumer.telemetry.metrics import Metrics

log = structlog.get_logger()

POLL_S = 0.05
STARVED_S = 0.5
"""Without credits for so long, the partitions are paused and polling goes on."""
BATCH_MAX = 1_000
TICK_S = 1.0
CALL_TIMEOUT_S = 10.0


class KafkaSource:
    """Takes records of the subscribed topics as a member of the group."""

    def __init__(
        self,
        config: KafkaConfig,
        topics: Sequence[str],
        start_rules: Callable[[str], StartRule],
        co_partitions: Callable[[str], int],
        metrics: Metrics,
        drain_s: float,
    ) -> None:
        self._config = config
        self._topics = list(topics)
        self._start_rules = start_rules
        self._co_partitions = co_partitions
        """How many partitions all outputs of an input have."""
        self._metrics = metrics
        self._drain_s = drain_s
        self._commands: deque[Callable[[Consumer], None]] = deque()
        self._wake = threading.Condition()
        self._credits = 0
        self._owned: dict[Partition, int] = {}
        """Partition -> term; only the thread changes it."""
        self._terms: dict[Partition, int] = {}
        self._asked: dict[Partition, int] = {}
        """The highest offset that was sent to be committed, or is committed; never below."""
        self._refused: dict[Partition, int] = {}
        """Offsets to commit again, since the broker refused them while we still own them."""
        self._held: set[Partition] = set()
        """Paused because the pipeline asked; starvation pauses all and resumes all but these."""
        self._starved_since_s: float | None = None
        self._tick_due_s = 0.0
        self._is_starved = False
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="kafka-source", daemon=True)
        self._loop: asyncio.AbstractEventLoop
        self._listener: SourceListener
        self.paused_topics: frozenset[str] = frozenset()
        """What an operator has paused: their partitions are assigned paused. Set from outside."""
        self.stranded: set[Partition] = set()
        """Owned, but some output lacks the partition: paused until the outputs have grown."""
        self.ends: dict[Partition, int] = {}
        """End offsets as the last fetch saw them, for the lag."""
        self.polled_s = time.monotonic()
        """When the thread last went round; health looks at it."""

    def __repr__(self) -> str:
        return f"<KafkaSource owns {len(self._owned)} partitions, credits {self._credits}>"

    @property
    def owned(self) -> tuple[Partition, ...]:
        return tuple(self._owned)

    # Called on the event loop.

    def start(self, listener: SourceListener) -> None:
        """Join the group and begin."""
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._thread.start()

    def give_credits(self, count: int) -> None:
        with self._wake:
            self._credits += count
            self._wake.notify()

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        wanted = dict(offsets)
        self._command(lambda consumer: self._commit(consumer, wanted, waits=False))

    def pause(self, partitions: Sequence[Partition]) -> None:
        self._command(lambda consumer: self._hold(consumer, partitions, True))

    def resume(self, partitions: Sequence[Partition]) -> None:
        self._command(lambda consumer: self._hold(consumer, partitions, False))

    def subscribe(self, topics: Sequence[str]) -> None:
        """Follow another set of topics from now on."""
        self._topics = list(topics)
        self._command(self._subscribe)

    async def quiesce(self) -> None:
        """Take nothing more; returns once all that was taken has been handed over."""
        done = self._loop.create_future()

        def stopping(_consumer: Consumer) -> None:
            with self._wake:
                self._credits = 0
            self._loop.call_soon_threadsafe(done.set_result, None)

        self._command(stopping)
        while not done.done() and self._thread.is_alive():
            await asyncio.wait([done], timeout=0.1)

    async def close(self) -> None:
        """Carry out what was asked, leave the group, end the thread."""

        def closing(_consumer: Consumer) -> None:
            self._is_closing = True

        self._command(closing)
        while self._thread.is_alive():
            await asyncio.sleep(0.01)

    def _command(self, command: Callable[[Consumer], None]) -> None:
        with self._wake:
            self._commands.append(command)
            self._wake.notify()

    # The thread.

    def _run(self) -> None:
        try:
            consumer = Consumer(
                properties.consumer(self._config, ClientErrors("consumer"))
                | {"on_commit": self._note_commit}
            )
        except (KafkaException, ValueError) as error:
            self._tell_failed(Fatal(f"the Kafka client refused its settings: {error}"))
            return
        try:
            self._subscribe(consumer)
            while not self._is_closing:
                self._go_round(consumer)
        except BaseException as error:
            self._tell_failed(error)
        finally:
            try:
                consumer.close()
            except KafkaException as error:
                log.warning("leaving the group failed", error=str(error))

    def _go_round(self, consumer: Consumer) -> None:
        self.polled_s = time.monotonic()
        while self._commands:
            self._commands.popleft()(consumer)
        self._tick(consumer)
        credits = self._credits
        if credits <= 0 and self._owned and not self._is_starved:
            self._starve(consumer)
            return
        if credits > 0:
            self._stop_starving(consumer)
        messages = consumer.consume(1, POLL_S)
        if messages and credits > 1:
            messages += consumer.consume(min(credits, BATCH_MAX) - 1, 0)
        if messages:
            self._hand_over(messages)

    def _starve(self, consumer: Consumer) -> None:
        """No credits: wait a little, and only then pause, since a pause costs a refetch."""
        now_s = time.monotonic()
        if self._starved_since_s is None:
            self._starved_since_s = now_s
        elif now_s - self._starved_since_s > STARVED_S:
            self._is_starved = True
            consumer.pause(_partitions(self._owned))
            return
        with self._wake:
            if self._credits <= 0 and not self._commands:
                self._wake.wait(POLL_S)

    def _stop_starving(self, consumer: Consumer) -> None:
        self._starved_since_s = None
        if self._is_starved:
            self._is_starved = False
            consumer.resume(_partitions(p for p in self._owned if p not in self._held))

    def _hand_over(self, messages: list[KafkaMessage]) -> None:
        records: list[Record] = []
        for message in messages:
            error = message.error()
            if error is None:
                records.append(_record(message))
            else:
                self._on_message_error(error, message)
        if records:
            with self._wake:
                self._credits -= len(records)
            self._loop.call_soon_threadsafe(self._listener.taken, records)

    def _on_message_error(self, error: KafkaError, message: KafkaMessage) -> None:
        code = error.code()
        if code in _NEVER_ALLOWED:
            raise Fatal(f"Kafka refuses this worker: {error.str()}; check its rights (ACLs)")
        if error.fatal():
            raise Fatal(f"the Kafka consumer cannot go on: {error.str()}")
        log.warning("the consumer reports", error=error.str(), topic=message.topic())

    def _tell_failed(self, error: BaseException) -> None:
        wrapped = error if isinstance(error, Exception) else Fatal(repr(error))
        self._loop.call_soon_threadsafe(self._listener.failed, wrapped)

    def _subscribe(self, consumer: Consumer) -> None:
        consumer.subscribe(
            self._topics,
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )

    def _hold(self, consumer: Consumer, partitions: Sequence[Partition], is_held: bool) -> None:
        owned = [partition for partition in partitions if partition in self._owned]
        if is_held:
            self._held.update(owned)
            consumer.pause(_partitions(owned))
            return
        # What has nowhere to go stays paused, whoever thinks otherwise.
        owned = [partition for partition in owned if partition not in self.stranded]
        self._held.difference_update(owned)
        if not self._is_starved:
            consumer.resume(_partitions(owned))

    def _tick(self, consumer: Consumer) -> None:
        """What is done about once a second: end offsets, and commits that were refused."""
        now_s = time.monotonic()
        if now_s < self._tick_due_s:
            return
        self._tick_due_s = now_s + TICK_S
        again, self._refused = self._refused, {}
        if again:
            self._commit(consumer, again, waits=False)
        self.ends = {
            partition: consumer.get_watermark_offsets(_partition(partition), cached=True)[1]
            for partition in self._owned
        }

    # Rebalances, called by the client inside a poll.

    def _on_assign(self, consumer: Consumer, given: list[TopicPartition]) -> None:
        if not given:
            consumer.incremental_assign([])
            return
        starts = starting_offsets(consumer, given, self._start_rules, CALL_TIMEOUT_S)
        assignments: list[Assigned] = []
        for partition, start in starts.items():
            term = self._terms[partition] = self._terms.get(partition, 0) + 1
            self._owned[partition] = term
            self._held.discard(partition)
            self._asked[partition] = start.offset if start.is_committed else -1
            assignments.append(Assigned(partition, term, start.offset))
        consumer.incremental_assign([_partition(p, start.offset) for p, start in starts.items()])
        # The client keeps its pause flag on a partition that was lost and comes back.
        consumer.resume(_partitions(starts))
        # Here and not when the listener asks: the poll that assigns may bring the first records.
        self._hold(consumer, [p for p in starts if p.topic in self.paused_topics], True)
        self._strand(consumer, list(starts))
        if self._is_starved:
            consumer.pause(_partitions(starts))
        log.info("assigned", partitions=[str(partition) for partition in starts])
        self._loop.call_soon_threadsafe(self._listener.assigned, assignments)
        # A new group's starting point is committed before anything is judged: else a crash before
        # the first commit would start at the then latest record and pass over what was taken.
        fresh = {p: s.offset for p, s in starts.items() if not s.is_committed}
        if fresh:
            self._command(lambda consumer: self._commit(consumer, fresh, waits=True))

    def _strand(self, consumer: Consumer, partitions: Sequence[Partition]) -> None:
        """Pause what has nowhere to go; the other partitions go on."""
        lacking = [p for p in partitions if p.number >= self._co_partitions(p.topic)]
        if not lacking:
            return
        self.stranded.update(lacking)
        self._hold(consumer, lacking, True)
        log.error(
            "outputs lack these partitions: paused; `safeguard topics apply` makes them",
            partitions=[str(partition) for partition in lacking],
        )

    def look_again(self) -> None:
        """The outputs may have grown: resume what has somewhere to go now."""
        self._command(self._unstrand)

    def _unstrand(self, consumer: Consumer) -> None:
        back = [p for p in self.stranded if p.number < self._co_partitions(p.topic)]
        self.stranded.difference_update(back)
        self._hold(consumer, [p for p in back if p.topic not in self.paused_topics], False)

    def _on_revoke(self, consumer: Consumer, taken: list[TopicPartition]) -> None:
        partitions = [Partition(tp.topic, tp.partition) for tp in taken]
        offsets: Mapping[Partition, int] = {}
        try:
            drained = asyncio.run_coroutine_threadsafe(
                _as_coroutine(self._listener, partitions), self._loop
            )
            offsets = drained.result(self._drain_s + CALL_TIMEOUT_S)
        except (FutureTimeout, RuntimeError) as error:
            log.warning("draining a revoked partition failed", error=repr(error))
        self._commit(consumer, offsets, waits=True)
        self._forget(partitions)
        consumer.incremental_unassign(taken)

    def _on_lost(self, consumer: Consumer, taken: list[TopicPartition]) -> None:
        partitions = [Partition(tp.topic, tp.partition) for tp in taken]
        log.warning("partitions lost", partitions=[str(partition) for partition in partitions])
        self._loop.call_soon_threadsafe(self._listener.lost, partitions)
        self._forget(partitions)
        consumer.incremental_unassign(taken)

    def _forget(self, partitions: Sequence[Partition]) -> None:
        for partition in partitions:
            self._owned.pop(partition, None)
            self._asked.pop(partition, None)
            self._refused.pop(partition, None)
            self._held.discard(partition)
            self.stranded.discard(partition)

    # Commits.

    def _commit(self, consumer: Consumer, offsets: Mapping[Partition, int], waits: bool) -> None:
        """Commit what is owned and moves forward; the broker itself would accept anything."""
        wanted = [
            _partition(partition, offset)
            for partition, offset in offsets.items()
            if partition in self._owned and offset > self._asked.get(partition, -1)
        ]
        if not wanted:
            return
        for tp in wanted:
            self._asked[Partition(tp.topic, tp.partition)] = tp.offset
        try:
            if waits:
                done = consumer.commit(offsets=wanted, asynchronous=False)
                self._note_commit(None, done or [])
            else:
                consumer.commit(offsets=wanted, asynchronous=True)
        except KafkaException as error:
            self._note_commit(error.args[0], wanted)

    def _note_commit(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        for tp in partitions:
            refused = error or tp.error
            partition = Partition(tp.topic, tp.partition)
            if refused is None:
                continue
            self._metrics.commits_refused.inc()
            log.warning("commit refused", partition=str(partition), error=str(refused))
            if partition in self._owned and tp.offset == self._asked.get(partition):
                # Nothing higher has been sent since: send it again in a while.
                self._asked[partition] = -1
                self._refused[partition] = tp.offset


async def _as_coroutine(
    listener: SourceListener, partitions: Sequence[Partition]
) -> Mapping[Partition, int]:
    return await listener.revoked(partitions)


_NEVER_ALLOWED = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
)


def _partition(partition: Partition, offset: int | None = None) -> TopicPartition:
    if offset is None:
        return TopicPartition(partition.topic, partition.number)
    return TopicPartition(partition.topic, partition.number, offset)


def _partitions(partitions: Iterable[Partition]) -> list[TopicPartition]:
    return [_partition(partition) for partition in partitions]


def _record(message: KafkaMessage) -> Record:
    headers: Headers
    try:
        found = message.headers()
        headers = cast("Headers", tuple(found)) if found else ()
    except UnicodeDecodeError:
        headers = UNREADABLE_HEADERS
    return Record(
        # A record without an error has all three.
        Position(
            *cast("tuple[str, int, int]", (message.topic(), message.partition(), message.offset()))
        ),
        message.timestamp()[1],
        message.key(),
        message.value(),
        headers,
    )
