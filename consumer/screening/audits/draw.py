"""
Draw: which of the settled messages the model is asked about all the same. Pure.

A function of the message's position and the salt, so that a crash changes nothing, all workers
agree, and nobody without the salt can foresee it.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

from consumer.screening.audits.terms import AuditTerms

_DRAWS = float(1 << 64)


class AuditDraw(NamedTuple):
    """Who is audited of what one artefact settles."""

    salt: bytes
    floor: float
    near: float
    near_from: float
    """Scores from here up to the threshold are near it."""

    @staticmethod
    def of(salt: bytes, terms: AuditTerms, near_from: float) -> AuditDraw:
        return AuditDraw(salt, terms.floor, terms.near, near_from)

    def probability(self, score: float) -> float:
        """With what probability a settled message of this score is audited; never zero."""
        return self.near if score >= self.near_from else self.floor

    def is_drawn(self, source: str, partition: int, offset: int, probability: float) -> bool:
        """
        Whether the message there is audited.

        `source` is the topic's id where the broker has one, else its name: a topic that is made
        again under its name begins anew.
        """
        place = f"{source}/{partition}/{offset}".encode()
        digest = blake2b(place, digest_size=8, key=self.salt).digest()
        return int.from_bytes(digest, "big") < probability * _DRAWS
