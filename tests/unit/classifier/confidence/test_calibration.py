"""What is learned of a policy: lengths once there are enough, and agreement bin by bin."""

from __future__ import annotations

import pytest

from consumer.classifier.confidence.calibration import Calibration


def test_a_length_has_no_place_before_enough_answers_were_seen() -> None:
    calibration = Calibration()
    assert [calibration.place(100) for _ in range(100)] == [None] * 100
    assert calibration.place(1_000) == 1.0
    assert calibration.place(10) == 0.0


def test_reasoning_beyond_all_measure_is_all_of_one_length() -> None:
    calibration = Calibration()
    for _ in range(100):
        calibration.place(100_000)
    assert calibration.place(1_000_000) == 0.5


def test_without_looks_the_score_is_the_tables() -> None:
    calibration = Calibration()
    assert calibration.score(0.3) == 0.7
    assert not calibration.is_calibrated(0.3)


def test_a_score_moves_halfway_to_what_was_counted_when_both_weigh_the_same() -> None:
    calibration = Calibration()
    calibration.learn(0.3, 20, 20)
    assert calibration.score(0.3) == pytest.approx((0.7 + 0.0) / 2)


def test_enough_looks_calibrate_their_own_bin_and_no_other() -> None:
    calibration = Calibration()
    for _ in range(100 - 1):
        calibration.learn(0.3, 1, 0)
    assert not calibration.is_calibrated(0.3)
    calibration.learn(0.25, 1, 0)
    assert calibration.is_calibrated(0.3)
    assert not calibration.is_calibrated(0.4)
    assert not calibration.is_calibrated(0.15)
    assert calibration.score(0.4) == 0.6


def test_what_was_counted_long_ago_fades_and_stays_calibrated() -> None:
    calibration = Calibration()
    for differed in (0, 1):
        for _ in range(3 * 2_000):
            calibration.learn(0.3, 1, differed)
            assert calibration.is_calibrated(0.3) or differed == 0
    assert calibration.score(0.3) < 0.2


def test_the_older_half_fades_with_the_two_thousandth_look() -> None:
    calibration = Calibration()
    calibration.learn(0.3, 1_999, 0)
    assert calibration.score(0.3) == pytest.approx(1 - 20 * 0.3 / 2_019)
    calibration.learn(0.3, 1, 0)
    assert calibration.score(0.3) == pytest.approx(1 - 20 * 0.3 / 1_020)


@pytest.mark.parametrize("doubt", [1e-9, 0.02, 0.5, 1 - 1e-9])
@pytest.mark.parametrize("differed", [0, 10_000])
def test_a_score_stays_within_0_and_1(doubt: float, differed: int) -> None:
    calibration = Calibration()
    calibration.learn(doubt, 10_000, differed)
    assert 0 <= calibration.score(doubt) <= 1


@pytest.mark.parametrize("bound", [0.02, 0.05, 0.1, 0.2, 0.35, 0.5])
def test_doubts_either_side_of_a_bound_are_learned_of_apart(bound: float) -> None:
    """Narrow bins where most answers lie."""
    calibration = Calibration()
    calibration.learn(bound, 100, 0)
    assert calibration.is_calibrated(bound)
    assert not calibration.is_calibrated(bound - 0.001)
