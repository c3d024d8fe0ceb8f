"""
Fleet: the endpoints that serve one model, and the one queue before all of them.

A call goes to the endpoint that its affinity prefers, where its prefix is warm, as long as there is
a place; else to the next one by the same order, and never to one that is out while another
is not. What finds no place waits here and not in a server's queue, where no lane and no deadline
reaches it. Lanes that are not the first leave a share of each endpoint to those before them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from functools import partial
from hashlib import blake2b
from typing import NamedTuple, TypeVar

from consumer.domain.lane import LANES, Lane, LaneUse
from consumer.domain.verdicts.usage import Tally
from consumer.domain.verdicts.verdict import NO_TOKENS
from consumer.errors import Retryable
from consumer.inference.fleet.endpoint import Answer, Condition, Endpoint, retrieve
from consumer.inference.pacing.hedge import Hedging
from consumer.inference.pacing.loop_lag import Lateness
from consumer.inference.pacing.queue import LaneQueue
from consumer.inference.question import Question
from consumer.inference.wires.format import RequestFormat
from consumer.interfaces import Clock
from consumer.telemetry.metrics import Metrics

KEPT_S = 60.0
"""Room is kept for a lane that was used within so many seconds."""
RANKS_MAX = 1_024

Finding = TypeVar("Finding")


class Crowded(Retryable):
    """No place was free within the message's deadline. Raise `inference.calls_max`."""

    is_systemic = False


class Wish(NamedTuple):
    """What a waiting call would like to have."""

    question: Question[object]
    avoid: Endpoint | None


class Fleet:
    """Endpoints with the same model, or with models that may stand in for each other."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        clock: Clock,
        metrics: Metrics,
        reserved_share: float = 0.0,
        hedging: Hedging | None = None,
        second: Fleet | None = None,
    ) -> None:
        self.endpoints = tuple(endpoints)
        self.second = second
        """Asked where a policy wants its unsure answers looked at by another."""
        self._clock = clock
        self._metrics = metrics
        self._reserved_share = reserved_share
        self._hedging = hedging
        self._use = LaneUse(KEPT_S)
        self._lateness = Lateness()
        self._queue: LaneQueue[Wish, Endpoint] = LaneQueue()
        self._ranks: dict[str, tuple[Endpoint, ...]] = {}
        self.suspects = asyncio.Lock()
        """Held while a message is asked that may be what makes servers fall."""
        for lane in LANES:
            waiting = metrics.calls_waiting.labels(lane.word)
            waiting.set_function(partial(self._all_waiting, lane))

    def __repr__(self) -> str:
        return f"<Fleet {list(self.endpoints)!r} {self._queue!r} {self._hedging!r}>"

    @property
    def all(self) -> tuple[Endpoint, ...]:
        """With those that are asked for second looks."""
        return self.endpoints + (self.second.all if self.second else ())

    # Whether anybody is there.

    @property
    def is_out(self) -> bool:
        for endpoint in self.endpoints:
            if not endpoint.breaker.is_open:
                return False
        return True

    @property
    def has_judged(self) -> bool:
        """Whether any of them ever gave a judgement."""
        return any(endpoint.has_judged for endpoint in self.endpoints)

    @property
    def last_judgement_s(self) -> float:
        """When any of them last gave a judgement, on the clock."""
        return max(endpoint.last_judgement_s for endpoint in self.endpoints)

    async def condition(self, of: Endpoint | None = None) -> Condition:
        """
        Probe one endpoint, or all: a fleet is well as soon as one of them judges.

        Raises:
            EndpointRefused: nothing was ever judged, and key, model or path are wrong.
        """
        asked = self.endpoints if of is None else (of,)
        probes = [asyncio.create_task(endpoint.condition()) for endpoint in asked]
        best = Condition.OUT
        for probe in asyncio.as_completed(probes):
            found = await probe
            if found is Condition.WELL:
                return found
            best = found if found is Condition.BUSY else best
        if best is Condition.OUT:
            self.check()
        return best

    def check(self) -> None:
        """
        Make sure that being out is not being told that the settings are wrong.

        Raises:
            EndpointRefused: nothing was ever judged, and key, model or path are wrong.
        """
        if not self.has_judged:
            for endpoint in self.endpoints:
                if endpoint.refusal is not None:
                    raise endpoint.refusal

    def probe_soon(self) -> None:
        """Probe the endpoints, for callers that do not wait for it."""
        for endpoint in self.endpoints:
            endpoint.probe_soon()

    # Places.

    async def take(
        self, question: Question[object], within_s: float | None, avoid: Endpoint | None = None
    ) -> Endpoint | None:
        """
        A place for one call; None where none came free within the time given.

        `ask` gives it back, and so must whoever asks nothing after all. While all endpoints are out
        it is a place at one of those.
        """
        lane = question.lane
        self._use.used(lane, self._clock.now_s())
        if not self._queue.has_waiting(lane):
            place = self._place(question, avoid)
            if place is not None:
                place.at_once += 1
                return place
        turn = self._queue.add(Wish(question, avoid), lane, within_s)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                place = turn.result()
                if place is not None:
                    self.give_back(place)
            raise

    def give_back(self, endpoint: Endpoint) -> bool:
        """A call is over. Returns whether one that waited goes on."""
        endpoint.at_once -= 1
        return self.serve()

    def serve(self) -> bool:
        """Give what places there are to those that wait. Returns whether any was given."""
        was_given = False
        while (waiter := self._queue.next(self._has_place)) is not None:
            place = self._place(*waiter.wish)
            assert place is not None
            place.at_once += 1
            waiter.turn.set_result(place)
            was_given = True
        return was_given

    def _has_place(self, lane: Lane) -> bool:
        for endpoint in self.endpoints:
            if self._has_room(endpoint, lane):
                return True
        return False

    def _place(self, question: Question[object], avoid: Endpoint | None) -> Endpoint | None:
        """The endpoint with room that this question likes best."""
        found: Endpoint | None = None
        for endpoint in self._ranked(question):
            if self._has_room(endpoint, question.lane):
                if endpoint is not avoid:
                    return endpoint
                found = endpoint
        return found

    def _has_room(self, endpoint: Endpoint, lane: Lane) -> bool:
        room = endpoint.limit - endpoint.at_once
        if room <= 0 or (endpoint.breaker.is_open and not self.is_out):
            return False
        if lane and self._reserved_share and self._use.is_preceded(lane, self._clock.now_s()):
            # One place at least is for everybody.
            reserved = min(endpoint.limit - 1, round(endpoint.limit * self._reserved_share) or 1)
            return room > reserved
        return True

    def _ranked(self, question: Question[object]) -> tuple[Endpoint, ...]:
        """All endpoints in the order in which its affinity likes them, the same in every worker."""
        if len(self.endpoints) == 1:
            return self.endpoints
        affinity = question.affinity
        ranked = self._ranks.get(affinity)
        if ranked is None:
            if len(self._ranks) >= RANKS_MAX:
                self._ranks.clear()
            ranked = tuple(sorted(self.endpoints, key=partial(_liking, affinity), reverse=True))
            self._ranks[affinity] = ranked
        return ranked

    def _all_waiting(self, lane: Lane) -> float:
        elsewhere = self.second._all_waiting(lane) if self.second else 0.0
        return self._queue.waiting(lane) + elsewhere

    # Calls.

    async def ask(
        self,
        place: Endpoint,
        question: Question[Finding],
        format: RequestFormat,
        timeout_s: float | None,
        tally: Tally | None = None,
    ) -> Finding:
        """
        One call at a place that was taken, one judgement.

        The caller counts it; what was asked beside it, to be given up, is counted in `tally` here.

        Raises:
            Retryable: nothing usable came; `is_systemic` says whom it hints at.
        """
        if self._hedging is None:
            answer, someone_waited = await self._post(place, question, format, timeout_s)
        else:
            answer, someone_waited = await self._hedged(
                self._hedging, place, question, format, timeout_s, tally or Tally()
            )
        if someone_waited:
            # The next call goes out before this answer is read: a server is idle meanwhile. One
            # turn of the loop hands the place over, in the next one the call is sent.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        return answer.endpoint.read(answer, question)

    async def _post(
        self,
        place: Endpoint,
        question: Question[object],
        format: RequestFormat,
        timeout_s: float | None,
    ) -> tuple[Answer, bool]:
        someone_waited = False
        try:
            answer = await place.post(question, format, timeout_s, int(question.lane))
            if self._hedging is not None and answer.is_whole:
                self._hedging.answered(answer.latency_s)
            if place.knee is not None:
                self._lateness.watch()
                is_full = self._queue.has_waiting()
                place.learn(answer, is_full=is_full, late_s=self._lateness.mean_s)
        finally:
            someone_waited = self.give_back(place)
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
        if self._queue.has_waiting():
            return None
        place = self._place(question, first)
        if place is None or not hedging.may_hedge():
            return None
        place.at_once += 1
        self._metrics.hedges.inc()
        return place

    def _may_ask_anew(self, hedging: Hedging, place: Endpoint) -> bool:
        """Whether a call may be replaced; then its place is taken once more, and it gives it up."""
        if place.breaker.is_open or not hedging.may_hedge():
            return False
        place.at_once += 1
        self._metrics.hedges.inc()
        return True

    async def close(self) -> None:
        self._lateness.stop()
        if self.second is not None:
            self.second._lateness.stop()
        for endpoint in self.all:
            await endpoint.close()


Call = asyncio.Task[tuple[Answer, bool]]
WHOLE, PART, FAILED = 0, 1, 2


def _call(posting: Coroutine[None, None, tuple[Answer, bool]]) -> Call:
    """A call that may be given up: how it ends then is nobody's concern."""
    call = asyncio.create_task(posting)
    call.add_done_callback(retrieve)
    return call


def _worth(call: Call) -> int:
    """How good a call's end is, 0 is best."""
    if call.cancelled() or call.exception() is not None:
        return FAILED
    return WHOLE if call.result()[0].is_whole else PART


async def _is_long(calls: set[Call], seconds: float) -> bool:
    """Whether none of them is done after so many seconds more."""
    done, _ = await asyncio.wait(calls, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    return not done


def _less(timeout_s: float | None, seconds: float) -> float | None:
    return None if timeout_s is None else max(0.05, timeout_s - seconds)


def _liking(affinity: str, endpoint: Endpoint) -> bytes:
    """Rendezvous hashing: an endpoint that comes or goes moves no other affinity."""
    text = f"{affinity}\n{endpoint.name}"
    return blake2b(text.encode(), digest_size=8).digest()
