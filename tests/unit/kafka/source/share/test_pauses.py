"""A partition flows where neither the listener nor its outputs nor a lack of credits holds it."""

from __future__ import annotations

from consumer.interfaces import Partition
from consumer.kafka.source.share.holdings import Holdings
from consumer.kafka.source.share.pauses import STARVED_S, Pauses
from tests.unit.kafka.source.fake_client import FakeClient

ZERO, ONE, OTHER = Partition("in", 0), Partition("in", 1), Partition("in", 2)


class Scene:
    """Two partitions that were assigned, of outputs that have `width`."""

    def __init__(self, width: int = 99) -> None:
        self.width = width
        holdings = Holdings()
        self.client = FakeClient()
        self.pauses = Pauses(holdings, lambda _: self.width)
        for partition in (ZERO, ONE):
            holdings.take(partition)
        self.consumer = self.client.as_consumer
        self.client.flowing = {ZERO, ONE}
        self.pauses.begin(self.consumer, [ZERO, ONE])
        self.holdings = holdings


def test_what_is_assigned_waits_for_the_listener() -> None:
    """Also where it flowed under an earlier assignment: the client keeps its flag, we do not."""
    scene = Scene()
    assert scene.client.flowing == set()

    scene.pauses.release(scene.consumer, {ZERO: 1, OTHER: 1})
    assert scene.client.flowing == {ZERO}
    scene.pauses.hold(scene.consumer, {ZERO: 1, OTHER: 1})
    assert scene.client.flowing == set()


def test_what_its_outputs_lack_waits_for_them_and_for_the_listener() -> None:
    """In either order."""
    scene = Scene(width=1)
    assert scene.pauses.stranded == {ONE}
    scene.pauses.release(scene.consumer, {ZERO: 1, ONE: 1})
    assert scene.client.flowing == {ZERO}
    scene.pauses.look_again(scene.consumer)
    assert scene.client.flowing == {ZERO}
    scene.width = 2
    scene.pauses.look_again(scene.consumer)
    assert scene.client.flowing == {ZERO, ONE}
    assert scene.pauses.stranded == set()


def test_without_credits_all_is_paused_only_after_a_while() -> None:
    """What is held meanwhile stays held when they come, and what is resumed flows then."""
    scene = Scene()
    scene.pauses.release(scene.consumer, {ZERO: 1, ONE: 1})
    assert not scene.pauses.starve(scene.consumer, 1.0)
    assert not scene.pauses.starve(scene.consumer, 1.0 + STARVED_S)
    assert scene.client.flowing == {ZERO, ONE}
    assert scene.pauses.starve(scene.consumer, 1.1 + STARVED_S)
    assert scene.client.flowing == set()

    scene.pauses.hold(scene.consumer, {ONE: 1})
    scene.pauses.release(scene.consumer, {ZERO: 1})
    assert scene.client.flowing == set()
    scene.pauses.feed(scene.consumer)
    assert scene.client.flowing == {ZERO}
    assert not scene.pauses.starve(scene.consumer, 10.0), "the while begins anew"


def test_a_client_in_which_nothing_flowed_is_woken() -> None:
    """Its thread would sleep; where something flows already it needs no question."""
    scene = Scene()
    scene.pauses.release(scene.consumer, {ZERO: 1})
    assert scene.client.questions == 1
    scene.pauses.release(scene.consumer, {ONE: 1})
    assert scene.client.questions == 1


def test_what_was_taken_away_is_not_touched() -> None:
    """Nor does it count as flowing."""
    scene = Scene()
    scene.pauses.release(scene.consumer, {ZERO: 1})
    scene.holdings.forget([ZERO])
    scene.pauses.forget([ZERO])
    scene.client.flowing.clear()
    scene.pauses.release(scene.consumer, {ZERO: 1})
    assert scene.client.flowing == set()
    scene.pauses.release(scene.consumer, {ONE: 1})
    assert scene.client.questions == 2


def test_a_word_about_an_assignment_that_has_ended_moves_nothing() -> None:
    """It was said before the partition was assigned anew, and what was done before is not known."""
    scene = Scene()
    scene.holdings.take(ZERO)
    scene.pauses.release(scene.consumer, {ZERO: 1, ONE: 1})
    assert scene.client.flowing == {ONE}
    scene.pauses.release(scene.consumer, {ZERO: 2})
    scene.pauses.hold(scene.consumer, {ZERO: 1})
    assert scene.client.flowing == {ZERO, ONE}
