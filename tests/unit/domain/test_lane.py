"""Lanes have their words, and one is in use for so long after its last record."""

from __future__ import annotations

import pytest

from consumer.domain.lane import LANE_WORDS, LANES, Lane, LaneUse, lane_of


def test_each_lane_is_written_as_topic_toml_has_it() -> None:
    assert LANE_WORDS == ("real-time", "comments", "replay")
    assert tuple(lane_of(word) for word in LANE_WORDS) == LANES


@pytest.mark.parametrize(("after_s", "is_preceded"), [(0, True), (59, True), (60, False)])
def test_room_is_kept_for_an_earlier_lane_as_long_as_it_is_in_use(
    after_s: float, is_preceded: bool
) -> None:
    """For those behind it, and for nobody else."""
    use = LaneUse(60)
    use.used(Lane.COMMENTS, 100)
    assert use.is_preceded(Lane.REPLAY, 100 + after_s) == is_preceded
    assert not use.is_preceded(Lane.COMMENTS, 100 + after_s)
    assert not use.is_preceded(Lane.REAL_TIME, 100 + after_s)
