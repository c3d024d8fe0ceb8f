"""
Neighbours: a burst of almost equal messages shares what the model says against several of them.

Only flag and block are shared, never allow: who finds what passes could add to it. A shared verdict
says less than a judgement, so it is bounded: in how much a message may differ (`burst.py`), in
time, and in how many authors one answer of the model speaks for. Pure, in memory alone.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple, TypeVar

from consumer.domain.decided import overturns
from consumer.domain.policy import Outcome
from consumer.domain.screening import NeighbourTerms
from consumer.screening.bursts.burst import Burst, Words

Pair = tuple[str, str]
PAIRS_SHARE = 0.3
"""Of its pairs of words, what a message has in common with all that it may be like: one word that
is another in the middle of five leaves half of them."""

LIKE_MAX = 50
"""Bursts that a message is compared with, those with the most in common: each takes some 50 us."""


class Shared(NamedTuple):
    """What is said of a message for what was said of its like."""

    outcome: Outcome
    score: float
    origin: str
    """The id of the verdict on the last of them that the model judged."""


class Neighbours:
    """The bursts of one version of one policy set."""

    def __init__(self, terms: NeighbourTerms) -> None:
        self.terms = terms
        self._bursts: OrderedDict[int, Burst] = OrderedDict()
        """By a number of their own, the one that was heard of last at the end."""
        self._by_anchor: dict[str, set[int]] = {}
        """Which have that word as their anchor: those that a message may belong to."""
        self._by_pair: dict[Pair, set[int]] = {}
        """Which have those two words in their core, one after the other: those that are like it."""
        self._numbers = 0

    def __repr__(self) -> str:
        return f"<Neighbours in {len(self._bursts)} bursts>"

    def __len__(self) -> int:
        return len(self._bursts)

    def shared(self, words: Words, author: str, now_s: float) -> Shared | None:
        """
        What is said of a message with these words; None where the model has to be asked.

        `author` is whoever wrote it, or the message itself where nobody knows.
        """
        terms = self.terms
        for burst in self._anchored(words, now_s):
            outcome = burst.shared(terms)
            # Whoever writes many texts with one word in them lets no text be compared with each.
            if outcome is None or burst.is_less(words):
                continue
            score = burst.similarity(words, terms)
            if not score:
                continue
            if not burst.speaks_for(author, terms):
                return None
            return Shared(outcome, score, burst.origin)
        return None

    def heard(self, words: Words, outcome: Outcome, verdict_id: str, now_s: float) -> None:
        """The model was asked about a message with these words."""
        if len(words) < self.terms.words_min:
            return
        while self._bursts and now_s >= next(iter(self._bursts.values())).until_s:
            self._drop(next(iter(self._bursts)))
        like = [n for n in self._like(words) if self._bursts[n].is_like(words, self.terms)]
        if outcome is Outcome.ALLOW:
            # Whether or not it belongs to them: where its like may pass, more has to be asked.
            for number in like:
                self._bursts[number].counted(outcome)
            return
        number = like[0] if like else self._begin(words)
        burst = self._bursts[number]
        if like:
            self._unlist(number)
            burst.join(words)
            self._list(number)
        burst.counted(outcome)
        burst.origin = verdict_id
        burst.until_s = now_s + self.terms.for_s
        self._bursts.move_to_end(number)

    def overturn(self, words: Words, decided: Outcome, now_s: float) -> int:
        """
        A person decided about a message with these words: the bursts it belongs to, or is like, are
        over where that is against what they share. Returns how many.
        """
        # Only flag and block are shared, whichever it would come to.
        if not overturns(decided, Outcome.FLAG):
            return 0
        ours = {id(b) for b in self._anchored(words, now_s) if b.similarity(words, self.terms)}
        found = [
            number
            for number, burst in self._bursts.items()
            if id(burst) in ours or burst.is_like(words, self.terms)
        ]
        for number in found:
            self._drop(number)
        return len(found)

    def _anchored(self, words: Words, now_s: float) -> Iterator[Burst]:
        """The bursts that a message may belong to."""
        for word in dict.fromkeys(words):
            for number in self._by_anchor.get(word, ()):
                burst = self._bursts[number]
                if now_s < burst.until_s:
                    yield burst

    def _like(self, words: Words) -> list[int]:
        """Bursts that may be like a message, those with the most in common first."""
        pairs = set(pairwise(words))
        common = Counter(number for pair in pairs for number in self._by_pair.get(pair, ()))
        least = len(pairs) * PAIRS_SHARE
        return [number for number, count in common.most_common(LIKE_MAX) if count >= least]

    def _begin(self, words: Words) -> int:
        while len(self._bursts) >= self.terms.bursts_max:
            self._drop(self._least_known())
        self._numbers += 1
        self._bursts[self._numbers] = Burst(words)
        self._list(self._numbers)
        return self._numbers

    def _least_known(self) -> int:
        """
        The oldest that shares nothing yet, else the oldest of all: many texts that are like no
        other must not push out a raid that is going on.
        """
        waiting = (n for n, burst in self._bursts.items() if not burst.is_heard(self.terms))
        return next(waiting, next(iter(self._bursts)))

    def _drop(self, number: int) -> None:
        self._unlist(number)
        del self._bursts[number]

    def _list(self, number: int) -> None:
        burst = self._bursts[number]
        self._by_anchor.setdefault(burst.anchor, set()).add(number)
        for pair in pairwise(burst.core):
            self._by_pair.setdefault(pair, set()).add(number)

    def _unlist(self, number: int) -> None:
        burst = self._bursts[number]
        _discard(self._by_anchor, burst.anchor, number)
        for pair in set(pairwise(burst.core)):
            _discard(self._by_pair, pair, number)


Key = TypeVar("Key")


def _discard(index: dict[Key, set[int]], key: Key, number: int) -> None:
    found = index[key]
    found.discard(number)
    if not found:
        del index[key]
