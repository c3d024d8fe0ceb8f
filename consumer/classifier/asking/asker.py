"""
Asking: one question, asked until there is a judgement, or a reason why there never will be one.

A failed call may be the message's own doing or the server's, and they end differently: the first
counts against the message, the second is waited out. What a call's error hints at is told by
`blame`; what it leaves open is settled by a probe, for an outage may wear any dress and must not
drain a topic. Time spent waiting for endpoints that are out does not count against a message whose
topic says `on_outage = "wait"`.

When a server falls, every call under way breaks off, and one of them may be what broke it. None is
blamed for that; but what has seen it twice is asked alone from then on, and what breaks the server
alone is blamed.
"""

from __future__ import annotations

import asyncio
from random import Random

from consumer.classifier.asking.patience import Patience
from consumer.classifier.asking.trail import failure_of
from consumer.classifier.confidence.looks import Looks
from consumer.classifier.parser import Fault, Reading, Repair
from consumer.classifier.question import PolicyQuestion
from consumer.domain.verdicts.verdict import Judgement, UnjudgedReason
from consumer.errors import (
    InferenceTimeout,
    InferenceUnavailable,
    ModelFault,
    Overloaded,
    Retryable,
)
from consumer.inference.blame.failures import (
    Declined,
    PromptTooLong,
    Unclear,
    UnknownParameter,
    is_refusal,
)
from consumer.inference.fleet.endpoint import Condition, Endpoint
from consumer.inference.fleet.fleet import Crowded, Fleet
from consumer.inference.pacing.retry import RetryLimits, wait_s
from consumer.inference.wires.format import RequestFormat
from consumer.inference.wires.usage import count_failed
from consumer.interfaces import Clock
from consumer.telemetry.metrics import Metrics

FALLS_BEFORE_ALONE = 2
"""How often a message may see a server fall before it is asked alone."""
FALL_S = 1.0
"""Calls that break off within so many seconds broke off together."""


class Asker:
    """Asks the endpoints of a fleet."""

    def __init__(
        self,
        fleet: Fleet,
        retries: RetryLimits,
        clock: Clock,
        metrics: Metrics,
        random: Random,
    ) -> None:
        self._fleet = fleet
        self._looks = Looks(fleet, metrics, clock)
        self._retries = retries
        self._clock = clock
        self._metrics = metrics
        self._random = random

    async def ask(
        self, question: PolicyQuestion, text: str, patience: Patience
    ) -> Judgement | UnjudgedReason | TooLong:
        """
        Ask about one piece of a text until it is judged, or it is known why it never will be.

        Raises:
            EndpointRefused: nothing was ever judged, and key, model or path are wrong.
        """
        asking = _Asking(question.user)
        found = await self._judged(question, asking, patience)
        if not isinstance(found, Reading):
            return found
        self._note(found)
        first = self._looks.assess(question.policy, text, found, asking.has_refused)
        if not first.wants_look:
            return first.judgement
        return await self._looks.look(question, first, patience)

    async def _judged(
        self, question: PolicyQuestion, asking: _Asking, patience: Patience
    ) -> Reading | UnjudgedReason | TooLong:
        while True:
            if self._fleet.is_out and not await self._wait_until_back(patience):
                return asking.ended(UnjudgedReason.OUTAGE)
            now_s = self._clock.now_s()
            left_s = patience.left_s(now_s)
            if left_s is not None and left_s <= 0:
                if await self._was_refused_with_all(asking, patience):
                    continue
                return asking.ended(UnjudgedReason.DEADLINE)
            asking.asked_s = asking.sent_s = now_s
            asking.attempt += 1
            try:
                if asking.falls < FALLS_BEFORE_ALONE:
                    reading = await self._call(question, asking, patience, left_s)
                else:
                    reading = await self._call_alone(question, asking, patience, left_s)
            except PromptTooLong:
                return UnjudgedReason.REFUSED if asking.has_refused else TOO_LONG
            except Retryable as error:
                count_failed(error, patience.tally)
                if not isinstance(error, _Gone):
                    patience.trail.failed(question.policy.name, error)
                reason = await self._after(error, asking, patience)
                if reason is not None:
                    return asking.ended(reason)
                continue
            patience.tally.judged(reading.judgement.tokens)
            patience.trail.answered(question.policy.name, reading.said)
            if asking.without and asking.endpoint is not None:
                for field in asking.without:
                    asking.endpoint.leave_out(field)
            return reading

    async def _call_alone(
        self, question: PolicyQuestion, asking: _Asking, patience: Patience, left_s: float | None
    ) -> Reading:
        """As `_call`, one at a time with all others that may be what makes servers fall."""
        try:
            async with asyncio.timeout(left_s):
                await self._fleet.suspects.acquire()
        except TimeoutError:
            asking.endpoint = None
            raise Crowded from None
        try:
            left_s = patience.left_s(self._clock.now_s())
            return await self._call(question, asking, patience, left_s)
        finally:
            self._fleet.suspects.release()

    async def _call(
        self, question: PolicyQuestion, asking: _Asking, patience: Patience, left_s: float | None
    ) -> Reading:
        """
        One call at one endpoint, for which `left_s` are left.

        Raises:
            Retryable: no judgement came; Crowded where there was no place in time.
        """
        last, asking.endpoint = asking.endpoint, None
        # What is tried without a field goes where the field was refused, so that it is learned.
        avoid = None if asking.without else last
        place = await self._fleet.take(question, left_s, avoid)
        if place is None:
            raise Crowded
        asking.endpoint, asking.sent_s = place, self._clock.now_s()
        left_s = patience.left_s(asking.sent_s)
        if place.breaker.is_open or (left_s is not None and left_s <= 0):
            self._fleet.give_back(place)
            raise _Gone if place.breaker.is_open else Crowded
        asking.format = place.format
        if asking.retry:
            asking.format = place.format.for_retry(asking.retry, was_truncated=asking.was_truncated)
        if place is not last:
            asking.without.clear()
        for field in asking.without:
            asking.format = asking.format.without(field)
        patience.trail.note(place)
        return await self._fleet.ask(place, question, asking.format, left_s, patience.tally)

    def _note(self, reading: Reading) -> None:
        if reading.repair is not Repair.NONE:
            self._metrics.answers_repaired.labels(reading.repair.value).inc()
        if reading.judgement.rules_dropped:
            self._metrics.rules_dropped.inc(reading.judgement.rules_dropped)

    async def _after(
        self, error: Retryable, asking: _Asking, patience: Patience
    ) -> UnjudgedReason | None:
        """What a failed call means: why the message ends unjudged, or None to ask again."""
        if isinstance(error, _Gone):
            return None
        if isinstance(error, UnknownParameter):
            if asking.can_do_without(error.field):
                return None
            error = error.otherwise
        self._metrics.call_failures.labels(failure_of(error)).inc()
        if isinstance(error, Crowded | InferenceTimeout) and patience.is_over(self._clock.now_s()):
            # Our own deadline cut the call short: that proves nothing about the endpoint, unless
            # the topic would rather wait than go on without it.
            if not patience.waits_out_outages:
                (asking.endpoint or self._fleet).probe_soon()
                return UnjudgedReason.DEADLINE
            is_own = await self._is_own_fault(error, asking, patience)
            return UnjudgedReason.DEADLINE if is_own else None
        if isinstance(error, Overloaded):
            # Nobody's fault: the call waits and asks again, within its deadline.
            if asking.refused_since_s is None:
                asking.refused_since_s = asking.asked_s
            if asking.endpoint is None or not asking.endpoint.breaker.is_open:
                await self._wait(asking.attempt, error, patience)
            return None
        asking.refused_since_s = None
        if asking.is_stray(error):
            return None
        if error.is_systemic and not await self._is_own_fault(error, asking, patience):
            if asking.endpoint is None or not asking.endpoint.breaker.is_open:
                await self._wait(asking.attempt, error, patience)
            return None
        asking.own_failures += 1
        asking.has_refused |= _may_be_refusal(error)
        fault = error.reason if isinstance(error, ModelFault) else ""
        asking.truncations += fault == Fault.TRUNCATED
        # What did not end within twice the room has no end, and each attempt costs all of it.
        if asking.own_failures >= self._attempts_max(error) or asking.truncations > 1:
            return _reason(error)
        if fault:
            asking.retry = asking.attempt
            asking.was_truncated = fault == Fault.TRUNCATED
        await self._wait(asking.own_failures, error, patience)
        return None

    def _attempts_max(self, error: Retryable) -> int:
        """
        How often a message is asked about that fails like this through its own fault.

        A refusal is asked about once more. A status that speaks of key, model or path speaks of no
        text: servers that are exchanged one by one answer so for a while.
        """
        is_of_the_way = isinstance(error, Declined) and error.is_of_the_way
        return 2 if _may_be_refusal(error) and not is_of_the_way else self._retries.attempts_max

    async def _is_own_fault(self, error: Retryable, asking: _Asking, patience: Patience) -> bool:
        """
        Whether a systemic-looking failure is this message's own, since the endpoint is well.

        It is well if it judged something since this call was sent, or if it judges a probe now.
        """
        endpoint = asking.endpoint
        asked = endpoint or self._fleet
        failed_s = self._clock.now_s()
        is_broken_off = isinstance(error, InferenceUnavailable)
        if not is_broken_off and asked.last_judgement_s > asking.sent_s:
            return True
        if is_broken_off and endpoint is not None:
            endpoint.note_broken(failed_s, asking.user)
        is_well = await self._probed(asking, patience) is Condition.WELL
        if is_well:
            asking.strays = 1 + round(self._random.random())
        if patience.waits_out_outages and not is_well:
            patience.extend(failed_s - asking.asked_s)
        if (
            is_broken_off
            and endpoint is not None
            and endpoint.broke_for_others(failed_s - FALL_S, asking.user)
        ):
            was_alone = asking.falls >= FALLS_BEFORE_ALONE
            asking.falls += 1
            return was_alone and is_well
        return is_well

    async def _probed(self, asking: _Asking, patience: Patience) -> Condition:
        """
        What a probe says now; BUSY, which blames nobody, where the message has no time for one.

        The time of the probe does not count where the topic waits out outages.
        """
        started_s = self._clock.now_s()
        probing = self._fleet.condition(asking.endpoint)
        if patience.waits_out_outages:
            found = await probing
            patience.extend(self._clock.now_s() - started_s)
            return found
        try:
            async with asyncio.timeout(patience.left_s(started_s)):
                return await probing
        except TimeoutError:
            return Condition.BUSY

    async def _wait_until_back(self, patience: Patience) -> bool:
        """Wait for endpoints that are out; False where the topic would rather go on without."""
        self._fleet.check()
        if not patience.waits_out_outages:
            self._fleet.probe_soon()
            return False
        while self._fleet.is_out:
            started_s = self._clock.now_s()
            await self._fleet.condition()
            patience.extend(self._clock.now_s() - started_s)
        return True

    async def _was_refused_with_all(self, asking: _Asking, patience: Patience) -> bool:
        """
        Whether load that refused this message to the end of its time let nobody else through.

        Then it is an outage for a topic that waits those out, and its time does not count.
        """
        since_s = asking.refused_since_s
        asked = asking.endpoint or self._fleet
        if since_s is None or not patience.waits_out_outages or asked.last_judgement_s >= since_s:
            return False
        refused_s = self._clock.now_s() - since_s
        is_well = await self._probed(asking, patience) is Condition.WELL
        if is_well and asking.was_well:
            return False
        # One that judges by now may have begun to just now: it is asked for as long once more.
        asking.was_well = is_well
        patience.extend(refused_s)
        asking.refused_since_s = self._clock.now_s()
        return True

    async def _wait(self, attempt: int, error: Retryable, patience: Patience) -> None:
        """Pause before the next call, no longer than the message has time."""
        seconds = wait_s(self._retries, attempt, error, self._random.random())
        left_s = patience.left_s(self._clock.now_s())
        if left_s is not None:
            seconds = min(seconds, max(0.0, left_s))
        if seconds:
            await asyncio.sleep(seconds)


class _Asking:
    """How far the asking for one piece has come."""

    __slots__ = (
        "asked_s",
        "attempt",
        "endpoint",
        "falls",
        "format",
        "has_refused",
        "own_failures",
        "refused_since_s",
        "retry",
        "sent_s",
        "strays",
        "truncations",
        "user",
        "was_truncated",
        "was_well",
        "without",
    )

    def __init__(self, user: str) -> None:
        self.user = user
        self.endpoint: Endpoint | None = None
        """Who was asked last; None where there was no place."""
        self.format: RequestFormat | None = None
        self.asked_s = 0.0
        self.sent_s = 0.0
        self.attempt = 0
        self.own_failures = 0
        self.has_refused = False
        self.falls = 0
        """How often a server fell while this was asked."""
        self.retry = 0
        """The attempt that got a faulty answer: the next one is asked differently."""
        self.was_truncated = False
        self.refused_since_s: float | None = None
        """Since when every call was refused for load; None where the last one was not."""
        self.was_well = False
        """Whether a probe was judged when the message's time was last over for load alone."""
        self.strays = 0
        """How many answers more may be those of another server than the one that was probed."""
        self.truncations = 0
        self.without: set[str] = set()
        """Fields that the endpoint would not have, left out for this message on trial."""

    def is_stray(self, error: Retryable) -> bool:
        """
        Whether this may be the answer of a server beside the one that judged the probe.

        Behind one address servers often take turns, and during a rollout one of them is not ready:
        if each failed call were followed by one probe, the call would always meet that one.
        """
        is_of_the_way = isinstance(error, Declined) and error.is_of_the_way
        # What is wrong in a 500 was told by a model, so that it was asked.
        is_no_answer = isinstance(error, Unclear) and error.reason != "http_500"
        if not self.strays or not (is_of_the_way or is_no_answer):
            return False
        self.strays -= 1
        return True

    def ended(self, reason: UnjudgedReason) -> UnjudgedReason:
        """Why there is no judgement. A refusal stays one, whatever failed after it."""
        return UnjudgedReason.REFUSED if self.has_refused else reason

    def can_do_without(self, field: str) -> bool:
        """Whether a field was sent, so that it can be left out from now on."""
        if self.format is None or self.format.without(field) == self.format:
            return False
        self.without.add(field)
        return True


class TooLong:
    """A piece that does not fit the server's context."""


TOO_LONG = TooLong()


class _Gone(Retryable):
    """The place is at an endpoint that is out: look again."""

    is_systemic = False


def _may_be_refusal(error: Retryable) -> bool:
    return is_refusal(error) or isinstance(error, Declined)


def _reason(error: Retryable) -> UnjudgedReason:
    if _may_be_refusal(error):
        return UnjudgedReason.REFUSED
    is_fault = isinstance(error, ModelFault)
    return UnjudgedReason.MODEL_FAULT if is_fault else UnjudgedReason.CALL_FAILED
