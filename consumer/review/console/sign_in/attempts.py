"""
Attempts: who may try a password again, and when.

Each failure doubles the wait of that name and of that address; both are forgotten after a while.
Pure but for what it remembers.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

FREE_TRIES = 5
"""So many failures cost nothing: people mistype."""
LONGEST_MS = 900_000
"""No wait is longer, so nobody is locked out for good by somebody else's guesses."""
NAMES_MAX = 10_000
"""Of so many names and addresses failures are remembered; the oldest are forgotten first."""


class SignInAttempts:
    """Remembers failures. Any thread may use it."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"<SignInAttempts of {len(self._failed)} names and addresses>"

    def wait_ms(self, names: tuple[str, ...], now_ms: int) -> int:
        """How long none of these may try; 0 where they may."""
        with self._lock:
            return max(0, *(self._until(name) - now_ms for name in names))

    def failed(self, names: tuple[str, ...], now_ms: int) -> None:
        """They tried, and it was wrong."""
        with self._lock:
            for name in names:
                number, at_ms = self._failed.pop(name, (0, 0))
                if now_ms - at_ms > LONGEST_MS:
                    number = 0
                self._failed[name] = (number + 1, now_ms)
            while len(self._failed) > NAMES_MAX:
                self._failed.popitem(last=False)

    def succeeded(self, name: str) -> None:
        """It was right: what was mistyped before is forgotten."""
        with self._lock:
            self._failed.pop(name, None)

    def _until(self, name: str) -> int:
        number, at_ms = self._failed.get(name, (0, 0))
        if number < FREE_TRIES:
            return 0
        wait_ms: int = min(1_000 << min(number - FREE_TRIES, 20), LONGEST_MS)
        return at_ms + wait_ms
