"""A topic that was made again ends the client that has read from the old one."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from consumer.interfaces import Partition
from consumer.kafka.client_errors import read
from consumer.kafka.source.share.namesakes import MadeAgain, Namesakes, may_be_made_again
from consumer.telemetry.telemetry import Telemetry


def made_again(telemetry: Telemetry) -> float:
    return float(telemetry.metrics.topics_made_again.labels("in")._value.get())


def test_another_id_ends_the_client_and_is_counted() -> None:
    """The next client begins with the new one."""
    telemetry = Telemetry()
    names = Namesakes(telemetry)
    names.begin({"in": "old"})
    names.end_old_ones({"in": "old"}, [])
    with pytest.raises(MadeAgain):
        names.check({"in": "new"})
    assert made_again(telemetry) == 0.0
    with pytest.raises(MadeAgain):
        names.end_old_ones({"in": "new"}, [Partition("in", 0)])
    assert made_again(telemetry) == 1.0

    names.begin_anew()
    names.check({"in": "new"})


@pytest.mark.parametrize("ids", [{}, {"in": ""}, {"other": "new"}])
def test_no_id_says_nothing(ids: dict[str, str]) -> None:
    """A broker may give none for a moment, or at all."""
    names = Namesakes(Telemetry())
    names.begin({"in": "old"})
    names.check(ids)


def test_what_any_client_of_this_process_knew_tells_without_a_commit() -> None:
    """The brokers forget a group's commits with the topic; a topic never seen is no other one."""
    names = Namesakes(Telemetry())
    names.begin({"in": "old"})
    names.begin_anew()
    assert names.unlike_before(["in", "fresh"], {"in": "new", "fresh": "x"}) == {"in"}
    assert names.unlike_before(["in"], {"in": "old"}) == set()
    assert names.unlike_before(["in"], {}) == set()


@pytest.mark.parametrize(
    ("code", "may_be"),
    [
        (KafkaError._AUTO_OFFSET_RESET, True),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, True),
        (KafkaError._TRANSPORT, False),
    ],
)
def test_only_what_is_not_there_raises_doubts(code: int, may_be: bool) -> None:
    """A broker that is away is no reason to look at the topics."""
    assert may_be_made_again(read(KafkaError(code))) is may_be
