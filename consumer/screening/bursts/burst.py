"""
Burst: what several judged messages that say nearly the same have in common, and what may differ.

What all of them say, word for word and in one order, is the core. Another message belongs to the
burst if it says the core and little else, and none of that carries weight. Within the core
something may be said only in the words of a judged message, for a single word there can be the
whole point ("kill you", "kiss you"); before and after it there may be noise. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from consumer.domain.policy import Outcome
from consumer.domain.screening import NeighbourTerms
from consumer.screening.bursts.overlap import overlap, overlap_count
from consumer.screening.bursts.wording import has_number, is_weighty

Words = tuple[str, ...]

MEMBERS_MAX = 16
"""Judged messages that a core is made of; of what the next ones say only the outcome counts."""
AGREED = 0.8
"""Least share of the model's answers that must not allow: it answers 1 in 20 another way."""
NUMBERS_MIN = 3
"""Different numbers that were judged alike in one place before any other one is."""


class Burst:
    """Judged messages that say nearly the same, and what was said of them."""

    def __init__(self, words: Words) -> None:
        self.core = words
        self.origin = ""
        """The verdict on the last of them that was not allowed."""
        self.until_s = 0.0
        """When it is over unless the model says the same again, on the clock."""
        self._authors: set[int] = set()
        """Whose messages the answers have spoken for, hashed: an id may be long."""
        self._least = len(words)
        """Words of the shortest that was judged and not allowed."""
        self._longest = len(words)
        self._members = [words]
        self._gaps = [_there(words, words)]
        self._counts = dict.fromkeys(Outcome, 0)

    def __repr__(self) -> str:
        said = ", ".join(f"{count} {outcome.value}" for outcome, count in self._counts.items())
        return f"<Burst of {said}, core of {len(self.core)} words>"

    @property
    def anchor(self) -> str:
        """The word by which it is looked up: every message of it has it, and few others."""
        return max(self.core, key=lambda word: (len(word), word))

    @property
    def _against(self) -> int:
        """The answers that do not allow."""
        return self._counts[Outcome.FLAG] + self._counts[Outcome.BLOCK]

    def is_heard(self, terms: NeighbourTerms) -> bool:
        """Whether the model was asked often enough."""
        return self._against >= terms.answers_min

    def shared(self, terms: NeighbourTerms) -> Outcome | None:
        """What the model says of such messages; None where it is not of one mind, or was not asked
        often enough."""
        against = self._against
        is_of_one_mind = against >= AGREED * (against + self._counts[Outcome.ALLOW])
        if not self.is_heard(terms) or not is_of_one_mind:
            return None
        is_block = self._counts[Outcome.BLOCK] > self._counts[Outcome.FLAG]
        return Outcome.BLOCK if is_block else Outcome.FLAG

    def similarity(self, words: Words, terms: NeighbourTerms) -> float:
        """The core's share of a message's words; 0 where the message does not belong to it."""
        core = self.core
        if len(core) < terms.words_min or len(core) < terms.similar * len(words):
            return 0.0
        found = gaps_of(core, words)
        if found is None or not self._may_say(found):
            return 0.0
        return len(core) / len(words)

    def is_less(self, words: Words) -> bool:
        """Whether it says less beside the core than any that was judged: that may be the point."""
        return len(words) < self._least

    def speaks_for(self, author: str, terms: NeighbourTerms) -> bool:
        """Whether what was said holds for one more message of this author."""
        authors, mine = self._authors, hash(author)
        if mine not in authors:
            if len(authors) >= terms.authors_max * self._against:
                # The next is for the model. Until it has said so, as many more are spoken for:
                # else everybody would be asked about who comes meanwhile.
                authors.clear()
                return False
            authors.add(mine)
        return True

    def _may_say(self, gaps: Sequence[Words]) -> bool:
        """Whether it says what one of the judged messages said, all of it, and little else."""
        return any(self._says(gaps, judged) for judged in self._gaps)

    def _says(self, gaps: Sequence[Words], judged: Sequence[Words]) -> bool:
        for at, (extra, said) in enumerate(zip(gaps, judged, strict=True)):
            if extra == said:
                continue
            rest = gaps_of(said, extra)
            if rest is None and not self._is_always_said(at):
                # What was noise there may be other noise here, or none.
                rest = gaps_of(tuple(filter(is_weighty, said)), extra)
            if rest is None or any(map(is_weighty, chain(*rest))):
                return False
            if any(map(has_number, chain(*rest))) and not self._are_numbers(at):
                return False
        return True

    def _is_always_said(self, at: int) -> bool:
        """Whether something stood in this place of the core in all judged messages."""
        return 0 < at < len(self.core) and all(gaps[at] for gaps in self._gaps)

    def _are_numbers(self, at: int) -> bool:
        """Whether all had a number in this place before or after the core, and different ones."""
        judged = {gaps[at] for gaps in self._gaps}
        if 0 < at < len(self.core) or len(judged) < NUMBERS_MIN:
            return False
        return all(any(map(has_number, extra)) for extra in judged)

    def counted(self, outcome: Outcome) -> None:
        """What the model says of one that is like it."""
        self._counts[outcome] += 1

    def is_like(self, words: Words, terms: NeighbourTerms) -> bool:
        """Whether a message has so much in common with all of its members as they have."""
        least = max(terms.words_min, terms.similar * max(len(words), self._longest))
        # What they have in common in any order is found in a tenth of the time.
        if len(self.core) < least or sum(map(set(self.core).__contains__, words)) < least:
            return False
        return overlap_count(self.core, words) >= least

    def join(self, words: Words) -> None:
        """
        A message that is like it was not allowed either: the core is what it has in common with
        all others.
        """
        self._least = min(self._least, len(words))
        if len(self._members) >= MEMBERS_MAX:
            return
        self._longest = max(self._longest, len(words))
        self.core = overlap(self.core, words)
        self._members.append(words)
        self._gaps = [_there(self.core, member) for member in self._members]


def gaps_of(core: Words, words: Words) -> tuple[Words, ...] | None:
    """
    What stands before, between and after the words of the core; None where it is not in there.

    Of several ways to find it there the one that ends first.
    """
    gaps: list[Words] = []
    begin = 0
    for word in core:
        try:
            at = words.index(word, begin)
        except ValueError:
            return None
        gaps.append(words[begin:at])
        begin = at + 1
    gaps.append(words[begin:])
    return tuple(gaps)


def _there(core: Words, member: Words) -> tuple[Words, ...]:
    found = gaps_of(core, member)
    assert found is not None, "the core is what its members have in common"
    return found
