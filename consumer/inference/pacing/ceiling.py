"""
Ceiling: the width beyond which a server refuses calls for load (429, 503). Pure.

Refusals are answers too: several among few calls name a ceiling, which is tried again only after
many answers; a single one may be anything's doing, such as a gateway's.
"""

from __future__ import annotations

REFUSALS_MIN = 4.0
"""
So many refusals among few calls name a ceiling. At a full server every call is refused, while a
server or gateway that refuses now and then does so at any width.
"""
REFUSAL_FADES = 0.9
"""What is left of earlier refusals with each answer: where one call in twenty is refused, 0.5."""
CEILING_ANSWERS = 8_000
"""After so many answers a ceiling is tried again: one call in two thousand is refused for it."""


class Ceiling:
    """What the refusals of late say."""

    def __init__(self) -> None:
        self._refusals = 0.0
        """Of late; each answer makes them less."""
        self._stand(None)

    def __repr__(self) -> str:
        return f"<Ceiling {self.width}, {self._refusals:.1f} refusals of late>"

    def answered(self) -> None:
        """A call was not refused."""
        self._refusals *= REFUSAL_FADES
        self._left -= 1

    def refused(self, at_once: int) -> bool:
        """A call was refused with so many under way. Returns whether that names the ceiling."""
        self._refusals += 1
        if self._refusals < REFUSALS_MIN:
            return False
        self._refusals = 0.0
        self._stand(at_once - 1)
        return True

    def _stand(self, width: int | None) -> None:
        self.width = width
        """Calls at once that are not refused; None where there is no such bound."""
        self._left = CEILING_ANSWERS
        self._step = 1

    @property
    def may_be_tried(self) -> bool:
        """Whether it has stood for long enough to see if it still holds."""
        return self.width is not None and self._left <= 0

    def tried(self) -> int:
        """The width at which it is tried; it stands again if that is refused."""
        assert self.width is not None
        return self.width + self._step

    def rise(self, width: int) -> None:
        """Nothing was refused at a width above it: the next try goes further, and soon."""
        self.width = width
        self._step *= 2
        self._left = 0
