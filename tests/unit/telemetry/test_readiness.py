"""A worker is ready where it could judge a record that came now; else it says why it cannot."""

from __future__ import annotations

import pytest

from consumer.interfaces import Partition
from consumer.telemetry.readiness import State, why_not_ready

ZERO, ONE = Partition("chat", 0), Partition("chat", 1)
WELL = State(
    is_stopping=False,
    failure=None,
    troubles=(),
    owned=frozenset({ZERO, ONE}),
    stranded=frozenset(),
    recovering=frozenset(),
    unreadable=frozenset(),
    held=frozenset(),
    is_model_out=False,
)


@pytest.mark.parametrize(
    "state",
    [
        WELL,
        WELL._replace(owned=frozenset()),
        WELL._replace(stranded=frozenset({ZERO})),
        WELL._replace(recovering=frozenset({ONE})),
        # Left over from partitions that another worker has by now.
        WELL._replace(owned=frozenset(), stranded=frozenset({ZERO}), recovering=frozenset({ONE})),
    ],
)
def test_ready(state: State) -> None:
    """With one partition that goes on, or with none at all: then it is there to take over."""
    assert why_not_ready(state) == []


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (WELL._replace(failure="it broke"), "it broke"),
        (WELL._replace(is_stopping=True), "stopping"),
        (WELL._replace(troubles=("no Kafka broker answers",)), "no Kafka broker"),
        (WELL._replace(stranded=frozenset({ZERO, ONE})), "judged: stranded 2"),
        (WELL._replace(recovering=frozenset({ZERO, ONE})), "judged: recovering 2"),
        (WELL._replace(unreadable=frozenset({ZERO, ONE})), "judged: unreadable 2"),
        (WELL._replace(held=frozenset({ZERO, ONE})), "judged: held_by_transactions 2"),
        (
            WELL._replace(stranded=frozenset({ZERO}), recovering=frozenset({ONE})),
            "recovering 1, stranded 1",
        ),
        (WELL._replace(unreadable=frozenset({ZERO}), held=frozenset({ONE})), "unreadable 1, held"),
        (WELL._replace(is_model_out=True), "inference"),
    ],
)
def test_not_ready(state: State, word: str) -> None:
    """The cause is known, and said."""
    (cause,) = why_not_ready(state)
    assert word in cause


def test_all_causes_are_said() -> None:
    """Who mends one should know of the others."""
    state = WELL._replace(troubles=("a", "b"), stranded=WELL.owned, is_model_out=True)
    assert len(why_not_ready(state)) == 4
