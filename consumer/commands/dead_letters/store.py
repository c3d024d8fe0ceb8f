"""Letter store: finds dead letters and their marks at the broker, and notes what was done."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from contextlib import closing
from typing import NamedTuple

from consumer.commands.dead_letters.letter import (
    Letter,
    LetterState,
    Mark,
    mark_key,
    marked,
    read_letter,
)
from consumer.commands.dead_letters.selection import Selection, one_each
from consumer.domain.counted import counted
from consumer.domain.messages.message import Position, Record
from consumer.errors import InvalidSettings, PublishFailed, TopicsMissing
from consumer.interfaces import Publication
from consumer.kafka.client_errors import ClientErrors
from consumer.kafka.cluster.topics import LETTER_STATES, Topics
from consumer.kafka.reader.reader import TopicReader
from consumer.kafka.reader.table import PARTITION, Table
from consumer.kafka.sink.writer import TopicWriter
from consumer.registry.load import load_catalogue
from consumer.settings.settings import Settings
from consumer.telemetry.clock import SystemClock
from consumer.worker.wiring import kafka_config


class LetterTopics(NamedTuple):
    """Where the dead letters of one input lie, and where they go to be judged again."""

    source: str
    dead_letters: str
    partitions: int
    retry: str | None
    """None where the name is taken by something else."""


class LetterStore:
    """Finds letters and marks, and notes what was done."""

    def __init__(self, settings: Settings) -> None:
        config = kafka_config(settings.kafka)
        self._catalogue = load_catalogue(settings.policies.folder)
        self._partitions = Topics(config).partitions()
        self._group = settings.kafka.group
        self._config = config
        self._reader = TopicReader(config, on_error=ClientErrors("reader"))
        self.writer = TopicWriter(config)
        self.now_ms = SystemClock().wall_ms()

    def topics_of(self, topic: str) -> LetterTopics:
        """
        The topics of an input; its retry topic will do as well.

        Raises:
            InvalidSettings: no policy binds the topic.
            TopicsMissing: it has no dead-letter topic.
        """
        binding = self._catalogue.binding_for(topic)
        if binding is None:
            raise InvalidSettings(
                f"no policy binds the topic {topic}: give the input's name, not the dead-letter "
                "topic's; `safeguard policy show` lists what is bound"
            )
        source = binding.origin_of(topic)
        dead_letters = binding.outputs.dead_letters_of(source)
        self._check(dead_letters)
        return LetterTopics(
            source,
            dead_letters,
            self._partitions[dead_letters],
            self._catalogue.retry_topic_of(source),
        )

    def retry_topic(self, where: LetterTopics, letters: Iterable[Letter] = ()) -> str:
        """
        The retry topic of an input, ready to take the records of these letters.

        Raises:
            InvalidSettings: the name is taken.
            TopicsMissing: the topic, or some of its partitions, are not there.
        """
        if where.retry is None:
            raise InvalidSettings(
                f"{where.source}.retry is an input or an output by its own name in the policies, "
                "so nothing can be retried through it: rename it in topic.toml"
            )
        self._check(where.retry)
        has = self._partitions[where.retry]
        beyond = [letter.position for letter in letters if letter.place.partition >= has]
        if beyond:
            raise TopicsMissing(
                f"{where.retry} has {counted(has, 'partition')}, too few for {beyond[0]}: "
                "`safeguard topics apply` mends it"
            )
        return where.retry

    def check_marks(self) -> None:
        self._check(LETTER_STATES)

    def _check(self, topic: str) -> None:
        if topic not in self._partitions:
            raise TopicsMissing(f"{topic} does not exist: `safeguard topics apply` makes it")

    def letters(self, where: LetterTopics, selection: Selection) -> list[Letter]:
        """Those selected, oldest first; the limit is for the caller."""
        # What becomes of partition p goes to partition p of every output.
        wanted = {position.partition for position in selection.positions}
        numbers = [n for n in range(where.partitions) if not wanted or n in wanted]
        found: list[Letter] = []
        for record in self.records(where, dict.fromkeys(numbers, 0)):
            letter = read_letter(record, where.source, self._group)
            if letter is not None and selection.takes(letter):
                found.append(letter)
        return one_each(found)

    def records(
        self, where: LetterTopics, starts: Mapping[int, int]
    ) -> Generator[Record, None, None]:
        """
        The dead letters on these partitions now, each in its order, from the offset given for it.

        Raises:
            BrokerUnavailable: they cannot be read to their end; what was yielded is not all.
        """
        spans = self._reader.spans(where.dead_letters, where.partitions, starts)
        for batch in self._reader.records([s for s in spans if s.partition in starts]):
            yield from batch

    def marks(self) -> dict[Position, Mark]:
        """What was done to this group's letters; nothing where there is no topic for it yet."""
        with closing(Table(self._config, LETTER_STATES, self._mark)) as marks:
            return dict(marks.read())

    def _mark(self, key: bytes | None, value: bytes | None) -> tuple[Position, Mark | None] | None:
        position = marked(key, self._group)
        return None if position is None else (position, Mark.decode(value))

    def note(self, letters: Iterable[Letter], state: LetterState) -> None:
        """
        Keep what was done to these letters.

        Raises:
            PublishFailed: not all of it could be kept.
        """
        noted = list(letters)
        publications = [
            Publication(
                LETTER_STATES,
                PARTITION,
                mark_key(self._group, letter.position),
                Mark(state, self.now_ms, letter.attempts + (state is LetterState.RETRIED)).encode(),
                (),
            )
            for letter in noted
        ]
        faults = self.writer.write(publications)
        lost = [str(letter.position) for letter, f in zip(noted, faults, strict=True) if f]
        if lost:
            more = " They were sent again all the same: do not retry them, but note them with "
            hint = (
                f"{more}`safeguard dead-letters discard`." if state is LetterState.RETRIED else ""
            )
            raise PublishFailed(
                f"{counted(len(lost), 'letter')} could not be noted as {state} on {LETTER_STATES} "
                f"({first_fault(faults)}), so they show as open: {', '.join(lost[:10])}"
                f"{' …' if len(lost) > 10 else ''}.{hint} Check the topic and the right to write it"
            )


def first_fault(faults: Iterable[str | None]) -> str:
    return next((fault for fault in faults if fault), "")
