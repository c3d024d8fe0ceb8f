"""
How long real answers take and how long models reason: distributions by name. Pure.

They are kept as the quantiles that were published, not as a fitted curve: the tail is what costs
verdicts, and no lognormal through the median fits it.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, replace

from consumer.dev.safeguard.contested import Repeats


@dataclass(frozen=True, slots=True)
class DrawnQuantiles:
    """
    A distribution of positive numbers by its 50th, 90th, 95th and 99th percentile and its maximum.

    Between two of them it runs straight in the logarithm. Below the median nothing was published:
    there it is the mirror image of what lies above, in the logarithm too.
    """

    p50: float
    p90: float
    p95: float
    p99: float
    max: float

    def at(self, share: float) -> float:
        """The number below which this share (0 to 1) lies."""
        if share < 0.5:
            return self.p50**2 / self.at(1 - share)
        values = (self.p50, self.p90, self.p95, self.p99, self.max)
        place = min(bisect_right(SHARES, share), len(SHARES) - 1)
        low, high = SHARES[place - 1], SHARES[place]
        part = (share - low) / (high - low)
        return math.exp((1 - part) * math.log(values[place - 1]) + part * math.log(values[place]))

    def times(self, factor: float) -> DrawnQuantiles:
        return DrawnQuantiles(*(getattr(self, name) * factor for name in self.__dataclass_fields__))


SHARES = (0.5, 0.9, 0.95, 0.99, 1.0)


@dataclass(frozen=True, slots=True)
class MeasuredServer:
    """A server under a model: both numbers of one answer are drawn at the same share."""

    latency_s: DrawnQuantiles
    reasoning_tokens: DrawnQuantiles
    repeats: Repeats | None = None
    """How answers to one text differ; None where they do not, but for the behaviour's flips."""


GROQ_20B = MeasuredServer(
    latency_s=DrawnQuantiles(0.637, 1.555, 2.002, 3.056, 7.354),
    reasoning_tokens=DrawnQuantiles(159, 717, 983, 1_620, 3_166),
)
"""
gpt-oss-safeguard-20b at default effort on OpenRouter and Groq, measured: 6,571 calls of 1 to 7
November 2025 in the public logs of raxITlabs/gpt-oss-safeguard-testing (375f11a), counted anew for
this project. Policies of 600 to 1,250 tokens.
"""

GROQ_20B_REPEATS = Repeats(
    differing=0.086, of_longest=46 / 65, wrong=1 - 0.942, wrong_longest=1 - 0.727
)
"""
From the same logs, where 849 texts were asked about twice or more: 114 of 1,328 pairs of answers
differed; of the 65 texts whose label changed 46 lay in the longest fifth of the calls. Answers were
as labelled in 94.2 % of the shortest four fifths and in 72.7 % of the longest.
"""

PROFILES: Mapping[str, MeasuredServer] = {
    "groq-20b": GROQ_20B,
    "groq-20b-flips": replace(GROQ_20B, repeats=GROQ_20B_REPEATS),
    # Computed, not measured: the reasoning above at the 75 ms a token that vLLM 0.10 took on one
    # H100 at saturation (gpustack's performance lab).
    "h100-20b-saturated": replace(GROQ_20B, latency_s=GROQ_20B.reasoning_tokens.times(0.075)),
    # Computed, not measured: in the same logs prompt injections cost 744 tokens on average and all
    # calls 306, so everything is that much longer.
    "groq-20b-injections": MeasuredServer(
        GROQ_20B.latency_s.times(744 / 306), GROQ_20B.reasoning_tokens.times(744 / 306)
    ),
}
