"""Time and tokens of answers, added up. Pure."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate

from consumer.commands.costs.prices import TokenPrice
from consumer.commands.evaluate.measures.interval import DEVIATIONS, Interval, mean_interval
from consumer.domain.verdicts.verdict import NO_TOKENS, Tokens

STEP = 1.02
"""Times are kept to 2 %, in buckets, so that their number does not matter."""


@dataclass(frozen=True, slots=True)
class SpendingMeasures:
    """What the answers took."""

    answers: int
    calls: int
    latency_ms_p50: Interval | None
    latency_ms_p90: Interval | None
    latency_ms_p99: Interval | None
    tokens: dict[str, int]
    """All of them: prompt, of which cached; completion, of which reasoning."""
    tokens_per_answer: Interval | None
    """Prompt and completion of one text under one policy."""
    tokens_per_thousand_texts: float | None
    cost: float | None
    """At the prices given; None without."""
    cost_per_thousand_texts: float | None


class Spending:
    """Counts of time and tokens."""

    def __init__(self) -> None:
        self._times: Counter[int] = Counter()
        self._squares = 0.0
        self.answers = 0
        self.calls = 0
        self.tokens = NO_TOKENS

    def __repr__(self) -> str:
        return f"<Spending of {self.answers} answers, {self.tokens!r}>"

    def add(self, ms: float, calls: int, tokens: Tokens) -> None:
        self._times[round(math.log(max(ms, 0.01), STEP))] += 1
        billed = tokens.prompt + tokens.completion
        self._squares += billed * billed
        self.answers += 1
        self.calls += calls
        self.tokens += tokens

    def measures(self, texts: int, price: TokenPrice | None) -> SpendingMeasures:
        billed = self.tokens.prompt + self.tokens.completion
        cost = None if price is None else price.of(self.tokens)
        return SpendingMeasures(
            self.answers,
            self.calls,
            self.quantile(0.5),
            self.quantile(0.9),
            self.quantile(0.99),
            self.tokens._asdict(),
            mean_interval(billed, self._squares, self.answers),
            billed / texts * 1_000 if texts else None,
            cost,
            cost / texts * 1_000 if texts and cost is not None else None,
        )

    def quantile(self, share: float) -> Interval | None:
        """A quantile of the times; its range from the ranks that hold it in 95 of 100 samples."""
        if not self.answers:
            return None
        middle = share * self.answers
        spread = DEVIATIONS * math.sqrt(self.answers * share * (1 - share))
        return Interval(*(self._at(rank) for rank in (middle, middle - spread, middle + spread)))

    def _at(self, rank: float) -> float:
        places = sorted(self._times)
        passed = accumulate(self._times[place] for place in places)
        place = next((p for p, n in zip(places, passed, strict=True) if n >= rank), places[-1])
        return round(STEP**place, 2)
