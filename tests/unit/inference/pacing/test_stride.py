"""A limit is moved further while comparisons agree, and less and more rarely while they do not."""

from __future__ import annotations

import math

import pytest

from consumer.inference.pacing.stride import Stride


def gain_of(stride: Stride, error: float) -> float:
    return math.log(stride.factor(error)) / error


def test_what_goes_on_goes_further_up_to_a_bound() -> None:
    """Half as far again each time, in the end by half of what was found to be wrong."""
    stride = Stride()
    gains = [gain_of(stride, -0.2) for _ in range(4)]
    assert gains == pytest.approx([0.25, 0.375, 0.5, 0.5])
    assert stride.hold == 1


def test_what_contradicts_itself_is_noise_and_looked_at_more_rarely() -> None:
    """And so does the first of all, which agrees with nothing yet."""
    stride = Stride()
    found = []
    for number in range(6):
        gain = gain_of(stride, -0.5 if number % 2 else 0.5)
        found.append((round(gain, 6), stride.hold))
    assert found == [(0.25, 2), (0.125, 4), (0.1, 8), (0.1, 16), (0.1, 16), (0.1, 16)]


def test_where_the_knee_was_met_nothing_goes_on() -> None:
    """The limit stays, and there is less and less to look for."""
    stride = Stride()
    assert [stride.factor(0.0) for _ in range(2)] == [1.0, 1.0]
    assert stride.hold == 4
