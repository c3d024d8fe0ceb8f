"""Once a second: where the partitions end, and whether a broker answers again."""

from __future__ import annotations

from confluent_kafka import KafkaError

from consumer.interfaces import Partition
from consumer.kafka.client_errors import ClientFault, Meaning
from consumer.kafka.source.lookout import EVERY_S, Lookout
from consumer.kafka.source.share.holdings import Holdings
from consumer.kafka.source.troubles import Troubles
from tests.unit.kafka.source.fake_client import FakeClient, Told

ZERO = Partition("in", 0)


class Scene:
    def __init__(self) -> None:
        self.client, self.told, self.troubles = FakeClient(), Told(), Troubles(None, 1.0)
        holdings = Holdings()
        holdings.take(ZERO)
        self.lookout = Lookout(holdings, self.told, self.troubles)

    def look(self, now_s: float) -> None:
        self.lookout.look_if_due(self.client.as_consumer, ["in"], now_s)


def test_an_end_that_goes_back_raises_doubts() -> None:
    """One that is not known yet does not."""
    scene = Scene()
    for number, end in enumerate((-1001, 5, 9, -1001)):
        scene.client.ends[ZERO] = end
        scene.look(number * EVERY_S)
        assert scene.lookout.ends == {ZERO: end}
        assert not scene.told.has_doubts
    for number, end in ((5, 9), (6, 8)):
        scene.client.ends[ZERO] = end
        scene.look(number * EVERY_S)
    assert scene.told.has_doubts


def test_it_looks_only_when_it_is_due() -> None:
    """However often the thread goes round."""
    scene = Scene()
    scene.look(0.0)
    scene.client.ends[ZERO] = 5
    scene.look(EVERY_S / 2)
    assert scene.lookout.ends == {ZERO: -1001}


def test_brokers_that_were_away_are_asked_until_one_answers() -> None:
    """No record may come for long; the others are not asked anything."""
    scene = Scene()
    scene.look(0.0)
    assert scene.client.questions == 0
    away = ClientFault(KafkaError._ALL_BROKERS_DOWN, Meaning.AWAY, "away")
    scene.troubles.heard(away, None, 0.0)
    scene.client.refusal = KafkaError._TRANSPORT
    scene.look(2.0)
    assert scene.troubles.are_brokers_away
    scene.client.refusal = None
    scene.look(4.0)
    assert not scene.troubles.are_brokers_away
