"""
Calls: one call at a place that was taken, or two of which the first answer counts.

Who asked is told whose answer it is: it may be that of another endpoint than the one asked first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from consumer.domain.verdicts.usage import Tally
from consumer.domain.verdicts.verdict import NO_TOKENS
from consumer.inference.fleet.endpoint import Answer, Endpoint
from consumer.inference.fleet.places import Places
from consumer.inference.pacing.hedge import Hedging
from consumer.inference.pacing.loop_lag import Lateness
from consumer.inference.question import Question
from consumer.inference.transports.reply import Reply
from consumer.inference.wires.format import RequestFormat
from consumer.telemetry.telemetry import Telemetry

Finding = TypeVar("Finding")


class Calls:
    """Posts questions at places of a fleet, each of which it gives back."""

    def __init__(
        self, places: Places, telemetry: Telemetry, hedging: Hedging | None = None
    ) -> None:
        self._places = places
        self._metrics = telemetry.metrics
        self.hedging = hedging
        self._lateness = Lateness()

    def __repr__(self) -> str:
        return f"<Calls {self.hedging!r} {self._lateness!r}>"

    async def ask(
        self,
        place: Endpoint,
        question: Question[Finding],
        format: RequestFormat,
        timeout_s: float | None,
        tally: Tally | None = None,
    ) -> Finding:
        """
        As `answer`, and read.

        Raises:
            Retryable: nothing usable came; `is_systemic` says whom it hints at.
        """
        return (await self.answer(place, question, format, timeout_s, tally)).read(question)

    async def answer(
        self,
        place: Endpoint,
        question: Question[object],
        format: RequestFormat,
        timeout_s: float | None,
        tally: Tally | None = None,
    ) -> Answer:
        """
        One call at a place that was taken, whatever becomes of it.

        The caller counts it; what was asked beside it, to be given up, is counted in `tally` here.
        """
        if self.hedging is None:
            answer, someone_waited = await self._post(place, question, format, timeout_s)
        else:
            answer, someone_waited = await self._hedged(
                self.hedging, place, question, format, timeout_s, tally or Tally()
            )
        if someone_waited:
            # The next call goes out before this answer is read: a server is idle meanwhile. One
            # turn of the loop hands the place over, in the next one the call is sent.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        return answer

    async def _post(
        self,
        place: Endpoint,
        question: Question[object],
        format: RequestFormat,
        timeout_s: float | None,
    ) -> tuple[Answer, bool]:
        """An answer, and whether its place went to a call that waited."""
        someone_waited = False
        try:
            answer = await place.post(question, format, timeout_s, int(question.lane))
            if self.hedging is not None and answer.is_whole:
                self.hedging.answered(answer.latency_s)
            if answer.sent is not None and isinstance(answer.came, Reply):
                self._lateness.watch()
                is_full, late_s = self._places.queue.has_waiting(), self._lateness.mean_s
                place.capacity.learn(answer.sent, answer.came, answer.latency_s, is_full, late_s)
        finally:
            someone_waited = self._places.give_back(place)
        return answer, someone_waited

    async def _hedged(
        self,
        hedging: Hedging,
        place: Endpoint,
        question: Question[object],
        format: RequestFormat,
        timeout_s: float | None,
        tally: Tally,
    ) -> tuple[Answer, bool]:
        """
        The first answer of two calls, where the first of them takes unusually long.

        The second is no better placed than the first was, so that it may have a second of its own.
        """
        after_s = hedging.after_s()
        calls = {_call(self._post(place, question, format, timeout_s))}
        try:
            if after_s is not None and await _is_long(calls, after_s):
                other = self._second_place(hedging, question, place)
                if other is not None:
                    left_s = _less(timeout_s, after_s)
                    tally.failed(NO_TOKENS)
                    second = self._hedged(hedging, other, question, other.format, left_s, tally)
                    calls.add(_call(second))
                elif await _is_long(calls, after_s) and self._may_ask_anew(hedging, place):
                    # No place is free, so that it is given up for a new call in its own.
                    calls.pop().cancel()
                    left_s = _less(timeout_s, 2 * after_s)
                    tally.failed(NO_TOKENS)
                    second = self._hedged(hedging, place, question, format, left_s, tally)
                    calls.add(_call(second))
            ended: set[Call] = set()
            while True:
                done, calls = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
                # Two may end at once: what failed counts only where nothing better comes.
                ended |= done
                best = min(ended, key=_worth)
                if not calls or _worth(best) == WHOLE:
                    return best.result()
        finally:
            for call in calls:
                call.cancel()

    def _second_place(
        self, hedging: Hedging, question: Question[object], first: Endpoint
    ) -> Endpoint | None:
        """A free place for a second call; nobody waits for one, and none is taken from others."""
        place = self._places.spare(question, first)
        if place is None or not hedging.may_hedge():
            return None
        place.capacity.taken += 1
        self._metrics.hedges.inc()
        return place

    def _may_ask_anew(self, hedging: Hedging, place: Endpoint) -> bool:
        """Whether a call may be replaced; then its place is taken once more, and it gives it up."""
        if place.breaker.is_open or not hedging.may_hedge():
            return False
        place.capacity.taken += 1
        self._metrics.hedges.inc()
        return True

    def close(self) -> None:
        self._lateness.stop()


Call = asyncio.Task[tuple[Answer, bool]]
WHOLE, PART, FAILED = 0, 1, 2
LEFT_MIN_S = 0.05
"""A second call is given so long at least: less is no time for any answer to come back."""


def _call(posting: Coroutine[None, None, tuple[Answer, bool]]) -> Call:
    """A call that may be given up: how it ends then is nobody's concern."""
    call = asyncio.create_task(posting)
    call.add_done_callback(_retrieve)
    return call


def _retrieve(call: asyncio.Task[Any]) -> None:
    """What a call ended with is known: asyncio need not report it as an error nobody awaited."""
    if not call.cancelled():
        call.exception()


def _worth(call: Call) -> int:
    """How good a call's end is, 0 is best."""
    if call.cancelled() or call.exception() is not None:
        return FAILED
    answer, _ = call.result()
    if not isinstance(answer.came, Reply):
        return FAILED
    return WHOLE if answer.is_whole else PART


async def _is_long(calls: set[Call], seconds: float) -> bool:
    """Whether none of them is done after so many seconds more."""
    done, _ = await asyncio.wait(calls, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    return not done


def _less(timeout_s: float | None, seconds: float) -> float | None:
    return None if timeout_s is None else max(LEFT_MIN_S, timeout_s - seconds)
