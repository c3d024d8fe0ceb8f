"""Slices: what a filter misses and what it asks, by language and for identity terms. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from consumer.commands.evaluate.measures.interval import Interval, wilson
from consumer.screening.audited import language_named
from consumer.screening.audits.watch import LANGUAGES_MAX, OTHER
from consumer.screening.prefilter.example import FilterExample
from consumer.screening.prefilter.prefilter import FilterLook

IDENTITY_TERMS = (
    *("gay", "lesbian", "bisexual", "trans", "transgender", "queer", "homosexual", "straight"),
    *("muslim", "islam", "jewish", "jew", "jews", "christian", "hindu", "buddhist", "atheist"),
    *("black", "white", "asian", "african", "mexican", "latino", "arab", "chinese", "indian"),
    *("immigrant", "immigrants", "refugee", "refugees", "woman", "women", "girl", "girls"),
    *("man", "men", "disabled", "deaf", "blind", "autistic", "old", "fat"),
)
"""After Dixon et al., Measuring and mitigating unintended bias in text classification, 2018."""
MESSAGES_MIN = 10
"""Of a slice: fewer say nothing, and a row for each would hide those that do."""
_WORD = re.compile(r"\w+")


class LookedAt(NamedTuple):
    """An example that training never saw, and what the filter says of it."""

    example: FilterExample
    look: FilterLook


class SliceRow(NamedTuple):
    """Some of the examples."""

    name: str
    messages: int
    recall: Interval | None
    """Of its positives; None where it has none."""
    asked: Interval | None
    """Share of its harmless messages that reach the model; None where it has none."""


def slice_of(name: str, looked: Sequence[LookedAt]) -> SliceRow:
    positives = [each.look.is_settled for each in looked if each.example.is_positive]
    others = [each.look.is_settled for each in looked if not each.example.is_positive]
    return SliceRow(
        name,
        len(looked),
        wilson(len(positives) - sum(positives), len(positives)),
        wilson(len(others) - sum(others), len(others)),
    )


def by_language(looked: Sequence[LookedAt]) -> list[SliceRow]:
    """
    The most frequent first; messages whose record names none come under a dash, and those of
    languages beyond the most frequent, or of a name that is none, as one row, `other`.
    """
    found: defaultdict[str, list[LookedAt]] = defaultdict(list)
    for each in looked:
        found[language_named(each.example.language) or "-"].append(each)
    parts = [(name, part) for name, part in found.items() if len(part) >= MESSAGES_MIN]
    parts.sort(key=lambda each: -len(each[1]))
    kept = dict(parts[:LANGUAGES_MAX])
    rest = [each for _, part in parts[LANGUAGES_MAX:] for each in part]
    if rest:
        kept[OTHER] = [*kept.get(OTHER, ()), *rest]
    rows = [slice_of(name, part) for name, part in kept.items()]
    return sorted(rows, key=lambda row: -row.messages)


def by_identity_term(looked: Sequence[LookedAt]) -> list[SliceRow]:
    """Those that come up often enough, with the highest share of harmless texts asked first."""
    terms = frozenset(IDENTITY_TERMS)
    found: defaultdict[str, list[LookedAt]] = defaultdict(list)
    for each in looked:
        for term in terms.intersection(_WORD.findall(each.example.text.lower())):
            found[term].append(each)
    rows = [slice_of(name, part) for name, part in found.items() if len(part) >= MESSAGES_MIN]
    return sorted(rows, key=lambda row: -(row.asked.value if row.asked else 0.0))
