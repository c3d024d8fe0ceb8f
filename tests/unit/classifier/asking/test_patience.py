"""A message has so long, to the millisecond, and what it costs is one sum for all its policies."""

from __future__ import annotations

import pytest

from consumer.classifier.asking.patience import Patience


@pytest.mark.parametrize(("left_s", "is_over"), [(10.0, False), (0.002, False), (0.001, True)])
def test_time_runs_out_to_the_millisecond(left_s: float, is_over: bool) -> None:
    assert Patience(left_s, True).is_over(0.0) is is_over
    assert not Patience(None, True).is_over(0.0)


def test_policies_of_one_message_share_what_is_noted_and_not_their_time() -> None:
    patience = Patience(100.0, True)
    other = patience.copy()
    assert other.tally is patience.tally
    assert other.trail is patience.trail
    other.extend(5.0)
    assert (patience.left_s(90.0), other.left_s(90.0)) == (10.0, 15.0)
