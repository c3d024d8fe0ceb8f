"""
Why an answer is no judgement, and the words by which servers and models say so. Pure.

A refusal comes in many dresses: words, a field, a finish reason. Each is told apart from other
faults here, since it is never milder than flag whatever the topic says of unjudged messages. What
an error says that stands in an answer's place is read by `blame`.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Fault(StrEnum):
    """Why a completion is no judgement. `value` goes into logs and metrics."""

    NOT_A_COMPLETION = "not_a_completion"
    ERROR_IN_BODY = "error_in_body"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    RAW_HARMONY = "raw_harmony"
    REFUSAL = "refusal"
    UNREADABLE = "unreadable"
    AMBIGUOUS = "ambiguous"
    UNKNOWN_LABEL = "unknown_label"
    ONLY_IN_REASONING = "only_in_reasoning"
    PROMPT_TRUNCATED = "prompt_truncated"


def fault_of_finish(finish: object) -> Fault | None:
    """What a finish reason says against an answer; hosts pass on words of many providers."""
    if not isinstance(finish, str) or finish == "stop":
        return None
    word = finish.casefold()
    return next((fault for fault, signs in _FINISHES if any(s in word for s in signs)), None)


def is_refusal(answer: str) -> bool:
    """Whether an answer begins as a refusal: who refuses has not classified."""
    return _REFUSAL.match(answer) is not None


def declines(rationale: str) -> bool:
    """
    Whether the sentence beside a label refuses, as where a schema makes a label of a refusal.

    More narrow than `is_refusal`: a rationale may well begin with `I cannot find`.
    """
    return _DECLINES.match(rationale) is not None


_FINISHES = (
    (Fault.TRUNCATED, ("length", "max_", "truncat", "incomplete", "token_limit")),
    (
        Fault.REFUSAL,
        (
            *("filter", "safety", "refus", "block", "prohibit", "guardrail", "moderat"),
            # Alibaba's data_inspection_failed is no failure.
            *("sensitive", "recitation", "policy", "inspection"),
        ),
    ),
    (
        Fault.ERROR_IN_BODY,
        ("error", "fail", "abort", "cancel", "interrupt", "insufficient", "timeout"),
    ),
)
_UNABLE = (
    r"(?:i\s+(?:can(?:['’]?t|\s?not)|could(?:n['’]?t| not)|won['’]?t|will\s+not|must\s+decline)|"
    r"(?:i\s+am|i['’]m)\s+(?:unable|not\s+able|not\s+comfortable))\b"
)
_REFUSAL = re.compile(
    rf"\W*(?:(?:i['’]?\s?a?m\s+)?(?:very\s+|so\s+|really\s+)?sorry\b|i\s+apologi[sz]e\b|"
    rf"my\s+apologies\b|unfortunately,?\s+{_UNABLE}|{_UNABLE}|as an ai\b)",
    re.IGNORECASE,
)
_DECLINES = re.compile(
    rf"\W*(?:(?:(?:i['’]?\s?a?m\s+)?(?:very\s+|so\s+|really\s+)?sorry|i\s+apologi[sz]e|"
    rf"unfortunately)[,.]?\s+(?:but\s+)?)?{_UNABLE}\s+(?:to\s+)?"
    r"(?:help(?!\s+but\b)|assist|comply|continue|engage|fulfil|classify|respond)\b",
    re.IGNORECASE,
)
