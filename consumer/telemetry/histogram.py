"""
Histograms that one thread counts in and another reads.

prometheus_client's own take a lock and some Python for each number, and six numbers of every
message are counted: here a number is put aside, and a handful of them is counted at once.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

FRESH_MAX = 256
"""Numbers that are put aside before they are counted."""


class Buckets:
    """The numbers of one set of labels."""

    __slots__ = ("_bounds", "_counts", "_fresh", "_lock", "_place", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._place = partial(bisect_left, bounds)
        self._lock = threading.Lock()
        self._fresh: list[float] = []
        """Put aside by the one thread that counts, which also takes them out again."""
        self._counts = [0] * (len(bounds) + 1)
        """How many numbers fell into each, and not into the one before; the last has no bound."""
        self._sum = 0.0

    def __repr__(self) -> str:
        return f"<Buckets of {sum(self._counts) + len(self._fresh)} numbers>"

    def observe(self, number: float) -> None:
        """Count a number; one that equals a bound belongs below it."""
        self._fresh.append(number)
        if len(self._fresh) >= FRESH_MAX:
            with self._lock:
                self._counts, self._sum = self._counted()
                self._fresh.clear()

    def _counted(self) -> tuple[list[int], float]:
        """With what was put aside."""
        counts, fresh = self._counts.copy(), self._fresh.copy()
        for place, count in Counter(map(self._place, fresh)).items():
            counts[place] += count
        return counts, self._sum + sum(fresh)

    def read(self) -> tuple[list[tuple[str, float]], float]:
        """As Prometheus wants it: each bound with all that lies at or below it, and the sum."""
        with self._lock:
            counts, numbers = self._counted()
        shown, total = [], 0
        for bound, count in zip((*map(str, self._bounds), "+Inf"), counts, strict=True):
            total += count
            shown.append((bound, float(total)))
        return shown, numbers


class LoopHistogram(Collector):
    """A histogram; without labels it is its own only child."""

    def __init__(
        self,
        name: str,
        documentation: str,
        labels: Sequence[str] = (),
        *,
        buckets: Sequence[float],
        registry: CollectorRegistry,
    ) -> None:
        """`labels` is one at most; `buckets` the upper bounds, ascending and without infinity."""
        self._name, self._documentation = name, documentation
        self._labelnames = tuple(labels)
        self._bounds = tuple(float(bound) for bound in buckets)
        alone = Buckets(self._bounds)
        self._children: dict[str, Buckets] = {} if labels else {"": alone}
        self.observe = alone.observe
        """Counts a number where there is no label."""
        registry.register(self)

    def __repr__(self) -> str:
        return f"<LoopHistogram {self._name} {self._children!r}>"

    def labels(self, value: str) -> Buckets:
        """The child with this value of the label; made when it is first asked for."""
        return self._children.setdefault(value, Buckets(self._bounds))

    def collect(self) -> Iterable[HistogramMetricFamily]:
        family = HistogramMetricFamily(self._name, self._documentation, labels=self._labelnames)
        for value, child in tuple(self._children.items()):
            labels = [value] if self._labelnames else []
            family.add_metric(labels, *child.read())
        yield family
