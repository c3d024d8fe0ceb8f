"""
Train: a filter from judged messages, with its threshold and what was shown of it.

The earlier part of the examples is cut into blocks of time. Each block is scored by a model that
was learned from the other blocks; those scores set threshold and curve. The model that is kept is
the mean of these models: one that is learned from all blocks has larger weights, so that a
threshold from smaller ones would miss more than was demanded. The last part only certifies, and by
the very code that workers run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice, pairwise
from typing import NamedTuple

from consumer.errors import InvalidSettings
from consumer.screening.prefilter.artefact import FilterArtefact, decode, encode
from consumer.screening.prefilter.certify import certify
from consumer.screening.prefilter.example import FilterExample, Split, split_by_time
from consumer.screening.prefilter.features import WORDS_MAX
from consumer.screening.prefilter.fit import Curve, Fitted, TextMatrix, fit_curve, mean_of
from consumer.screening.prefilter.head import Counts, FilterHead, RecallShown
from consumer.screening.prefilter.model import familiar_bits
from consumer.screening.prefilter.parts import parts_of
from consumer.screening.prefilter.prefilter import Prefilter
from consumer.screening.prefilter.recall import (
    CERTAIN,
    lowered,
    recall_to_aim_at,
    threshold_for,
)
from consumer.screening.prefilter.scorer import logistic
from consumer.screening.texts.disguise import disguise
from consumer.screening.texts.normalise import normal_words

BLOCKS = 5
"""Of time; more cost more and change little."""
POSITIVES_MIN = 20
"""In the earlier part: fewer say nothing, however they are split."""
FAMILIAR_MIN = 0.5
"""A text of which training saw fewer words is in another language, or about something new."""
CERTIFYING_SHARE = 0.3
"""Of the positives: with half little is left to learn from, with a tenth little is shown."""
LANGUAGES_KEPT_MAX = 20
"""Languages named in the head, the most frequent."""


class Purpose(NamedTuple):
    """For what a filter is made."""

    topic: str
    version: str
    version_digest: str
    model: str
    template: str
    made_at: str
    """RFC 3339."""
    recall: float
    alpha: float = 0.05
    near_share: float = 0.05
    certifying_share: float = CERTIFYING_SHARE
    certain: float = CERTAIN
    """
    The threshold is chosen so that the last part shows the recall with this probability; 0: so that
    the recall is the demanded one, which half of all samples then fail to show.
    """


class Scored(NamedTuple):
    """Examples of the earlier part, each scored by a model that has not seen it."""

    scores: list[float]
    """1 where the text is never settled, whatever it scores: then it cannot be missed."""
    curve: Curve
    fitted: Fitted
    """The mean of those models."""


class LearnedFilter(NamedTuple):
    """All that does not depend on what recall is demanded."""

    split: Split
    scored: Scored
    familiar: bytes


def train(examples: Sequence[FilterExample], purpose: Purpose) -> FilterArtefact:
    """
    Learn a filter and certify it. Whether the recall was shown stands in its head.

    Raises:
        InvalidSettings: the extra is not installed, or there is too little to learn from.
    """
    return filter_for(learn(examples, purpose.certifying_share), purpose)


def learn(examples: Sequence[FilterExample], certifying_share: float) -> LearnedFilter:
    """Learn from the earlier part."""
    split = split_by_time(examples, certifying_share)
    _check(split)
    texts = [normal_words(example.text)[:WORDS_MAX] for example in split.learned]
    parts = [[words[part] for part in parts_of(len(words))] for words in texts]
    matrix = TextMatrix([" ".join(words) for words in _rows_of(parts)])
    labels = [example.is_positive for example in split.learned]
    weights = [example.weight for example in split.learned]
    scored = _scored_by_others(matrix, split.learned, labels, weights, _places_of(parts))
    return LearnedFilter(split, scored, familiar_bits(sorted(matrix.names(range(len(labels))))))


def filter_for(learned: LearnedFilter, purpose: Purpose) -> FilterArtefact:
    """Choose the threshold for the demanded recall, and certify what comes of it."""
    split, (scores, curve, fitted), familiar = learned
    aim = purpose.recall
    if purpose.certain:
        count = _counts(split.certifying).positives
        aim = recall_to_aim_at(count, purpose.recall, purpose.alpha, purpose.certain)
    labels = [example.is_positive for example in split.learned]
    weights = [example.weight for example in split.learned]
    threshold = lowered(threshold_for(scores, labels, weights, aim), scores, labels, weights)
    head = FilterHead(
        made_at=purpose.made_at,
        topic=purpose.topic,
        version=purpose.version,
        version_digest=purpose.version_digest,
        model=purpose.model,
        template=purpose.template,
        since_ms=split.learned[0].timestamp_ms,
        until_ms=split.certifying[-1].timestamp_ms,
        certified_since_ms=split.certifying[0].timestamp_ms,
        learned=_counts(split.learned),
        certified=_counts(split.certifying),
        languages=_languages(split.learned),
        recall=purpose.recall,
        alpha=purpose.alpha,
        threshold=threshold,
        near_from=_near_from(scores, threshold, purpose.near_share),
        familiar_min=FAMILIAR_MIN,
        shown=RecallShown(positives=0, missed=0, recall=0.0, low=0.0, settled=0.0),
        bias=fitted.bias,
        slope=curve.slope,
        offset=curve.offset,
    )
    draft = decode(encode(head, fitted.weights, familiar), "the filter just made")
    shown = certify(Prefilter(draft), split.certifying, purpose.alpha)
    whole = encode(head.model_copy(update={"shown": shown}), fitted.weights, familiar)
    return decode(whole, "the filter just made")


def _scored_by_others(
    matrix: TextMatrix,
    examples: Sequence[FilterExample],
    labels: Sequence[bool],
    weights: Sequence[float],
    parts: Sequence[Sequence[int]],
) -> Scored:
    """`parts` are the rows of each text; the first is the whole, which alone is learned from."""
    sums: list[float] = []
    worst: list[float] = []
    models: list[Fitted] = []
    is_asked: list[bool] = []
    bounds = [len(examples) * block // BLOCKS for block in range(BLOCKS + 1)]
    for start, end in pairwise(bounds):
        others = [*range(start), *range(end, len(examples))]
        models.append(matrix.fit(others, labels, weights))
        sums += matrix.sums(range(start, end), models[-1])
        of_parts = iter(matrix.sums([*chain.from_iterable(parts[start:end])], models[-1]))
        worst += [max(islice(of_parts, len(rows))) for rows in parts[start:end]]
        known = matrix.names(others)
        is_asked += [
            min(matrix.familiar(row, known) for row in rows) < FAMILIAR_MIN
            or disguise(example.text) is not None
            for rows, example in zip(parts[start:end], examples[start:end], strict=True)
        ]
    curve = fit_curve(sums, labels, weights)
    scores = [
        1.0 if asked else logistic(curve.slope * total + curve.offset)
        for total, asked in zip(worst, is_asked, strict=True)
    ]
    return Scored(scores, curve, mean_of(models))


def _rows_of(parts: Sequence[Sequence[list[str]]]) -> Iterator[list[str]]:
    """All texts as wholes, then the parts of the long ones."""
    yield from (whole for whole, *_ in parts)
    yield from chain.from_iterable(others for _, *others in parts)


def _places_of(parts: Sequence[Sequence[list[str]]]) -> list[list[int]]:
    """Which rows are those of each text."""
    places, end = [], len(parts)
    for row, (_, *others) in enumerate(parts):
        places.append([row, *range(end, end + len(others))])
        end += len(others)
    return places


def _near_from(scores: Sequence[float], threshold: float, share: float) -> float:
    """From what score on the uppermost share of what is settled lies."""
    settled = sorted(score for score in scores if score < threshold)
    return settled[min(len(settled) - 1, int(len(settled) * (1.0 - share)))] if settled else 0.0


def _counts(examples: Sequence[FilterExample]) -> Counts:
    positives = sum(example.is_positive for example in examples)
    return Counts(positives=positives, negatives=len(examples) - positives)


def _languages(examples: Sequence[FilterExample]) -> dict[str, int]:
    named = Counter(example.language for example in examples if example.language)
    return dict(named.most_common(LANGUAGES_KEPT_MAX))


def _check(split: Split) -> None:
    learned, certifying = _counts(split.learned), _counts(split.certifying)
    if learned.positives < POSITIVES_MIN or learned.negatives < POSITIVES_MIN:
        raise InvalidSettings(
            f"too little to learn from: {learned.positives} positives and {learned.negatives} "
            f"others in the earlier part, where {POSITIVES_MIN} of each are the least; "
            f"{certifying.positives} positives were kept back to certify"
        )
    if BLOCKS > 1 and min(_positives_of_others(split.learned)) < POSITIVES_MIN // 2:
        raise InvalidSettings(
            "nearly all positives came within a short time: nothing could be learned without it. "
            "Take a longer window"
        )


def _positives_of_others(examples: Sequence[FilterExample]) -> list[int]:
    """By block: the positives, or others if fewer, that all other blocks have."""
    bounds = [len(examples) * block // BLOCKS for block in range(BLOCKS + 1)]
    found = []
    for start, end in pairwise(bounds):
        others = _counts([*examples[:start], *examples[end:]])
        found.append(min(others.positives, others.negatives))
    return found
