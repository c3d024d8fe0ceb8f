"""Falls: calls of one endpoint that broke off of late, and of which messages they were. Pure."""

from __future__ import annotations

from collections import deque

KEPT = 16
"""Calls that are remembered: when a server falls, two of different messages say all."""


class Falls:
    """Tells a server that fell from a message whose own calls break off."""

    def __init__(self) -> None:
        self._broken: deque[tuple[float, int]] = deque(maxlen=KEPT)

    def __repr__(self) -> str:
        return f"<Falls {len(self._broken)} calls broke off>"

    def note(self, now_s: float, user: str) -> None:
        """A call about this message broke off."""
        self._broken.append((now_s, hash(user)))

    def of_others(self, since_s: float, user: str) -> bool:
        """Whether calls about other messages broke off since then: the server itself fell."""
        ours = hash(user)
        return any(at_s >= since_s and whose != ours for at_s, whose in self._broken)
