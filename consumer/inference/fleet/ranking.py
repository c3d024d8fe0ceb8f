"""Ranking: which endpoint a question likes best, so that its prefix stays warm there. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from hashlib import blake2b

from consumer.inference.fleet.endpoint import Endpoint

RANKS_MAX = 1_024
"""Affinities that are remembered; beyond them all are forgotten, and found again by hashing."""


class Ranking:
    """All endpoints in the order in which an affinity likes them, the same in every worker."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._endpoints = tuple(endpoints)
        self._ranks: dict[str, tuple[Endpoint, ...]] = {}

    def __repr__(self) -> str:
        return f"<Ranking of {len(self._endpoints)} endpoints for {len(self._ranks)} affinities>"

    def of(self, affinity: str) -> tuple[Endpoint, ...]:
        """Best first."""
        ranked = self._ranks.get(affinity)
        if ranked is None:
            if len(self._ranks) >= RANKS_MAX:
                self._ranks.clear()
            ranked = tuple(sorted(self._endpoints, key=partial(_liking, affinity), reverse=True))
            self._ranks[affinity] = ranked
        return ranked


def _liking(affinity: str, endpoint: Endpoint) -> bytes:
    """Rendezvous hashing: an endpoint that comes or goes moves no other affinity."""
    text = f"{affinity}\n{endpoint.name}"
    return blake2b(text.encode(), digest_size=8).digest()
