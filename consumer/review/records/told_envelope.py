"""What of a verdict's envelope reviewers depend on: a later release may say more, and none less."""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from consumer.domain.messages.message import Record
from consumer.domain.verdicts.headers import is_envelope


class _Tolerant(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _ToldLine(_Tolerant):
    speaker: str | None = None
    text: str | None = None


class _ToldMessage(_Tolerant):
    text: str | None = None
    context: list[_ToldLine] | None = None


class _ToldCertainty(_Tolerant):
    score: float
    rests_on: list[str] = []


class _ToldLook(_Tolerant):
    agreed: bool


class _ToldJudgement(_Tolerant):
    policy: str
    label: str
    outcome: str
    rules: list[str] = []
    certainty: _ToldCertainty | None = None
    second_look: _ToldLook | None = None


class _ToldEnvelope(_Tolerant):
    message: _ToldMessage
    judgements: list[_ToldJudgement] = []


def told_envelope(record: Record) -> dict[str, Any]:
    """
    The envelope, whole; empty where the record went on as it came, or what lies there is none.

    Its headers say enough then for people to be asked, and nothing stops.
    """
    if not is_envelope(record.headers):
        return {}
    try:
        found = orjson.loads(record.value or b"")
        _ToldEnvelope.model_validate(found)
    except (orjson.JSONDecodeError, ValidationError):
        return {}
    assert isinstance(found, dict), "else it is no envelope"
    return found
