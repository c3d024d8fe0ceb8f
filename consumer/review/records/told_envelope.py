"""What of a verdict's envelope reviewers depend on: a later release may say more, and none less."""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from consumer.domain.messages.message import Record
from consumer.domain.verdicts.headers import is_envelope


class _Told(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Line(_Told):
    speaker: str | None = None
    text: str | None = None


class _Message(_Told):
    text: str | None = None
    context: list[_Line] | None = None


class _Certainty(_Told):
    score: float
    rests_on: list[str] = []


class _SecondLook(_Told):
    agreed: bool


class _Judgement(_Told):
    policy: str
    label: str
    outcome: str
    rules: list[str] = []
    certainty: _Certainty | None = None
    second_look: _SecondLook | None = None


class _Envelope(_Told):
    message: _Message
    judgements: list[_Judgement] = []


def told_envelope(record: Record) -> dict[str, Any]:
    """
    The envelope, whole; empty where the record went on as it came, or what lies there is none.

    Its headers say enough then for people to be asked, and nothing stops.
    """
    if not is_envelope(record.headers):
        return {}
    try:
        found = orjson.loads(record.value or b"")
        _Envelope.model_validate(found)
    except (orjson.JSONDecodeError, ValidationError):
        return {}
    assert isinstance(found, dict), "else it is no envelope"
    return found
