"""
How a verdict becomes the value of a record.

From plain dictionaries, since it is done for every message; a test holds what is written to the
models of `envelope.py`.
"""

from __future__ import annotations

from typing import Any

import orjson

from consumer.domain.messages.message import Message
from consumer.domain.policy import Outcome
from consumer.domain.verdicts.certainty import Certainty
from consumer.domain.verdicts.headers import rfc3339
from consumer.domain.verdicts.verdict import Judgement, Screened, Verdict, confidence_of


def encode_envelope(verdict: Verdict, *, text_chars_max: int | None = None) -> bytes:
    """
    The envelope as JSON; on the flag outcome with text, rationale and reasoning for reviewers.

    `text_chars_max` cuts text and reasoning where the whole would not fit the topic.
    """
    message = verdict.message
    for_review = verdict.outcome is Outcome.FLAG
    about = _about(message)
    if for_review:
        about["text"] = message.text
        if text_chars_max is not None and len(message.text) > text_chars_max:
            about["text"] = message.text[:text_chars_max]
            about["text_cut"] = True
    position = message.position
    fields: dict[str, Any] = {
        "id": verdict.id,
        "outcome": verdict.outcome,
        "cause": verdict.cause,
        "position": {
            "topic": position.topic,
            "partition": position.partition,
            "offset": position.offset,
            "timestamp_ms": message.timestamp_ms,
        },
        "message": about,
        "policy_version": verdict.version.id,
        "policy_digest": verdict.version.digest,
        "judgements": [
            _judgement_fields(judgement, for_review, text_chars_max)
            for judgement in verdict.judgements
        ],
        "model": verdict.model,
        "template": verdict.template,
        "endpoint": verdict.endpoint,
        "timing_ms": _timing_fields(verdict.queued_ms, verdict.model_ms),
        "judged_at": rfc3339(verdict.judged_at_ms),
    }
    if verdict.unjudged_reason is not None:
        fields["unjudged_reason"] = verdict.unjudged_reason
    else:
        confidence = confidence_of(verdict.outcome, verdict.judgements)
        if confidence is not None:
            fields["confidence"] = _certainty_fields(confidence)
    if message.event is not None:
        fields["event"] = message.event
    if verdict.supersedes is not None:
        fields["supersedes"] = verdict.supersedes
    context = verdict.context
    if context is not None:
        fields["context"] = {"messages": len(context.lines), "author_facts": len(context.facts)}
        # What must be made smaller keeps the message, and lets go of what was said before it.
        if for_review and context.lines and text_chars_max is None:
            about["context"] = [line._asdict() for line in context.lines]
    if verdict.screened is not None:
        fields["screening"] = _screening_fields(verdict.screened)
    return orjson.dumps(fields)


def _about(message: Message) -> dict[str, Any]:
    """Whose message it is, as far as the record says; the text comes after."""
    about: dict[str, Any] = {"id": message.id}
    if message.author is not None:
        about["author"] = message.author
    if message.conversation is not None:
        about["conversation"] = message.conversation
    if message.language is not None:
        about["language"] = message.language
    elif message.language_guess is not None:
        about["language_guess"] = message.language_guess
    if message.unread:
        about["unread"] = message.unread
    return about


def _judgement_fields(
    judgement: Judgement, for_review: bool, chars_max: int | None
) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "policy": judgement.policy,
        "label": judgement.label,
        "outcome": judgement.outcome,
        "rules": judgement.rules,
        "confidence": judgement.confidence,
        "effort": judgement.effort,
        "tokens": {
            "prompt": judgement.tokens.prompt,
            "cached": judgement.tokens.cached,
            "reasoning": judgement.tokens.reasoning,
            "completion": judgement.tokens.completion,
        },
    }
    if judgement.certainty is not None:
        fields["certainty"] = _certainty_fields(judgement.certainty)
    if judgement.second_look is not None:
        how, agreed, labels = judgement.second_look
        fields["second_look"] = {"how": how, "agreed": agreed, "labels": labels}
    if for_review:
        fields["rationale"] = judgement.rationale
        fields["reasoning"] = judgement.reasoning[:chars_max]
    return fields


def _screening_fields(screened: Screened) -> dict[str, Any]:
    fields: dict[str, Any] = {"stage": screened.stage, "artefact": screened.artefact}
    if screened.score is not None:
        fields["score"] = screened.score
    if screened.audit_probability is not None:
        # Whole: what was audited is weighed by its inverse.
        fields["audit_probability"] = screened.audit_probability
    return fields


def _certainty_fields(certainty: Certainty) -> dict[str, Any]:
    score, is_calibrated, rests_on = certainty
    return {"score": _thousandths(score), "calibrated": is_calibrated, "rests_on": rests_on}


def _timing_fields(queued_ms: float, model_ms: float) -> dict[str, float]:
    if not queued_ms and not model_ms:
        # What a stage settles at once has waited for nothing.
        return _NO_TIME
    return {
        "queued": _thousandths(queued_ms),
        "model": _thousandths(model_ms),
        "total": _thousandths(queued_ms + model_ms),
    }


_NO_TIME = {"queued": 0.0, "model": 0.0, "total": 0.0}


def _thousandths(number: float) -> float:
    """A number, not negative, to three places; `round` takes three times as long."""
    return int(number * 1_000 + 0.5) / 1_000
