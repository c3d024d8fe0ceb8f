"""From one call to the next: what is noted of each, and when a place is given back unused."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.classifier.asking.aftermath import Crowded, Gone
from consumer.classifier.asking.course import Course
from consumer.classifier.asking.patience import Patience
from consumer.classifier.asking.trail import Trail
from consumer.classifier.question import PolicyQuestion
from consumer.domain.verdicts.judged import Heard
from consumer.domain.verdicts.usage import Usage
from consumer.domain.verdicts.verdict import Judgement, Tokens
from consumer.errors import InferenceTimeout
from consumer.inference.fleet.endpoint import Endpoint
from consumer.inference.question import Question
from tests.unit.classifier.confidence.test_looks import World

ONE = Tokens(400, 320, 60, 80)
"""What one completion says that it cost."""


async def test_each_call_is_counted_and_told_to_whoever_listens() -> None:
    """One that failed as well: a server that was cut off may have worked for it."""
    world = World(InferenceTimeout(), "HH0", "HH0", terms=None)
    heard: list[Heard] = []
    patience = Patience(None, False, trail=Trail(heard.append))
    question = PolicyQuestion(world.policy, "text")
    found = await world.classifier._asker.ask(question, "text", patience)
    assert isinstance(found, Judgement)
    assert [(each.fault, bool(each.answer)) for each in heard] == [
        ("InferenceTimeout", False),
        ("", True),
    ]
    # The probe that was asked in between is nobody's.
    assert patience.tally.usage == Usage(2, 1, ONE)


@pytest.mark.parametrize(
    ("is_out", "within_s", "error"),
    [(True, None, Gone), (False, 2.0, Crowded), (True, 2.0, Gone), (False, 1.0, Crowded)],
)
async def test_a_place_that_came_too_late_is_given_back(
    is_out: bool, within_s: float | None, error: type[Exception]
) -> None:
    """The endpoint is out by then, or the message's time is over to the second."""
    world = World()
    take = world.fleet.places.take

    async def take_late(question: Question[object], *_: object) -> Endpoint | None:
        place = await take(question, None)
        world.clock.time_s += 2.0
        if is_out:
            world.endpoint.breaker.trip(0.0)
        return place

    places: Any = world.fleet.places
    places.take = take_late
    deadline_s = None if within_s is None else world.clock.time_s + within_s
    patience = Patience(deadline_s, False)
    question = PolicyQuestion(world.policy, "text")
    with pytest.raises(error):
        await world.classifier._asker._call(question, Course("text"), patience, within_s)
    assert world.endpoint.capacity.taken == 0
    assert world.server.requests == []
