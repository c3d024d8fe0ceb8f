"""Desk: finds dead letters and their marks at the broker, and notes what was done."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from consumer.commands.dead_letters.letter import Letter, Mark, State, mark_key, marked, read_letter
from consumer.commands.dead_letters.selection import Selection, one_each
from consumer.domain.message import Position
from consumer.errors import InvalidSettings, PublishFailed, TopicsMissing
from consumer.interfaces import Publication
from consumer.kafka.letters import LetterBox
from consumer.kafka.topics import LETTER_STATES, Topics
from consumer.registry.load import load_catalogue
from consumer.settings import Settings
from consumer.telemetry.clock import SystemClock
from consumer.worker.wiring import kafka_config


class Shelf(NamedTuple):
    """Where the dead letters of one input lie, and where they go to be judged again."""

    source: str
    dead_letters: str
    partitions: int
    retry: str | None
    """None where the name is taken by something else."""


class Desk:
    """Finds letters and marks, and notes what was done."""

    def __init__(self, settings: Settings) -> None:
        config = kafka_config(settings.kafka)
        self._catalogue = load_catalogue(settings.policies.folder)
        self._partitions = Topics(config).partitions()
        self._group = settings.kafka.group
        self.box = LetterBox(config)
        self.now_ms = SystemClock().wall_ms()

    def shelf(self, topic: str) -> Shelf:
        """
        The shelf of an input; its retry topic will do as well.

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
        return Shelf(
            source,
            dead_letters,
            self._partitions[dead_letters],
            self._catalogue.retry_topic_of(source),
        )

    def retry_topic(self, shelf: Shelf, letters: Iterable[Letter] = ()) -> str:
        """
        The retry topic of a shelf, ready to take the records of these letters.

        Raises:
            InvalidSettings: the name is taken.
            TopicsMissing: the topic, or some of its partitions, are not there.
        """
        if shelf.retry is None:
            raise InvalidSettings(
                f"{shelf.source}.retry is an input or an output by its own name in the policies, "
                "so nothing can be retried through it: rename it in topic.toml"
            )
        self._check(shelf.retry)
        has = self._partitions[shelf.retry]
        beyond = [letter.position for letter in letters if letter.place.partition >= has]
        if beyond:
            raise TopicsMissing(
                f"{shelf.retry} has {has} partitions, too few for {beyond[0]}: `safeguard topics "
                "apply` mends it"
            )
        return shelf.retry

    def check_marks(self) -> None:
        self._check(LETTER_STATES)

    def _check(self, topic: str) -> None:
        if topic not in self._partitions:
            raise TopicsMissing(f"{topic} does not exist: `safeguard topics apply` makes it")

    def letters(self, shelf: Shelf, selection: Selection) -> list[Letter]:
        """Those selected, oldest first; the limit is for the caller."""
        # What becomes of partition p goes to partition p of every output.
        wanted = {position.partition for position in selection.positions}
        numbers = [n for n in range(shelf.partitions) if not wanted or n in wanted]
        found: list[Letter] = []
        for record in self.box.records(shelf.dead_letters, dict.fromkeys(numbers, 0)):
            letter = read_letter(record, shelf.source, self._group)
            if letter is not None and selection.takes(letter):
                found.append(letter)
        return one_each(found)

    def marks(self) -> dict[Position, Mark]:
        """What was done to this group's letters; nothing where there is no topic for it yet."""
        starts = dict.fromkeys(range(self._partitions.get(LETTER_STATES, 0)), 0)
        marks: dict[Position, Mark] = {}
        for record in self.box.records(LETTER_STATES, starts) if starts else ():
            position = marked(record.key, self._group)
            if position is None:
                continue
            mark = Mark.decode(record.value)
            if mark is None:
                marks.pop(position, None)
            else:
                marks[position] = mark
        return marks

    def note(self, letters: Iterable[Letter], state: State) -> None:
        """
        Keep what was done to these letters.

        Raises:
            PublishFailed: not all of it could be kept.
        """
        noted = list(letters)
        publications = [
            Publication(
                LETTER_STATES,
                0,
                mark_key(self._group, letter.position),
                Mark(state, self.now_ms, letter.attempts + (state is State.RETRIED)).encode(),
                (),
            )
            for letter in noted
        ]
        faults = self.box.write(publications)
        lost = [str(letter.position) for letter, f in zip(noted, faults, strict=True) if f]
        if lost:
            more = " They were sent again all the same: do not retry them, but note them with "
            hint = f"{more}`safeguard dead-letters discard`." if state is State.RETRIED else ""
            raise PublishFailed(
                f"{len(lost)} letters could not be noted as {state} on {LETTER_STATES} "
                f"({first_fault(faults)}), so they show as open: {', '.join(lost[:10])}"
                f"{' …' if len(lost) > 10 else ''}.{hint} Check the topic and the right to write it"
            )


def first_fault(faults: Iterable[str | None]) -> str:
    return next((fault for fault in faults if fault), "")
