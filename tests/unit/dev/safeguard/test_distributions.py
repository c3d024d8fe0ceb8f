"""The named distributions are those that were measured."""

from __future__ import annotations

import random
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.dev.safeguard.distributions import GROQ_20B, PROFILES


def test_the_published_quantiles_come_back() -> None:
    """Latency and reasoning tokens of the public logs, percentile by percentile."""
    tokens, latency_s = GROQ_20B.reasoning_tokens, GROQ_20B.latency_s
    shares = (0.5, 0.9, 0.95, 0.99, 1.0)
    assert [tokens.at(share) for share in shares] == pytest.approx([159, 717, 983, 1_620, 3_166])
    assert [latency_s.at(share) for share in shares] == pytest.approx(
        [0.637, 1.555, 2.002, 3.056, 7.354]
    )


def test_the_mean_is_near_the_published_one() -> None:
    """290 reasoning tokens and 844 ms: what lies below the median is a guess, but a fair one."""
    draw = random.Random(1)
    shares = [draw.random() for _ in range(20_000)]
    assert mean(map(GROQ_20B.reasoning_tokens.at, shares)) == pytest.approx(290, rel=0.1)
    assert mean(map(GROQ_20B.latency_s.at, shares)) == pytest.approx(0.844, rel=0.1)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_is_a_larger_number(one: float, other: float) -> None:
    """The numbers are positive and rise with the share, in every profile."""
    low, high = sorted((one, other))
    for profile in PROFILES.values():
        for quantiles in (profile.latency_s, profile.reasoning_tokens):
            assert 0 < quantiles.at(low) <= quantiles.at(high) * (1 + 1e-9)
            assert quantiles.at(high) <= quantiles.max * (1 + 1e-9)
