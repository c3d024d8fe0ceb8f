"""The memo: one call for the same text, and what was said of it holds for a while."""

from __future__ import annotations

import asyncio

import pytest

from consumer.domain.policy import Outcome
from consumer.domain.screening import MemoTerms
from consumer.domain.verdicts.judged import Judged
from consumer.domain.verdicts.usage import NO_USAGE, Usage
from consumer.domain.verdicts.verdict import (
    NO_TOKENS,
    Cause,
    Judgement,
    Screened,
    Tokens,
    UnjudgedReason,
)
from consumer.screening.memo import AskedText, Memo, remembered
from tests.unit.pipeline.staging import settle

HELLO = AskedText("d1", "hello")
BAD = Judgement("p", "BAD", Outcome.BLOCK, ("P1",), rationale="because", tokens=Tokens(9, 8, 7, 6))
ANSWER = Judged(
    (BAD,), model_ms=480.0, endpoint="e", model="m", template="t", usage=Usage(1, tokens=Tokens(9))
)


def a_memo(texts_max: int = 10, for_s: float = 60.0) -> Memo:
    return Memo(MemoTerms(texts_max, for_s))


def test_what_was_heard_is_the_answer_until_its_time_is_over() -> None:
    memo = a_memo(for_s=60.0)
    memo.ask(HELLO)
    memo.heard(HELLO, ANSWER, "v1", 100.0)
    assert memo.answer(HELLO, 100.0) == remembered(ANSWER, "v1")
    assert memo.answer(HELLO, 159.9) is not None
    assert memo.answer(HELLO, 160.0) is None


def test_an_answer_is_the_judgement_at_no_cost_with_the_verdict_that_it_comes_from() -> None:
    assert remembered(ANSWER, "v1") == Judged(
        (BAD._replace(tokens=NO_TOKENS),),
        model="m",
        template="t",
        usage=NO_USAGE,
        cause=Cause.MEMO,
        screened=Screened(Cause.MEMO, None, "v1"),
    )


@pytest.mark.parametrize(
    "judged",
    [
        Judged((), UnjudgedReason.DEADLINE),
        Judged((), UnjudgedReason.REFUSED),
        # It blocks, but something of it was refused or missing.
        ANSWER._replace(unjudged=UnjudgedReason.REFUSED),
        Judged(()),
        ANSWER._replace(settled=Outcome.BLOCK),
    ],
)
def test_what_is_no_whole_judgement_is_not_kept(judged: Judged) -> None:
    memo = a_memo()
    memo.ask(HELLO)
    memo.heard(HELLO, judged, "v1", 100.0)
    assert memo.answer(HELLO, 100.0) is None
    assert not memo.is_asked(HELLO)
    assert len(memo) == 0


@pytest.mark.parametrize("other", [AskedText("d2", "hello"), AskedText("d1", "Hello")])
def test_another_version_or_another_letter_is_another_text(other: AskedText) -> None:
    memo = a_memo()
    memo.heard(HELLO, ANSWER, "v1", 100.0)
    assert memo.answer(other, 100.0) is None


def test_the_oldest_go_first_and_what_is_heard_again_is_new() -> None:
    memo = a_memo(texts_max=2)
    one, two, three = (AskedText("d", text) for text in ("one", "two", "three"))
    memo.heard(one, ANSWER, "v1", 100.0)
    memo.heard(two, ANSWER, "v2", 100.0)
    memo.heard(one, ANSWER, "v3", 101.0)
    memo.heard(three, ANSWER, "v4", 102.0)
    assert len(memo) == 2
    assert memo.answer(two, 102.0) is None
    found = memo.answer(one, 102.0)
    assert found is not None
    assert found.screened == Screened(Cause.MEMO, None, "v3")


async def test_others_wait_for_the_one_that_asks_and_hear_the_same() -> None:
    memo = a_memo()
    assert not memo.is_asked(HELLO)
    memo.ask(HELLO)
    assert memo.is_asked(HELLO)
    waiting = [asyncio.create_task(memo.wait(HELLO)) for _ in range(3)]
    await settle()
    assert not any(each.done() for each in waiting)
    memo.heard(HELLO, ANSWER, "v1", 100.0)
    assert await asyncio.gather(*waiting) == [remembered(ANSWER, "v1")] * 3


async def test_who_is_cancelled_ends_nobody_elses_wait() -> None:
    memo = a_memo()
    memo.ask(HELLO)
    one, other = (asyncio.create_task(memo.wait(HELLO)) for _ in range(2))
    await settle()
    one.cancel()
    await settle()
    memo.heard(HELLO, ANSWER, "v1", 100.0)
    assert await other == remembered(ANSWER, "v1")
    assert one.cancelled()


@pytest.mark.parametrize("heard", [None, Judged((), UnjudgedReason.OUTAGE)])
async def test_where_the_one_that_asks_gives_up_or_hears_nothing_the_others_hear_none(
    heard: Judged | None,
) -> None:
    memo = a_memo()
    memo.ask(HELLO)
    waiting = asyncio.create_task(memo.wait(HELLO))
    await settle()
    if heard is None:
        memo.gave_up(HELLO)
    else:
        memo.heard(HELLO, heard, "v1", 1.0)
    assert await waiting is None
    assert not memo.is_asked(HELLO)


async def test_no_more_wait_for_one_call_than_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.screening.memo.WAITING_MAX", 1)
    memo = a_memo()
    memo.ask(HELLO)
    waiting = asyncio.create_task(memo.wait(HELLO))
    await settle()
    assert await memo.wait(HELLO) is None
    memo.gave_up(HELLO)
    assert await waiting is None


async def test_what_another_voice_said_is_forgotten_and_what_it_says_later_not_kept() -> None:
    """Whoever waits for it hears it: it was asked before."""
    memo = a_memo()
    other = AskedText("d1", "other")
    memo.heard(other, ANSWER, "v0", 100.0)
    memo.ask(HELLO)
    waiting = asyncio.create_task(memo.wait(HELLO))
    await settle()
    memo.forget()
    memo.heard(HELLO, ANSWER, "v1", 100.0)
    assert await waiting == remembered(ANSWER, "v1")
    assert memo.answer(other, 100.0) is None
    assert memo.answer(HELLO, 100.0) is None
    memo.ask(HELLO)
    memo.heard(HELLO, ANSWER, "v2", 100.0)
    assert memo.answer(HELLO, 100.0) is not None
