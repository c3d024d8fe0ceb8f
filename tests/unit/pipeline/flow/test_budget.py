"""Budgets: never more than the hour may cost, room again as minutes are forgotten."""

from __future__ import annotations

from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.binding import BudgetTerms
from consumer.domain.verdicts.usage import Usage
from consumer.domain.verdicts.verdict import Tokens
from consumer.pipeline.flow.budget import FREE_SHARE, TOKENS_FIRST, Budget, LastHour, Spent

STEPS = st.lists(
    st.tuples(
        st.floats(0, 2_000) | st.sampled_from([0.0, 59.999, 60.0, 3_540.0, 3_600.0, 3_660.0]),
        st.integers(0, 50),
        st.integers(0, 5_000),
    ),
    max_size=80,
)


def cost(calls: int = 1, tokens: int = 0) -> Usage:
    return Usage(calls, 0, Tokens(prompt=tokens))


def a_budget(calls: int | None = None, tokens: int | None = None, *, calls_each: int = 1) -> Budget:
    return Budget("chat", BudgetTerms(calls, tokens), calls_each)


def spend(budget: Budget, now_s: float, usage: Usage) -> None:
    budget.end(now_s, budget.begin(), usage)


@given(STEPS)
def test_the_last_hour_is_the_sum_of_a_naive_oracle(steps: list[tuple[float, int, int]]) -> None:
    """This minute and the 60 before it count, nothing else, in no more than 61 buckets."""
    hour, all_of_it, now_s = LastHour(), [], 0.0
    for pause_s, calls, tokens in steps:
        now_s += pause_s
        hour.add(now_s, Spent(calls, tokens))
        all_of_it.append((floor(now_s / 60), calls, tokens))
        counted = [each for each in all_of_it if each[0] >= floor(now_s / 60) - 60]
        assert hour.calls == sum(calls for _, calls, _ in counted)
        assert hour.tokens == sum(tokens for _, _, tokens in counted)
        assert len(hour.frees()) <= 61


@given(STEPS, st.integers(1, 60), st.integers(1, 20_000), st.integers(1, 4), st.floats(0.05, 1))
def test_no_hour_takes_more_than_the_share_of_the_budget_and_what_was_under_way(
    steps: list[tuple[float, int, int]], calls: int, tokens: int, each: int, share: float
) -> None:
    """
    Messages that begin wherever there is room, end at once, and cost their calls: in no 3,600 s
    more calls than allowed, and more tokens only by what the last message turned out to cost.
    """
    budget, taken, now_s = a_budget(calls, tokens, calls_each=each), [], 0.0
    budget.share = share
    for pause_s, messages, costs in steps:
        now_s += pause_s
        for _ in range(messages):
            if budget.has_room(now_s):
                spend(budget, now_s, cost(each, costs))
                taken.append((now_s, each, costs))
    for at_s, _, _ in taken:
        within = [found for found in taken if at_s - 3_600 <= found[0] <= at_s]
        if len(within) > 1:
            assert sum(calls for _, calls, _ in within) <= calls * share
            assert sum(tokens for *_, tokens in within[:-1]) <= tokens * share


@given(STEPS, st.integers(1, 60), st.integers(1, 4))
def test_there_is_room_when_it_says_so_and_not_a_minute_earlier(
    steps: list[tuple[float, int, int]], calls: int, each: int
) -> None:
    """`room_in_s` is when the next minute's calls are forgotten that makes enough room."""
    budget, now_s = a_budget(calls, calls_each=each), 0.0
    for pause_s, messages, _ in steps:
        now_s += pause_s
        for _ in range(messages):
            if budget.has_room(now_s):
                spend(budget, now_s, cost(each))
        wait_s = budget.room_in_s(now_s)
        assert 0 <= wait_s <= 3_660
        assert (wait_s == 0) == (not budget.is_spent and budget.has_room(now_s))
        if wait_s > 61:
            assert not budget.has_room(now_s + wait_s - 60.5)
            now_s += wait_s - 60.5
            wait_s = 60.5
        if wait_s > 0:
            now_s += wait_s + 0.001
            assert budget.has_room(now_s)


def test_what_is_under_way_is_set_aside() -> None:
    """Ten messages that begin together cannot spend twice the budget of five."""
    budget = a_budget(calls=10, calls_each=2)
    begun = [budget.begin() for _ in range(10) if budget.has_room(0.0)]
    assert begun == [2] * 5
    assert budget.is_spent

    for calls in begun[:4]:
        budget.end(0.0, calls, Usage())
    assert budget.used == Spent(2, 2 * TOKENS_FIRST)
    assert budget.has_room(0.0)


def test_tokens_are_set_aside_by_what_the_calls_of_the_hour_took() -> None:
    """A guess until the first answer; then their mean, so that a burst does not overshoot."""
    budget = a_budget(tokens=10 * TOKENS_FIRST)
    assert [budget.has_room(0.0) and budget.begin() for _ in range(11)] == [1] * 10 + [False]
    for _ in range(10):
        budget.end(0.0, 1, cost(1, 400))
    assert budget.used == Spent(10, 4_000)
    begun = 0
    while budget.has_room(0.0):
        budget.begin()
        begun += 1
    assert begun == 15


def test_retries_and_pieces_count_as_they_come() -> None:
    """A message that took more calls than it has policies has spent them all."""
    budget = a_budget(calls=10)
    spend(budget, 0.0, cost(10))
    assert not budget.has_room(0.0)


def test_a_message_that_was_cut_short_has_spent_what_was_set_aside() -> None:
    """Its calls were sent; what came of them nobody knows."""
    budget = a_budget(calls=4, calls_each=2)
    budget.end(0.0, budget.begin(), None)
    assert budget.used == Spent(2, 2 * TOKENS_FIRST)


def test_a_budget_smaller_than_a_message_lets_one_through_in_an_hour() -> None:
    """It would stand still for ever else."""
    budget = a_budget(calls=1, tokens=5, calls_each=3)
    assert budget.has_room(0.0)
    spend(budget, 0.0, cost(3, 900))
    assert not budget.has_room(3_000.0)
    assert budget.has_room(3_661.0)


def test_a_spent_budget_is_taken_up_again_when_a_part_of_it_is_free() -> None:
    """Not for every single call that is forgotten, or it would flap."""
    budget = a_budget(calls=1_000)
    for second in range(1_000):
        # One call in the first minute, and all others in the second.
        spend(budget, 0.0 if second == 0 else 60.0, cost())
    assert not budget.has_room(60.0)
    assert not budget.has_room(61 * 60.0)
    assert budget.used.calls == 999
    assert budget.has_room(62 * 60.0)
    assert FREE_SHARE * 1_000 > 1


def test_its_part_is_the_share_of_the_whole() -> None:
    budget = a_budget(calls=100, tokens=1_000)
    budget.share = 0.25
    assert (budget.calls_max, budget.tokens_max) == (25.0, 250.0)
    assert a_budget(calls=100).tokens_max is None


@pytest.mark.parametrize("more", ["", ", spent"])
def test_it_prints_itself(more: str) -> None:
    budget = a_budget(calls=1)
    spend(budget, 0.0, cost(1, 7))
    if more:
        budget.has_room(0.0)
    assert repr(budget) == f"<Budget chat calls 1/1, tokens 7/any, share 1{more}>"
    assert "calls 0" in repr(LastHour())


def test_room_for_tokens_comes_with_the_minute_that_makes_enough_of_it() -> None:
    """The first minute's are enough to wait for; those of a later one stay."""
    budget = a_budget(tokens=1_000)
    spend(budget, 0.0, cost(1, 600))
    spend(budget, 1_800.0, cost(1, 400))
    assert not budget.has_room(1_830.0)
    assert budget.room_in_s(1_830.0) == 3_660.0 - 1_830.0
    assert budget.has_room(3_660.0)


def test_what_is_spent_in_one_minute_is_one_sum() -> None:
    """The memory does not grow with the messages, and a minute is forgotten as a whole."""
    hour = LastHour()
    for now_s in (0.0, 60.0, 61.0, 119.9):
        hour.add(now_s, Spent(1, 10))
    assert hour.frees() == [(3_660.0, Spent(1, 10)), (3_720.0, Spent(3, 30))]
    assert (hour.calls, hour.tokens) == (4, 40)


def test_room_comes_with_the_minute_that_frees_the_twentieth_part() -> None:
    """What the first minute frees may be too little to begin anew with."""
    for first, at_s in ((4, 3_720.0), (5, 3_660.0)):
        budget = a_budget(calls=100)
        spend(budget, 0.0, cost(first))
        spend(budget, 60.0, cost(100 - first))
        assert not budget.has_room(90.0)
        assert budget.room_in_s(90.0) == at_s - 90.0


def test_room_for_a_message_that_is_larger_than_its_budget_comes_when_all_is_forgotten() -> None:
    budget = a_budget(calls=1, calls_each=3)
    spend(budget, 0.0, cost(3))
    assert not budget.has_room(1_800.0)
    assert budget.room_in_s(1_800.0) == 3_660.0 - 1_800.0
