"""
Prefilter: whether a text is settled as allowed before the model is asked, and why not.

Start reading here. It settles nothing but allow, and nothing that is disguised, unfamiliar or as
likely as the threshold.
"""

from __future__ import annotations

from typing import Literal

from consumer.domain.value import Value
from consumer.screening.disguise import Disguise, disguise
from consumer.screening.normalise import normal_words
from consumer.screening.prefilter.artefact import FilterArtefact
from consumer.screening.prefilter.features import WORDS_MAX
from consumer.screening.prefilter.parts import PART_WORDS, parts_of
from consumer.screening.prefilter.scorer import Scorer, WordShare

PARTS_SHOWN = 12
"""Of an explanation: what lies beyond adds little."""

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
        self._scorer = Scorer(artefact.model)

    def __repr__(self) -> str:
        return f"<Prefilter {self.digest[:8]} for {self.head.version} below {self._threshold:.4f}>"

    def look(self, text: str, words: list[str] | None = None) -> FilterLook:
        """Of a text; whoever has its normalised words already passes those too."""
        if words is None:
            words = normal_words(text)
        scored = self._scorer.score(words)
        score, familiar = scored.probability, scored.familiar
        if len(words) > PART_WORDS:
            parts = [scored, *map(self._scorer.score, parts_of(words[:WORDS_MAX])[1:])]
            score = max(part.probability for part in parts)
            familiar = min(part.familiar for part in parts)
        asked_for: AskedFor | None
        if score >= self._threshold:
            asked_for = "score"
        elif not words:
            asked_for = "no words"
        elif familiar < self._familiar_min:
            asked_for = "unfamiliar words"
        else:
            asked_for = disguise(text)
        return FilterLook(asked_for is None, score, familiar, asked_for)

    def explain(self, text: str) -> list[WordShare]:
        """What adds most to the text's score, for or against."""
        return self._scorer.explain(normal_words(text), PARTS_SHOWN)
