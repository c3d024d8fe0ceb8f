"""Superseding: a verdict, whoever decided it, published in the place of an earlier one. Pure."""

from __future__ import annotations

from typing import NamedTuple

from consumer.domain.binding import Binding
from consumer.domain.messages.message import Record
from consumer.domain.policy import Outcome
from consumer.domain.verdicts.verdict import Cause, Verdict, superseding_id
from consumer.errors import DeadLetterFailed, MessageTooLarge
from consumer.interfaces import Publication
from consumer.pipeline.assignment.assignment import sought_out
from consumer.pipeline.publisher import Publisher


class Superseding(NamedTuple):
    """A verdict that replaces another one."""

    publication: Publication
    outcome: Outcome


class Superseder:
    """
    Publishes what one run, or one decision, puts in the place of earlier verdicts.

    `by` names it and makes the ids, beside what is superseded: the same one gives a verdict the
    same successor, however often.
    """

    def __init__(self, publisher: Publisher, cause: Cause, by: str) -> None:
        self._publisher = publisher
        self._cause = cause
        self._by = by

    def supersede(
        self, record: Record, binding: Binding, verdict: Verdict, superseded: str
    ) -> Superseding | str:
        """A verdict on that record replaces the one with that id; or the reason why it cannot."""
        verdict = verdict._replace(
            id=superseding_id(superseded, self._cause, self._by),
            cause=self._cause,
            supersedes=superseded,
        )
        flight = sought_out(record, binding)
        try:
            found = self._publisher.fitting(flight, self._publisher.verdict(flight, verdict))
        except DeadLetterFailed:
            return MessageTooLarge.reason
        if found.verdict is None:
            # It has a verdict already, so it is no dead letter.
            return MessageTooLarge.reason
        return Superseding(found.publication, verdict.outcome)
