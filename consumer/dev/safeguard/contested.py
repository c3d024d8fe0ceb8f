"""
How often a model contradicts itself and how often it errs, by how long it reasons on a text. Pure.

A text is clear, and gets one label for ever, or contested, and gets one of two by a toss. Which it
is, and about how long the reasoning on it is, follows from the text alone, so that asking again is
asking about the same text.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

LONGEST = 0.2
"""The share of answers that the logs' longest reasonings were counted over."""
SPREAD = 0.1
"""How far apart, in shares of all answers, the lengths of two answers to one text lie at most."""


class Contest(NamedTuple):
    """What one answer to a text is like."""

    share: float
    """The share of all answers with a shorter reasoning."""
    wrong_rate: float
    """The probability of another label than the words call for."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """What was counted of answers to texts that were asked about several times."""

    differing: float
    """The share of pairs of answers to one text whose labels differ."""
    of_longest: float
    """The share of the texts with changing labels among the longest fifth of the answers."""
    wrong: float
    """The share of answers that are not as labelled, of the shortest four fifths."""
    wrong_longest: float
    """The same of the longest fifth."""

    def differing_at(self, share: float) -> float:
        """
        The probability that another answer differs from one with such a length.

        A power of the share: the only one with both its average and its part in the longest fifth.
        """
        power = math.log(1 - self.of_longest) / math.log(1 - LONGEST)
        return float(self.differing * power * share ** (power - 1))

    def contest(self, text: str, dice: random.Random) -> Contest:
        """One answer to a text; `dice` only moves its length a little."""
        hardness, lot, fate = _numbers(text)
        share = abs(hardness + (dice.random() - 0.5) * SPREAD)
        share = 2 - share if share > 1 else share
        rate = self._toss()
        contested = self.differing_at(hardness) / (2 * rate * (1 - rate))
        if lot < contested:
            return Contest(share, rate)
        is_steadily_wrong = hardness < 1 - LONGEST and fate < self._steadily_wrong(rate)
        return Contest(share, float(is_steadily_wrong))

    def _toss(self) -> float:
        """How often a contested text gets the wrong label: the longest fifth's errors are these."""
        return 1 - self.differing * self.of_longest / LONGEST / (2 * self.wrong_longest)

    def _steadily_wrong(self, rate: float) -> float:
        """The share of short clear answers that are wrong each time: the errors still missing."""
        differing = self.differing * (1 - self.of_longest) / (1 - LONGEST)
        contested = differing / (2 * rate * (1 - rate))
        return (self.wrong - rate * contested) / (1 - contested)


def _numbers(text: str) -> tuple[float, float, float]:
    """Three numbers from 0 to 1 that are the same for the same text, and else like dice."""
    digest = blake2b(text.encode(errors="surrogatepass"), digest_size=24).digest()
    first, second, third = (int.from_bytes(digest[at : at + 8]) / 2**64 for at in (0, 8, 16))
    return first, second, third
