"""
Breaker: whether an endpoint as a whole is out, told apart from messages that fail on their own.

A failed call alone proves nothing: the message may be its cause. So a failure with nothing to
excuse it is followed by a probe, a small request that any healthy server answers; only when that
fails too is the breaker tripped. While it is open nothing but probes goes out, and the first probe
that is answered closes it. Rules of this file: time is passed in, and nothing waits here.
"""

from __future__ import annotations


class Breaker:
    """Closed (calls pass) or open (only a probe now and then)."""

    def __init__(self, probe_every_s: float) -> None:
        self._probe_every_s = probe_every_s
        self._next_probe_s = 0.0
        self._opened_s = 0.0
        self.is_open = False
        self.opened = 0
        """How often it has opened."""

    def __repr__(self) -> str:
        return f"<Breaker {'open' if self.is_open else 'closed'}, opened {self.opened} times>"

    def trip(self, now_s: float) -> bool:
        """A probe failed. Returns whether this opened it, so that it is logged once."""
        self._next_probe_s = now_s + self._probe_every_s
        if self.is_open:
            return False
        self.is_open = True
        self.opened += 1
        self._opened_s = now_s
        return True

    def recover(self, now_s: float) -> float | None:
        """An answer came. Returns how long it was open, in seconds, or None if it was closed."""
        if not self.is_open:
            return None
        self.is_open = False
        return now_s - self._opened_s

    def probe_in_s(self, now_s: float) -> float:
        """Seconds until the next probe may go out; 0 where it may go now."""
        return max(0.0, self._next_probe_s - now_s) if self.is_open else 0.0
