"""
Outputs of one assignment: which the commits name, and from where on each has to be read. Pure.

Nothing is sent to an output before an accepted commit has named it: the next owner would not look
there. With each name goes a floor, below which nothing lies that the same commit does not know of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from consumer.domain.checkpoint import Floor
from consumer.interfaces import Output, output_of
from consumer.pipeline.assignment.recovery import Recovered

FloorOf = Callable[[Output], Floor]
"""The first offset at which a publication sent now can come to lie, and in which topic."""


class OutputFloors:
    """
    The outputs of one partition.

    Where `is_whole` is asked for, it says whether the commit's map of finished records names all
    that earlier owners did. Until it does, the outputs must be read again from where we read them.
    """

    def __init__(self, partition: int, recovered: Recovered, floor_of: FloorOf) -> None:
        self._partition = partition
        self._found = recovered.found_floors
        self._floors = dict(recovered.floors)
        """Output -> where the tail began when it was read, or when the output came up."""
        self._floor_of = floor_of
        self._current: frozenset[str] = frozenset()
        """The outputs of the policies in force."""
        self._unacknowledged: dict[str, dict[int, Floor]] = {}
        """Output -> offset of the record on its way there -> where it can lie at the earliest."""
        self._named: frozenset[str] = frozenset()
        """Those named by the last accepted commit and by each that was asked for since."""
        self._asked: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        on_their_way = sum(map(len, self._unacknowledged.values()))
        return f"<OutputFloors {sorted(self._named)}, {on_their_way} on their way>"

    def use(self, topics: Iterable[str]) -> None:
        """From now on what is taken goes to these; others are named only while they are needed."""
        self._current = frozenset(topics)
        for topic in self._current:
            self._floors.setdefault(topic, self._floor_of(output_of(topic, self._partition)))

    def need(self, topic: str) -> None:
        """Something is ready to go there, be it under policies of before a reload."""
        if topic not in self._current:
            self.use([*self._current, topic])

    def is_named(self, topic: str) -> bool:
        """Whether the next owner will look there."""
        return topic in self._named

    def sent(self, topic: str, offset: int) -> None:
        """The record's verdict is about to be sent there, for the first time or again."""
        on_their_way = self._unacknowledged.setdefault(topic, {})
        if offset not in on_their_way:
            on_their_way[offset] = self._floor(topic)

    def acknowledged(self, topic: str, offset: int) -> None:
        """It is stored, or will never be."""
        del self._unacknowledged[topic][offset]

    @property
    def is_settled(self) -> bool:
        """Whether nothing is on its way to an output."""
        return not any(self._unacknowledged.values())

    # Commits.

    def has_news(self, is_whole: bool) -> bool:
        """Whether a commit would name others than the last one."""
        return self._named != self._names(is_whole)

    def ask(self, is_whole: bool) -> None:
        """A commit is sent that names what is to be named now."""
        self._asked = self._names(is_whole)
        # From when it may be stored the next owner looks nowhere else, whatever we hear of it.
        self._named &= self._asked

    def accepted(self) -> None:
        """The commit that was asked for last holds."""
        self._named = self._asked

    def to_note(self, is_whole: bool) -> Mapping[str, Floor]:
        """What a commit says now: from where on anything may lie that it does not name as done."""
        return {topic: self._floor_to_note(topic, is_whole) for topic in self._names(is_whole)}

    def _names(self, is_whole: bool) -> frozenset[str]:
        """The outputs where the next owner has to look; those of before a reload may go."""
        if not is_whole:
            return frozenset(self._floors)
        return self._current.union(t for t, sent in self._unacknowledged.items() if sent)

    def _floor_to_note(self, topic: str, is_whole: bool) -> Floor:
        found = self._found.get(topic)
        if found is not None and not is_whole:
            return found
        on_their_way = self._unacknowledged.get(topic)
        if on_their_way:
            # They were sent in this order, so the first has the lowest floor; where the output
            # was made again in between, its floor is of the old one, and the new is read whole.
            return next(iter(on_their_way.values()))
        return self._floor(topic)

    def _floor(self, topic: str) -> Floor:
        """
        Where what is sent now can lie at the earliest.

        Offsets compare within one topic. The sink knows of the last topic of that name that this
        process has seen: where it is another one than at the beginning, only the sink's counts. If
        the sink is behind instead, the next owner finds a floor of an older topic and reads all.
        """
        own, sinks = self._floors[topic], self._floor_of(output_of(topic, self._partition))
        if own.topic_id == sinks.topic_id:
            return max(own, sinks)
        return sinks if sinks.topic_id else own
