"""How the stand-in behaves, and the dice that its randomness comes from."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from consumer.dev.faults import FaultName

P95_DEVIATIONS = 1.6449
"""How many standard deviations the 95th percentile of a normal distribution lies above its mean."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a server is like: how slow, how wide, how wrong. Raises `ValueError` if impossible."""

    latency_s: float = 0.0
    latency_lognormal: tuple[float, float] | None = None
    """Median and 95th percentile in seconds; where given, `latency_s` means nothing."""
    slots: int | None = None
    """Generations at one time; further requests queue. None = as many as come."""
    queue_max: int | None = None
    """Requests that may queue; further ones get a 503. None = as many as come."""
    retry_after_s: float | None = None
    """Named in a refusal for load, where given."""
    flip_rate: float = 0.0
    """The share of answers that name another label than the words call for."""
    faults: Mapping[FaultName, float] = field(default_factory=dict)
    """The share of requests that each fault strikes; together at most 1."""
    seed: int = 0

    def __post_init__(self) -> None:
        faults = {FaultName(name): rate for name, rate in self.faults.items()}
        object.__setattr__(self, "faults", faults)
        if self.latency_lognormal is not None:
            median, p95 = self.latency_lognormal
            if not 0 < median <= p95:
                raise ValueError("latency_lognormal wants 0 < median <= p95")
        rates = [self.flip_rate, *faults.values(), sum(faults.values())]
        if any(not 0 <= rate <= 1 + 1e-9 for rate in rates):
            raise ValueError("rates lie between 0 and 1, those of all faults together too")
        counts = [1 if self.slots is None else self.slots, (self.queue_max or 0) + 1]
        if self.latency_s < 0 or min(counts) < 1:
            raise ValueError("latency_s and queue_max are not negative, slots is at least 1")

    @classmethod
    def from_json(cls, document: object) -> Self:
        """Read what `POST /behaviour` was sent; what it leaves out has its default."""
        if not isinstance(document, dict) or set(document) - set(cls.__dataclass_fields__):
            raise ValueError(f"wants an object of {', '.join(cls.__dataclass_fields__)}")
        values: dict[str, Any] = dict(document)
        if values.get("latency_lognormal") is not None:
            median, p95 = values["latency_lognormal"]
            values["latency_lognormal"] = (median, p95)
        try:
            return cls(**values)
        except (TypeError, AttributeError) as error:
            raise ValueError(str(error)) from None

    def as_json(self) -> dict[str, object]:
        return asdict(self) | {"faults": {str(name): rate for name, rate in self.faults.items()}}


class Dice:
    """The same seed throws the same faults, flips and latencies, in the order of the requests."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._random = random.Random(behaviour.seed)
        if behaviour.latency_lognormal is not None:
            median, p95 = behaviour.latency_lognormal
            self._mean, self._deviation = math.log(median), math.log(p95 / median) / P95_DEVIATIONS

    def latency_s(self) -> float:
        if self._behaviour.latency_lognormal is None:
            return self._behaviour.latency_s
        return self._random.lognormvariate(self._mean, self._deviation)

    def fault(self) -> FaultName | None:
        """The fault that strikes this request, or None."""
        if not self._behaviour.faults:
            return None
        thrown = self._random.random()
        for name, rate in self._behaviour.faults.items():
            if thrown < rate:
                return name
            thrown -= rate
        return None

    def label(self, label: str, labels: tuple[str, ...]) -> str:
        """The label to answer: the given one, or at `flip_rate` another of the policy's."""
        if self._behaviour.flip_rate == 0 or self._random.random() >= self._behaviour.flip_rate:
            return label
        others = [other for other in labels if other != label]
        return self._random.choice(others) if others else label
