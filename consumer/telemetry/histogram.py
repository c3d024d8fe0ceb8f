"""
Histograms that one thread counts in and another reads.

prometheus_client's own take a lock and some Python for each number, and six numbers of every
message are counted: here a number is put aside, and a handful of them is counted at once. A reader
may see a number in its bucket and not yet in the sum, which the next scrape mends.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from functools import partial

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

FRESH_MAX = 256
"""Numbers that are put aside before they are counted."""


class Buckets:
    """The numbers of one set of labels."""

    __slots__ = ("_bounds", "_fresh", "_lock", "_place", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._place = partial(bisect_left, bounds)
        self._fresh: deque[float] = deque()
        self._lock = threading.Lock()
        self.counts = [0] * (len(bounds) + 1)
        """How many numbers fell into each, and not into the one before; the last has no bound."""
        self.sum = 0.0

    def __repr__(self) -> str:
        return f"<Buckets of {sum(self.counts) + len(self._fresh)} numbers>"

    def observe(self, number: float) -> None:
        """Count a number; one that equals a bound belongs below it."""
        self._fresh.append(number)
        if len(self._fresh) >= FRESH_MAX:
            self.settle()

    def settle(self) -> None:
        """Count what was put aside; whoever reads does it as well, from another thread."""
        with self._lock:
            numbers = [self._fresh.popleft() for _ in range(len(self._fresh))]
            self.sum += sum(numbers)
            for place, count in Counter(map(self._place, numbers)).items():
                self.counts[place] += count

    def cumulative(self) -> list[tuple[str, float]]:
        """As Prometheus wants it: each bound with all that lies at or below it."""
        self.settle()
        shown, total = [], 0
        for bound, count in zip((*map(str, self._bounds), "+Inf"), tuple(self.counts), strict=True):
            total += count
            shown.append((bound, float(total)))
        return shown


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
            family.add_metric(labels, child.cumulative(), child.sum)
        yield family
