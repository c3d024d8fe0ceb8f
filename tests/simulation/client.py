"""The simulated Kafka client of one process: its source, its sink, and what reads tails."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from random import Random
from typing import NamedTuple, Protocol

from consumer.domain.checkpoint import Floor
from consumer.domain.messages.message import Position, Record
from consumer.domain.verdicts.provenance import is_of_topic
from consumer.errors import BrokerUnavailable
from consumer.interfaces import (
    Assigned,
    CommitPoint,
    Committed,
    DeliveryReport,
    Fate,
    Output,
    Partition,
    Publication,
    SinkListener,
    SourceListener,
    Ticket,
)
from consumer.kafka.cluster.commits import is_of_this
from consumer.kafka.reader.tail import Identity, identity
from consumer.kafka.sink.floors import FloorTracker, lowest
from consumer.kafka.sink.probation import Probation, smaller_batch
from tests.simulation.cluster import Cluster, stored_bytes
from tests.simulation.scheduler import Loop, Scheduler, VirtualClock

GROUP = "g"
HEARTBEAT_S = 1.0
REQUEST_S = 1.5
MESSAGE_TIMEOUT_S = 2.0
CLIENT_TIMEOUT_S = 3.0
"""The client's own time-out: nothing that was sent shows on a log later than this."""
SETTLE_S = 1.0
POLL_S = 0.5


class Network(Protocol):
    """What one process can reach now."""

    def has_coordinator(self) -> bool: ...

    def has_brokers(self) -> bool: ...

    def delay_s(self) -> float: ...


class SimSource:
    """A member of the group; its thread is a task, its heartbeats come from the scheduler."""

    def __init__(
        self,
        cluster: Cluster,
        scheduler: Scheduler,
        loop: Loop,
        network: Network,
        dice: Random,
        name: str,
        drain_s: float,
    ) -> None:
        self._cluster = cluster
        self._scheduler = scheduler
        self._loop = loop
        self._network = network
        self._dice = dice
        self._name = name
        self._drain_s = drain_s
        self._joins = 0
        self.member = ""
        self._is_expelled = False
        self._heard_s = 0.0
        self._credits = 0
        self._numbers: dict[Partition, int] = {}
        self.owned: dict[Partition, int] = {}
        """Partition -> number of its assignment."""
        self._ids: dict[Partition, str] = {}
        """The id of the topic that each was assigned of."""
        self._next: dict[Partition, int] = {}
        self._committed: dict[Partition, int] = {}
        self._paused: set[Partition] = set()
        self._commits: deque[dict[Partition, CommitPoint]] = deque()
        self._wake = asyncio.Event()
        self.is_closing = False
        self.is_closed = False
        self._listener: SourceListener

    def start(self, listener: SourceListener) -> None:
        self._listener = listener
        self._join()
        self._loop.create_task(self._run())
        self._beat()

    def give_credits(self, count: int) -> None:
        self._credits += count
        self._wake.set()

    def quiesce(self) -> None:
        self._credits = -1_000_000

    def commit(self, points: Mapping[Partition, CommitPoint]) -> None:
        self._commits.append(dict(points))
        self._wake.set()

    def pause(self, assignments: Mapping[Partition, int]) -> None:
        self._paused.update(self._still(assignments))

    def resume(self, assignments: Mapping[Partition, int]) -> None:
        self._paused.difference_update(self._still(assignments))
        self._wake.set()

    def _still(self, assignments: Mapping[Partition, int]) -> list[Partition]:
        return [p for p, number in assignments.items() if self.owned.get(p) == number]

    # Heartbeats: the client's own thread, which stands still only with the whole process.

    def _beat(self) -> None:
        if self._loop.is_dead or self.is_closed:
            return
        if self._loop.is_standing:
            self._scheduler.at(self._loop.stands_until_s, self._beat)
            return
        self._scheduler.after(HEARTBEAT_S, self._beat)
        if not self._network.has_coordinator():
            return
        member = self.member

        def arrives() -> None:
            is_member = self._cluster.heartbeat(member)
            self._scheduler.after(self._network.delay_s(), lambda: answered(is_member))

        def answered(is_member: bool) -> None:
            if self._loop.is_standing:
                self._scheduler.at(self._loop.stands_until_s, lambda: answered(is_member))
            elif member == self.member:
                self._is_expelled = self._is_expelled or not is_member
                self._heard_s = self._scheduler.now_s
                self._loop.call_soon(self._wake.set)

        self._scheduler.after(self._network.delay_s(), arrives)

    # The thread that owns the consumer.

    def _join(self) -> None:
        self._joins += 1
        self.member = f"{self._name}.{self._joins}"
        self._is_expelled = False
        self._cluster.join(self.member)
        self._heard_s = self._scheduler.now_s

    async def _run(self) -> None:
        while not self.is_closing:
            if self._is_expelled:
                self._lose()
            self._send_commits()
            if self._scheduler.now_s - self._heard_s < 2 * HEARTBEAT_S:
                await self._rebalance()
            self._fetch()
            self._wake.clear()
            if self._commits:
                continue
            timer = self._loop.call_later(POLL_S, self._wake.set)
            await self._wake.wait()
            timer.cancel()
        await self._revoke(list(self.owned))
        self.is_closed = True
        self._cluster.leave(self.member)

    def _lose(self) -> None:
        gone = list(self.owned)
        self._forget(gone)
        self._listener.lost(gone)
        self._join()

    async def _rebalance(self) -> None:
        leaving = [p for p in self._cluster.to_revoke(self.member) if p in self.owned]
        if leaving:
            await self._revoke(leaving)
        given = self._cluster.to_give(self.member)
        if given and not self._is_expelled:
            self._cluster.owners |= dict.fromkeys(given, self.member)
            self._take(given)

    def begin_again(self, ids: Mapping[str, str]) -> None:
        """On partitions of topics that are others by now, by what a look at them said."""
        old = [p for p in self.owned if ids.get(p.topic, "") not in ("", self._ids[p])]
        self._take_anew(old)

    def _take_anew(self, partitions: Sequence[Partition]) -> None:
        # A member that was expelled does not know it yet, and begins again all the same.
        if partitions:
            self._forget(partitions)
            self._loop.call_soon(self._listener.lost, list(partitions))
            self._take(partitions)

    def _take(self, given: Sequence[Partition]) -> None:
        assignments: list[Assigned] = []
        for partition in given:
            number = self._numbers[partition] = self._numbers.get(partition, 0) + 1
            topic_id = self._ids[partition] = self._cluster.ids[partition.topic]
            found = self._cluster.commits.get(partition)
            start, metadata = found or (0, "")
            end = len(self._cluster.inputs[partition])
            if not is_of_this(partition.topic, start, metadata, topic_id, end):
                start = 0
            self.owned[partition] = number
            self._next[partition] = self._committed[partition] = start
            self._paused.add(partition)
            committed = found[0] if found else None
            assignments.append(Assigned(partition, number, start, committed, metadata, topic_id))
        self._loop.call_soon(self._listener.assigned, assignments)

    async def _revoke(self, partitions: list[Partition]) -> None:
        assignments = {partition: self.owned[partition] for partition in partitions}
        draining = self._loop.create_task(self._drained(assignments))
        until_s = self._scheduler.now_s + self._drain_s + 5
        while not draining.done() and self._scheduler.now_s < until_s:
            await asyncio.sleep(0.05)
            self._send_commits()
        points = draining.result() if draining.done() else {}
        answered = self._loop.create_future()
        if points and not self._is_expelled:
            self._send_commit(points, answered)
            await asyncio.wait([answered], timeout=REQUEST_S * 2)
        member = self.member
        self._forget(partitions)
        for partition in partitions:
            if self._cluster.owners.get(partition) == member:
                del self._cluster.owners[partition]

    async def _drained(
        self, assignments: Mapping[Partition, int]
    ) -> Mapping[Partition, CommitPoint]:
        return await self._listener.revoked(assignments)

    def _forget(self, partitions: Sequence[Partition]) -> None:
        for partition in partitions:
            self.owned.pop(partition, None)
            self._paused.discard(partition)

    def _fetch(self) -> None:
        if not self._network.has_brokers():
            return
        records: list[Record] = []
        # A position stays what it is when its topic is made again; beyond its end nothing comes.
        self._take_anew([p for p in self.owned if self._next[p] > len(self._cluster.inputs[p])])
        for partition in self.owned:
            if partition in self._paused:
                continue
            log = self._cluster.inputs[partition]
            while self._next[partition] < len(log) and len(records) < self._credits:
                records.append(log[self._next[partition]])
                self._next[partition] += 1
                if self._dice.random() < 0.01:
                    # Delivered a second time, as after a reconnect.
                    records.append(records[-1])
        if records:
            self._credits -= len(records)
            self._loop.call_soon(self._listener.taken, records)

    # Commits.

    def _send_commits(self) -> None:
        while self._commits:
            self._send_commit(self._commits.popleft(), None)

    def _send_commit(
        self, points: Mapping[Partition, CommitPoint], answered: asyncio.Future[None] | None
    ) -> None:
        member, wanted, refused = self.member, {}, []
        for partition, point in points.items():
            if self.owned.get(partition) != point.number:
                refused.append(Committed(partition, point.number, point.metadata, False))
                continue
            assert point.offset >= self._committed[partition], "a commit that goes back"
            self._committed[partition] = point.offset
            wanted[partition] = point
        if refused:
            self._loop.call_soon(self._listener.committed, refused)

        def answer(accepted: Mapping[Partition, bool]) -> None:
            if self._loop.is_dead:
                return
            results = [
                Committed(p, wanted[p].number, wanted[p].metadata, ok) for p, ok in accepted.items()
            ]
            self._loop.call_soon(self._listener.committed, results)
            if answered is not None and not answered.done():
                self._loop.call_soon(_set, answered)

        fails = dict.fromkeys(wanted, False)

        def arrives() -> None:
            accepted = {
                partition: self._dice.random() > 0.02
                and self._cluster.commit(member, partition, point.offset, point.metadata)
                for partition, point in wanted.items()
            }
            if self._dice.random() < 0.02:
                # The answer is lost: accepted, and taken for refused.
                self._scheduler.after(REQUEST_S, lambda: answer(fails))
            else:
                self._scheduler.after(self._network.delay_s(), lambda: answer(accepted))

        if self._network.has_coordinator():
            self._scheduler.after(self._network.delay_s(), arrives)
        else:
            self._scheduler.after(REQUEST_S, lambda: answer(fails))


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class _Sent(NamedTuple):
    publication: Publication
    ticket: Ticket
    floor: Floor
    sent_s: float
    is_alone: bool = False


class SimSink:
    """An idempotent producer: in order, once, and nobody knows what a silent one has stored."""

    def __init__(
        self,
        cluster: Cluster,
        scheduler: Scheduler,
        loop: Loop,
        network: Network,
        clock: VirtualClock,
        dice: Random,
        limits: dict[str, int],
        *,
        are_limits_shown: bool,
    ) -> None:
        self._cluster = cluster
        self._scheduler = scheduler
        self._loop = loop
        self._network = network
        self._clock = clock
        self._dice = dice
        self._floors = FloorTracker()
        self._sent: dict[int, _Sent] = {}
        self._queues: dict[Output, deque[int]] = {}
        self._busy: set[Output] = set()
        self._held: list[Ticket] = []
        self._limits = limits
        """What is known of the topics; read again once a batch was refused."""
        self._are_limits_shown = are_limits_shown
        self._batch_bytes_max = cluster.batch_bytes_max
        self._probation = Probation()
        self._next = 0
        self._session = 0
        """Counts the producers: what an emptied one still had is nobody's."""
        self._is_broken = False
        self._listener: SinkListener

    def start(self, listener: SinkListener, ends: Mapping[Output, Floor]) -> None:
        self._listener = listener
        self._floors.look(ends)
        self._loop.create_task(self._watch())

    @property
    def is_idle(self) -> bool:
        return not self._sent and not self._held

    def add_outputs(self, ends: Mapping[Output, Floor]) -> None:
        self._floors.look(ends)

    def floor(self, output: Output) -> Floor:
        return self._floors.at(output)

    def takes(self, output: Output) -> bool:
        return self._probation.takes(output)

    def send(self, publication: Publication, ticket: Ticket) -> None:
        if self._is_broken:
            self._held.append(ticket)
            return
        if self._dice.random() < 0.002:
            # A full queue.
            self._next += 1
            self._sent[self._next] = _Sent(publication, ticket, Floor(0), self._scheduler.now_s)
            self._loop.call_soon(self._give_up)
            return
        self._next += 1
        output = publication.output
        assert self.takes(output), "it is asked first"
        is_alone = self._probation.sent(output)
        sent = _Sent(publication, ticket, self.floor(output), self._scheduler.now_s, is_alone)
        self._sent[self._next] = sent
        self._queues.setdefault(output, deque()).append(self._next)
        session = self._session
        self._scheduler.after(0.001, lambda: self._transmit(output, session))

    # The client's own thread, which stands still with the process.

    def _transmit(self, output: Output, session: int) -> None:
        if self._loop.is_dead or session != self._session or output in self._busy:
            return
        if self._loop.is_standing:
            self._scheduler.at(self._loop.stands_until_s, lambda: self._transmit(output, session))
            return
        queue = self._queues.get(output)
        if not queue:
            return
        now_s = self._scheduler.now_s
        if now_s - self._sent[queue[0]].sent_s >= CLIENT_TIMEOUT_S:
            # The client looks for what has expired before it sends anything.
            self._loop.call_soon(self._give_up)
            return
        if not self._network.has_brokers():
            self._scheduler.after(0.2, lambda: self._transmit(output, session))
            return
        self._busy.add(output)
        self._request(output, session, self._batch(queue))

    def _batch(self, queue: deque[int]) -> list[tuple[int, _Sent]]:
        """As much as a batch holds, and one in any case."""
        batch: list[tuple[int, _Sent]] = []
        room = self._batch_bytes_max
        while queue and (not batch or stored_bytes(self._sent[queue[0]].publication) <= room):
            number = queue.popleft()
            sent = self._sent[number]
            room -= stored_bytes(sent.publication)
            batch.append((number, sent))
        return batch

    def _request(self, output: Output, session: int, batch: list[tuple[int, _Sent]]) -> None:
        dice = self._dice.random()
        last_s = batch[0][1].sent_s + CLIENT_TIMEOUT_S
        arrival_s = self._scheduler.now_s + self._network.delay_s()
        if dice < 0.06:
            # In the hands of the network or of a broker that dies: it shows up late.
            arrival_s = self._scheduler.now_s + self._dice.random() * (
                last_s - self._scheduler.now_s
            )
        elif dice < 0.08:
            # Lost on the way; the client sends it again.
            self._scheduler.after(0.3, lambda: self._repeat(output, session, batch))
            return

        def arrives() -> None:
            size = sum(stored_bytes(sent.publication) for _, sent in batch)
            if size > self._cluster.batch_bytes_max:
                refused = [(number, sent, REFUSED) for number, sent in batch]
                delay_s = self._network.delay_s()
                self._scheduler.after(delay_s, lambda: self._answer(output, session, refused))
                return
            stored = [
                (number, sent, self._cluster.append(sent.publication, self._clock.wall_ms()))
                for number, sent in batch
            ]
            silent_s = 1.0 if self._dice.random() < 0.03 else 0.0
            delay_s = self._network.delay_s() + silent_s
            self._scheduler.after(delay_s, lambda: self._answer(output, session, stored))

        self._scheduler.at(min(arrival_s, last_s), arrives)

    def _repeat(self, output: Output, session: int, batch: list[tuple[int, _Sent]]) -> None:
        if self._loop.is_dead or session != self._session:
            return
        if self._loop.is_standing or not self._network.has_brokers():
            again_s = max(self._loop.stands_until_s, self._scheduler.now_s + 0.2)
            self._scheduler.at(again_s, lambda: self._repeat(output, session, batch))
        elif self._scheduler.now_s - batch[0][1].sent_s >= CLIENT_TIMEOUT_S:
            self._loop.call_soon(self._give_up)
        else:
            self._request(output, session, batch)

    def _answer(self, output: Output, session: int, stored: list[tuple[int, _Sent, int]]) -> None:
        if self._loop.is_dead or session != self._session:
            return
        if self._loop.is_standing:
            until_s = self._loop.stands_until_s
            self._scheduler.at(until_s, lambda: self._answer(output, session, stored))
            return
        self._busy.discard(output)
        self._loop.call_soon(self._settle, session, stored)
        self._scheduler.after(0.001, lambda: self._transmit(output, session))

    # On the loop.

    def _settle(self, session: int, stored: list[tuple[int, _Sent, int]]) -> None:
        if session != self._session:
            return
        reports: list[DeliveryReport] = []
        for number, sent, offset in stored:
            if self._sent.pop(number, None) is None:
                continue
            output = sent.publication.output
            if offset != REFUSED:
                self._floors.acknowledged(output, sent.floor, offset)
                reports.append(DeliveryReport(sent.ticket, Fate.STORED))
            elif self._probation.is_to_blame(output, is_alone=sent.is_alone):
                reports.append(DeliveryReport(sent.ticket, Fate.TOO_LARGE))
            else:
                self._sent[number] = sent
                self._give_up()
                continue
            if sent.is_alone:
                self._probation.settled(output)
        if reports:
            self._listener.reported(reports)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(0.2)
            oldest = next(iter(self._sent.values()), None)
            if oldest and self._scheduler.now_s - oldest.sent_s > MESSAGE_TIMEOUT_S:
                self._give_up()

    def _give_up(self) -> None:
        if not self._is_broken:
            self._is_broken = True
            self._loop.create_task(self._mend())

    async def _mend(self) -> None:
        failed = [self._sent[number] for number in sorted(self._sent)]
        self._sent.clear()
        self._queues.clear()
        self._busy.clear()
        self._session += 1
        self._probation.interrupted()
        self._read_limits()
        while not self._network.has_brokers():
            await asyncio.sleep(0.3)
        await asyncio.sleep(SETTLE_S)
        stored: set[Identity] = set()
        for sent in failed:
            output = sent.publication.output
            floor = lowest([sent.floor], self._cluster.ids[output.topic])
            entries = self._cluster.outputs.get(output, [])[floor:]
            stored |= {_identity(entry.publication) for entry in entries}
        self._is_broken = False
        held, self._held = self._held, []
        reports = [
            DeliveryReport(
                sent.ticket,
                Fate.STORED if _identity(sent.publication) in stored else Fate.NOT_STORED,
            )
            for sent in failed
        ]
        reports += [DeliveryReport(ticket, Fate.NOT_STORED) for ticket in held]
        for output in {sent.publication.output for sent in failed}:
            rest = [sent for sent in failed if sent.publication.output == output]
            count = sum(_identity(sent.publication) not in stored for sent in rest)
            self._probation.begin(output, count)
        self._listener.reported(reports)

    def _read_limits(self) -> None:
        topics = self._probation.refused_topics
        if not topics:
            return
        said = None
        if self._are_limits_shown and self._network.has_brokers():
            said = self._cluster.batch_bytes_max
            self._limits.update(dict.fromkeys(topics, said))
        self._batch_bytes_max = smaller_batch(self._batch_bytes_max, said)


REFUSED = -1
"""Instead of an offset: the batch was larger than its topic takes."""


def _identity(publication: Publication) -> Identity:
    return identity(dict(publication.headers))


class SimTails:
    """Reads the logs after a while, or finds the brokers gone."""

    def __init__(self, cluster: Cluster, network: Network) -> None:
        self._cluster = cluster
        self._network = network

    async def _asked(self) -> None:
        await asyncio.sleep(self._network.delay_s())
        if not self._network.has_brokers():
            raise BrokerUnavailable("out")

    async def ids(self, topics: Sequence[str]) -> Mapping[str, str]:
        await self._asked()
        return {topic: self._cluster.ids[topic] for topic in topics}

    async def ends(self, outputs: Sequence[Output]) -> Mapping[Output, int]:
        await self._asked()
        return {output: self._cluster.end(output) for output in outputs}

    async def offsets_at(
        self, outputs: Sequence[Output], timestamp_ms: int
    ) -> Mapping[Output, int]:
        await self._asked()
        return dict.fromkeys(outputs, 0)

    async def timestamp_ms(self, partition: Partition, offset: int) -> int | None:
        await self._asked()
        log = self._cluster.inputs[partition]
        return log[offset].timestamp_ms if offset < len(log) else None

    async def positions(
        self, output: Output, floor: int, end: int, of: Partition, source: str
    ) -> set[int]:
        await self._asked()
        entries = self._cluster.outputs.get(output, [])[floor:end]
        headers = [dict(entry.publication.headers) for entry in entries]
        found = [(each, position_of(each)) for each in headers]
        return {
            at.offset
            for each, at in found
            if at.partition == of.number and is_of_topic(each, at, source, GROUP)
        }


def position_of(headers: Mapping[str, bytes | None]) -> Position:
    """Of the record that a verdict or dead letter is about."""
    found = Position.parse((headers["safeguard-position"] or b"").decode())
    assert found is not None
    return found
