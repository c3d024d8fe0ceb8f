"""The answer to one question, a text under one policy, as it is kept. It holds no text. Pure."""

from __future__ import annotations

from typing import NamedTuple

import orjson

from consumer.classifier.hearsay import LABEL_CHARS_MAX, label_given
from consumer.commands.evaluate.runs.quotes import quoted_in
from consumer.domain.policy import Outcome, Policy
from consumer.domain.verdicts.judged import Judged
from consumer.domain.verdicts.verdict import Tokens, UnjudgedReason

FAULTS_MAX = 8
"""Of one text, in the kept file; a text is asked about less often than that."""


class KeptAnswer(NamedTuple):
    """What came of one text under one policy in one run."""

    key: str
    case: str
    """The digest of the text."""
    run: str
    policy: str
    label: str | None
    """None where it was not judged."""
    outcome: Outcome | None
    """Of the label, or more severe where two looks differed."""
    reason: UnjudgedReason | None
    faults: tuple[tuple[str, str], ...]
    """Calls that gave no judgement: the fault's name, and the label that the model gave."""
    score: float | None
    """How sure the judgement is."""
    is_calibrated: bool
    looked_again: bool
    ms: float
    calls: int
    tokens: Tokens
    """Of all calls, those that gave no judgement too."""
    rules: tuple[str, ...] = ()
    """That the judgement cites."""
    quoted: tuple[str, ...] = ()
    """Words of the policy that the model repeated; never words of the text."""

    @property
    def is_final(self) -> bool:
        """Whether asking again is pointless: what an outage left open is asked again."""
        return self.reason not in (UnjudgedReason.OUTAGE, UnjudgedReason.CALL_FAILED)

    def line(self) -> bytes:
        """One line of the results file."""
        return orjson.dumps(self._asdict() | {"tokens": list(self.tokens)}) + b"\n"


def answer_of(
    key: str, case: str, run: str, policy: Policy, judged: Judged, text: str
) -> KeptAnswer:
    """The answer in what the classifier said of one text under one policy."""
    judgement = judged.judgements[0] if judged.judgements else None
    # A piece of a long text without a judgement leaves the whole unjudged, unless it is a block.
    if judged.unjudged and judgement is not None and judgement.outcome is not Outcome.BLOCK:
        judgement = None
    certainty = judgement.certainty if judgement else None
    unjudged = judged.unjudged or UnjudgedReason.MODEL_FAULT
    return KeptAnswer(
        key,
        case,
        run,
        policy.name,
        judgement.label if judgement else None,
        judgement.outcome if judgement else None,
        None if judgement else unjudged,
        tuple(
            (heard.fault, (label_given(heard.answer) or "")[:LABEL_CHARS_MAX])
            for heard in judged.heard
            if heard.fault
        )[:FAULTS_MAX],
        certainty.score if certainty else None,
        bool(certainty and certainty.is_calibrated),
        bool(judgement and judgement.second_look),
        round(judged.model_ms, 1),
        judged.usage.calls,
        judged.usage.tokens,
        judgement.rules if judgement else (),
        quoted_in(policy, f"{judgement.reasoning}\n{judgement.rationale}", text)
        if judgement
        else (),
    )


def answer_in(line: bytes) -> KeptAnswer | None:
    """The answer in a line of the results file; None where it is no such line."""
    try:
        fields = orjson.loads(line)
        outcome, reason = fields["outcome"], fields["reason"]
        return KeptAnswer(
            **fields
            | {
                "outcome": None if outcome is None else Outcome(outcome),
                "reason": None if reason is None else UnjudgedReason(reason),
                "faults": tuple((str(fault), str(label)) for fault, label in fields["faults"]),
                "tokens": Tokens(*fields["tokens"]),
                "rules": tuple(map(str, fields.get("rules", ()))),
                "quoted": tuple(map(str, fields.get("quoted", ()))),
            }
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None
