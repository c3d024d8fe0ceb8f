"""
Rounds: outputs that lead back to the input that they came from, over sets that read each other.

One set may well read what another allows. A round never ends, and no bound stops it.
"""

from __future__ import annotations

from collections.abc import Sequence

from consumer.domain.binding import Catalogue
from consumer.errors import Flaw


def rounds(catalogue: Catalogue) -> list[Flaw]:
    """One flaw for each round, at the set of its first input by name."""
    found: dict[frozenset[str], Sequence[str]] = {}
    for name in sorted(catalogue.named_topics):
        way = _way_back(catalogue, name)
        if way is not None:
            found.setdefault(frozenset(way), way)
    flaws = []
    for way in found.values():
        first = catalogue.binding_for(way[0])
        assert first is not None
        shown = " -> ".join([*way, way[0]])
        flaws.append(Flaw(f"{first.set_name}/topic.toml", 1, f"messages would go round: {shown}"))
    return flaws


def _way_back(catalogue: Catalogue, start: str) -> Sequence[str] | None:
    """The inputs on a shortest way from one back to itself; None where there is none."""
    ways: list[list[str]] = [[start]]
    seen: set[str] = set()
    for way in ways:
        binding = catalogue.binding_for(way[-1])
        outputs = () if binding is None else binding.outputs_of(way[-1])
        if start in outputs:
            return way
        following = [
            each for each in outputs if each in catalogue.named_topics and each not in seen
        ]
        seen.update(following)
        ways += [[*way, each] for each in following]
    return None
