"""Times to 2 %, tokens exactly, and money at the prices given."""

from __future__ import annotations

import pytest

from consumer.commands.costs.prices import TokenPrice
from consumer.commands.evaluate.measures.interval import mean_interval
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


def test_a_quantile_is_the_time_at_its_rank() -> None:
    """And its range goes from rank to rank; below the first and above the last there is none."""
    spending = Spending()
    for power in range(10):
        spending.add(2.0**power, 1, Tokens())
    found = spending.quantile(0.3)
    assert found is not None
    # The third; one deviation of the rank is 1.45, and nearly two of them lie on either side.
    assert (found.value, found.low, found.high) == pytest.approx((4, 1, 32), rel=0.02)
    measures = spending.measures(1, None)
    for quantile, ms in (
        (measures.latency_ms_p50, 16),
        (measures.latency_ms_p90, 256),
        (measures.latency_ms_p99, 512),
    ):
        assert quantile is not None
        assert quantile.value == pytest.approx(ms, rel=0.02)
        assert quantile.high == pytest.approx(min(512, 16 * ms), rel=0.02)


@pytest.mark.parametrize(("ms", "shown"), [(3.0, 2.97), (0.5, 0.5), (0.0, 0.01)])
def test_quick_answers_have_times_too(ms: float, shown: float) -> None:
    """What a cache answered is counted in hundredths of a millisecond, nothing as one of them."""
    spending = Spending()
    spending.add(ms, 1, Tokens())
    found = spending.quantile(0.5)
    assert found is not None
    assert found.value == shown


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
    spending.add(10, 1, Tokens(prompt=200, completion=20))
    squares = 4 * 110**2 + 220**2
    assert spending.measures(1, None).tokens_per_answer == mean_interval(660, squares, 5)
    assert spending.measures(1, None).cost_per_thousand_texts is None
    assert Spending().measures(0, None).tokens_per_thousand_texts is None
    assert Spending().measures(0, TokenPrice(1.0, 0.5, 2.0)).cost_per_thousand_texts is None
    assert Spending().measures(0, None).cost_per_thousand_texts is None
