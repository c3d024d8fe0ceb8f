"""
Prefilter: whether a text is settled as allowed before the model is asked, and why not.

Start reading here. It settles nothing but allow, and nothing that is disguised, unfamiliar or as
likely as the threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice
from typing import Literal

import numpy

from consumer.domain.value import Value
from consumer.screening.prefilter.artefact import FilterArtefact
from consumer.screening.prefilter.features import WORDS_MAX
from consumer.screening.prefilter.lexicon import Lexicon, Numbers
from consumer.screening.prefilter.parts import PART_WORDS, parts_of
from consumer.screening.prefilter.scorer import Scorer, TextScore, WordShare
from consumer.screening.texts.disguise import Disguise, disguised
from consumer.screening.texts.normalise import normal_words

PARTS_SHOWN = 12
"""Of an explanation: what lies beyond adds little."""

BATCH_MAX = 512
"""Texts that are looked at together: more at once gain nothing, and would take more memory."""

AskedFor = Literal["score", "unfamiliar words", "no words"] | Disguise


class FilterLook(Value, frozen=True):
    """What the filter says of a text."""

    is_settled: bool
    """Allowed without the model, but for the audits."""
    score: float
    """Probability that the verdict is not allow, 0 to 1; of a long text that of its worst part."""
    familiar: float
    """Share of the text's words that training saw; of a long text the least of its parts'."""
    asked_for: AskedFor | None
    """Why the model is asked; None where the text is settled."""


class Prefilter:
    """The filter of one policy version."""

    def __init__(self, artefact: FilterArtefact) -> None:
        head = artefact.head
        self.head = head
        self.digest = artefact.digest
        self._threshold = head.threshold
        self._familiar_min = head.familiar_min
        self._lexicon = Lexicon(artefact.model)
        self._scorer = Scorer(artefact.model, self._lexicon)

    def __repr__(self) -> str:
        return f"<Prefilter {self.digest[:8]} for {self.head.version} below {self._threshold:.4f}>"

    def look(self, text: str) -> FilterLook:
        """Of one text."""
        (found,) = self.looks([text])
        return found

    def looks(self, texts: Sequence[str]) -> list[FilterLook]:
        """Of each; many at once cost a third of what they cost one by one."""
        found: list[FilterLook] = []
        for at in range(0, len(texts), BATCH_MAX):
            found += self._looks(texts[at : at + BATCH_MAX])
        return found

    def _looks(self, texts: Sequence[str]) -> list[FilterLook]:
        words, lengths, looks = self._lexicon.read(texts)
        if lengths.max() > PART_WORDS:
            scored = self._scored_by_parts(words, lengths)
        else:
            scored = self._scorer.score(words, lengths)
        return [*map(self._look, texts, scored, looks, lengths.tolist())]

    def _scored_by_parts(self, words: Numbers, lengths: Numbers) -> list[TextScore]:
        """Of a long text the worst of all, and of it as a whole."""
        whole = numpy.split(words, numpy.cumsum(lengths)[:-1])
        parts = [[text[part] for part in parts_of(min(len(text), WORDS_MAX))] for text in whole]
        flat = [*chain.from_iterable(parts)]
        scored = iter(
            self._scorer.score(numpy.concatenate(flat), numpy.array([*map(len, flat)], numpy.int64))
        )
        return [_worst([*islice(scored, len(of_text))]) for of_text in parts]

    def _look(self, text: str, scored: TextScore, look: complex, length: int) -> FilterLook:
        score, familiar = scored.probability, scored.familiar
        asked_for: AskedFor | None
        if score >= self._threshold:
            asked_for = "score"
        elif not length:
            asked_for = "no words"
        elif familiar < self._familiar_min:
            asked_for = "unfamiliar words"
        else:
            asked_for = disguised(text, look)
        return FilterLook(asked_for is None, score, familiar, asked_for)

    def explain(self, text: str) -> list[WordShare]:
        """What adds most to the text's score, for or against."""
        return self._scorer.explain(normal_words(text)[:WORDS_MAX], PARTS_SHOWN)


def _worst(parts: Sequence[TextScore]) -> TextScore:
    return TextScore(max(part.probability for part in parts), min(part.familiar for part in parts))
