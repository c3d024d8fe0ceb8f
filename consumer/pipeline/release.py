"""
Release: verdicts and dead letters out, in the order of their keys, and what becomes of them.

Nothing is published without a lease, nor to an output that no commit names yet: it is withheld. A
record is terminal when the broker has acknowledged what became of it, and only terminal records
move a commit. What is not stored goes through the order of its key once more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from consumer.errors import Fatal, Rejected
from consumer.interfaces import DeliveryReport, Fate, Partition
from consumer.pipeline.assignment.assignment import Assignment, Conclusion, Flight
from consumer.pipeline.assignment.lease import Moment
from consumer.pipeline.ledger import Ledger
from consumer.pipeline.publisher import Publisher
from consumer.pipeline.seams import Seams
from consumer.pipeline.stages import StageTimes


class Release:
    """Sends what is ready and may go, and finishes what is stored."""

    def __init__(
        self,
        seams: Seams,
        publisher: Publisher,
        ledger: Ledger,
        assignments: dict[Partition, Assignment],
        finished: Callable[[Assignment], None],
        fail: Callable[[BaseException], None],
        on_terminal: Callable[[Flight], None] | None = None,
    ) -> None:
        self._sink = seams.sink
        self._clock = seams.telemetry.clock
        self._stages = StageTimes(seams.telemetry)
        self._publisher = publisher
        self._ledger = ledger
        self._assignments = assignments
        self._finished = finished
        """Told of the assignment of each record that is terminal."""
        self._fail = fail
        self._on_terminal = on_terminal
        """Told of each record once the broker has what became of it; the demo watches here."""

    def __repr__(self) -> str:
        withheld = sum(len(each.unfinished.withheld) for each in self._assignments.values())
        return f"<Release withheld {withheld}>"

    def concluded(self, flight: Flight, conclusion: Conclusion | None) -> None:
        """It is known what is to be published, or that nothing is."""
        sequencer = flight.assignment.unfinished.sequencer
        if conclusion is None:
            released = sequencer.passed_over(flight)
            self._ledger.book_passed_over(flight.record.position.topic)
            self._finish(flight)
        else:
            try:
                conclusion = self._publisher.fitting(flight, conclusion)
            except Fatal as error:
                self._fail(error)
                return
            flight.conclusion = conclusion
            released = sequencer.ready(flight, conclusion.publication.topic)
        if released:
            self._send(released)

    def quarantine(self, flight: Flight, rejection: Rejected) -> None:
        """It is not judged at all."""
        self.concluded(flight, self._publisher.dead_letter(flight, rejection))

    # Out.

    def _send(self, released: list[Flight]) -> None:
        """Send in this order what may be published now, and withhold the rest."""
        now = Moment.of(self._clock)
        for flight in released:
            withheld = flight.assignment.unfinished.withheld
            if withheld or not self._may_send(flight, now):
                withheld.append(flight)
            else:
                self._send_one(flight, now)

    def _may_send(self, flight: Flight, now: Moment) -> bool:
        """Whether it may go now; its output is named from the next commit on."""
        assert flight.conclusion is not None
        publication, commits = flight.conclusion.publication, flight.assignment.commits
        commits.outputs.need(publication.topic)
        return commits.may_publish(publication.topic, now) and self._sink.takes(publication.output)

    def _send_one(self, flight: Flight, now: Moment) -> None:
        assert flight.conclusion is not None
        publication = flight.conclusion.publication
        outputs = flight.assignment.commits.outputs
        outputs.sent(publication.topic, flight.record.position.offset)
        flight.sent_s = now.now_s
        self._sink.send(publication, flight)

    def send_withheld(self, assignment: Assignment) -> None:
        """As many as may go now; the first that may not holds up those after it."""
        withheld = assignment.unfinished.withheld
        if not withheld:
            return
        now = Moment.of(self._clock)
        while withheld and self._may_send(withheld[0], now):
            self._send_one(withheld.popleft(), now)

    # Back.

    def reported(self, reports: Sequence[DeliveryReport]) -> None:
        """What became of what was sent."""
        now_s = self._clock.now_s()
        wall_ms = self._clock.wall_ms()
        again: dict[Assignment, list[Flight]] = {}
        for ticket, fate in reports:
            assert isinstance(ticket, Flight)
            if not ticket.is_live:
                continue
            if fate is Fate.STORED:
                self._stored(ticket, now_s, wall_ms)
                continue
            try:
                self._fit_again(ticket, is_refused=fate is Fate.TOO_LARGE)
            except Fatal as error:
                self._fail(error)
                return
            again.setdefault(ticket.assignment, []).append(ticket)
        for assignment, flights in again.items():
            self._send_again(assignment, flights)
        # An output that takes one at a time may take the next, from whichever partition.
        for assignment in self._assignments.values():
            self.send_withheld(assignment)

    def _fit_again(self, flight: Flight, *, is_refused: bool) -> None:
        """It was not stored: make it smaller where it must be, by what its topic takes today."""
        before = flight.conclusion
        assert before is not None
        found = self._publisher.smaller(flight, before) if is_refused else before
        flight.conclusion = found = self._publisher.fitting(flight, found)
        flight.destination = found.publication.topic
        if flight.destination != before.publication.topic:
            # It will never lie there; what was only repeated keeps its floor.
            offset = flight.record.position.offset
            flight.assignment.commits.acknowledged(before.publication.topic, offset)

    def _send_again(self, assignment: Assignment, flights: list[Flight]) -> None:
        """
        What was not stored goes through the order of its key once more.

        Another topic may be its destination by now, and then what follows it has to wait. Of each
        key what is withheld was released after it, so that it goes with it.
        """
        unfinished = assignment.unfinished
        flights += unfinished.withheld
        unfinished.withheld.clear()
        self._send(unfinished.sequencer.put_back(flights))

    def _stored(self, flight: Flight, now_s: float, wall_ms: int) -> None:
        assert flight.conclusion is not None
        conclusion, position = flight.conclusion, flight.record.position
        if conclusion.rejection is not None:
            self._ledger.book_dead_letter(position.topic, conclusion.rejection)
        elif conclusion.verdict is not None:
            self._ledger.book_verdict(conclusion.verdict)
        self._stages.finished(flight, now_s, wall_ms)
        destination = conclusion.publication.topic
        flight.assignment.commits.acknowledged(destination, position.offset)
        released = flight.assignment.unfinished.sequencer.acknowledged(flight)
        self._finish(flight)
        if self._on_terminal is not None:
            self._on_terminal(flight)
        if released:
            self._send(released)

    def _finish(self, flight: Flight) -> None:
        offset = flight.record.position.offset
        flight.assignment.commits.finish(offset)
        del flight.assignment.unfinished.admitted[offset]
        self._finished(flight.assignment)
