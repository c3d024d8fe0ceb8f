"""Sequencer: each key's verdicts leave in order, and no key waits for another."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.pipeline.sequencer import Sequenced, Sequencer


class Item(Sequenced):
    """A record with a number, to check the order by."""

    def __init__(self, number: int, key: bytes | None) -> None:
        super().__init__(key)
        self.number = number


def items(sequencer: Sequencer[Item], *keys: bytes | None) -> list[Item]:
    made = [Item(number, key) for number, key in enumerate(keys)]
    for item in made:
        sequencer.admit(item)
    return made


def test_same_destination_leaves_in_order_without_waiting_for_acknowledgement() -> None:
    """Kafka keeps the order of one topic, so a run to one destination is sent at once."""
    sequencer = Sequencer[Item]()
    first, second, third = items(sequencer, b"k", b"k", b"k")

    assert sequencer.ready(third, "allow") == []
    assert sequencer.ready(second, "allow") == []
    assert sequencer.ready(first, "allow") == [first, second, third]


def test_another_destination_waits_for_the_acknowledgement_of_all_before_it() -> None:
    """Kafka keeps no order across topics: the change of destination waits."""
    sequencer = Sequencer[Item]()
    first, second, third = items(sequencer, b"k", b"k", b"k")
    assert sequencer.ready(first, "allow") == [first]
    assert sequencer.ready(second, "allow") == [second]

    assert sequencer.ready(third, "block") == []
    assert sequencer.acknowledged(first) == []
    assert sequencer.acknowledged(second) == [third]


def test_other_keys_do_not_wait() -> None:
    """A slow message delays its own key alone."""
    sequencer = Sequencer[Item]()
    _slow, other = items(sequencer, b"a", b"b")

    assert sequencer.ready(other, "allow") == [other]


def test_a_record_without_a_key_has_no_order() -> None:
    """None as a key means no order, not one order for all."""
    sequencer = Sequencer[Item]()
    _first, second = items(sequencer, None, None)

    assert sequencer.ready(second, "allow") == [second]
    assert sequencer.acknowledged(second) == []


def test_what_is_passed_over_lets_the_next_go() -> None:
    """A tombstone that is passed over holds nothing back."""
    sequencer = Sequencer[Item]()
    first, second = items(sequencer, b"k", b"k")
    assert sequencer.ready(second, "allow") == []

    assert sequencer.passed_over(first) == [second]


def test_what_is_put_back_goes_before_what_followed_it() -> None:
    """Its destination has changed: what follows waits, though it was released before."""
    sequencer = Sequencer[Item]()
    first, second, third = items(sequencer, b"k", b"k", b"k")
    sequencer.ready(first, "allow")
    sequencer.ready(second, "allow")
    sequencer.ready(third, "allow")
    assert sequencer.acknowledged(first) == []

    second.destination = "dead"
    assert sequencer.put_back([second, third]) == [second]
    assert sequencer.acknowledged(second) == [third]
    assert sequencer.acknowledged(third) == []
    assert repr(sequencer) == "<Sequencer 0 keys, 0 waiting>"


def test_an_idle_key_is_forgotten() -> None:
    """Memory does not grow with the number of keys ever seen."""
    sequencer = Sequencer[Item]()
    for number in range(100):
        item = Item(number, b"%d" % number)
        sequencer.admit(item)
        sequencer.ready(item, "allow")
        sequencer.acknowledged(item)

    assert repr(sequencer) == "<Sequencer 0 keys, 0 waiting>"


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"a", b"b", b"c", None]),
            st.sampled_from(["allow", "flag", "block", "dead"]),
            st.booleans(),
        ),
        min_size=1,
        max_size=25,
    ),
    st.randoms(use_true_random=False),
)
def test_order_holds_in_every_interleaving(
    plan: list[tuple[bytes | None, str, bool]], random: object
) -> None:
    """
    Whatever finishes when: per key, sends are in order and a topic change waits; all leave.

    Now and then a topic refuses all that is on its way there, and the first of it goes elsewhere.
    """
    sequencer = Sequencer[Item]()
    made = items(sequencer, *(key for key, _, _ in plan))
    ready = list(made)
    on_way: list[Item] = []
    sent: list[Item] = []
    acknowledged: set[int] = set()

    def send(released: list[Item]) -> None:
        for item in released:
            assert item not in on_way
            for earlier in made[: item.number]:
                if earlier.order_key != item.order_key or item.order_key is None:
                    continue
                if plan[earlier.number][2]:
                    continue
                assert earlier in sent, "an earlier one of the key has not been sent"
                if earlier.destination != item.destination:
                    assert earlier.number in acknowledged, "the change of topic did not wait"
            sent.append(item)
            on_way.append(item)

    while ready or on_way:
        choices = [("ready", item) for item in ready] + [("ack", item) for item in on_way]
        choices += [("refuse", item) for item in on_way[:1]]
        kind, item = random.choice(choices)  # type: ignore[attr-defined]
        if kind == "ready":
            ready.remove(item)
            if plan[item.number][2]:
                send(sequencer.passed_over(item))
            else:
                send(sequencer.ready(item, plan[item.number][1]))
        elif kind == "refuse":
            refused = [other for other in on_way if other.destination == item.destination]
            for other in refused:
                on_way.remove(other)
                sent.remove(other)
            item.destination = "elsewhere"
            send(sequencer.put_back(refused))
        else:
            # The broker acknowledges a topic in the order it was written.
            first = next(other for other in on_way if other.destination == item.destination)
            on_way.remove(first)
            acknowledged.add(first.number)
            send(sequencer.acknowledged(first))

    assert {item.number for item in sent} == {
        item.number for item in made if not plan[item.number][2]
    }


def test_a_key_whose_records_are_all_done_leaves_nothing_behind() -> None:
    """Passed over or published: there are more keys than memory in the life of a worker."""
    sequencer = Sequencer[Item]()
    over, sent, last = items(sequencer, b"a", b"b", b"b")
    assert repr(sequencer) == "<Sequencer 2 keys, 3 waiting>"

    sequencer.passed_over(over)
    assert repr(sequencer) == "<Sequencer 1 keys, 2 waiting>"
    sequencer.ready(sent, "allow")
    assert sequencer.passed_over(last) == []
    assert repr(sequencer) == "<Sequencer 1 keys, 0 waiting>", "one is not acknowledged yet"
    sequencer.acknowledged(sent)
    assert repr(sequencer) == "<Sequencer 0 keys, 0 waiting>"
