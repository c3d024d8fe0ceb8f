"""
Asking: one question, asked until there is a judgement, or a reason why there never will be one.

Here is the way from one call to the next; what a failed one means is in `aftermath`.
"""

from __future__ import annotations

import asyncio
from random import Random

from consumer.classifier.asking.aftermath import Aftermath, Crowded, Gone
from consumer.classifier.asking.course import Course
from consumer.classifier.asking.outage import OutageJudge
from consumer.classifier.asking.patience import Patience
from consumer.classifier.confidence.looks import Looks
from consumer.classifier.parser import Reading, Repair
from consumer.classifier.question import PolicyQuestion
from consumer.domain.verdicts.verdict import Judgement, UnjudgedReason
from consumer.errors import Retryable
from consumer.inference.blame.failures import PromptTooLong
from consumer.inference.fleet.fleet import Fleet
from consumer.inference.pacing.retry import RetryLimits
from consumer.inference.wires.usage import count_failed
from consumer.telemetry.telemetry import Telemetry


class Asker:
    """Asks the endpoints of a fleet."""

    def __init__(
        self,
        fleet: Fleet,
        retries: RetryLimits,
        telemetry: Telemetry,
        random: Random,
    ) -> None:
        self._fleet = fleet
        self._looks = Looks(fleet, telemetry)
        self._outages = OutageJudge(fleet, telemetry.clock, random)
        self._aftermath = Aftermath(fleet, self._outages, retries, telemetry, random)
        self._clock = telemetry.clock
        self._metrics = telemetry.metrics

    def __repr__(self) -> str:
        return f"<Asker at {self._fleet!r}>"

    async def ask(
        self, question: PolicyQuestion, text: str, patience: Patience
    ) -> Judgement | UnjudgedReason | TooLong:
        """
        Ask about one piece of a text until it is judged, or it is known why it never will be.

        Raises:
            EndpointRefused: nothing was ever judged, and key, model or path are wrong.
        """
        course = Course(question.user)
        found = await self._judged(question, course, patience)
        if not isinstance(found, Reading):
            return found
        self._note(found)
        first = self._looks.assess(question.policy, text, found, course.has_refused)
        if not first.wants_look:
            return first.judgement
        return await self._looks.look(question, first, patience)

    async def _judged(
        self, question: PolicyQuestion, course: Course, patience: Patience
    ) -> Reading | UnjudgedReason | TooLong:
        while True:
            if self._fleet.is_out and not await self._outages.is_over(patience):
                return course.ended(UnjudgedReason.OUTAGE)
            now_s = self._clock.now_s()
            left_s = patience.left_s(now_s)
            if left_s is not None and left_s <= 0:
                if await self._outages.was_refused_with_all(course, patience):
                    continue
                return course.ended(UnjudgedReason.DEADLINE)
            course.begin(now_s)
            try:
                if course.must_be_alone:
                    reading = await self._call_alone(question, course, patience, left_s)
                else:
                    reading = await self._call(question, course, patience, left_s)
            except PromptTooLong:
                if await self._outages.takes_nothing(course, patience):
                    continue
                return UnjudgedReason.REFUSED if course.has_refused else TOO_LONG
            except Retryable as error:
                count_failed(error, patience.tally)
                if not isinstance(error, Gone):
                    patience.trail.failed(question.policy.name, error)
                reason = await self._aftermath.of(error, course, patience)
                if reason is not None:
                    return course.ended(reason)
                continue
            patience.tally.judged(reading.judgement.tokens)
            patience.trail.answered(question.policy.name, reading.said)
            assert course.endpoint is not None
            for field in course.variation.without:
                course.endpoint.leave_out(field)
            return reading

    async def _call_alone(
        self, question: PolicyQuestion, course: Course, patience: Patience, left_s: float | None
    ) -> Reading:
        """As `_call`, one at a time with all others that may be what makes servers fall."""
        try:
            async with asyncio.timeout(left_s):
                await self._fleet.suspects.acquire()
        except TimeoutError:
            course.endpoint = None
            raise Crowded from None
        try:
            left_s = patience.left_s(self._clock.now_s())
            return await self._call(question, course, patience, left_s)
        finally:
            self._fleet.suspects.release()

    async def _call(
        self, question: PolicyQuestion, course: Course, patience: Patience, left_s: float | None
    ) -> Reading:
        """
        One call at one endpoint, for which `left_s` are left.

        Raises:
            Retryable: no judgement came; Crowded where there was no place in time.
        """
        last, course.endpoint = course.endpoint, None
        without = course.variation.without
        # What is tried without a field goes where the field was refused, so that it is learned.
        avoid = None if without else last
        place = await self._fleet.places.take(question, left_s, avoid)
        if place is None:
            raise Crowded
        course.endpoint, course.sent_s = place, self._clock.now_s()
        left_s = patience.left_s(course.sent_s)
        if place.breaker.is_open or (left_s is not None and left_s <= 0):
            self._fleet.places.give_back(place)
            raise Gone if place.breaker.is_open else Crowded
        if place is not last:
            without.clear()
        format = course.variation.of(place.format)
        answer = await self._fleet.calls.answer(place, question, format, left_s, patience.tally)
        course.answered(answer)
        patience.trail.note(answer.endpoint.name, answer.format)
        return answer.read(question)

    def _note(self, reading: Reading) -> None:
        if reading.repair is not Repair.NONE:
            self._metrics.answers_repaired.labels(reading.repair.value).inc()
        if reading.judgement.rules_dropped:
            self._metrics.rules_dropped.inc(reading.judgement.rules_dropped)


class TooLong:
    """A piece that does not fit the server's context."""


TOO_LONG = TooLong()
