"""
Places: the one queue before all endpoints of a fleet, and who is let through to which.

A call goes to the endpoint that its affinity prefers, where its prefix is warm, as long as there is
a place; else to the next one by the same order, and never to one that is out while another
is not. What finds no place waits here and not in a server's queue, where no lane and no deadline
reaches it. Lanes that are not the first leave a share of each endpoint to those before them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from consumer.domain.lane import Lane, LaneUse
from consumer.inference.fleet.endpoint import Endpoint
from consumer.inference.fleet.ranking import Ranking
from consumer.inference.pacing.queue import LaneQueue
from consumer.inference.question import Question
from consumer.interfaces import Clock

KEPT_S = 60.0
"""Room is kept for a lane that was used within so many seconds."""


class Wish(NamedTuple):
    """What a waiting call would like to have."""

    question: Question[object]
    avoid: Endpoint | None


class Places:
    """Gives the places of all endpoints to calls, and takes them back."""

    def __init__(self, endpoints: Sequence[Endpoint], clock: Clock, reserved_share: float) -> None:
        self._endpoints = tuple(endpoints)
        self._clock = clock
        self._reserved_share = reserved_share
        self._ranking = Ranking(endpoints)
        self._use = LaneUse(KEPT_S)
        self.queue: LaneQueue[Wish, Endpoint] = LaneQueue()

    def __repr__(self) -> str:
        return f"<Places {[each.capacity for each in self._endpoints]!r} {self.queue!r}>"

    async def take(
        self, question: Question[object], within_s: float | None, avoid: Endpoint | None = None
    ) -> Endpoint | None:
        """
        A place for one call; None where none came free within the time given.

        A call gives it back, and so must whoever asks nothing after all. While all endpoints are
        out it is a place at one of those.
        """
        lane = question.lane
        self._use.used(lane, self._clock.now_s())
        if not self.queue.has_waiting(lane):
            place = self._free(question, avoid)
            if place is not None:
                place.capacity.taken += 1
                return place
        turn = self.queue.add(Wish(question, avoid), lane, within_s)
        try:
            return await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                place = turn.result()
                if place is not None:
                    self.give_back(place)
            raise

    def spare(self, question: Question[object], avoid: Endpoint) -> Endpoint | None:
        """An endpoint with a place that nobody waits for; it is not taken yet."""
        return None if self.queue.has_waiting() else self._free(question, avoid)

    def give_back(self, endpoint: Endpoint) -> bool:
        """A call is over. Returns whether one that waited goes on."""
        endpoint.capacity.taken -= 1
        return self.serve()

    def serve(self) -> bool:
        """Give what places there are to those that wait. Returns whether any was given."""
        was_given = False
        while (waiter := self.queue.next(self._has_place)) is not None:
            place = self._free(*waiter.wish)
            assert place is not None
            place.capacity.taken += 1
            waiter.turn.set_result(place)
            was_given = True
        return was_given

    def _has_place(self, lane: Lane) -> bool:
        for endpoint in self._endpoints:
            if self._has_room(endpoint, lane):
                return True
        return False

    def _free(self, question: Question[object], avoid: Endpoint | None) -> Endpoint | None:
        """The endpoint with room that this question likes best."""
        found: Endpoint | None = None
        endpoints = self._endpoints
        if len(endpoints) > 1:
            endpoints = self._ranking.of(question.affinity)
        for endpoint in endpoints:
            if self._has_room(endpoint, question.lane):
                if endpoint is not avoid:
                    return endpoint
                found = endpoint
        return found

    def _has_room(self, endpoint: Endpoint, lane: Lane) -> bool:
        capacity = endpoint.capacity
        limit = capacity.limit
        room = limit - capacity.taken
        if room <= 0 or (endpoint.breaker.is_open and not are_out(self._endpoints)):
            return False
        if lane and self._reserved_share and self._use.is_preceded(lane, self._clock.now_s()):
            # One place at least is for everybody.
            reserved = min(limit - 1, round(limit * self._reserved_share) or 1)
            return room > reserved
        return True


def are_out(endpoints: Iterable[Endpoint]) -> bool:
    """Whether all of them are."""
    for endpoint in endpoints:
        if not endpoint.breaker.is_open:
            return False
    return True
