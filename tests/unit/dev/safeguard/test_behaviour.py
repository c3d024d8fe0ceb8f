"""How the stand-in behaves is a value that is checked, and its dice repeat themselves."""

from __future__ import annotations

from statistics import median, quantiles
from typing import Any

import pytest

from consumer.dev.safeguard.behaviour import Behaviour, Dice
from consumer.dev.safeguard.faults.faults import FaultName


@pytest.mark.parametrize(
    "wrong",
    [
        {"latency_s": -1},
        {"latency_lognormal": (0.2, 0.1)},
        {"slots": 0},
        {"queue_max": -1},
        {"flip_rate": 2},
        {"faults": {"hang": 0.6, "refusal": 0.6}},
        {"faults": {"unheard_of": 0.1}},
        {"colour": "red"},
        {"profile": "unheard-of"},
        {"pace": -1},
        {"engine_down_s": -1},
        {"slots": "many"},
        [],
    ],
)
def test_impossible_behaviour(wrong: Any) -> None:
    """A behaviour that cannot be is refused."""
    with pytest.raises(ValueError):
        Behaviour.from_json(wrong)


def test_json_round_trip() -> None:
    """A behaviour written as JSON reads as the same behaviour."""
    behaviour = Behaviour(latency_lognormal=(0.1, 0.4), slots=3, faults={FaultName.HANG: 0.1})
    assert Behaviour.from_json(behaviour.as_json()) == behaviour


def test_same_seed_same_dice() -> None:
    """The same seed throws the same faults, another seed others."""
    faults = {FaultName.HANG: 0.3, FaultName.REFUSAL: 0.3}
    one, same, other = (Dice(Behaviour(faults=faults, seed=seed)) for seed in (1, 1, 2))
    thrown = [one.fault() for _ in range(50)]
    assert thrown == [same.fault() for _ in range(50)]
    assert thrown != [other.fault() for _ in range(50)]


def test_rates() -> None:
    """Faults and flips come at about their rates."""
    dice = Dice(Behaviour(faults={FaultName.HANG: 0.1, FaultName.REFUSAL: 0.3}, flip_rate=0.2))
    thrown = [dice.fault() for _ in range(4_000)]
    assert thrown.count(FaultName.HANG) == pytest.approx(400, rel=0.25)
    assert thrown.count(FaultName.REFUSAL) == pytest.approx(1_200, rel=0.25)
    labels = [dice.label("A", ("A", "B", "C")) for _ in range(4_000)]
    assert labels.count("A") == pytest.approx(3_200, rel=0.1)


def test_lognormal_latency() -> None:
    """A lognormal latency has the median and the 95th percentile it was given."""
    dice = Dice(Behaviour(latency_lognormal=(0.2, 0.8)))
    thrown = [dice.latency_s() for _ in range(8_000)]
    assert median(thrown) == pytest.approx(0.2, rel=0.1)
    assert quantiles(thrown, n=20)[-1] == pytest.approx(0.8, rel=0.15)


def test_a_profile_draws_latency_and_reasoning_together() -> None:
    """The longest reasoning is the slowest answer; the pace changes the latency alone."""
    dice, fast = (Dice(Behaviour(profile="groq-20b", pace=pace)) for pace in (1.0, 0.1))
    drawn = [dice.generation() for _ in range(4_000)]
    quick = [fast.generation() for _ in range(4_000)]
    assert median(d.latency_s for d in drawn) == pytest.approx(0.637, rel=0.1)
    assert median(d.reasoning_tokens or 0 for d in drawn) == pytest.approx(159, rel=0.15)
    assert max(drawn).reasoning_tokens == max(d.reasoning_tokens or 0 for d in drawn)
    assert [d.reasoning_tokens for d in drawn] == [q.reasoning_tokens for q in quick]
    assert quick[0].latency_s == pytest.approx(drawn[0].latency_s / 10)
