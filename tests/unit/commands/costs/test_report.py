"""The report: shares, estimates for a thousand messages, and what it says of itself."""

from __future__ import annotations

import orjson
import pytest

from consumer.commands.costs.prices import GpuPrice, PriceRequest, TokenPrice
from consumer.commands.costs.report import CostReport
from consumer.domain.verdicts.headers import rfc3339
from consumer.domain.verdicts.verdict import Tokens
from consumer.errors import InvalidSettings
from tests.builders import TIMESTAMP_MS, TOPIC, a_judgement, a_verdict
from tests.unit.commands.costs.test_sums import GROUP, the_sums, written

VERSION = a_verdict().version.id
HOSTED = PriceRequest(price_in=0.075, price_cached=0.0375, price_out=0.30)
"""What Groq asked for gpt-oss-safeguard-20b."""


NO_PRICE = PriceRequest()


def report(prices: PriceRequest = NO_PRICE, count: int = 4) -> CostReport:
    """Verdicts a second apart, each 400 tokens of prompt (320 cached) and 80 of completion."""
    records = [written(at_ms=TIMESTAMP_MS + 1_000 * n) for n in range(count)]
    tokens = {(VERSION, "harassment"): 340}
    return CostReport(TOPIC, GROUP, the_sums(*records), prices, tokens)


def the_cost(prices: PriceRequest, count: int = 4) -> float | None:
    found = report(prices, count)
    (version,) = found.sums.versions.values()
    return found.per_thousand(version)


def test_tokens_are_paid_by_the_million_and_cached_ones_less() -> None:
    """80 fresh, 320 cached and 80 of completion a message, a thousand times."""
    assert the_cost(HOSTED) == pytest.approx((80 * 0.075 + 320 * 0.0375 + 80 * 0.30) / 1_000)
    whole = HOSTED._replace(price_cached=None)
    assert the_cost(whole) == pytest.approx((400 * 0.075 + 80 * 0.30) / 1_000)
    assert TokenPrice(1.0, 0.0, 0.0).of(Tokens(5, 9)) == 0
    assert the_cost(NO_PRICE) is None


def test_a_gpu_is_shared_by_the_calls_at_once() -> None:
    """Each message keeps one of eight places busy for 480.5 ms."""
    prices = PriceRequest(gpu_hour=2.50, calls_at_once=8)
    assert the_cost(prices) == pytest.approx(480.5 / 3_600 / 8 * 2.50)


def test_without_the_calls_at_once_the_gpu_is_paid_for_the_whole_time() -> None:
    """Four messages in three seconds: 0.75 s of the GPU each, whether or not it was busy."""
    prices = PriceRequest(gpu_hour=2.50)
    assert the_cost(prices) == pytest.approx(750 / 3_600 * 2.50)
    assert any("paid from the first verdict" in line for line in report(prices).lines())
    assert the_cost(prices, count=1) is None
    assert any("no estimate" in line for line in report(prices, count=1).lines())


def test_policies_of_two_versions_are_told_apart_and_each_pays_its_part() -> None:
    """The GPU's whole time is paid once, however many versions shared it."""
    verdict = a_verdict()
    other = a_verdict(version=a_verdict().version.__class__(TOPIC, 2, (), "e" * 32), model_ms=961.0)
    records = [written(verdict), written(other, at_ms=TIMESTAMP_MS + 9_000)]
    prices = PriceRequest(gpu_hour=3_600)
    found = CostReport(TOPIC, GROUP, the_sums(*records), prices, {})
    costs = [found.per_thousand(version) or 0 for version in found.sums.versions.values()]
    assert sum(costs) == pytest.approx(9_000)
    assert costs[1] == pytest.approx(2 * costs[0])


def test_the_cached_share_stands_beside_the_best_that_a_cache_could_do() -> None:
    """The policy is 340 of 400 tokens; of a version that is no longer there it is not known."""
    whole, part = report().rows()
    assert (whole.policy, part.policy) == (None, "harassment")
    assert (whole.cached_share, part.cached_share) == (0.8, 0.8)
    assert (whole.model_s, part.model_s) == (1.922, 1.922)
    assert (whole.best_share, part.best_share) == (0.85, 0.85)
    unknown = CostReport(TOPIC, GROUP, the_sums(written()), NO_PRICE, {})
    assert [row.best_share for row in unknown.rows()] == [None, None]


def test_a_server_that_counts_no_tokens_has_no_share() -> None:
    record = written(a_verdict(judgements=(a_judgement(tokens=Tokens()),)))
    found = CostReport(TOPIC, GROUP, the_sums(record), HOSTED, {(VERSION, "harassment"): 340})
    assert [row.cached_share for row in found.rows()] == [None, None]
    assert "cached unknown" in "\n".join(found.lines())


def test_plain_lines_say_all_that_the_fields_do() -> None:
    lines = list(report(HOSTED).lines())
    assert (
        lines[0] == f"{TOPIC}, group {GROUP}, 2026-01-01T00:00:00.123Z to 2026-01-01T00:00:03.123Z"
    )
    assert lines[1] == f"{VERSION}  messages 4, unjudged 0"
    assert "judgements 4, prompt 1600, cached 1280, reasoning 240, completion 320" in lines[2]
    assert lines[2].endswith("cached 80%, at best about 85%, model 1.9 s")
    assert lines[3].split() == ["a", "thousand", "messages", "0.0420"]
    assert lines[4].startswith("  harassment ")


def test_fields_are_one_json_object() -> None:
    found = orjson.loads(orjson.dumps(report(HOSTED).fields))
    version = found["versions"][VERSION]
    assert (version["messages"], version["unjudged"], version["judgements"]) == (4, 0, 4)
    assert version["per_thousand_messages"] == pytest.approx(0.042)
    assert version["policies"]["harassment"]["tokens"] == {
        "prompt": 1600,
        "cached": 1280,
        "reasoning": 240,
        "completion": 320,
    }
    assert found["prices"] == {"price_in": 0.075, "price_cached": 0.0375, "price_out": 0.3}
    assert found["calls_at_once"] is None
    assert version["model_s"] == 1.922
    assert found["first"] == rfc3339(TIMESTAMP_MS)
    assert found["last"] == rfc3339(TIMESTAMP_MS + 3_000)


def test_fields_are_told_to_a_thousandth() -> None:
    """Half a millisecond of the model is none; calls at once are a mean."""
    records = [written(at_ms=TIMESTAMP_MS), written(at_ms=TIMESTAMP_MS + 7_000)]
    records.append(written(a_verdict(model_ms=0.7)))
    prices = PriceRequest(gpu_hour=1.0)
    found = CostReport(TOPIC, GROUP, the_sums(*records), prices, {}).fields
    assert found["calls_at_once"] == 0.137
    assert found["versions"][VERSION]["model_s"] == 0.962


def test_where_nothing_was_counted_there_is_no_time() -> None:
    found = report(count=0).fields
    assert (found["first"], found["last"], found["versions"]) == (None, None, {})


def test_where_no_verdict_has_a_time_their_tokens_are_told_all_the_same() -> None:
    found = CostReport(TOPIC, GROUP, the_sums(written(at_ms=-1)), HOSTED, {})
    assert found.title == f"{TOPIC}, group {GROUP}, at times that the broker did not keep"
    assert (found.fields["first"], found.fields["last"]) == (None, None)
    assert found.fields["versions"][VERSION]["messages"] == 1


def test_what_was_passed_over_is_said() -> None:
    records = [
        written(is_passed_through=True),
        written(group="other"),
        written()._replace(value=b"{"),
    ]
    lines = list(CostReport(TOPIC, GROUP, the_sums(*records), NO_PRICE, {}).lines())
    assert lines[0].endswith("no verdict that says what it cost")
    assert lines[1].startswith("passed over: 1 verdict,")
    assert "carry no tokens" in lines[1]
    assert lines[2:] == [
        "passed over: 1 record of other groups or inputs",
        "passed over: 1 envelope that could not be read",
    ]


@pytest.mark.parametrize(
    ("prices", "words"),
    [
        (PriceRequest(price_in=1.0), "--price-in and --price-out"),
        (PriceRequest(price_cached=1.0), "--price-in and --price-out"),
        (PriceRequest(price_in=-1.0, price_out=1.0), "--price-in -1.0: give"),
        (PriceRequest(price_in=1.0, price_out=float("nan")), "--price-out nan: give"),
        (PriceRequest(price_in=1.0, price_out=1.0, gpu_hour=1.0), "not both"),
        (PriceRequest(calls_at_once=4), "goes with --gpu-hour"),
        (PriceRequest(gpu_hour=1.0, calls_at_once=0), "--calls-at-once 0"),
    ],
)
def test_prices_that_do_not_go_together_are_refused(prices: PriceRequest, words: str) -> None:
    with pytest.raises(InvalidSettings, match=words):
        prices.check()


def test_prices_that_go_together_are_taken() -> None:
    for prices in (
        PriceRequest(),
        HOSTED,
        PriceRequest(gpu_hour=1.0),
        PriceRequest(0.0, None, 0.0),
    ):
        prices.check()
    assert PriceRequest(gpu_hour=1.0, calls_at_once=2).price(0, 0) == GpuPrice(1.0, 2)


@pytest.mark.parametrize("prices", [PriceRequest(price_in=1.0), PriceRequest(price_out=1.0)])
def test_half_a_price_is_none(prices: PriceRequest) -> None:
    assert prices.price(1.0, 1.0) is None
