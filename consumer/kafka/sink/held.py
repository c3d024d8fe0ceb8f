"""Held: what was sent to outputs that take nothing for now. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from consumer.interfaces import Output, Ticket
from consumer.kafka.sink.under_way import Sending


class Held:
    """
    What failed and is not known to be stored or not, and the tickets of all that came after it.

    What is held for an output goes back in the order it was sent: none of it may overtake.
    """

    def __init__(self) -> None:
        self.unread: dict[Output, list[Sending]] = {}
        """What failed on outputs that have not been read since."""
        self._later: dict[Output, list[Ticket]] = {}
        """Sent since; nothing of it was handed to the client."""

    def __repr__(self) -> str:
        return f"<Held unread {len(self.unread)}, later {len(self._later)} outputs>"

    @property
    def is_empty(self) -> bool:
        return not self.unread and not self._later

    @property
    def outputs(self) -> list[Output]:
        """Those for which tickets are held."""
        return list(self._later)

    @property
    def unread_topics(self) -> set[str]:
        """Asked for from other threads, too."""
        return {output.topic for output in tuple(self.unread)}

    def holds(self, output: Output) -> bool:
        """Whether what is sent there now would overtake something."""
        return output in self._later or output in self.unread

    def hold(self, output: Output, tickets: Iterable[Ticket] = ()) -> None:
        """These come after all that is held; from now on the output takes nothing, even of none."""
        self._later.setdefault(output, []).extend(tickets)

    def fail(self, sendings: Iterable[Sending]) -> None:
        """They may be stored or not; in the order they were sent."""
        for sending in sendings:
            self.unread.setdefault(sending.output, []).append(sending)

    def release(self, output: Output) -> list[Ticket]:
        """Its tickets; what is sent there from now on is not held for them."""
        return self._later.pop(output, [])
