"""
The path of one message: decode, choose, skip or classify, and what to publish. Start reading here.

Taking and admitting come before (`intake.py`), releasing in key order and committing after. When
`process` returns, the flight holds what is to be published, or nothing for a record passed over.
"""

from __future__ import annotations

from consumer.domain.messages.context import Context, context_of
from consumer.domain.messages.decoding import decode
from consumer.domain.messages.message import Message, age_ms
from consumer.domain.policy import Outcome
from consumer.domain.verdicts.decision import Decision, decide
from consumer.domain.verdicts.judged import Judged
from consumer.domain.verdicts.verdict import Cause, UnjudgedReason, Verdict, verdict_id
from consumer.errors import Rejected
from consumer.interfaces import Classifier, Clock
from consumer.pipeline.flight import Flight
from consumer.pipeline.publisher import Publisher


class Processor:
    """Turns a record into a verdict or a dead letter; raises nothing but Fatal."""

    def __init__(
        self,
        classifier: Classifier,
        publisher: Publisher,
        clock: Clock,
        group: str,
    ) -> None:
        self._classifier = classifier
        self._publisher = publisher
        self._clock = clock
        self._group = group

    async def process(self, flight: Flight) -> None:
        record, binding = flight.record, flight.binding
        if record.value is None and binding.tombstones == "pass-over":
            return
        try:
            found = flight.in_context
            message = decode(record, binding.reading) if found is None else found.message
        except Rejected as rejection:
            flight.rejection = rejection
            flight.publication = self._publisher.dead_letter(flight, rejection)
            return
        if message.when_empty == "pass-over":
            return
        flight.verdict = await self.judge(message, flight)
        flight.publication = self._publisher.verdict(flight, flight.verdict)

    def give_up(self, flight: Flight, reason: UnjudgedReason) -> None:
        """End a record that will not be judged: its verdict is unjudged, for that reason."""
        message = decode(flight.record, flight.binding.reading)
        flight.verdict = self._decide(message, flight, Judged((), reason), 0.0)
        flight.publication = self._publisher.verdict(flight, flight.verdict)

    async def judge(self, message: Message, flight: Flight) -> Verdict:
        """What is decided about a message: by the model, or without it."""
        if message.skipped is not None:
            return self._verdict(message, flight, Judged(()), SKIPPED)
        if message.when_empty is not None:
            decision = Decision(Outcome(message.when_empty), Cause.SKIPPED)
            return self._verdict(message, flight, Judged(()), decision)
        binding = flight.binding
        age = age_ms(message.timestamp_ms, self._clock.wall_ms())
        if age is not None and 0 < binding.max_age_s * 1_000 < age:
            judged = Judged((), UnjudgedReason.TOO_OLD)
        elif flight.is_over_budget:
            judged = Judged((), UnjudgedReason.BUDGET)
        else:
            deadline_s = flight.taken_s + binding.deadline_s if binding.deadline_s else None
            asked_s = self._clock.now_s()
            flight.usage = None
            judged = await self._classifier.classify(
                message.text, flight.version, binding, deadline_s, _context(message, flight)
            )
            flight.usage = judged.usage
            return self._decide(message, flight, judged, (asked_s - flight.taken_s) * 1_000)
        return self._decide(message, flight, judged, 0.0)

    def _decide(
        self, message: Message, flight: Flight, judged: Judged, queued_ms: float
    ) -> Verdict:
        return self._verdict(message, flight, judged, decide(judged, flight.binding), queued_ms)

    def _verdict(
        self,
        message: Message,
        flight: Flight,
        judged: Judged,
        decision: Decision,
        queued_ms: float = 0.0,
    ) -> Verdict:
        position = flight.record.position
        # Of the topic that it was taken from: the name may stand for another one by now.
        source = flight.stretch.topic_id or position.topic
        version, context = flight.version, judged.context
        if context is None and flight.binding.context is not None:
            context = NOTHING
        return Verdict(
            id=verdict_id(source, position, self._group, version.digest),
            outcome=decision.outcome,
            cause=decision.cause,
            message=message,
            version=version,
            judgements=judged.judgements,
            unjudged_reason=decision.reason,
            model=judged.model,
            template=judged.template,
            endpoint=judged.endpoint,
            judged_at_ms=self._clock.wall_ms(),
            queued_ms=queued_ms,
            model_ms=judged.model_ms,
            context=context,
        )


SKIPPED = Decision(Outcome.ALLOW, Cause.SKIPPED)
"""One of the topic's rules spares the message from judgement."""
NOTHING = Context()
"""Where the topic has context and the model was not asked."""


def _context(message: Message, flight: Flight) -> Context | None:
    """What the model is shown beside the message, or None where its topic has no context."""
    terms = flight.binding.context
    if terms is None:
        return None
    if flight.in_context is not None:
        return flight.in_context.context
    # It was not taken from a partition but sought out, so nobody knows what was said before it.
    return context_of(message, (), terms)
