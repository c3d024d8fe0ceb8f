"""Certify: what examples that training never saw show of a filter, by the code of workers. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from consumer.screening.prefilter.example import FilterExample
from consumer.screening.prefilter.head import RecallShown
from consumer.screening.prefilter.prefilter import Prefilter
from consumer.screening.prefilter.recall import Positive, recall_low, recall_of


def certify(prefilter: Prefilter, examples: Sequence[FilterExample], alpha: float) -> RecallShown:
    """What examples that training never saw show of a filter."""
    looks = prefilter.looks([example.text for example in examples])
    is_settled = [look.is_settled for look in looks]
    positives = [
        Positive(settled, example.weight)
        for settled, example in zip(is_settled, examples, strict=True)
        if example.is_positive
    ]
    total = sum(example.weight for example in examples)
    kept = sum(e.weight for e, settled in zip(examples, is_settled, strict=True) if settled)
    return RecallShown(
        positives=len(positives),
        missed=sum(positive.is_missed for positive in positives),
        recall=recall_of(positives),
        low=recall_low(positives, alpha),
        settled=kept / total if total else 0.0,
    )
