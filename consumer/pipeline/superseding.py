"""
Superseding: a record judged once more -> the verdict that replaces the one it has.

The path is a worker's (`process.py`), so that a message is read, judged and published as it would
be today. What differs: an age limit does not count, since somebody asks for old messages, an
endpoint that is away is not waited for, and what cannot be judged leaves its verdict as it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from consumer.domain.binding import Binding
from consumer.domain.messages.message import Record
from consumer.domain.policy import Outcome
from consumer.domain.verdicts.verdict import Cause, superseding_id
from consumer.errors import DeadLetterFailed, MessageTooLarge
from consumer.interfaces import Classifier, Clock, Partition, Publication
from consumer.pipeline.flight import Flight, Stretch
from consumer.pipeline.process import Processor
from consumer.pipeline.publisher import Publisher


class Superseding(NamedTuple):
    """A verdict that replaces another one."""

    publication: Publication
    outcome: Outcome


class Superseder:
    """
    Judges records under the live version of their topic.

    `run` makes the ids, beside what is superseded: two runs with the same one give a verdict the
    same successor.
    """

    def __init__(
        self, classifier: Classifier, publisher: Publisher, clock: Clock, group: str, run: str
    ) -> None:
        self._publisher = publisher
        self._clock = clock
        self._run = run
        self._processor = Processor(classifier, publisher, clock, group)

    async def supersede(
        self, record: Record, binding: Binding, superseded: str
    ) -> Superseding | str:
        """The verdict that replaces the one with that id, or why there is none."""
        topic, number, _ = record.position
        # Nothing was assigned, so there is no term and it stays 0.
        stretch = Stretch(Partition(topic, number), 0)
        binding = replace(binding, max_age_s=0.0, on_outage="unjudged")
        flight = Flight(record, stretch, binding, self._clock.now_s())
        await self._processor.process(flight)
        verdict = flight.verdict
        if verdict is None:
            if flight.rejection is not None:
                return flight.rejection.reason
            return "tombstone" if record.value is None else "empty_text"
        if verdict.cause is Cause.UNJUDGED:
            return verdict.unjudged_reason or Cause.UNJUDGED
        flight.verdict = verdict = verdict._replace(
            id=superseding_id(superseded, Cause.REPLAY, self._run),
            cause=Cause.REPLAY,
            supersedes=superseded,
        )
        flight.publication = self._publisher.verdict(flight, verdict)
        try:
            self._publisher.make_fit(flight)
        except DeadLetterFailed:
            return MessageTooLarge.reason
        if flight.rejection is not None:
            # It has a verdict already, so it is no dead letter.
            return MessageTooLarge.reason
        return Superseding(flight.publication, verdict.outcome)
