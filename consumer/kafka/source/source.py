"""
Source: one thread owns the Kafka consumer; nobody else touches it.

Calls from other threads leave a command and return at once; commands run between two polls, and
commits also while a revocation is drained. What the thread learns goes to the listener on the event
loop in the order it happened: an assignment before its records, records before the revocation. What
is assigned is paused until the listener has found out what was done before and resumes it. The
first record of a batch is waited for, the rest is taken as it lies: `consume(n, t)` would wait for
n records and add t to every message.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeout

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from consumer.domain.messages.message import Record
from consumer.errors import BrokerUnavailable, Fatal, InvalidSettings
from consumer.interfaces import Assigned, CommitPoint, Committed, Partition, SourceListener
from consumer.kafka import config as properties
from consumer.kafka.client_errors import ClientErrors, ClientFault, Meaning, as_fatal, read
from consumer.kafka.config import KafkaConfig
from consumer.kafka.record import record_of
from consumer.kafka.source.start import Start, StartRule, starting_offsets
from consumer.kafka.source.troubles import Troubles
from consumer.telemetry.metrics import Metrics

log = structlog.get_logger()

POLL_S = 0.05
STARVED_S = 0.5
"""Without credits for so long, the partitions are paused and polling goes on."""
BATCH_MAX = 1_000
TICK_S = 1.0
CALL_TIMEOUT_S = 10.0
ASSIGN_PATIENCE_S = 60.0
WAKE_S = 1.0
REJOIN_S = 1.0
"""How often a static member asks for its name while the group holds it for its last process."""
NAME_SLACK_S = 5.0
ASK_S = 0.2
"""How long brokers that were away are given to answer, once a tick."""


class KafkaSource:
    """Takes records of the subscribed topics as a member of the group."""

    def __init__(
        self,
        config: KafkaConfig,
        topics: Sequence[str],
        start_rules: Callable[[str], StartRule],
        co_partitions: Callable[[str], int],
        identify: Callable[[Sequence[str]], Mapping[str, str]],
        metrics: Metrics,
        drain_s: float,
    ) -> None:
        self._config = config
        self._topics = list(topics)
        self._start_rules = start_rules
        self._co_partitions = co_partitions
        """How many partitions all outputs of an input have."""
        self._identify = identify
        """The broker's ids of topics, where it gives them. Blocking."""
        self._metrics = metrics
        self._drain_s = drain_s
        self._commands: deque[Callable[[Consumer], None]] = deque()
        self._commits: list[dict[Partition, CommitPoint]] = []
        self._wake = threading.Condition()
        self._credits = 0
        self._owned: dict[Partition, int] = {}
        """Partition -> number of its assignment; only the thread changes it."""
        self._ids: dict[Partition, str] = {}
        """The broker's id of the topic that each of them was assigned of, where it gives one."""
        self._read_ids: dict[str, str] = {}
        """Topic -> its id when this client was given a part of it."""
        self._seen_ids: dict[str, str] = {}
        """The last id of each topic that anything was assigned of."""
        self._adrift: set[Partition] = set()
        """Without a position: what we would have taken next is not there."""
        self.doubts = asyncio.Event()
        """Set where the consumer meets what a topic made again would explain; the owner clears."""
        self._numbers: dict[Partition, int] = {}
        """How often each partition has been assigned to this process."""
        self._committed: dict[Partition, int] = {}
        """The highest offset that was sent to be committed; none goes below."""
        self._committing: dict[tuple[Partition, str], int] = {}
        """Partition and metadata of a commit under way -> number of its assignment."""
        self._held: set[Partition] = set()
        """Paused because the listener wants it; starvation pauses all and resumes all but these."""
        self._flowing: set[Partition] = set()
        """Resumed, so that the client fetches them."""
        self._starved_since_s: float | None = None
        self._tick_due_s = 0.0
        self._is_starved = self._is_stopping = self._is_closing = False
        # A last process of this name may drain, or its session has to end.
        patience_s = config.session_timeout_s + drain_s + NAME_SLACK_S
        self.troubles = Troubles(config.static_member, patience_s)
        self._rejoin_due_s: float | None = None
        self._thread = threading.Thread(target=self._run, name="kafka-source", daemon=True)
        self._loop: asyncio.AbstractEventLoop
        self._listener: SourceListener
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

    def commit(self, points: Mapping[Partition, CommitPoint]) -> None:
        wanted = dict(points)
        with self._wake:
            self._commits.append(wanted)
            self._wake.notify()

    def pause(self, partitions: Sequence[Partition]) -> None:
        self._command(lambda consumer: self._hold(consumer, partitions, True))

    def resume(self, partitions: Sequence[Partition]) -> None:
        self._command(lambda consumer: self._hold(consumer, partitions, False))

    def subscribe(self, topics: Sequence[str]) -> None:
        """Follow another set of topics from now on."""
        self._topics = list(topics)
        self._command(self._subscribe)

    def begin_again(self, ids: Mapping[str, str]) -> None:
        """
        Begin anew on topics that are others by now, as `ids`, the broker's, tell.

        The old assignment is lost, for there is nothing to commit on; a new one follows.
        """
        found = dict(ids)
        self._command(lambda _: self._leave_old_topics(found))

    async def quiesce(self, timeout_s: float) -> None:
        """
        Take nothing more; returns once all that was taken has been handed over.

        The thread may wait for a broker inside of an assignment: it gives that up.
        """
        self._is_stopping = True
        done = self._loop.create_future()

        def stopping(_consumer: Consumer) -> None:
            with self._wake:
                self._credits = 0
            self._loop.call_soon_threadsafe(done.set_result, None)

        self._command(stopping)
        until_s = time.monotonic() + timeout_s
        while not done.done() and self._thread.is_alive() and time.monotonic() < until_s:
            await asyncio.wait([done], timeout=0.1)

    async def close(self, timeout_s: float = ASSIGN_PATIENCE_S) -> None:
        """
        Carry out what was asked, leave the group, end the thread.

        After `timeout_s` it is left behind: without a broker the client may ask for long, and then
        the group gives this member up when its session ends.
        """

        def closing(_consumer: Consumer) -> None:
            self._is_closing = True

        self._command(closing)
        until_s = time.monotonic() + timeout_s
        while self._thread.is_alive():
            if time.monotonic() > until_s:
                log.warning("the group could not be left in time: it waits for the session's end")
                return
            await asyncio.sleep(0.01)

    def _command(self, command: Callable[[Consumer], None]) -> None:
        with self._wake:
            self._commands.append(command)
            self._wake.notify()

    # The thread.

    def _run(self) -> None:
        consumer: Consumer | None = None
        try:
            consumer = self._new_consumer()
            self._subscribe(consumer)
            while not self._is_closing:
                try:
                    self._go_round(consumer)
                except _NameHeld:
                    log.warning(
                        "the group still holds the name of this static member: waiting",
                        static_member=self._config.static_member,
                    )
                    consumer = self._begin_anew(consumer, REJOIN_S)
                except _MadeAgain:
                    consumer = self._begin_anew(consumer, 0.0)
        except KafkaException as error:
            # Out of a call that has no answer for it; a fatal error comes so, too.
            self._tell_failed(as_fatal(read(error.args[0])))
        except BaseException as error:
            self._tell_failed(error)
        finally:
            if consumer is not None:
                _leave(consumer)

    def _new_consumer(self) -> Consumer:
        try:
            return Consumer(
                properties.consumer(self._config, ClientErrors("consumer", note=self._note_away))
                | {"on_commit": self._note_commit}
            )
        except (KafkaException, ValueError) as error:
            raise InvalidSettings(
                f"the Kafka client refuses its settings: {error}; see [kafka.client] and "
                f"kafka.group_protocol = {self._config.group_protocol}"
            ) from None

    def _begin_anew(self, ended: Consumer, wait_s: float) -> Consumer:
        """Another client in place of one that is at its end; it joins after so many seconds."""
        if self._owned:
            self._lose(list(self._owned))
        _leave(ended)
        self.troubles.begin_anew()
        self._read_ids.clear()
        self._rejoin_due_s = time.monotonic() + wait_s
        return self._new_consumer()

    def _note_away(self, fault: ClientFault) -> None:
        self.troubles.heard(fault, None, time.monotonic())

    def _heed(
        self, fault: ClientFault, topic: str | None = None, number: int | None = None
    ) -> None:
        """
        Act on an error.

        Raises:
            Fatal: nothing will come any more.
            _NameHeld: nothing will come to this client.
        """
        if fault.code in _MAYBE_MADE_AGAIN:
            self._loop.call_soon_threadsafe(self.doubts.set)
        if fault.meaning is Meaning.FATAL:
            raise as_fatal(fault, topic or "")
        partition = None if topic is None or number is None else Partition(topic, number)
        if fault.code == KafkaError._AUTO_OFFSET_RESET and partition is not None:
            # Nothing more would come of it, ever.
            self._adrift.add(partition)
        self.troubles.heard(fault, partition, time.monotonic())
        if fault.meaning is Meaning.NAME_HELD:
            raise _NameHeld
        log.warning("the consumer reports", error=fault.words, topic=topic)

    def _go_round(self, consumer: Consumer) -> None:
        self.polled_s = time.monotonic()
        while self._commands:
            self._commands.popleft()(consumer)
        for points in self._waiting_commits():
            self._commit(consumer, points)
        self._tick(consumer)
        if (end := self.troubles.end(time.monotonic())) is not None:
            self._heed(end)
        credits = self._credits
        if credits <= 0 and self._owned and not self._is_starved and not self.troubles.has_end:
            self._starve(consumer)
            return
        if credits > 0:
            self._stop_starving(consumer)
        messages = consumer.consume(1, POLL_S)
        if messages and credits > 1:
            messages += consumer.consume(min(credits, BATCH_MAX) - 1, 0)
        if messages:
            self._hand_over(messages)
        if self._adrift:
            self._assign_anew(consumer, self._adrift.intersection(self._owned))
            self._adrift.clear()

    def _starve(self, consumer: Consumer) -> None:
        """No credits: wait a little, and only then pause, since a pause costs a refetch."""
        now_s = time.monotonic()
        if self._starved_since_s is None:
            self._starved_since_s = now_s
        elif now_s - self._starved_since_s > STARVED_S:
            self._is_starved = True
            self._flowing.clear()
            consumer.pause(_partitions(self._owned))
            return
        with self._wake:
            if self._credits <= 0 and not self._commands and not self._commits:
                self._wake.wait(POLL_S)

    def _stop_starving(self, consumer: Consumer) -> None:
        self._starved_since_s = None
        if self._is_starved:
            self._is_starved = False
            self._let_flow(consumer, self._owned)

    def _hand_over(self, messages: list[KafkaMessage]) -> None:
        records: list[Record] = []
        for message in messages:
            error = message.error()
            if error is None:
                records.append(record_of(message))
            else:
                self._heed(read(error), message.topic(), message.partition())
        if records:
            if self.troubles.has_any:
                places = {(r.position.topic, r.position.partition) for r in records}
                self.troubles.came(Partition(*place) for place in places)
            with self._wake:
                self._credits -= len(records)
            self._loop.call_soon_threadsafe(self._listener.taken, records)

    def _tell_failed(self, error: BaseException) -> None:
        wrapped = error if isinstance(error, Exception) else Fatal(repr(error))
        self._loop.call_soon_threadsafe(self._listener.failed, wrapped)

    def _subscribe(self, consumer: Consumer) -> None:
        self._rejoin_due_s = None
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
            self._flowing.difference_update(owned)
            consumer.pause(_partitions(owned))
            return
        self._held.difference_update(owned)
        if not self._is_starved:
            self._let_flow(consumer, owned)

    def _let_flow(self, consumer: Consumer, partitions: Iterable[Partition]) -> None:
        """
        Resume what nothing else holds.

        Where nothing flowed before, the client's thread for the broker sleeps for up to a second
        before it notices (measured); a question to the broker wakes it.
        """
        freed = [p for p in partitions if p not in self._held and p not in self.stranded]
        is_asleep = not self._flowing.intersection(self._owned)
        self._flowing.update(freed)
        consumer.resume(_partitions(freed))
        if freed and is_asleep:
            try:
                consumer.get_watermark_offsets(_partition(freed[0]), timeout=WAKE_S)
            except KafkaException as error:
                log.debug("waking the client", error=str(error))

    def _tick(self, consumer: Consumer) -> None:
        """What is done about once a second: end offsets, and what waits for something."""
        now_s = time.monotonic()
        if self._rejoin_due_s is not None and now_s >= self._rejoin_due_s:
            self._subscribe(consumer)
        if now_s < self._tick_due_s:
            return
        self._tick_due_s = now_s + TICK_S
        before, self.ends = (
            self.ends,
            {
                partition: consumer.get_watermark_offsets(_partition(partition), cached=True)[1]
                for partition in self._owned
            },
        )
        if any(0 <= end < before.get(partition, 0) for partition, end in self.ends.items()):
            self._loop.call_soon_threadsafe(self.doubts.set)
        if self.troubles.are_brokers_away:
            self._ask(consumer)

    def _ask(self, consumer: Consumer) -> None:
        """See whether a broker answers again: an idle topic would bring no sign of it."""
        try:
            consumer.list_topics(self._topics[0] if self._topics else None, timeout=ASK_S)
        except KafkaException as error:
            log.debug("the brokers are still away", error=str(error))
        else:
            self.troubles.answered()

    # Topics made again.

    def _leave_old_topics(self, ids: Mapping[str, str]) -> None:
        """
        End the assignments of inputs that are other topics by now, and the client with them.

        The client keeps the leader epochs of a topic by its name and takes a new one's lower epochs
        for old news: where brokers had been restarted before, it never reads the new topic
        (measured with librdkafka 2.16).
        """
        again = self._others_by_now(ids)
        for topic in sorted(again):
            log.error(
                "an input topic was made again: what was in flight of the old one is discarded",
                topic=topic,
                partitions=sorted(p.number for p in self._owned if p.topic == topic),
            )
            self._metrics.topics_made_again.labels(topic).inc()
        if again:
            raise _MadeAgain

    def _others_by_now(self, ids: Mapping[str, str]) -> list[str]:
        """Topics that this client has read from and that are others under their name by now."""
        return [t for t, known in self._read_ids.items() if ids.get(t, "") not in ("", known)]

    def _assign_anew(self, consumer: Consumer, partitions: Collection[Partition]) -> None:
        """End these assignments as lost and begin others, without the group's taking part."""
        if not partitions:
            return
        given = _partitions(partitions)
        log.warning("assigning anew", partitions=[str(partition) for partition in partitions])
        self._on_lost(consumer, given)
        self._on_assign(consumer, given)

    # Rebalances, called by the client inside a poll.

    def _on_assign(self, consumer: Consumer, given: list[TopicPartition]) -> None:
        self.troubles.joined()
        if not given:
            consumer.incremental_assign([])
            return
        starts, ids = self._starts(consumer, given)
        assignments: list[Assigned] = []
        for partition, start in starts.items():
            number = self._numbers[partition] = self._numbers.get(partition, 0) + 1
            self._owned[partition] = number
            self._committed[partition] = start.offset
            topic_id = self._ids[partition] = ids.get(partition.topic, "")
            assignments.append(Assigned(partition, number, *start, topic_id))
        consumer.incremental_assign([_partition(p, start.offset) for p, start in starts.items()])
        # Paused until the listener has found out what was done before.
        self._held.update(starts)
        consumer.pause(_partitions(starts))
        self._strand(list(starts))
        log.info("assigned", partitions=[str(partition) for partition in starts])
        self._loop.call_soon_threadsafe(self._listener.assigned, assignments)

    def _starts(
        self, consumer: Consumer, given: list[TopicPartition]
    ) -> tuple[Mapping[Partition, Start], Mapping[str, str]]:
        """
        Where to begin, and the ids of the topics that this was found for.

        Brokers that do not answer are given a while, not the worker's end.
        """
        until_s = time.monotonic() + min(ASSIGN_PATIENCE_S, self._config.max_poll_interval_s / 2)
        while True:
            self.polled_s = time.monotonic()
            try:
                topics = sorted({tp.topic for tp in given})
                ids = self._identify(topics)
                if self._others_by_now(ids):
                    raise _MadeAgain
                again = {t for t in topics if ids.get(t) not in (None, self._seen_ids.get(t))}
                again.intersection_update(self._seen_ids)
                starts = starting_offsets(
                    consumer, given, self._start_rules, ids, CALL_TIMEOUT_S, again
                )
                self._seen_ids |= ids
                self._read_ids |= ids
                return starts, ids
            except BrokerUnavailable as error:
                if time.monotonic() > until_s or self._is_stopping:
                    raise
                log.warning("an assignment has to wait", error=str(error))
                time.sleep(1.0)

    def _strand(self, partitions: Sequence[Partition]) -> None:
        """Note what has nowhere to go, so that it is not resumed; the other partitions go on."""
        lacking = [p for p in partitions if p.number >= self._co_partitions(p.topic)]
        if not lacking:
            return
        self.stranded.update(lacking)
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
        if not self._is_starved:
            self._let_flow(consumer, back)

    def _on_revoke(self, consumer: Consumer, taken: list[TopicPartition]) -> None:
        partitions = [Partition(tp.topic, tp.partition) for tp in taken]
        # Their answers would come only after this call; until then nobody could commit again.
        self._answer(dict.fromkeys(self._committing, False))
        assignments = {p: self._owned[p] for p in partitions if p in self._owned}
        drained = asyncio.run_coroutine_threadsafe(
            _as_coroutine(self._listener, assignments), self._loop
        )
        self._commit(consumer, self._drained(consumer, drained), waits=True)
        self._forget(partitions)
        consumer.incremental_unassign(taken)

    def _drained(
        self, consumer: Consumer, drained: Future[Mapping[Partition, CommitPoint]]
    ) -> Mapping[Partition, CommitPoint]:
        """Wait for the drain; meanwhile the other partitions' leases are renewed by commits."""
        until_s = time.monotonic() + self._drain_s + CALL_TIMEOUT_S
        while True:
            try:
                return drained.result(POLL_S)
            except FutureTimeout:
                if time.monotonic() > until_s:
                    log.warning("draining revoked partitions took too long")
                    drained.cancel()
                    return {}
            except (RuntimeError, CancelledError) as error:
                log.warning("draining revoked partitions failed", error=repr(error))
                return {}
            self.polled_s = time.monotonic()
            for points in self._waiting_commits():
                self._commit(consumer, points, waits=True)

    def _waiting_commits(self) -> list[dict[Partition, CommitPoint]]:
        with self._wake:
            waiting, self._commits = self._commits, []
        return waiting

    def _on_lost(self, consumer: Consumer, taken: list[TopicPartition]) -> None:
        partitions = [Partition(tp.topic, tp.partition) for tp in taken]
        self._lose(partitions)
        consumer.incremental_unassign(taken)

    def _lose(self, partitions: list[Partition]) -> None:
        log.warning("partitions lost", partitions=[str(partition) for partition in partitions])
        self._loop.call_soon_threadsafe(self._listener.lost, partitions)
        self._forget(partitions)

    def _forget(self, partitions: Sequence[Partition]) -> None:
        self.troubles.gave_up(partitions)
        for partition in partitions:
            self._owned.pop(partition, None)
            self._ids.pop(partition, None)
            self._committed.pop(partition, None)
            self._held.discard(partition)
            self._flowing.discard(partition)
            self.stranded.discard(partition)

    # Commits.

    def _commit(
        self, consumer: Consumer, points: Mapping[Partition, CommitPoint], waits: bool = False
    ) -> None:
        """Commit what is owned and does not go back; the broker itself would accept anything."""
        wanted: list[TopicPartition] = []
        refused: list[Committed] = []
        for partition, (number, offset, metadata) in points.items():
            if self._owned.get(partition) == number and offset >= self._committed[partition]:
                self._committed[partition] = offset
                self._committing[partition, metadata] = number
                wanted.append(TopicPartition(partition.topic, partition.number, offset, metadata))
            else:
                refused.append(Committed(partition, number, metadata, False))
        if refused:
            self._loop.call_soon_threadsafe(self._listener.committed, refused)
        if not wanted:
            return
        try:
            if waits:
                done = consumer.commit(offsets=wanted, asynchronous=False)
                self._note_commit(None, done or [])
            else:
                consumer.commit(offsets=wanted, asynchronous=True)
        except KafkaException as error:
            self._note_commit(error.args[0], wanted)

    def _note_commit(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        answers: dict[tuple[Partition, str], bool] = {}
        for tp in partitions:
            commit = (Partition(tp.topic, tp.partition), tp.metadata or "")
            refused = error or tp.error
            answers[commit] = refused is None
            if refused is not None and commit in self._committing:
                log.warning("commit refused", partition=str(commit[0]), error=str(refused))
                fault = read(refused)
                if fault.meaning in (Meaning.FATAL, Meaning.NAME_HELD):
                    # Inside of a call of the client nothing can be raised.
                    self.troubles.ended(fault, time.monotonic())
        if self.troubles.are_brokers_away and any(answers.values()):
            self.troubles.answered()
        self._answer(answers)

    def _answer(self, answers: Mapping[tuple[Partition, str], bool]) -> None:
        """Tell the listener, once for each commit: what comes later for it is dropped."""
        results = [
            Committed(partition, self._committing.pop((partition, metadata)), metadata, accepted)
            for (partition, metadata), accepted in answers.items()
            if (partition, metadata) in self._committing
        ]
        if results:
            self._loop.call_soon_threadsafe(self._listener.committed, results)


class _MadeAgain(Exception):
    """A topic that this client has read from is another one by now, which it may never read."""


class _NameHeld(Exception):
    """The group does not let this client in under its name, for now."""


def _leave(consumer: Consumer) -> None:
    try:
        consumer.close()
    except KafkaException as error:
        log.warning("leaving the group failed", error=str(error))


async def _as_coroutine(
    listener: SourceListener, assignments: Mapping[Partition, int]
) -> Mapping[Partition, CommitPoint]:
    return await listener.revoked(assignments)


_MAYBE_MADE_AGAIN = (
    KafkaError._AUTO_OFFSET_RESET,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError._UNKNOWN_PARTITION,
)
"""What we would take next is not there, or its topic is not."""


def _partition(partition: Partition, offset: int | None = None) -> TopicPartition:
    if offset is None:
        return TopicPartition(partition.topic, partition.number)
    return TopicPartition(partition.topic, partition.number, offset)


def _partitions(partitions: Iterable[Partition]) -> list[TopicPartition]:
    return [_partition(partition) for partition in partitions]
