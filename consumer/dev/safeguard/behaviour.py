"""How the stand-in behaves, and the dice that its randomness comes from."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, Self

from consumer.dev.safeguard.distributions import PROFILES
from consumer.dev.safeguard.faults.faults import FaultName
from consumer.dev.safeguard.faults.mixture import spread

P95_DEVIATIONS = 1.6449
"""How many standard deviations the 95th percentile of a normal distribution lies above its mean."""

LOW_EFFORT_SHARE = 0.4
"""Of a profile's reasoning at low effort. Assumed, not measured: the logs are of the default."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a server is like: how slow, how wide, how wrong. Raises `ValueError` if impossible."""

    latency_s: float = 0.0
    latency_lognormal: tuple[float, float] | None = None
    """Median and 95th percentile in seconds; where given, `latency_s` means nothing."""
    profile: str | None = None
    """A measured distribution (see `distributions`) of latency and length of the reasoning."""
    pace: float = 1.0
    """A profile's latencies are multiplied by this; a tenth makes a test ten times as fast."""
    slots: int | None = None
    """Generations at one time; further requests queue. None = as many as come."""
    queue_max: int | None = None
    """Requests that may queue; further ones are refused. None = as many as come."""
    retry_after_s: float | None = None
    """Named in a refusal for load (503, as vLLM and Ollama send it), where given."""
    engine_down_s: float = 0.0
    """How long every connection is reset after an `http_500_engine_dead`."""
    flip_rate: float = 0.0
    """The share of answers that name another label than the words call for."""
    faults: Mapping[FaultName, float] = field(default_factory=dict)
    """
    The share of requests that each fault strikes; together at most 1. `{"all": 0.2}` is shared
    by all but those of settings, and so are the groups `model` and `server` (see `mixture`).
    """
    only: str = ""
    """Faults strike only requests about texts that hold this; none are spared where it is empty."""
    seed: int = 0

    def __post_init__(self) -> None:
        faults = spread({str(name): rate for name, rate in self.faults.items()})
        object.__setattr__(self, "faults", faults)
        if self.latency_lognormal is not None:
            median, p95 = self.latency_lognormal
            if not 0 < median <= p95:
                raise ValueError("latency_lognormal wants 0 < median <= p95")
        if self.profile is not None and self.profile not in PROFILES:
            raise ValueError(f"there is no profile {self.profile}, but {', '.join(PROFILES)}")
        rates = [self.flip_rate, *faults.values(), sum(faults.values())]
        if any(not 0 <= rate <= 1 + 1e-9 for rate in rates):
            raise ValueError("rates lie between 0 and 1, those of all faults together too")
        counts = [1 if self.slots is None else self.slots, (self.queue_max or 0) + 1]
        times = (self.latency_s, self.pace, self.engine_down_s)
        if not all(0 <= time < math.inf for time in times) or min(counts) < 1:
            raise ValueError("times and queue_max are not negative, slots is at least 1")

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


class Generation(NamedTuple):
    """How long one answer takes, and how long its reasoning is."""

    latency_s: float
    reasoning_tokens: int | None = None
    """None where it is as long as what the stand-in has to say."""
    wrong_rate: float | None = None
    """How probable another label than the right one is; None where the behaviour says it."""

    def at(self, effort: object) -> Generation:
        """The same where the request asks for this effort."""
        if effort != "low" or self.reasoning_tokens is None:
            return self
        return self._replace(reasoning_tokens=round(self.reasoning_tokens * LOW_EFFORT_SHARE))


class Dice:
    """The same seed throws the same faults, flips and latencies, in the order of the requests."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._random = random.Random(behaviour.seed)
        if behaviour.latency_lognormal is not None:
            median, p95 = behaviour.latency_lognormal
            self._mean, self._deviation = math.log(median), math.log(p95 / median) / P95_DEVIATIONS

    def generation(self, text: str = "") -> Generation:
        """
        What one answer is like; with a profile a long reasoning takes long.

        `text` is what is judged: some profiles contradict themselves about some texts.
        """
        if self._behaviour.profile is None:
            return Generation(self.latency_s())
        profile = PROFILES[self._behaviour.profile]
        share, wrong_rate = (
            (self._random.random(), None)
            if profile.repeats is None
            else profile.repeats.contest(text, self._random)
        )
        latency_s = profile.latency_s.at(share) * self._behaviour.pace
        return Generation(latency_s, round(profile.reasoning_tokens.at(share)), wrong_rate)

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

    def label(self, label: str, labels: tuple[str, ...], wrong_rate: float | None = None) -> str:
        """
        The label to answer: the given one, or at `flip_rate` another of the policy's.

        With a `wrong_rate` that decides, and the other label is always the same one: a contested
        text is torn between two.
        """
        others = [other for other in labels if other != label]
        if wrong_rate is not None:
            is_wrong = self._random.random() < wrong_rate
            return others[0] if is_wrong and others else label
        if self._behaviour.flip_rate == 0 or self._random.random() >= self._behaviour.flip_rate:
            return label
        return self._random.choice(others) if others else label
