"""What a consumer knows of what keeps records from it, and until when that holds."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from consumer.errors import Fatal
from consumer.interfaces import Partition
from consumer.kafka.client_errors import ClientFault, read
from consumer.kafka.source.troubles import Troubles

FIRST, SECOND = Partition("chat", 0), Partition("chat", 1)
HELD = read(KafkaError(KafkaError.UNRELEASED_INSTANCE_ID))
AWAY = read(KafkaError(KafkaError._ALL_BROKERS_DOWN))
GONE = read(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))
LATER = read(KafkaError(KafkaError._TRANSPORT))


def new() -> Troubles:
    return Troubles("pod-0", patience_s=60.0)


def test_nothing_is_told_where_nothing_was_heard() -> None:
    """A member without partitions, or with some that are idle, has no trouble."""
    troubles = new()
    troubles.heard(LATER, None, 0.0)
    assert troubles.told((), 0.0) == []
    assert troubles.told((FIRST,), 0.0) == []


def test_brokers_are_away_until_one_answers() -> None:
    """However long that takes: an absence is said once and lasts."""
    troubles = new()
    troubles.heard(AWAY, None, 0.0)
    assert "no Kafka broker answers" in troubles.told((FIRST,), 9_999.0)[0]
    assert troubles.are_brokers_away
    troubles.answered()
    assert troubles.told((FIRST,), 9_999.0) == []


def test_a_name_is_held_until_the_group_lets_us_in() -> None:
    """Each refusal renews it; an assignment ends it."""
    troubles = new()
    for now_s in (0.0, 2.0, 4.0, 6.0):
        troubles.heard(HELD, None, now_s)
        assert "kafka.static_member = pod-0" in troubles.told((), now_s + 1.0)[0]
    troubles.joined()
    assert troubles.told((), 6.0) == []


def test_a_member_without_partitions_has_its_name_when_nobody_says_no() -> None:
    """With KIP-848 it is told nothing at all."""
    troubles = new()
    troubles.heard(HELD, None, 0.0)
    assert troubles.told((), 5.1) == []


@pytest.mark.parametrize(("refused_s", "is_end"), [(60.0, False), (60.1, True)])
def test_a_name_is_waited_for_as_long_as_a_dead_member_may_keep_it(
    refused_s: float, is_end: bool
) -> None:
    """Longer, and it is another live worker's: that is for a person to mend."""
    troubles = new()
    for now_s in range(0, 60, 2):
        troubles.heard(HELD, None, float(now_s))
    if is_end:
        with pytest.raises(Fatal, match=r"kafka\.static_member = pod-0"):
            troubles.heard(HELD, None, refused_s)
    else:
        troubles.heard(HELD, None, refused_s)


def test_a_later_refusal_is_a_new_one() -> None:
    """A member that fell out hours after it had waited once is given the whole time again."""
    troubles = new()
    troubles.heard(HELD, None, 0.0)
    troubles.heard(HELD, None, 7_200.0)
    assert troubles.told((), 7_200.0) != []


def test_only_when_no_partition_can_be_read_nothing_comes() -> None:
    """One that goes on is enough; what is not said again, or has records again, is over."""
    troubles = new()
    troubles.heard(GONE, FIRST, 0.0)
    assert troubles.told((FIRST, SECOND), 1.0) == []
    assert "no partition can be read" in troubles.told((FIRST,), 1.0)[0]
    assert GONE.words in troubles.stopped(1.0)[FIRST]
    assert troubles.told((FIRST,), 61.0) == []
    troubles.heard(GONE, FIRST, 61.0)
    troubles.heard(GONE, SECOND, 61.0)
    assert troubles.told((FIRST, SECOND), 62.0) != []
    troubles.came([SECOND])
    assert troubles.told((FIRST, SECOND), 62.0) == []
    troubles.gave_up([FIRST])
    assert troubles.stopped(62.0) == {}


def test_records_are_a_sign_of_a_name_and_not_of_brokers() -> None:
    """They may have lain in the client since before the brokers went, which it tells once."""
    troubles = new()
    troubles.heard(AWAY, None, 0.0)
    troubles.heard(HELD, None, 0.0)
    troubles.came([FIRST])
    troubles.joined()
    (left,) = troubles.told((FIRST,), 0.0)
    assert "no Kafka broker answers" in left
    troubles.answered()
    assert not troubles.has_any


def test_it_is_no_word_of_a_user() -> None:
    """What is told are the client's words."""
    troubles = new()
    troubles.heard(ClientFault(AWAY.code, AWAY.meaning, "4/4 brokers are down"), None, 0.0)
    assert troubles.told((), 0.0) == ["no Kafka broker answers: 4/4 brokers are down"]


def test_an_end_without_a_cause_is_given_a_moment_for_it() -> None:
    """A refused commit says only that it is the end; the next polls may say why, or may not."""
    troubles = new()
    assert troubles.end(0.0) is None
    nameless = read(KafkaError(KafkaError._FATAL))
    troubles.ended(nameless, 0.0)
    troubles.ended(HELD, 1.0)
    had = troubles.has_end
    assert troubles.end(2.0) is None
    assert troubles.end(2.1) is nameless
    troubles.begin_anew()
    assert (had, troubles.has_end) == (True, False)
    troubles.ended(HELD, 3.0)
    assert troubles.end(3.0) is HELD
