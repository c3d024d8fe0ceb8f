"""
One answer -> the doubt it leaves: the probability that asking again would give another label. Pure.

The numbers come from 6,571 public calls of gpt-oss-safeguard-20b (the logs of
raxITlabs/gpt-oss-safeguard-testing at 375f11a, counted anew): two calls with one text disagreed in
8.6 % of pairs, and the longest 20 % of the calls by reasoning held 46 of the 65 texts whose label
changed. What was not measured is a guess, says so below, and gives way to what second looks find
(see `calibration`).

Not used: the log-probability of the label. After a chain of thought the label follows from what was
thought, so that it is near 1 for right and wrong answers alike; what varies is the chain.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from consumer.classifier.parser import Reading, Repair
from consumer.domain.policy import Policy
from consumer.domain.tokens import tokens_of
from consumer.domain.verdicts.certainty import Sign
from consumer.domain.verdicts.verdict import Judgement

DOUBT_ON_AVERAGE = 0.086
"""The measured disagreement of two calls, where nothing is known of an answer."""

DOUBT_BY_LENGTH = ((0.0, 0.010), (0.8, 0.053), (1.0, 0.555))
"""
Doubt by the share of answers whose reasoning is shorter, straight between two points.

The averages below and above 0.8 are the measured ones: 0.086 x 19/65 / 0.8 = 0.031 of the shortest
80 % and 0.086 x 46/65 / 0.2 = 0.304 of the longest 20 %.
"""

FACTORS: Mapping[Sign, float] = {
    # Measured: 30 % of repeated prompt injections changed their label, and only there were refusals
    # seen; the odds of 0.30 are 4.5 times those of 0.086.
    Sign.REFUSAL_BEFORE: 4.5,
    # Guessed: nobody has counted these.
    Sign.RULES_DROPPED: 2.0,
    Sign.QUOTE_NOT_FOUND: 2.0,
    Sign.REPAIR: 1.5,
}
"""By how much each sign multiplies the odds of doubt."""

WORD_FACTORS: Mapping[str | None, float] = {"low": 3.0, "medium": 1.5}
"""The same for the model's own word. Guessed; such words are coarse and mostly too sure."""

QUOTES_MAX = 4
"""More quotes of one rationale are not looked at."""
_QUOTE = re.compile(r'"([^"]{3,200})"|“([^”]{3,200})”')
_GAP = re.compile(r"\s*(?:\.\.\.|…)\s*")


def doubt_of(shorter: float | None, signs: Sequence[Sign], word: str | None = None) -> float:
    """
    The probability that asking again would give another label.

    `shorter` is the share of the policy's recent answers with a shorter reasoning, or None where
    that is not known; `word` is the model's own, which counts where it is among the signs.
    """
    doubt = DOUBT_ON_AVERAGE if shorter is None else _by_length(shorter)
    if not signs:
        return doubt
    odds = doubt / (1 - doubt)
    for sign in signs:
        is_word = sign is Sign.CONFIDENCE_WORD
        odds *= WORD_FACTORS.get(word, 1.0) if is_word else FACTORS.get(sign, 1.0)
    return odds / (1 + odds)


def signs_of(reading: Reading, policy: Policy, text: str, has_refused: bool) -> tuple[Sign, ...]:
    """The signs of doubt in an answer to `text`; `has_refused`: at an earlier attempt."""
    judgement = reading.judgement
    signs: list[Sign] = []
    if judgement.confidence in WORD_FACTORS:
        signs.append(Sign.CONFIDENCE_WORD)
    if reading.repair is not Repair.NONE:
        signs.append(Sign.REPAIR)
    if has_refused:
        signs.append(Sign.REFUSAL_BEFORE)
    if judgement.rules_dropped:
        signs.append(Sign.RULES_DROPPED)
    if _misquotes(judgement.rationale, text, policy):
        signs.append(Sign.QUOTE_NOT_FOUND)
    return tuple(signs)


def reasoning_length(judgement: Judgement) -> float | None:
    """
    In tokens; from the length of the reasoning where the server does not count them.

    None where it gives neither: then no score of this endpoint rests on it.
    """
    counted = judgement.tokens.reasoning
    return counted or tokens_of(judgement.reasoning) or None


def _by_length(shorter: float) -> float:
    upper = 1
    while shorter > DOUBT_BY_LENGTH[upper][0]:
        upper += 1
    (at, doubt), (next_at, next_doubt) = DOUBT_BY_LENGTH[upper - 1], DOUBT_BY_LENGTH[upper]
    return doubt + (next_doubt - doubt) * (shorter - at) / (next_at - at)


def _misquotes(rationale: str, text: str, policy: Policy) -> bool:
    """Whether the rationale quotes what stands neither in the text nor in the policy."""
    if '"' not in rationale and "“" not in rationale:
        return False
    quotes = ["".join(found) for found in _QUOTE.findall(rationale)[:QUOTES_MAX]]
    parts = [part for quote in quotes for part in _GAP.split(quote.strip(" .,!?;:")) if part]
    if all(part in text for part in parts):
        return False
    folded = " ".join(text.casefold().split())
    known = " ".join(
        (policy.text, *policy.rules, *policy.labels, *policy.rules.values())
    ).casefold()
    return any(
        part not in folded and part not in known
        for part in (" ".join(part.casefold().split()) for part in parts)
    )
