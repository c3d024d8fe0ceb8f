"""Faults can be named one by one or by group."""

from __future__ import annotations

import pytest

from consumer.dev.safeguard.behaviour import Behaviour, Dice
from consumer.dev.safeguard.faults.faults import FaultName
from consumer.dev.safeguard.faults.mixture import (
    GROUPS,
    MODEL_FAULTS,
    SERVER_FAULTS,
    SETTINGS_FAULTS,
    spread,
)


def test_every_fault_is_of_one_kind() -> None:
    """Model, server or settings, and none of two."""
    assert set(FaultName) == MODEL_FAULTS | SERVER_FAULTS | SETTINGS_FAULTS
    assert len(MODEL_FAULTS) + len(SERVER_FAULTS) + len(SETTINGS_FAULTS) == len(FaultName)


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_shares_its_rate(group: str) -> None:
    """Each member has an even part of it, and what is not a member none."""
    rates = spread({group: 0.2})
    assert set(rates) == GROUPS[group]
    assert sum(rates.values()) == pytest.approx(0.2)
    assert len(set(rates.values())) == 1


def test_names_and_groups_add_up() -> None:
    """A fault named beside its group is that much likelier."""
    rates = spread({"model": 0.1, "refusal": 0.05, "http_503": 0.02})
    assert rates[FaultName.REFUSAL] == pytest.approx(0.05 + 0.1 / len(MODEL_FAULTS))
    assert rates[FaultName.HTTP_503] == 0.02
    assert sum(rates.values()) == pytest.approx(0.17)


def test_an_unknown_name_is_refused() -> None:
    """A misspelt fault is not silently none."""
    with pytest.raises(ValueError, match="truncatd"):
        spread({"truncatd": 0.1})


def test_a_behaviour_takes_groups_from_json() -> None:
    """What is posted to a running stand-in may name them too; the dice then throw every member."""
    behaviour = Behaviour.from_json({"faults": {"all": 0.9}, "seed": 4})
    dice = Dice(behaviour)
    thrown = [dice.fault() for _ in range(5_000)]
    assert set(thrown) - {None} == GROUPS["all"]
    assert thrown.count(None) == pytest.approx(500, rel=0.2)
    with pytest.raises(ValueError):
        Behaviour.from_json({"faults": {"all": 1.5}})
