"""
How sure a judgement is: a score, what it rests on, and what a second look at it found.

The score is the probability that asking again would give the same label. It says nothing of a label
that is wrong each time it is asked for.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from consumer.domain.policy import Look


class Sign(StrEnum):
    """What a score rests on, beside the average of all answers."""

    REASONING_LENGTH = "reasoning_length"
    """How long the model reasoned, among its recent answers under the same policy."""
    CONFIDENCE_WORD = "confidence_word"
    """The model itself said low or medium."""
    REPAIR = "repair"
    """The answer had to be dug out of something that was not asked for."""
    REFUSAL_BEFORE = "refusal_before"
    """At an earlier attempt the model refused to classify."""
    RULES_DROPPED = "rules_dropped"
    """The model cited rules that the policy does not have."""
    QUOTE_NOT_FOUND = "quote_not_found"
    """The rationale quotes words that are not in the text."""
    SECOND_LOOK = "second_look"
    """The text was judged once more; see the judgement's second look."""
    SECOND_LOOK_MISSING = "second_look_missing"
    """It was to be judged once more, and no time was left or no answer came."""


class Certainty(NamedTuple):
    """The probability that asking again would give the same label, and where it comes from."""

    score: float
    is_calibrated: bool
    """Whether enough second looks at such answers were counted; else it is a published average."""
    rests_on: tuple[Sign, ...]


class SecondLook(NamedTuple):
    """What came of judging a text once more under the same policy."""

    how: Look
    agreed: bool
    """Whether every look gave the same label. Where not, the outcome is flag or more severe."""
    labels: tuple[str, ...]
    """In the order asked for; the first is the label of the first look."""
