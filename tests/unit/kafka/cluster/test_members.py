"""What the members of a group told each other is read, whatever it is."""

from __future__ import annotations

import pytest

from consumer.kafka.cluster.members import topics_in

SEEN = b"\0\0\0\0\0\1\0\3in1\0\0\0\2\0\0\0\0\0\0\0\1\0\0\0\0"
"""What a broker showed of a member that has both partitions of `in1`."""
TWO = b"\0\1\0\0\0\2\0\1a\0\0\0\1\0\0\0\7\0\4long\0\0\0\2\0\0\0\0\0\0\0\1\xff\xff\xff\xff"


def test_topics_are_those_of_which_there_is_a_partition() -> None:
    """Of both versions, and without what a member adds for itself."""
    assert topics_in(SEEN) == {"in1"}
    assert topics_in(TWO) == {"a", "long"}
    assert topics_in(b"\0\1\0\0\0\1\0\1a\0\0\0\0\0\0\0\0") == set()


@pytest.mark.parametrize(
    "assignment",
    [b"", b"\0", SEEN[:9], b"\0\0\xff\xff\xff\xff", b"\0\0\0\0\0\1\0\1\xff\0\0\0\1\0\0\0\0"],
)
def test_what_is_no_assignment_names_no_topic(assignment: bytes) -> None:
    """A member has none while the group is being put together."""
    assert topics_in(assignment) == set()
