"""
Settling: edits wait a moment, for people correct what they have just corrected.

An edit that waits is in flight, holds no place at the model, and its offset is not committed: after
a crash it is taken once more. The next record about the same message overtakes it, and then it ends
unjudged. Who drains lets all of them go at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heappop, heappush

from consumer.domain.messages.decoding import decode
from consumer.errors import Rejected
from consumer.interfaces import Clock
from consumer.pipeline.assignment.assignment import Assignment, Flight


class Settling:
    """The edits that wait, each until its own time, by what they are about."""

    def __init__(self, clock: Clock, begin: Callable[[Flight], None]) -> None:
        self._clock = clock
        self._begin = begin
        self._held: dict[Assignment, dict[str, Flight]] = {}
        """By the id of the message; of each only the last edit waits."""
        self._due: list[tuple[float, int, Flight]] = []
        """A heap: when each is to go on, the earliest first. Some do not wait any more."""
        self._count = 0
        self._draining: set[Assignment] = set()
        """Their edits wait no more, also those that are admitted yet."""

    def __repr__(self) -> str:
        return f"<Settling {sum(map(len, self._held.values()))}>"

    def holds(self, flight: Flight) -> bool:
        """
        Whether a record that was just admitted is an edit that waits from now on.

        Whatever it is, an edit of the same message that waits is overtaken by it.
        """
        terms = flight.binding.reading.event
        if terms is None or not terms.settle_s:
            return False
        try:
            message = decode(flight.record, flight.binding.reading)
        except Rejected:
            return False
        earlier = self._held.get(flight.assignment, {}).get(message.id)
        if earlier is not None:
            self._let_go([earlier])
            earlier.is_overtaken = True
            self._begin(earlier)
        is_named_edit = message.event == "edit" and "id" not in message.unread
        if not is_named_edit or message.skipped or flight.assignment in self._draining:
            return False
        flight.take_in()
        flight.settling = message.id
        self._held.setdefault(flight.assignment, {})[message.id] = flight
        # The count keeps those of one time in their order, and flights from being compared.
        self._count += 1
        heappush(self._due, (flight.taken_s + terms.settle_s, self._count, flight))
        return True

    def go_on(self) -> None:
        """To be called many times a second: begins those that have waited long enough."""
        now_s = self._clock.now_s()
        found = []
        while self._due and self._due[0][0] <= now_s:
            _, _, flight = heappop(self._due)
            if flight.settling is not None:
                found.append(flight)
        self._go(found)

    def end(self, assignments: Iterable[Assignment]) -> None:
        """Who drains does not wait for edits that may come: begin all that wait."""
        for assignment in assignments:
            self._draining.add(assignment)
            self._go(list(self._held.get(assignment, {}).values()))

    def forget(self, assignment: Assignment) -> None:
        """It is over: somebody else takes them once more."""
        self._let_go(list(self._held.get(assignment, {}).values()))
        self._draining.discard(assignment)

    def _go(self, flights: list[Flight]) -> None:
        self._let_go(flights)
        for flight in flights:
            # Its deadline is about the model, and what it waited for was no model.
            flight.taken_s = self._clock.now_s()
            self._begin(flight)

    def _let_go(self, flights: list[Flight]) -> None:
        for flight in flights:
            held = self._held[flight.assignment]
            assert flight.settling is not None
            del held[flight.settling]
            flight.settling = None
            if not held:
                del self._held[flight.assignment]
