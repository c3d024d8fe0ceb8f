"""A partition with one worker after another, and a broker of plain lists, for a state machine."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar
from unittest.mock import patch

from consumer.domain.checkpoint import Floor
from consumer.interfaces import Assigned, CommitPoint, Output
from consumer.kafka.sink.floors import FloorTracker
from consumer.pipeline.assignment.commits import Commits, Owner
from consumer.pipeline.assignment.lease import Moment
from consumer.pipeline.assignment.recovery import Recovered, Recovery, RecoveryLimits
from tests.unit.pipeline.staging import TERMS, TOPIC, ZERO, FakeTails, HandClock

OUTPUTS = tuple(f"{TOPIC}.{end}" for end in ("allow", "flag", "block", "dead-letter"))
FOREIGN = -1
"""Stands on an output for a record that is not of this partition or group."""

Answer = TypeVar("Answer")


class Sent(NamedTuple):
    """A publication on its way: it may be stored until the client gives it up."""

    worker: Worker
    topic: str
    offset: int
    floor: Floor
    until_ms: int


class Asked(NamedTuple):
    """A commit on its way to the coordinator."""

    worker: Worker
    point: CommitPoint


class Broker(FakeTails):
    """
    The input, the outputs, the last commit, and what is on its way to either.

    The coordinator accepts commits of its member only; the outputs take from anybody.
    """

    def __init__(self) -> None:
        super().__init__()
        self.clock = HandClock()
        self.outputs = {topic: {} for topic in OUTPUTS}
        # A checkpoint keeps the first eight characters of an id, in which these differ.
        self.topic_ids = {topic: f"id{number}v0" for number, topic in enumerate(OUTPUTS)}
        self.long_ago: FloorTracker | None = None
        """The floors of a process that is there from the first on, and owns it now and then."""
        self.gone: set[int] = set()
        """Offsets of the input whose verdicts were on outputs that are no more."""
        self.first_ms = 0
        self.input = [0]
        """The offsets of the input, with gaps."""
        self.commit: CommitPoint | None = None
        self.member: Worker | None = None
        """Who owns the partition, as far as the coordinator knows."""
        self.asked: deque[Asked] = deque()
        self.sent: list[Sent] = []
        self.when_read: Callable[[], None] = lambda: None
        """Called when a recovery asks for the ends, that is when it begins to read."""

    @property
    def judged(self) -> list[int]:
        """The offset of the input of every record of ours on an output, as often as it is there."""
        lying = [offset for at in self.outputs.values() for offset in at.values()]
        return sorted(offset for offset in lying if offset != FOREIGN)

    def make_again(self, topic: str) -> None:
        """An output is deleted and made again: all that was on it is gone but its name."""
        self.gone |= set(self.outputs[topic].values()) - {FOREIGN}
        self.outputs[topic] = {}
        before, _, times = self.topic_ids[topic].partition("v")
        self.topic_ids[topic] = f"{before}v{int(times) + 1}"

    def look(self) -> Mapping[Output, Floor]:
        """The outputs' ends and ids as they are now."""
        return {
            Output(topic, 0): Floor(self.end(topic), self.topic_ids[topic]) for topic in OUTPUTS
        }

    def append(self, topic: str, offset: int) -> int:
        at = self.end(topic)
        self.outputs[topic][at] = offset
        return at

    def first_sent(self) -> list[Sent]:
        """What may be stored next: a client keeps its order on each output, and no other."""
        firsts = {(sent.worker, sent.topic): sent for sent in reversed(self.sent)}
        return list(firsts.values())

    def store(self, sent: Sent) -> None:
        self.sent.remove(sent)
        at = self.append(sent.topic, sent.offset)
        sent.worker.unreported.append((sent, at))

    def expire(self) -> None:
        """What has been on its way for too long is given up by its client, alive or not."""
        late = {sent.worker for sent in self.sent if sent.until_ms < self.clock.wall_ms()}
        for worker in late:
            worker.give_up()

    def coordinate(self) -> None:
        """The coordinator takes up the next commit."""
        worker, point = self.asked.popleft()
        is_accepted = worker is self.member
        if is_accepted:
            self.commit = point
        worker.answers.append((point.metadata, is_accepted))

    async def positions(self, output: Output, floor: int, end: int, *of: Any) -> set[int]:
        return await super().positions(output, floor, end, *of) - {FOREIGN}

    async def ends(self, outputs: Sequence[Output]) -> Mapping[Output, int]:
        self.when_read()
        return await super().ends(outputs)


class Worker:
    """What an intake does with what it may commit, with every step left to whoever drives it."""

    def __init__(self, broker: Broker, outputs: Sequence[str], knows_ends: bool) -> None:
        self.broker = broker
        self.outputs = outputs
        self.assigned = Assigned(ZERO, 1, 0)
        if (commit := broker.commit) is not None:
            self.assigned = Assigned(ZERO, 1, commit.offset, commit.offset, commit.metadata)
        self.position = self.assigned.start
        self.floors = FloorTracker()
        # A process that began long ago has the floors of then, and perhaps of other topics.
        if not knows_ends and broker.long_ago is not None:
            self.floors = broker.long_ago
        elif knows_ends:
            self.floors.look(broker.look())
        broker.long_ago = broker.long_ago or self.floors
        self.taken: list[int] = []
        self.ready: list[tuple[str, int]] = []
        """Judged, and not on its way: output and offset."""
        self.unreported: list[tuple[Sent, int]] = []
        """Stored, which this worker does not know yet: what was sent, and its offset there."""
        self.answers: deque[tuple[str, bool]] = deque()
        self.recovered: Recovered
        self.commits: Commits

    def recover(self, while_waiting: Callable[[int], None]) -> None:
        """Find out what was done; `while_waiting` is told of each second that passes meanwhile."""
        clock, seconds = self.broker.clock, 0

        async def sleep(wait_s: float) -> None:
            nonlocal seconds
            while_waiting(seconds)
            clock.move(wait_s)
            seconds += 1
            self.broker.expire()

        recovery = Recovery(self.broker, clock, RecoveryLimits())
        with patch.object(asyncio, "sleep", sleep):
            self.recovered = _finish(recovery.recover(self.assigned, self.outputs))
        self.commits = Commits(
            self.assigned, self.recovered, Owner(f"{id(self)}", TERMS), self._floor
        )
        self.commits.outputs.use(self.outputs)

    @property
    def now(self) -> Moment:
        return Moment.of(self.broker.clock)

    @property
    def is_at_work(self) -> bool:
        """Whether its end would be worth a look: it has taken something, or has yet to begin."""
        return self.position > self.assigned.start or not self.commits.is_established

    def take(self) -> None:
        """The next record, if the commit's map has room for it."""
        offset = next(offset for offset in self.broker.input if offset >= self.position)
        tracker = self.commits.offsets
        is_done = tracker.is_recovered(offset)
        if not tracker.has_room(offset):
            return
        self.position = offset + 1
        assert tracker.start(offset)
        if is_done:
            self.commits.finish(offset)
        else:
            self.taken.append(offset)

    def send(self) -> None:
        """All that is ready, up to the first that may not leave yet; order is kept."""
        while self.ready:
            topic, offset = self.ready[0]
            if not self.commits.may_publish(topic, self.now):
                self.commits.outputs.need(topic)
                return
            self.commits.outputs.sent(topic, offset)
            until_ms = self.broker.clock.wall_ms() + int(TERMS.publish_s * 1_000)
            floor = self._floor(Output(topic, 0))
            self.broker.sent.append(Sent(self, topic, offset, floor, until_ms))
            del self.ready[0]

    def give_up(self) -> None:
        """The client is emptied: what was not stored will not be, and may be sent again."""
        sent = self.broker.sent
        self.ready[:0] = [(each.topic, each.offset) for each in sent if each.worker is self]
        self.broker.sent = [each for each in sent if each.worker is not self]

    def report(self, topic: str, count: int, is_followed: bool) -> None:
        """
        One batch of reports of an output: the sink's floor first, then each of them.

        What waited for one of them, and a commit, may leave before the next is heard of.
        """
        batch = [each for each in self.unreported if each[0].topic == topic][:count]
        for each in batch:
            self.unreported.remove(each)
            sent, at = each
            self.floors.acknowledged(Output(topic, 0), sent.floor, at)
        for (_, _, offset, *_), _ in batch:
            self.commits.acknowledged(topic, offset)
            self.commits.finish(offset)
            if is_followed:
                self.ready += [(topic, offset) for offset in self.taken[:1]]
                del self.taken[:1]
                self.send()
                self.ask(is_steady=True)

    def ask(self, is_steady: bool) -> None:
        if self.commits.is_wanted(self.now):
            self.broker.asked.append(Asked(self, self.commits.ask(self.now, is_steady)))

    def answered(self) -> None:
        """Hear what became of the first commit that has an answer."""
        self.commits.answered(*self.answers.popleft())
        self.send()

    def _floor(self, output: Output) -> Floor:
        return self.floors.at(output)


def _finish(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Its result; nothing in it waits for anything but the patched sleep."""
    try:
        work.send(None)
    except StopIteration as ended:
        answer: Answer = ended.value
        return answer
    raise AssertionError("it waits for something")
