"""Which commit is of the topic that is there now."""

from __future__ import annotations

from consumer.domain.checkpoint import Checkpoint
from consumer.kafka.cluster.commits import is_of_this

TOPIC, ID, OLD = "chat", "newnewnew", "oldoldold"


def left(topic_id: str, offset: int) -> str:
    return Checkpoint("o", 1, 0, topic_id=topic_id[:8]).encode(offset, TOPIC)


def test_a_commit_is_of_this_topic_where_nothing_says_otherwise() -> None:
    """One without our checkpoint names no topic: only an end below it tells."""
    assert is_of_this(TOPIC, 100, left(ID, 100), ID, 100)
    assert not is_of_this(TOPIC, 101, left(ID, 101), ID, 100)
    assert not is_of_this(TOPIC, 1, left(OLD, 1), ID, 100)
    assert is_of_this(TOPIC, 1, left(OLD, 1), "", 100)
    assert is_of_this(TOPIC, 1, "", ID, 100)
