"""What many ask at the same time is asked once, and nobody is told what was asked before."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from consumer.errors import BrokerUnavailable
from consumer.kafka.reader.together import Together


class Brokers:
    """Answer each question when the test says so, with how many questions there were."""

    def __init__(self) -> None:
        self.questions: list[list[str]] = []
        self._answers: list[asyncio.Future[None]] = []

    async def ask(self, keys: Sequence[str]) -> Mapping[str, int]:
        number = len(self.questions)
        self.questions.append(list(keys))
        answer = asyncio.get_running_loop().create_future()
        self._answers.append(answer)
        await answer
        return dict.fromkeys(keys, number)

    def answer(self, error: Exception | None = None) -> None:
        answer = self._answers.pop(0)
        if error is None:
            answer.set_result(None)
        else:
            answer.set_exception(error)


async def a_turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_comes_while_one_is_asked_is_answered_by_the_next() -> None:
    """The first question was put before they came: its answer may be older than their wish."""
    brokers = Brokers()
    together = Together(brokers.ask)
    first = asyncio.create_task(together.about(["a"]))
    await a_turn()
    later = [asyncio.create_task(together.about(keys)) for keys in (["b", "a"], ["c"], ["b"])]
    await a_turn()
    assert brokers.questions == [["a"]]
    brokers.answer()
    assert await first == {"a": 0}
    await a_turn()
    assert brokers.questions == [["a"], ["b", "a", "c"]]
    brokers.answer()
    assert [await each for each in later] == [{"b": 1, "a": 1, "c": 1}] * 3


async def test_all_are_told_that_there_is_no_answer_and_may_ask_again() -> None:
    brokers = Brokers()
    together = Together(brokers.ask)
    tasks = [asyncio.create_task(together.about([key])) for key in "ab"]
    await a_turn()
    brokers.answer(BrokerUnavailable("away"))
    for task in tasks:
        with pytest.raises(BrokerUnavailable, match="away"):
            await task
    again = asyncio.create_task(together.about(["a"]))
    await a_turn()
    brokers.answer()
    assert await again == {"a": 1}


async def test_who_gives_up_keeps_nobody_else_from_the_answer() -> None:
    brokers = Brokers()
    together = Together(brokers.ask)
    gone, patient = (asyncio.create_task(together.about([key])) for key in "ab")
    await a_turn()
    gone.cancel()
    await a_turn()
    brokers.answer()
    assert await patient == {"a": 0, "b": 0}
    # One who gives up while the answer is an error is no trouble either.
    gone, patient = (asyncio.create_task(together.about([key])) for key in "ab")
    await a_turn()
    gone.cancel()
    await a_turn()
    brokers.answer(BrokerUnavailable("away"))
    with pytest.raises(BrokerUnavailable):
        await patient


async def test_nobody_waits_for_a_question_that_was_given_up() -> None:
    """As where the threads that ask are ended while the worker stops."""
    brokers = Brokers()
    together = Together(brokers.ask)
    first = asyncio.create_task(together.about(["a"]))
    await a_turn()
    second = asyncio.create_task(together.about(["b"]))
    await a_turn()
    brokers.answer(RuntimeError("a fault of ours"))
    for task in (first, second):
        with pytest.raises(asyncio.CancelledError):
            await task
