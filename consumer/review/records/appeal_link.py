"""
Appeal link: what lets one person appeal once against one verdict, signed so that nobody else can.

All that its form shows is in the link itself, or in the policies: the console need not know a
message that no reviewer has seen. Pure.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from hashlib import sha256

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from consumer.domain.statement import FULLY
from consumer.domain.verdicts.headers import rfc3339
from consumer.errors import ConsumerError
from consumer.review.cases.case import ReviewCase
from consumer.review.cases.facts import About, VerdictFact
from consumer.review.records.complaint import NAME_CHARS_MAX, AppealRecord, Name, PositionText
from consumer.review.records.restriction import automation_of, blocked_for

TOKEN_CHARS_MAX = 8_000
"""Of a link: its ids may be long, and what is longer is none of ours."""
PURPOSE = b"safeguard.appeal.v1\n"
"""What is signed begins so: the secret signs nothing else that could pass for a link."""


class LinkRefused(ConsumerError):
    """The link lets nobody appeal: it is not signed by us, or it has run out."""


class AppealGrant(BaseModel):
    """Who may appeal against what, and until when."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    topic: Name
    """The input."""
    message_id: Name
    position: PositionText
    verdict_id: Name
    by: Name
    """Who may appeal: the author, as the platform knows them."""
    outcome: str
    at_ms: int
    """When it was decided."""
    automation: str
    """Whether a machine decided, as a statement of reasons says it."""
    until_ms: int
    label: str | None = None
    rule: str | None = None
    policy_version: str | None = None

    def appeal(self, note: str, now_ms: int) -> AppealRecord:
        """
        The record for the topic of appeals: of one verdict the same one, however often it is sent.

        Raises:
            ValidationError: the note is too long.
        """
        return AppealRecord.model_validate(
            {
                "id": f"form-{self.verdict_id}"[-NAME_CHARS_MAX:],
                "message_id": self.message_id,
                "position": self.position,
                "verdict_id": self.verdict_id,
                "by": self.by,
                "note": note,
                "appealed_at": rfc3339(now_ms),
            }
        )


def granted(case: ReviewCase, about: About, by: str, until_ms: int) -> AppealGrant:
    """The appeal against a verdict, which somebody's decision may have led to."""
    verdict = about.fact
    assert isinstance(verdict, VerdictFact)
    label, rule = blocked_for(verdict.envelope)
    automation, version = FULLY, verdict.envelope.get("policy_version")
    decision = next((d for d in case.decisions if d.verdict == verdict.id), None)
    if decision is not None:
        flagged = case.flagged
        label, rule = decision.label, decision.rule
        automation = automation_of(flagged, decision)
        version = flagged.envelope.get("policy_version") if flagged is not None else None
    return AppealGrant(
        topic=about.topic,
        message_id=about.message_id,
        position=verdict.position,
        verdict_id=verdict.id,
        by=by,
        outcome=verdict.outcome,
        at_ms=verdict.at_ms,
        automation=automation,
        until_ms=until_ms,
        label=label,
        rule=rule,
        policy_version=version,
    )


def sign(grant: AppealGrant, secret: bytes) -> str:
    """What stands in the link."""
    body = grant.model_dump_json(exclude_none=True).encode()
    return f"{_text(body)}.{_text(_signature(body, secret))}"


def read_link(token: str, secret: bytes, now_ms: int) -> AppealGrant:
    """
    What a link lets somebody do.

    Raises:
        LinkRefused: it is not signed by this secret, or it has run out.
    """
    body, _, signature = token.partition(".")
    if len(token) > TOKEN_CHARS_MAX or not token.isascii():
        raise LinkRefused(NOT_OURS)
    try:
        signed = _bytes(body)
        is_ours = hmac.compare_digest(_bytes(signature), _signature(signed, secret))
        # Nothing of what somebody made up is read.
        grant = AppealGrant.model_validate(orjson.loads(signed)) if is_ours else None
    except (binascii.Error, ValueError, ValidationError):
        grant = None
    if grant is None:
        raise LinkRefused(NOT_OURS)
    if grant.until_ms <= now_ms:
        raise LinkRefused("this link has run out")
    return grant


NOT_OURS = "this link is not one of ours: copy all of it from the message that brought it"


def _signature(body: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, PURPOSE + body, sha256)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
