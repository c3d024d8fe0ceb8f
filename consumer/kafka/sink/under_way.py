"""Under way: publications between their sending and their report, in the order they were sent."""

from __future__ import annotations

from consumer.domain.checkpoint import Floor
from consumer.domain.value import Value
from consumer.interfaces import Output, Publication, Ticket


class Sending(Value, frozen=True):
    """A publication that was handed to the client, and where it can lie at the earliest."""

    publication: Publication
    output: Output
    """Of the publication; made once, since every step asks for it."""
    ticket: Ticket
    floor: Floor
    sent_s: float
    is_alone: bool
    """Whether its output takes one at a time, so that a refusal means this very publication."""


class UnderWay:
    """
    Sendings by number; numbers rise, so that what has failed can be put in its old order.

    One that has failed may be stored all the same, and waits here until the others have failed too.
    """

    def __init__(self) -> None:
        self._sendings: dict[int, Sending] = {}
        self._failed: dict[int, Sending] = {}
        self._next = 0

    def __repr__(self) -> str:
        return f"<UnderWay {len(self._sendings)}, failed {len(self._failed)}>"

    def __len__(self) -> int:
        """How many have no report."""
        return len(self._sendings)

    @property
    def is_empty(self) -> bool:
        return not self._sendings and not self._failed

    @property
    def failed_topics(self) -> set[str]:
        """Outputs of those that have failed; asked for from other threads, too."""
        return {sending.publication.topic for sending in tuple(self._failed.values())}

    def add(self, sending: Sending) -> int:
        """It is about to be sent; returns its number."""
        number = self._next
        self._next += 1
        self._sendings[number] = sending
        return number

    def take(self, number: int) -> Sending | None:
        """Its report has come; None where it had one already."""
        return self._sendings.pop(number, None)

    def put_alone(self, number: int) -> None:
        """Whatever is said of it is said of it alone."""
        self._sendings[number] = self._sendings[number]._replace(is_alone=True)

    def fail(self, number: int, sending: Sending | None = None) -> None:
        """It is not known to be stored; `sending` where it was taken out before."""
        self._failed[number] = sending or self._sendings.pop(number)

    def is_late(self, now_s: float, timeout_s: float) -> bool:
        """Whether one has waited for its report for longer than that; the oldest is the first."""
        oldest = next(iter(self._sendings.values()), None)
        return oldest is not None and now_s - oldest.sent_s > timeout_s

    def take_failed(self) -> list[Sending]:
        """All that have failed, in the order they were sent."""
        failed = [self._failed[number] for number in sorted(self._failed)]
        self._failed.clear()
        return failed
