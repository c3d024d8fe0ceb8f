"""Ranking: which endpoint a question likes best, so that its prefix stays warm there. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

from consumer.inference.fleet.endpoint import Endpoint


class Ranking:
    """All endpoints in the order in which an affinity likes them, the same in every worker."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._endpoints = tuple(endpoints)
        self._names = tuple(endpoint.name for endpoint in endpoints)

    def __repr__(self) -> str:
        return f"<Ranking of {len(self._endpoints)} endpoints>"

    def of(self, affinity: str) -> tuple[Endpoint, ...]:
        """Best first."""
        return tuple(self._endpoints[place] for place in _order(self._names, affinity))


@lru_cache(maxsize=1024)
def _order(names: tuple[str, ...], affinity: str) -> tuple[int, ...]:
    """Rendezvous hashing: an endpoint that comes or goes moves no other affinity."""
    ranks = [blake2b(f"{affinity}\n{name}".encode(), digest_size=8).digest() for name in names]
    return tuple(sorted(range(len(names)), key=ranks.__getitem__, reverse=True))
