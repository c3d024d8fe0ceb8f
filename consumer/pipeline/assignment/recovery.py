"""
Recovery: what is known of a partition before its first record is judged.

The commit's checkpoint says what was done and where anything else may lie. In this order: wait
until no earlier owner may publish any more, take the outputs' ends, and only then read the tails
up to them. What lies there counts as done, under whatever policy version it was judged. Without a
checkpoint of ours the tails begin at the time of the first record that is to be judged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import structlog

from consumer.domain.checkpoint import (
    Checkpoint,
    Floor,
    decode_checkpoint,
    is_same_topic,
    short_id,
)
from consumer.domain.verdicts.headers import rfc3339
from consumer.errors import BrokerUnavailable, Fatal
from consumer.interfaces import Assigned, Clock, Output, Partition, Tails

log = structlog.get_logger()

RETRY_S = 1.0
"""After brokers did not answer; their own time limits have passed by then."""
LEASE_MAX_S = 1_800.0
"""The longest session that a group can have; no lease is longer."""

WhenUnknown = Literal["scan", "refuse"]


class RecoveryLimits(NamedTuple):
    """Settings of the recovery."""

    when_unknown: WhenUnknown = "scan"
    """A commit without our checkpoint: read the outputs by time, or stop."""
    scan_skew_s: float = 3_600.0
    """How much earlier than its record a verdict may seem to have been written."""
    clock_skew_s: float = 1.0
    """How far the wall clocks of two workers may differ."""
    careful_after: int = 3
    """Unreleased starts at one offset, after which records are taken one at a time."""
    careful_offsets: int = 256
    """How many offsets are then taken one at a time."""


class Recovered(NamedTuple):
    """What an assignment begins with."""

    term: int
    done: frozenset[int]
    found_floors: Mapping[str, Floor]
    """From where each output was read."""
    floors: Mapping[str, Floor]
    """To where it was read: what comes later lies at or above."""
    topic_id: str
    """The broker's id of the input, whole; empty where it gives none."""
    starts: int
    """How many owners in a row ended unreleased while a model that was well judged here."""
    careful_until: int
    attempted: int = -1
    attempts: int = 0
    named: frozenset[int] = frozenset()
    """What the checkpoint said was done; the tails need not hold it."""


class Recovery:
    """Finds out, for one assignment, what earlier owners left."""

    def __init__(self, tails: Tails, clock: Clock, limits: RecoveryLimits) -> None:
        self._tails = tails
        self._clock = clock
        self._limits = limits

    async def recover(self, assigned: Assigned, outputs: Sequence[str]) -> Recovered:
        """
        Wait and read; tries again for as long as the broker does not answer.

        Args:
            outputs: the output topics of this input now; those that the checkpoint names are
                read as well.

        Raises:
            Fatal: the commit is not one of ours, and the setting says to refuse that.
        """
        while True:
            try:
                return await self._recover(assigned, outputs)
            except BrokerUnavailable as error:
                log.warning(
                    "tails cannot be read: trying again",
                    partition=str(assigned.partition),
                    error=str(error),
                )
                await asyncio.sleep(RETRY_S)

    async def _recover(self, assigned: Assigned, outputs: Sequence[str]) -> Recovered:
        partition, start = assigned.partition, assigned.start
        left = None
        term = 1
        if assigned.committed is not None:
            left = decode_checkpoint(assigned.metadata, assigned.committed, partition.topic)
        if left is not None:
            # Whatever it says of the records, its owner may be at work.
            term = left.term + 1
            await self._wait_out(left, partition)
        elif assigned.committed is not None and self._limits.when_unknown == "refuse":
            raise Fatal(
                f"the commit of {partition} was not made by this service, and kafka.when_unknown "
                "is refuse: set it to scan to read the outputs for what was already judged"
            )
        began_s = self._clock.now_s()
        names = list(dict.fromkeys([*outputs, *(left.floors if left else ())]))
        ids, ends = await self._ends(partition, names)
        topic_id = ids.get(partition.topic, "")
        if assigned.topic_id and topic_id != assigned.topic_id:
            # The source finds out, and then this assignment ends.
            raise BrokerUnavailable("the input topic is not the one that was assigned any more")
        if left is not None:
            if not is_same_topic(left.topic_id, topic_id):
                log.warning("the input topic was made again", partition=str(partition))
                left = None
            elif start < (assigned.committed or 0):
                # Before what it speaks of: the log was cut back, or the topic is another one.
                left = None
        floors = await self._floors(assigned, left, ends, ids)
        done = set(left.done) if left else set()
        for output, floor in floors.items():
            if floor < ends[output]:
                done |= await self._tails.positions(
                    output, floor, ends[output], partition, topic_id or partition.topic
                )
        log.info(
            "recovered",
            partition=str(partition),
            start=start,
            term=term,
            done=len(done),
            tail_offsets=sum(ends[output] - floor for output, floor in floors.items()),
            seconds=round(self._clock.now_s() - began_s, 3),
            has_checkpoint=left is not None,
        )
        return _with_poison(
            Recovered(
                term=term,
                done=frozenset(offset for offset in done if offset >= start),
                found_floors={o.topic: Floor(f, _id(ids, o.topic)) for o, f in floors.items()},
                floors={o.topic: Floor(end, _id(ids, o.topic)) for o, end in ends.items()},
                topic_id=topic_id,
                starts=0,
                careful_until=0,
                named=left.done if left else frozenset(),
            ),
            left,
            start,
            self._limits,
        )

    async def _wait_out(self, left: Checkpoint, partition: Partition) -> None:
        """Any owner that did not release may still publish until its lease ends."""
        if left.is_released:
            return
        until_ms = left.lease_end_ms + int(self._limits.clock_skew_s * 1_000)
        wait_s = (until_ms - self._clock.wall_ms()) / 1_000
        if wait_s <= 0:
            return
        log.info(
            "waiting out the last owner's lease",
            partition=str(partition),
            seconds=round(wait_s, 1),
        )
        began_s = self._clock.now_s()
        while (wait_s := (until_ms - self._clock.wall_ms()) / 1_000) > 0:
            # A clock that was set back must not hold the partition for hours.
            if self._clock.now_s() - began_s > LEASE_MAX_S:
                return
            await asyncio.sleep(min(wait_s, 1.0))

    async def _ends(
        self, partition: Partition, names: Sequence[str]
    ) -> tuple[Mapping[str, str], Mapping[Output, int]]:
        """
        The ids of the input and of these outputs, and the outputs' ends, of the same topics.

        Raises:
            BrokerUnavailable: one was made again meanwhile, so that an end may be the old one's.
        """
        topics = [partition.topic, *names]
        ids = await self._tails.ids(topics)
        ends = await self._tails.ends([Output(name, partition.number) for name in names])
        if await self._tails.ids(topics) != ids:
            raise BrokerUnavailable("a topic was made again while it was looked at")
        return ids, ends

    async def _floors(
        self,
        assigned: Assigned,
        left: Checkpoint | None,
        ends: Mapping[Output, int],
        ids: Mapping[str, str],
    ) -> Mapping[Output, int]:
        """From where each output is to be read."""
        if left is None:
            return await self._floors_by_time(assigned, ends)
        floors: dict[Output, int] = {}
        for output, end in ends.items():
            floor = left.floors.get(output.topic)
            if floor is None:
                # Nothing goes to an output before a commit has named it.
                floors[output] = end
            else:
                floors[output] = _floor_in(floor, ids.get(output.topic, ""), end)
        return floors

    async def _floors_by_time(
        self, assigned: Assigned, ends: Mapping[Output, int]
    ) -> Mapping[Output, int]:
        partition = assigned.partition
        if not any(ends.values()):
            # A first start, where nobody has published anything: a client for each of a thousand
            # partitions would find no more.
            return ends
        first_ms = await self._tails.timestamp_ms(partition, assigned.start)
        if first_ms is None:
            return ends
        since_ms = self._since_ms(first_ms)
        log.info(
            "no checkpoint of ours: reading the outputs by time",
            partition=str(partition),
            since=rfc3339(since_ms),
        )
        found = await self._tails.offsets_at(list(ends), since_ms)
        return {output: min(found.get(output, 0), end) for output, end in ends.items()}

    def _since_ms(self, first_ms: int) -> int:
        """
        Since when there may be verdicts on a record of that time, or on those that follow it.

        A time that is still to come says nothing of it, such as one in nanoseconds: then since
        ever.
        """
        skew_ms = int(self._limits.scan_skew_s * 1_000)
        if first_ms > self._clock.wall_ms() + skew_ms:
            return 0
        return max(0, first_ms - skew_ms)


def _with_poison(
    recovered: Recovered, left: Checkpoint | None, start: int, limits: RecoveryLimits
) -> Recovered:
    """
    Whether this partition's records are to be taken one at a time.

    An owner that did not release died, or was given up. If that happens again and again without
    the commit moving, and each time a model that was well had one of the next records in hand, one
    of them may be what kills it.
    """
    if left is None:
        return recovered
    starts = 0 if left.is_released else left.starts
    careful_until = left.careful_until if left.careful_until > start else 0
    if starts >= limits.careful_after and not careful_until:
        careful_until = start + limits.careful_offsets
        log.warning("this offset has ended its worker repeatedly: going on record by record")
    return recovered._replace(
        starts=starts,
        careful_until=careful_until,
        attempted=left.attempted,
        # An owner that released was not killed by the record that it had begun.
        attempts=0 if left.is_released else left.attempts,
    )


def _floor_in(floor: Floor, topic_id: str, end: int) -> int:
    """From where the topic with this id is to be read: one made again from its beginning."""
    if not is_same_topic(floor.topic_id, topic_id):
        return 0
    # Where ids are not known, only its end shows that an output is another one.
    is_certain = bool(floor.topic_id and topic_id)
    return 0 if floor.offset > end and not is_certain else min(floor.offset, end)


def _id(ids: Mapping[str, str], topic: str) -> str:
    return short_id(ids.get(topic, ""))
