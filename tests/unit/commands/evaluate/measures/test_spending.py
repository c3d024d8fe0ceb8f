"""Times to 2 %, tokens exactly, and money at the prices given."""

from __future__ import annotations

import pytest

from consumer.commands.costs.prices import TokenPrice
from consumer.commands.evaluate.measures.spending import Spending
from consumer.domain.verdicts.verdict import Tokens


def test_quantiles_of_times() -> None:
    """The quantile of a known set, near enough, within a range."""
    spending = Spending()
    for ms in range(1, 1_001):
        spending.add(float(ms), 1, Tokens())
    for share in (0.5, 0.9, 0.99):
        found = spending.quantile(share)
        assert found is not None
        assert found.value == pytest.approx(share * 1_000, rel=0.025)
        assert found.low <= found.value <= found.high
    assert Spending().quantile(0.5) is None


def test_tokens_and_money_of_a_thousand_texts() -> None:
    """Cached tokens are part of the prompt, and cost what they cost."""
    spending = Spending()
    for _ in range(4):
        spending.add(10, 2, Tokens(prompt=100, cached=50, reasoning=5, completion=10))
    found = spending.measures(2, TokenPrice(1.0, 0.5, 2.0))
    assert (found.answers, found.calls, found.tokens["completion"]) == (4, 8, 40)
    assert found.tokens_per_thousand_texts == 440 / 2 * 1_000
    assert found.cost == pytest.approx((200 * 1 + 200 * 0.5 + 40 * 2) / 1e6)
    assert found.cost_per_thousand_texts == pytest.approx((found.cost or 0) * 500)
    assert Spending().measures(0, None).cost_per_thousand_texts is None
