"""
Outage or the message's own fault: what a failed call leaves open is settled by a probe.

For an outage may wear any dress and must not drain a topic. Time spent on it does not count against
a message whose topic says `on_outage = "wait"`.

When a server falls, every call under way breaks off, and one of them may be what broke it. None is
blamed for that; but what has seen it twice is asked alone from then on, and what breaks the server
alone is blamed.
"""

from __future__ import annotations

import asyncio
from random import Random

from consumer.classifier.asking.course import Course
from consumer.classifier.asking.patience import Patience
from consumer.errors import InferenceUnavailable, Retryable
from consumer.inference.fleet.fleet import Fleet
from consumer.inference.fleet.standing import Condition
from consumer.interfaces import Clock

FALL_S = 1.0
"""
Calls that break off within so many seconds broke off together. Physics: a process that dies resets
its connections at once, and a busy worker hears of the last one within a second.
"""


class OutageJudge:
    """Tells outages from faults of messages, and waits them out."""

    def __init__(self, fleet: Fleet, clock: Clock, random: Random) -> None:
        self._fleet = fleet
        self._clock = clock
        self._random = random

    def __repr__(self) -> str:
        return f"<OutageJudge of {self._fleet!r}>"

    async def is_own_fault(self, error: Retryable, course: Course, patience: Patience) -> bool:
        """
        Whether a systemic-looking failure is this message's own, since the endpoint is well.

        It is well if it judged something since this call was sent, or if it judges a probe now.
        """
        endpoint = course.endpoint
        failed_s = self._clock.now_s()
        is_broken_off = isinstance(error, InferenceUnavailable)
        if not is_broken_off and self._last_judgement_s(course) > course.sent_s:
            return True
        if is_broken_off and endpoint is not None:
            endpoint.falls.note(failed_s, course.user)
        is_well = await self._probed(course, patience) is Condition.WELL
        if is_well:
            course.strays = 1 + round(self._random.random())
        if patience.waits_out_outages and not is_well:
            patience.extend(failed_s - course.asked_s)
        if (
            is_broken_off
            and endpoint is not None
            and endpoint.falls.of_others(failed_s - FALL_S, course.user)
        ):
            was_alone = course.must_be_alone
            course.falls += 1
            return was_alone and is_well
        return is_well

    async def takes_nothing(self, course: Course, patience: Patience) -> bool:
        """
        Whether an endpoint that calls this text too long does not even judge a few words.

        It takes texts if it judged something since this call was sent, or if it judges a probe now.
        One that is busy, or that the message has no time to ask, is believed.
        """
        if self._last_judgement_s(course) > course.sent_s:
            return False
        failed_s = self._clock.now_s()
        if await self._probed(course, patience) is not Condition.OUT:
            return False
        if patience.waits_out_outages:
            patience.extend(failed_s - course.asked_s)
        return True

    async def is_over(self, patience: Patience) -> bool:
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

    async def was_refused_with_all(self, course: Course, patience: Patience) -> bool:
        """
        Whether load that refused this message to the end of its time let nobody else through.

        Then it is an outage for a topic that waits those out, and its time does not count.
        """
        since_s = course.refused_since_s
        if since_s is None or not patience.waits_out_outages:
            return False
        if self._last_judgement_s(course) >= since_s:
            return False
        refused_s = self._clock.now_s() - since_s
        is_well = await self._probed(course, patience) is Condition.WELL
        if is_well and course.was_well:
            return False
        # One that judges by now may have begun to just now: it is asked for as long once more.
        course.was_well = is_well
        patience.extend(refused_s)
        course.refused_since_s = self._clock.now_s()
        return True

    def _last_judgement_s(self, course: Course) -> float:
        """Of the endpoint whose answer it was, or of any where there was no place."""
        asked = self._fleet if course.endpoint is None else course.endpoint.standing
        return asked.last_judgement_s

    async def _probed(self, course: Course, patience: Patience) -> Condition:
        """
        What a probe says now; BUSY, which blames nobody, where the message has no time for one.

        The time of the probe does not count where the topic waits out outages.
        """
        started_s = self._clock.now_s()
        probing = self._fleet.condition(course.endpoint)
        if patience.waits_out_outages:
            found = await probing
            patience.extend(self._clock.now_s() - started_s)
            return found
        try:
            async with asyncio.timeout(patience.left_s(started_s)):
                return await probing
        except TimeoutError:
            return Condition.BUSY
