"""
The simulated brokers: logs of topics, and a group with either protocol.

As unkind as Kafka: the commits of an expelled member are refused and its produces land; a KIP-848
coordinator does not count a commit as a heartbeat; what a client sent shows on the log at any time
until the client would have given it up, even if the process has ended since.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import NamedTuple

from consumer.domain.checkpoint import Floor, short_id
from consumer.domain.messages.message import Record
from consumer.interfaces import Output, Partition, Publication
from tests.simulation.scheduler import Scheduler

OUTPUTS = tuple(f"in.{end}" for end in ("allow", "flag", "block", "dead-letter"))


class Entry(NamedTuple):
    """A record on an output."""

    publication: Publication
    timestamp_ms: int
    stored_s: float


def stored_bytes(publication: Publication) -> int:
    """What it takes in a batch, generously."""
    headers = sum(len(name) + len(value or b"") + 4 for name, value in publication.headers)
    return len(publication.key or b"") + len(publication.value or b"") + headers + 60


class Gone(NamedTuple):
    """What was on a topic that was deleted."""

    topic: str
    topic_id: str
    deleted_s: float
    records: Mapping[int, list[Record]]
    entries: Mapping[int, list[Entry]]
    """By the numbers of the partitions; of an input the former, of an output the latter."""


class Cluster:
    """Logs, commits and the group's coordinator."""

    def __init__(
        self, scheduler: Scheduler, dice: Random, partitions: int, session_s: float, is_848: bool
    ) -> None:
        self._scheduler = scheduler
        self._dice = dice
        self.is_848 = is_848
        self.session_s = session_s
        self.inputs: dict[Partition, list[Record]] = {
            Partition("in", number): [] for number in range(partitions)
        }
        self.outputs: dict[Output, list[Entry]] = {}
        self.ids: dict[str, str] = {topic: self._new_id() for topic in ("in", *OUTPUTS)}
        self.gone: list[Gone] = []
        self.commits: dict[Partition, tuple[int, str]] = {}
        self.members: dict[str, float] = {}
        """Member -> when its last heartbeat came."""
        self.owners: dict[Partition, str] = {}
        """Who the coordinator takes for the owner, until it has released or was expelled."""
        self.targets: dict[Partition, str] = {}
        self.rebalances = 0
        self.is_coordinator_out = False
        self.are_brokers_out = False
        self.batch_bytes_max = 1_000_000
        """What every topic takes at once; larger batches are refused as a whole."""

    # Topics.

    def _new_id(self) -> str:
        return f"{self._dice.getrandbits(64):016x}"

    def make_again(self, topic: str) -> None:
        """A topic is deleted and made again under its name; its commits go with it."""
        inputs = [p for p in self.inputs if p.topic == topic]
        outputs = [o for o in self.outputs if o.topic == topic]
        self.gone.append(
            Gone(
                topic,
                self.ids[topic],
                self._scheduler.now_s,
                {p.number: self.inputs[p] for p in inputs},
                {o.partition: self.outputs.pop(o) for o in outputs},
            )
        )
        for partition in inputs:
            self.inputs[partition] = []
            self.commits.pop(partition, None)
        self.ids[topic] = self._new_id()

    # Logs.

    def append(self, publication: Publication, timestamp_ms: int) -> int:
        log = self.outputs.setdefault(publication.output, [])
        log.append(Entry(publication, timestamp_ms, self._scheduler.now_s))
        return len(log) - 1

    def end(self, output: Output) -> int:
        return len(self.outputs.get(output, []))

    def floors(self) -> dict[Output, Floor]:
        """The outputs' ends and ids as they are now."""
        return {
            output: Floor(self.end(output), short_id(self.ids[topic]))
            for topic in OUTPUTS
            for output in (Output(topic, partition.number) for partition in self.inputs)
        }

    # The group.

    def join(self, member: str) -> None:
        self.members[member] = self._scheduler.now_s
        self._aim()

    def leave(self, member: str) -> None:
        if self.members.pop(member, None) is not None:
            self._free(member)
            self._aim()

    def heartbeat(self, member: str) -> bool:
        """Whether it is still a member."""
        self.expel()
        if member not in self.members:
            return False
        self.members[member] = self._scheduler.now_s
        return True

    def expel(self) -> None:
        """Give up the silent; the coordinator looks whenever anybody comes to it."""
        now_s = self._scheduler.now_s
        gone = [m for m, heard_s in self.members.items() if now_s - heard_s > self.session_s]
        for member in gone:
            del self.members[member]
            self._free(member)
        if gone:
            self._aim()

    def commit(self, member: str, partition: Partition, offset: int, metadata: str) -> bool:
        """Accepted from any member, for any partition and offset: the broker does not look."""
        self.expel()
        if member not in self.members:
            return False
        if not self.is_848:
            self.members[member] = self._scheduler.now_s
        self.commits[partition] = (offset, metadata)
        return True

    def _free(self, member: str) -> None:
        for partition, owner in list(self.owners.items()):
            if owner == member:
                del self.owners[partition]

    def _aim(self) -> None:
        """Share the partitions out evenly, moving as few as need be."""
        self.rebalances += 1
        members = sorted(self.members)
        if not members:
            self.targets = {}
            return
        load = dict.fromkeys(members, 0)
        most = -(-len(self.inputs) // len(members))
        targets: dict[Partition, str] = {}
        rest: list[Partition] = []
        for partition in self.inputs:
            owner = self.targets.get(partition)
            if owner in load and load[owner] < most:
                targets[partition] = owner
                load[owner] += 1
            else:
                rest.append(partition)
        for partition in rest:
            least = min(load.values())
            chosen = self._dice.choice([m for m in members if load[m] == least])
            targets[partition] = chosen
            load[chosen] += 1
        self.targets = targets

    def to_give(self, member: str) -> list[Partition]:
        """Partitions that this member may take now: aimed at it, and nobody's any more."""
        return [p for p, m in self.targets.items() if m == member and p not in self.owners]

    def to_revoke(self, member: str) -> list[Partition]:
        """Partitions that this member owns and has to give up."""
        return [p for p, m in self.owners.items() if m == member and self.targets.get(p) != member]
