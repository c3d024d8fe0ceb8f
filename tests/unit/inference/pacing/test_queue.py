"""The queue before the servers: lanes in their order, none starved, deadlines kept."""

from __future__ import annotations

import asyncio
from unittest.mock import patch

from consumer.domain.lane import Lane
from consumer.inference.pacing.queue import LaneQueue, Waiter
from tests.waiting import until

Queue = LaneQueue[str, str]


def anybody(_lane: Lane) -> bool:
    return True


def served(queue: Queue) -> str:
    waiter = queue.next(anybody)
    assert waiter is not None
    waiter.turn.set_result("place")
    return waiter.wish


async def test_an_earlier_lane_goes_first_and_within_a_lane_who_came_first() -> None:
    """Chat before comments before replay, whoever came when."""
    queue: Queue = LaneQueue()
    for wish, lane in (("r1", Lane.REPLAY), ("c1", Lane.COMMENTS), ("a", Lane.REAL_TIME)):
        queue.add(wish, lane, None)
    queue.add("b", Lane.REAL_TIME, None)

    assert [served(queue) for _ in range(4)] == ["a", "b", "c1", "r1"]
    assert queue.next(anybody) is None


async def test_no_lane_is_starved() -> None:
    """While chat never ends, replay still has one turn in so many."""
    queue: Queue = LaneQueue()
    for number in range(16 * 3):
        queue.add(f"chat {number}", Lane.REAL_TIME, None)
        queue.add("replay", Lane.REPLAY, None)

    turns = [served(queue) for _ in range(16 * 3)]

    assert turns.count("replay") == 3


async def test_a_lane_that_may_not_have_a_place_lets_the_others_pass() -> None:
    """What is reserved for chat is no place for replay."""
    queue: Queue = LaneQueue()
    queue.add("replay", Lane.REPLAY, None)

    assert queue.next(lambda lane: lane is Lane.REAL_TIME) is None
    assert queue.has_waiting()
    assert not queue.has_waiting(Lane.COMMENTS)


async def test_a_deadline_in_the_queue_holds() -> None:
    """Who runs out of time leaves with nothing, and those behind move up."""
    queue: Queue = LaneQueue()
    late = queue.add("late", Lane.REAL_TIME, 0.01)
    queue.add("patient", Lane.REAL_TIME, None)

    queue.add("early", Lane.COMMENTS, 20)
    # Nobody notices whether it is kept a fiftieth of a second earlier or later.
    assert queue._sweeping is not None
    assert queue._sweeping.when() - asyncio.get_running_loop().time() <= 0.02

    assert await late is None
    assert [served(queue) for _ in range(2)] == ["patient", "early"]


async def test_time_has_run_out_at_the_deadline_itself() -> None:
    queue: Queue = LaneQueue()
    loop = asyncio.get_running_loop()
    with patch.object(loop, "time", lambda: 5.0):
        turn = queue.add("late", Lane.REAL_TIME, 0.0)
        queue._sweep()
    assert turn.done()
    assert turn.result() is None


async def test_who_has_left_is_not_served() -> None:
    """A call that was cancelled while it waited takes no place with it."""
    queue: Queue = LaneQueue()
    queue.add("gone", Lane.REAL_TIME, None).cancel()
    queue.add("there", Lane.REAL_TIME, None)

    assert queue.waiting(Lane.REAL_TIME) == 1
    assert served(queue) == "there"


async def test_who_waits_can_be_counted_while_others_come() -> None:
    """The metrics are written in a thread of their own, in the middle of anything."""
    queue: Queue = LaneQueue()

    class Turn(asyncio.Future[str | None]):
        """While it is looked at, one more comes."""

        def done(self) -> bool:
            queue.add("b", Lane.REAL_TIME, None)
            return super().done()

    queue._lanes[Lane.REAL_TIME].append(Waiter("a", None, Turn()))
    assert queue.waiting(Lane.REAL_TIME) == 1


async def test_each_deadline_holds_however_many_there_are() -> None:
    """One that runs out long after another is kept like the first; without any nobody looks."""
    queue: Queue = LaneQueue()
    queue.add("patient", Lane.REAL_TIME, None)
    assert queue._sweeping is None
    turns = [queue.add("late", Lane.REAL_TIME, after_s) for after_s in (0.01, 0.1, 0.2)]

    assert await asyncio.wait_for(asyncio.gather(*turns), 20) == [None] * 3
    await until(lambda: queue._sweeping is None, "the looking to end where there is none")


async def test_nobody_looks_before_the_first_may_have_run_out_of_time() -> None:
    """While hundreds wait for long, none of them is looked at again and again."""
    queue: Queue = LaneQueue()
    loop = asyncio.get_running_loop()
    with patch.object(loop, "time", lambda: 5.0):
        queue.add("patient", Lane.REAL_TIME, 30.0)
        first = queue._sweeping
        queue.add("as patient", Lane.REAL_TIME, 30.0)
        queue.add("more patient", Lane.REAL_TIME, 40.0)
        assert first is not None
        assert queue._sweeping is first
        assert first.when() == 35.0

        queue.add("hasty", Lane.REPLAY, 7.0)
        assert first.cancelled()
        assert queue._sweeping is not None
        assert queue._sweeping.when() == 12.0
    with patch.object(loop, "time", lambda: 12.5):
        queue._sweep()
        assert [queue.waiting(lane) for lane in (Lane.REAL_TIME, Lane.REPLAY)] == [3, 0]
        assert queue._sweeping.when() == 35.0
