"""
Aftermath: what a failed call means for its message, which is asked about again or ends unjudged.

A failed call may be the message's own doing or the server's, and they end differently: the first
counts against the message, the second is waited out. What a call's error hints at is told by
`blame`; what it leaves open is settled in `outage`.
"""

from __future__ import annotations

import asyncio
from random import Random

from consumer.classifier.asking.course import Course
from consumer.classifier.asking.outage import OutageJudge
from consumer.classifier.asking.patience import Patience
from consumer.classifier.asking.trail import failure_of
from consumer.domain.verdicts.verdict import UnjudgedReason
from consumer.errors import InferenceTimeout, ModelFault, Overloaded, Retryable
from consumer.inference.blame.failures import Declined, UnknownParameter, is_refusal
from consumer.inference.fleet.fleet import Fleet
from consumer.inference.pacing.retry import RetryLimits, wait_s
from consumer.telemetry.telemetry import Telemetry


class Crowded(Retryable):
    """No place was free within the message's deadline. Raise `inference.calls_max`."""

    is_systemic = False


class Gone(Retryable):
    """The place is at an endpoint that is out: look again."""

    is_systemic = False


class Aftermath:
    """Says after each failed call how its message goes on."""

    def __init__(
        self,
        fleet: Fleet,
        outages: OutageJudge,
        retries: RetryLimits,
        telemetry: Telemetry,
        random: Random,
    ) -> None:
        self._fleet = fleet
        self._outages = outages
        self._retries = retries
        self._clock = telemetry.clock
        self._metrics = telemetry.metrics
        self._random = random

    def __repr__(self) -> str:
        return f"<Aftermath with {self._retries}>"

    async def of(
        self, error: Retryable, course: Course, patience: Patience
    ) -> UnjudgedReason | None:
        """Why the message ends unjudged, or None to ask again."""
        if isinstance(error, Gone):
            return None
        if isinstance(error, UnknownParameter):
            if course.can_do_without(error.field):
                return None
            error = error.otherwise
        self._metrics.call_failures.labels(failure_of(error)).inc()
        if isinstance(error, Crowded | InferenceTimeout) and patience.is_over(self._clock.now_s()):
            # Our own deadline cut the call short: that proves nothing about the endpoint, unless
            # the topic would rather wait than go on without it.
            if not patience.waits_out_outages:
                (course.endpoint.watch if course.endpoint else self._fleet).probe_soon()
                return UnjudgedReason.DEADLINE
            is_own = await self._outages.is_own_fault(error, course, patience)
            return UnjudgedReason.DEADLINE if is_own else None
        if isinstance(error, Overloaded):
            # Nobody's fault: the call waits and asks again, within its deadline.
            if course.refused_since_s is None:
                course.refused_since_s = course.asked_s
            if course.may_wait:
                await self._wait(course.attempt, error, patience)
            return None
        course.refused_since_s = None
        if course.is_stray(error):
            return None
        if error.is_systemic and not await self._outages.is_own_fault(error, course, patience):
            if course.may_wait:
                await self._wait(course.attempt, error, patience)
            return None
        return await self._after_own_fault(error, course, patience)

    async def _after_own_fault(
        self, error: Retryable, course: Course, patience: Patience
    ) -> UnjudgedReason | None:
        course.own_failures += 1
        course.has_refused |= _may_be_refusal(error)
        if isinstance(error, ModelFault):
            course.variation.after(error.reason, course.attempt)
        # What did not end within twice the room has no end, and each attempt costs all of it.
        has_no_end = course.variation.truncations > 1
        if has_no_end or course.own_failures >= self._attempts_max(error):
            return _reason(error)
        await self._wait(course.own_failures, error, patience)
        return None

    def _attempts_max(self, error: Retryable) -> int:
        """
        How often a message is asked about that fails like this through its own fault.

        A refusal is asked about once more. A status that speaks of key, model or path speaks of no
        text: servers that are exchanged one by one answer so for a while.
        """
        is_of_the_way = isinstance(error, Declined) and error.is_of_the_way
        return 2 if _may_be_refusal(error) and not is_of_the_way else self._retries.attempts_max

    async def _wait(self, attempt: int, error: Retryable, patience: Patience) -> None:
        """Pause before the next call, no longer than the message has time."""
        seconds = wait_s(self._retries, attempt, error, self._random.random())
        left_s = patience.left_s(self._clock.now_s())
        if left_s is not None:
            seconds = min(seconds, max(0.0, left_s))
        if seconds:
            await asyncio.sleep(seconds)


def _may_be_refusal(error: Retryable) -> bool:
    return is_refusal(error) or isinstance(error, Declined)


def _reason(error: Retryable) -> UnjudgedReason:
    if _may_be_refusal(error):
        return UnjudgedReason.REFUSED
    is_fault = isinstance(error, ModelFault)
    return UnjudgedReason.MODEL_FAULT if is_fault else UnjudgedReason.CALL_FAILED
