"""Times that are none are refused: a stand-in that sleeps for nan seconds answers at once."""

from __future__ import annotations

import math

import pytest

from consumer.dev.safeguard.behaviour import Behaviour


@pytest.mark.parametrize("latency_s", [-1.0, math.nan, math.inf])
def test_a_time_that_is_none(latency_s: float) -> None:
    """Nor does one that sleeps for ever answer at all."""
    with pytest.raises(ValueError, match="times and queue_max are not negative"):
        Behaviour(latency_s=latency_s)
