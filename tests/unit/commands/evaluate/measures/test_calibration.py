"""A reliability table is scikit-learn's, and its error is what the bins say."""

from __future__ import annotations

from random import Random

import pytest
from sklearn.calibration import calibration_curve

from consumer.commands.evaluate.measures.calibration import ScoreBins


def test_bins_are_scikit_learns() -> None:
    """Mean score and share right of each bin that holds something."""
    random = Random(1)
    scores = [random.random() for _ in range(400)]
    rights = [random.random() < score * 0.8 for score in scores]
    calibration = ScoreBins()
    for score, is_right in zip(scores, rights, strict=True):
        calibration.add(score, is_right=is_right, is_calibrated=True)
    found = calibration.measures()
    assert found is not None
    assert (calibration.total, found.calibrated_share) == (400, 1.0)
    shares, means = calibration_curve(rights, scores, n_bins=10)
    bins = [each for each in found.bins if each.right is not None]
    assert [each.low for each in found.bins] == [at / 10 for at in range(10)]
    assert [each.high for each in found.bins] == [at / 10 for at in range(1, 11)]
    assert [each.score for each in bins] == pytest.approx(list(means))
    assert [each.right.value for each in bins if each.right] == pytest.approx(list(shares))
    gaps = [abs(m - s) for m, s in zip(means, shares, strict=True)]
    ece = sum(g * b.judgements for g, b in zip(gaps, bins, strict=True)) / 400
    assert found.expected_error is not None
    assert found.expected_error.value == pytest.approx(ece)
    assert found.expected_error.low <= ece <= found.expected_error.high


def test_no_scores_have_no_table() -> None:
    """And a score of 1 has a bin."""
    calibration = ScoreBins()
    assert calibration.measures() is None
    calibration.add(1.0, is_right=True, is_calibrated=False)
    found = calibration.measures()
    assert found is not None
    assert (found.bins[-1].judgements, found.calibrated_share) == (1, 0.0)
    assert found.bins[0].score is None
