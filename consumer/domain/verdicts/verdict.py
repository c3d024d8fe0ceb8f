"""
What was decided about a message: the judgements, and the verdict that is made of them.

The words of the enumerations are on the wire (`envelope.py`): change them only by adding.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from hashlib import blake2b
from operator import attrgetter
from typing import NamedTuple

from consumer.domain.messages.context import Context
from consumer.domain.messages.message import Message, Position
from consumer.domain.policy import Outcome, PolicyVersion
from consumer.domain.value import Value
from consumer.domain.verdicts.certainty import Certainty, SecondLook


class Cause(StrEnum):
    """Who or what decided."""

    MODEL = "model"
    MEMO = "memo"
    """The model, about the very same text a little earlier."""
    NEAR_DUPLICATE = "near-duplicate"
    """The model, about several messages that say nearly the same, none of them this one."""
    LIST = "list"
    """A list of the topic's, before anybody was asked."""
    PREFILTER = "prefilter"
    """The small classifier that was learned from the model's own answers."""
    DECISION = "decision"
    """A decision endpoint."""
    SKIPPED = "skipped"
    DELETED = "deleted"
    """Its author or the platform took the message away; nobody judged anything."""
    OVERTAKEN = "overtaken"
    """A later edit or a deletion came before it was judged, so nobody is to see this text."""
    UNJUDGED = "unjudged"
    REPLAY = "replay"
    """The model, in a later run of `safeguard rejudge`."""
    HUMAN = "human"
    """A reviewer, about a message that was flagged or reported."""
    APPEAL = "appeal"
    """A reviewer, about an appeal against an earlier verdict."""


class UnjudgedReason(StrEnum):
    """Why a message could not be judged. The topic's `on_unjudged` then decides."""

    TOO_LONG = "too_long"
    DEADLINE = "deadline"
    TOO_OLD = "too_old"
    MODEL_FAULT = "model_fault"
    CALL_FAILED = "call_failed"
    REFUSED = "refused"
    OUTAGE = "outage"
    STUCK = "stuck"
    BUDGET = "budget"
    """Its topic's budget was spent and does not wait for room."""


class Tokens(NamedTuple):
    """What a judgement cost, in tokens, as the server counted them."""

    prompt: int = 0
    cached: int = 0
    reasoning: int = 0
    completion: int = 0

    def __add__(self, other: object) -> Tokens:
        if not isinstance(other, Tokens):
            return NotImplemented
        if self is NO_TOKENS:
            # Where most sums begin, and end with one call.
            return other
        return Tokens(
            self.prompt + other.prompt,
            self.cached + other.cached,
            self.reasoning + other.reasoning,
            self.completion + other.completion,
        )


NO_TOKENS = Tokens()


class Screened(Value, frozen=True):
    """What a stage before the model said of a message, whether or not that settled it."""

    stage: Cause
    score: float | None = None
    """How like it was, or how likely; None where the stage knows only yes and no."""
    artefact: str = ""
    """
    What the stage went by: the digest of its list or classifier, or the id of the verdict that a
    text like this one was given when the model was asked.
    """
    audit_probability: float | None = None
    """How likely the model was to be asked all the same; None where the stage is not audited."""


class Judgement(Value, frozen=True):
    """What the model answered under one policy, parsed and checked against that policy."""

    policy: str
    label: str
    outcome: Outcome
    rules: tuple[str, ...] = ()
    confidence: str | None = None
    """The model's own word (low, medium, high), not a probability; None where it gave none."""
    rationale: str = ""
    reasoning: str = ""
    effort: str = ""
    tokens: Tokens = NO_TOKENS
    rules_dropped: int = 0
    """Rule ids the model cited that the policy does not have."""
    certainty: Certainty | None = None
    second_look: SecondLook | None = None
    """None where there was none; then the outcome is the label's, else it may be more severe."""


class Verdict(Value, frozen=True):
    """Our recorded outcome for one message under one version."""

    id: str
    outcome: Outcome
    cause: Cause
    message: Message
    version: PolicyVersion
    judgements: tuple[Judgement, ...] = ()
    unjudged_reason: UnjudgedReason | None = None
    model: str = ""
    template: str = ""
    endpoint: str = ""
    judged_at_ms: int = 0
    queued_ms: float = 0.0
    """From the worker taking the record to the first call."""
    model_ms: float = 0.0
    """The calls to the model, from the first request to the last answer."""
    supersedes: str | None = None
    """The id of the verdict that this one replaces; None for a first verdict."""
    context: Context | None = None
    """What the model was shown beside the message; None where the topic has no context."""
    screened: Screened | None = None
    """What a stage before the model said of it; None where none said anything."""


def verdict_id(source: str, position: Position, group: str, digest: str) -> str:
    """
    The id of a first verdict: the same record under the same policies has it for ever.

    `source` is the topic's id where the broker gives one, else its name.
    """
    text = f"{source}\n{position.partition}\n{position.offset}\n{group}\n{digest}"
    return blake2b(text.encode(), digest_size=16).hexdigest()


def superseding_id(superseded: str, cause: Cause, run: str) -> str:
    """
    The id of a verdict that replaces another one.

    `run` names the run or the decision that it comes from: sent twice by one run it is the same
    verdict, and a later run's is another.
    """
    return blake2b(f"{superseded}\n{cause}\n{run}".encode(), digest_size=16).hexdigest()


_severity = attrgetter("severity")


def most_severe(outcomes: Sequence[Outcome]) -> Outcome:
    """The most severe of one or more outcomes."""
    return max(outcomes, key=_severity)


def confidence_of(outcome: Outcome, judgements: Sequence[Judgement]) -> Certainty | None:
    """
    How sure an outcome is: as sure as the least sure of the judgements that it follows from.

    None where it follows from no judgement, such as that of a message that was left unjudged.
    """
    least: Certainty | None = None
    for judgement in judgements:
        certainty = judgement.certainty
        if judgement.outcome is not outcome or certainty is None:
            continue
        if least is None or certainty.score < least.score:
            least = certainty
    return least
