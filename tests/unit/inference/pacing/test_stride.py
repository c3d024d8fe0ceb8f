"""A limit is moved further while comparisons agree, and less and more rarely while they do not."""

from __future__ import annotations

import math

import pytest

from consumer.inference.pacing.stride import GAIN_MAX, GAIN_MIN, HOLD_MAX, Stride


def gain_of(stride: Stride, error: float) -> float:
    return math.log(stride.factor(error)) / error


def test_what_goes_on_goes_further_up_to_a_bound() -> None:
    stride = Stride()
    first = gain_of(stride, -0.2)
    assert first == pytest.approx(GAIN_MAX / 2)
    assert gain_of(stride, -0.2) == pytest.approx(1.5 * first)
    assert [gain_of(stride, -0.2) for _ in range(8)][-1] == pytest.approx(GAIN_MAX)
    assert stride.hold == 1


def test_what_contradicts_itself_is_noise_and_looked_at_more_rarely() -> None:
    stride = Stride()
    found = []
    for number in range(6):
        gain = gain_of(stride, 0.5 if number % 2 else -0.5)
        found.append((round(gain, 6), stride.hold))
    gains = [GAIN_MAX / 2, GAIN_MAX / 4, GAIN_MIN, GAIN_MIN, GAIN_MIN, GAIN_MIN]
    assert found == list(zip(gains, (2, 4, 8, HOLD_MAX, HOLD_MAX, HOLD_MAX), strict=True))
