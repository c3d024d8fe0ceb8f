"""
Why an answer is no judgement, and the finish reasons by which servers say so. Pure.

A refusal comes in many dresses: words, a field, a finish reason. Each is told apart from other
faults, since it is never milder than flag whatever the topic says of unjudged messages. The words
are in `refusal`; what an error says that stands in an answer's place is read by `blame`.
"""

from __future__ import annotations

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


_FINISHES = (
    (Fault.TRUNCATED, ("length", "max", "truncat", "incomplete", "token_limit")),
    (
        Fault.REFUSAL,
        (
            *("filter", "safety", "refus", "block", "prohibit", "guardrail", "moderat"),
            # Alibaba's data_inspection_failed is no failure.
            *("sensitive", "recitation", "policy", "inspection", "toxic", "spii"),
        ),
    ),
    (
        Fault.ERROR_IN_BODY,
        ("error", "fail", "abort", "cancel", "interrupt", "insufficient", "timeout"),
    ),
)
