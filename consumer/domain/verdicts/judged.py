"""What was said of one message, by the model or instead of it, before anything is decided."""

from __future__ import annotations

from typing import NamedTuple

from consumer.domain.messages.context import Context
from consumer.domain.policy import Outcome
from consumer.domain.value import Value
from consumer.domain.verdicts.usage import NO_USAGE, Usage
from consumer.domain.verdicts.verdict import Cause, Judgement, Screened, UnjudgedReason


class Heard(NamedTuple):
    """How one call under one policy ended: for people who look on, never for a log or a verdict."""

    policy: str
    fault: str = ""
    """Why it gave no judgement, by the name that the metrics have; empty where it gave one."""
    why: str = ""
    """The fault in words, where it was not the answer's."""
    answer: str = ""
    """What the model said, as it came; empty where it said nothing."""


class Judged(Value, frozen=True):
    """What was said of one message: judgements, and why some are missing; or what settled it."""

    judgements: tuple[Judgement, ...]
    unjudged: UnjudgedReason | None = None
    model_ms: float = 0.0
    endpoint: str = ""
    model: str = ""
    template: str = ""
    usage: Usage = NO_USAGE
    """What all calls for it cost, with those that gave no judgement."""
    context: Context | None = None
    """What the model was shown beside the message."""
    heard: tuple[Heard, ...] = ()
    """How the last calls ended, in that order; empty where nobody listens, as in a worker."""
    cause: Cause = Cause.MODEL
    """Where it comes from."""
    settled: Outcome | None = None
    """The outcome, where something other than a judgement gives it."""
    screened: Screened | None = None
    """What a stage before the model said of it."""
