"""
The path of one message: decode, skip, screen or classify, decide, and what to publish. Start
reading here.

Taking and admitting come before (`intake.py`, `admission.py`), releasing in key order and
committing after (`release.py`). What `process` returns is what is to be published, or None for a
record passed over. `settle` comes first and waits for nothing: most records end there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from consumer.domain.messages.context import Context, context_of
from consumer.domain.messages.decoding import decode
from consumer.domain.messages.message import Message, age_ms
from consumer.domain.messages.retry import superseded as second_of
from consumer.domain.policy import Outcome
from consumer.domain.verdicts.decision import decide
from consumer.domain.verdicts.judged import Judged
from consumer.domain.verdicts.verdict import Cause, UnjudgedReason, Verdict, verdict_id
from consumer.errors import Rejected
from consumer.interfaces import Classifier, Clock, Inquiry, Screening, ToScreen
from consumer.pipeline.assignment.assignment import Conclusion, Flight
from consumer.pipeline.publisher import Publisher


class Processor:
    """Turns a record into a verdict or a dead letter; raises nothing but Fatal."""

    def __init__(
        self,
        classifier: Classifier,
        publisher: Publisher,
        clock: Clock,
        group: str,
        screening: Screening | None = None,
    ) -> None:
        """Without `screening` every message is for the model."""
        self._classifier = classifier
        self.publisher = publisher
        self._clock = clock
        self._group = group
        self._screening = screening

    def settle(self, flights: Sequence[Flight]) -> list[Conclusion | None]:
        """
        What is published for each record that needs no model; None where `process` goes on.

        They come in the order in which they were taken.
        """
        found = self._open(flights)
        return [self._concluded(*each) for each in zip(flights, found, strict=True)]

    async def process(self, flight: Flight) -> Conclusion | None:
        """From bytes to what is published; None for what its topic passes over."""
        return self._concluded(flight, await self.judge(flight))

    def _concluded(self, flight: Flight, found: Verdict | Rejected | None) -> Conclusion | None:
        if isinstance(found, Verdict):
            return self.publisher.verdict(flight, found)
        return None if found is None else self.publisher.dead_letter(flight, found)

    async def judge(self, flight: Flight) -> Verdict | Rejected | None:
        """The verdict on a record, why it can have none, or None for what its topic passes over."""
        if flight.message is None:
            (found,) = self._open([flight])
            if flight.message is None:
                return found
        message, inquiry = flight.message, flight.inquiry
        if inquiry is None:
            judged, queued_ms = await self._ask(message, flight)
            return self._verdict(message, flight, judged, self._clock.wall_ms(), queued_ms)
        try:
            said = await inquiry.elsewhere()
            if said is not None:
                waited_ms = (self._clock.now_s() - flight.taken_s) * 1_000
                return self._verdict(message, flight, said, self._clock.wall_ms(), waited_ms)
            judged, queued_ms = await self._ask(message, flight)
            await inquiry.answered(judged, lambda: self._ask_again(message, flight))
            if inquiry.screened is not None:
                judged = judged._replace(screened=inquiry.screened)
            verdict = self._verdict(message, flight, judged, self._clock.wall_ms(), queued_ms)
            inquiry.heard(judged, verdict.id)
            return verdict
        finally:
            inquiry.gave_up()

    def _open(self, flights: Sequence[Flight]) -> list[Verdict | Rejected | None]:
        """
        What is said of records without asking the model.

        None where there is nothing to say: it is passed over, or its message is on the flight now
        and the model is to be asked. All records take one step before any takes the next: a step
        that is taken many times in a row costs two thirds of what it costs among the others.
        """
        read = [_read(flight) for flight in flights]
        said = self._said(flights, read)
        opened: list[Verdict | Rejected | None] = []
        wall_ms = self._clock.wall_ms()
        for flight, found, judged in zip(flights, read, said, strict=True):
            if not isinstance(found, Message):
                opened.append(found)
            elif isinstance(judged, Judged):
                opened.append(self._verdict(found, flight, judged, wall_ms))
            else:
                flight.message, flight.inquiry = found, judged
                opened.append(None)
        return opened

    def _said(
        self, flights: Sequence[Flight], read: Sequence[Message | Rejected | None]
    ) -> list[Judged | Inquiry | None]:
        """What is said of messages without the model, or how it is to be asked about them."""
        said: list[Judged | Inquiry | None] = [
            self._spared(found, flight) if isinstance(found, Message) else None
            for found, flight in zip(read, flights, strict=True)
        ]
        if self._screening is None:
            return said
        asked, places = [], []
        for at, (flight, found) in enumerate(zip(flights, read, strict=True)):
            # What people reported is judged once more by the model, not by what it said before.
            if said[at] is None and isinstance(found, Message) and _superseded(flight) is None:
                source = flight.assignment.topic_id or found.position.topic
                asked.append(ToScreen(found, flight.version, flight.binding, source))
                places.append(at)
        for at, screened in zip(places, self._screening.screen(asked), strict=True):
            said[at] = screened
        return said

    async def _ask(self, message: Message, flight: Flight) -> tuple[Judged, float]:
        """What the model says, and for how many milliseconds the message had waited before."""
        if flight.is_over_budget:
            return Judged((), UnjudgedReason.BUDGET), 0.0
        asked_s = self._clock.now_s()
        flight.usage = None
        judged = await self._classifier.classify(
            message.text,
            flight.version,
            flight.binding,
            flight.taken_s + flight.binding.deadline_s if flight.binding.deadline_s else None,
            _context(message, flight),
        )
        flight.usage = judged.usage
        return judged, (asked_s - flight.taken_s) * 1_000

    async def _ask_again(self, message: Message, flight: Flight) -> Judged:
        """What the model says once more; all that was asked for the message is paid for."""
        before = flight.usage
        judged, _ = await self._ask(message, flight)
        if before is not None and flight.usage is not None:
            flight.usage += before
        return judged

    def give_up(self, flight: Flight, reason: UnjudgedReason) -> Conclusion:
        """End a record that will not be judged: its verdict is unjudged, for that reason."""
        message = decode(flight.record, flight.binding.reading)
        verdict = self._verdict(message, flight, Judged((), reason), self._clock.wall_ms())
        return self.publisher.verdict(flight, verdict)

    def _spared(self, message: Message, flight: Flight) -> Judged | None:
        """What is said of a message that its topic wants nobody to judge; None for all others."""
        terms = flight.binding.reading.event
        if terms is not None and message.event == "delete":
            return Judged((), cause=Cause.DELETED, settled=terms.on_delete)
        if flight.is_overtaken:
            return OVERTAKEN
        if message.skipped is not None:
            return SKIPPED
        if message.when_empty is not None:
            return SKIPPED._replace(settled=Outcome(message.when_empty))
        if flight.binding.max_age_s and self._is_too_old(message, flight.binding.max_age_s):
            return Judged((), UnjudgedReason.TOO_OLD)
        return None

    def _is_too_old(self, message: Message, max_age_s: float) -> bool:
        age = age_ms(message.timestamp_ms, self._clock.wall_ms())
        return age is not None and age > max_age_s * 1_000

    def _verdict(
        self,
        message: Message,
        flight: Flight,
        judged: Judged,
        wall_ms: int,
        queued_ms: float = 0.0,
    ) -> Verdict:
        position, version, context = flight.record.position, flight.version, judged.context
        # Of the topic that it was taken from: the name may stand for another one by now.
        source = flight.assignment.topic_id or position.topic
        if context is None and flight.binding.context is not None:
            context = NOTHING
        superseded, terms = _superseded(flight), flight.binding
        if superseded is not None and judged.unjudged is not None:
            # People reported what was allowed, and no machine can say more: a person has to look.
            terms = replace(terms, on_unjudged=Outcome.FLAG)
        decision = decide(judged, terms)
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
            judged_at_ms=wall_ms,
            queued_ms=queued_ms,
            model_ms=judged.model_ms,
            supersedes=superseded,
            context=context,
            screened=judged.screened,
        )


SKIPPED = Judged((), cause=Cause.SKIPPED, settled=Outcome.ALLOW)
"""One of the topic's rules spares the message from judgement."""
OVERTAKEN = Judged((), cause=Cause.OVERTAKEN, settled=Outcome.BLOCK)
"""Nobody has judged this text and nobody is to see it: another one, or none, has its place."""
NOTHING = Context()
"""Where the topic has context and the model was not asked."""


def _read(flight: Flight) -> Message | Rejected | None:
    """The message in a record, or why there is none; None where its topic passes it over."""
    record, binding = flight.record, flight.binding
    if record.value is None and binding.tombstones == "pass-over":
        return None
    try:
        found = flight.in_context
        message = decode(record, binding.reading) if found is None else found.message
    except Rejected as rejection:
        return rejection
    return None if message.when_empty == "pass-over" else message


def _context(message: Message, flight: Flight) -> Context | None:
    """What the model is shown beside the message, or None where its topic has no context."""
    terms = flight.binding.context
    if terms is None:
        return None
    if flight.in_context is not None:
        return flight.in_context.context
    # It was not taken from a partition but sought out, so nobody knows what was said before it.
    return context_of(message, (), terms)


def _superseded(flight: Flight) -> str | None:
    """The verdict that people reported, where this is the second judgement of its message."""
    record = flight.record
    # Its headers would say so, and most records have none.
    if not record.headers:
        return None
    return second_of(record, flight.binding.origin_of(record.position.topic))
