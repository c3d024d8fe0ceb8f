"""Probation: what was in a refused batch goes alone, and only what is refused alone is at fault."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from consumer.interfaces import Output
from consumer.kafka.sink.probation import Probation, smaller_batch

ONE, OTHER = Output("a", 0), Output("b", 0)


def test_a_refused_batch_blames_nobody_and_puts_its_output_on_probation() -> None:
    """So many go alone as were on their way; then batches are sent again."""
    probation = Probation()
    assert not probation.sent(ONE)
    assert not probation.is_to_blame(ONE, is_alone=False)
    assert probation.refused_topics == ["a"]
    probation.interrupted()
    probation.begin(ONE, 2)
    assert probation.refused_topics == []

    assert probation.sent(ONE)
    assert not probation.takes(ONE)
    assert probation.is_to_blame(ONE, is_alone=True)
    probation.settled(ONE)
    assert probation.takes(ONE)
    assert probation.sent(ONE)
    probation.settled(ONE)
    assert not probation.sent(ONE)


def test_other_outputs_are_not_on_probation() -> None:
    """Another output that was mended at the same time goes on in batches."""
    probation = Probation()
    probation.is_to_blame(ONE, is_alone=False)
    probation.begin(OTHER, 5)
    probation.begin(ONE, 5)

    assert not probation.sent(OTHER)
    assert probation.takes(OTHER)
    assert probation.sent(ONE)


def test_what_fails_by_nobodys_fault_while_it_is_alone_may_go_again() -> None:
    """The brokers went away in the middle of a probation: it goes on where it was."""
    probation = Probation()
    probation.is_to_blame(ONE, is_alone=False)
    probation.begin(ONE, 1)
    probation.sent(ONE)
    probation.interrupted()
    probation.begin(ONE, 1)

    assert probation.takes(ONE)
    assert probation.sent(ONE)


@given(st.integers(1, 10**7), st.one_of(st.none(), st.integers(1, 10**7)))
def test_batches_always_become_smaller_until_they_hold_one_record(
    size: int, said: int | None
) -> None:
    """Whatever the brokers say of what they take, a refusal is never answered with as much."""
    smaller = smaller_batch(size, said)

    assert 1 <= smaller < size or size == smaller == 1
