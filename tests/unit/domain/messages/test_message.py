"""Positions: what is written is read again, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.messages.message import Position, age_ms

INT32_MAX, INT64_MAX = 2**31 - 1, 2**63 - 1
topics = st.text("abcXYZ019._-", min_size=1, max_size=20)


@given(topics, st.integers(0, INT32_MAX), st.integers(0, INT64_MAX))
def test_a_position_is_read_as_it_was_written(topic: str, partition: int, offset: int) -> None:
    """Up to the last partition and offset that Kafka can have."""
    position = Position(topic, partition, offset)
    assert Position.parse(str(position)) == position
    last = Position(topic, INT32_MAX, INT64_MAX)
    assert Position.parse(str(last)) == last


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/1/2",
        "t",
        "t/1",
        "t/1/",
        "t//2",
        "t/1/2/3",
        "t/01/2",
        "t/1/02",
        "t/-1/2",
        "t/+1/2",
        "t/1_0/2",
        "t/ 1/2",
        "t/1/2 ",
        "t/١/2",
        "t/1/²",
        f"t/{10**10}/2",
        f"t/1/{10**19}",
        "t/1/" + "9" * 5_000,
    ],
)
def test_what_no_position_is_written_as_is_none(text: str) -> None:
    """Headers and databases hold what others wrote."""
    assert Position.parse(text) is None


@pytest.mark.parametrize(
    ("timestamp_ms", "expected"), [(-1, None), (0, None), (1, 999), (1_000, 0), (1_500, -500)]
)
def test_a_record_without_a_time_has_no_age(timestamp_ms: int, expected: int | None) -> None:
    """Neither -1 nor 0 is a time; one that lies ahead is of another clock."""
    assert age_ms(timestamp_ms, now_ms=1_000) == expected
