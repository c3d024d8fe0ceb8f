"""The stages in their order: what settles a message, what is asked, and what is forgotten."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from consumer.domain.binding import Binding, Catalogue
from consumer.domain.messages.context import ContextTerms
from consumer.domain.policy import Outcome
from consumer.domain.screening import (
    ListEntry,
    ListTerms,
    MemoTerms,
    NeighbourTerms,
    ScreeningTerms,
)
from consumer.domain.verdicts.judged import Judged
from consumer.domain.verdicts.verdict import Cause, Screened, UnjudgedReason
from consumer.interfaces import Inquiry
from consumer.screening.memo import TEXT_CHARS_MAX
from consumer.screening.screener import Screener
from tests.builders import a_binding, a_judgement, a_message, a_policy, a_version
from tests.unit.pipeline.staging import HandClock
from tests.unit.screening.saying import said_of

LIST = ListTerms("raid.txt", Outcome.BLOCK, "words", (ListEntry(3, "vermin"),), "c" * 32)
ALL = ScreeningTerms(MemoTerms(), NeighbourTerms(), (LIST,))
RAID = "all of you come to the hall tonight and throw things at them"


class Desk:
    """A screener at second 100, and a binding with all stages."""

    def __init__(self, terms: ScreeningTerms = ALL) -> None:
        self.clock = HandClock()
        self.screener = Screener(self.clock)
        self.binding = a_binding(screening=terms)

    def screen(self, text: str, author: str = "u", binding: Binding | None = None) -> object:
        binding = binding or self.binding
        return said_of(self.screener, a_message(text, author=author), binding)

    async def judge(self, text: str, judged: Judged, name: str = "v") -> None:
        """The model is asked about it."""
        inquiry = self.asked(text)
        assert await inquiry.elsewhere() is None
        inquiry.heard(judged, name)
        inquiry.gave_up()

    def asked(self, text: str, binding: Binding | None = None) -> Inquiry:
        found = self.screen(text, binding=binding)
        assert found is not None
        assert not isinstance(found, Judged)
        return found  # type: ignore[return-value]


BLOCKED = Judged((a_judgement("HH2"),), model="m", template="t")


def test_a_list_settles_a_message_with_its_own_digest() -> None:
    assert Desk().screen("you v3rmin") == Judged(
        (), cause=Cause.LIST, settled=Outcome.BLOCK, screened=Screened(Cause.LIST, None, "c" * 32)
    )


def test_what_a_list_says_a_person_is_told_with_its_line() -> None:
    desk = Desk()
    hit = desk.screener.hit("you v3rmin", desk.binding)
    assert hit is not None
    assert (hit.list.file, hit.line) == ("raid.txt", 3)
    assert desk.screener.hit("you", desk.binding) is None
    assert Screener(desk.clock).hit("you", a_binding()) is None


async def test_the_same_text_is_asked_about_once() -> None:
    desk = Desk()
    await desk.judge("hello there", BLOCKED, "v1")
    found = desk.screen("hello there")
    assert isinstance(found, Judged)
    assert (found.cause, found.screened) == (Cause.MEMO, Screened(Cause.MEMO, None, "v1"))
    desk.clock.move(300.0)
    desk.asked("hello there")


async def test_a_list_acts_at_once_whatever_was_said_before() -> None:
    desk = Desk(ScreeningTerms())
    await desk.judge("you vermin", Judged((a_judgement("HH0"),)))
    found = desk.screen("you vermin", binding=replace(desk.binding, screening=ALL))
    assert isinstance(found, Judged)
    assert found.cause is Cause.LIST


async def test_near_copies_share_a_verdict_that_names_the_last_of_them() -> None:
    desk = Desk()
    for number, end in enumerate((" xqz", " wvk", " bnm")):
        await desk.judge(RAID + end, BLOCKED, f"v{number}")
    found = desk.screen(RAID.upper() + " prt!!")
    assert found == Judged(
        (),
        cause=Cause.NEAR_DUPLICATE,
        settled=Outcome.BLOCK,
        screened=Screened(Cause.NEAR_DUPLICATE, 13 / 14, "v2"),
    )


async def test_messages_of_nobody_are_each_of_an_author_of_their_own() -> None:
    near = NeighbourTerms(authors_max=1)
    desk = Desk(ScreeningTerms(None, near))
    for end in (" xqz", " wvk", " bnm"):
        await desk.judge(RAID + end, BLOCKED)
    message = a_message(RAID + " prt", author=None)
    said = [
        isinstance(
            said_of(desk.screener, message._replace(id=f"m{n}"), desk.binding),
            Judged,
        )
        for n in range(4)
    ]
    assert said == [True, True, True, False]


async def test_the_most_severe_judgement_is_what_a_burst_is_about() -> None:
    desk = Desk()
    both = Judged((a_judgement("HH0"), a_judgement("HH1")))
    for end in (" xqz", " wvk", " bnm"):
        await desk.judge(RAID + end, both)
    found = desk.screen(RAID + " prt")
    assert isinstance(found, Judged)
    assert found.settled is Outcome.FLAG


@pytest.mark.parametrize("reason", [UnjudgedReason.REFUSED, UnjudgedReason.DEADLINE])
async def test_what_was_not_judged_is_shared_with_nobody(reason: UnjudgedReason) -> None:
    desk = Desk()
    for end in (" xqz", " wvk", " bnm", ""):
        await desk.judge(RAID + end, BLOCKED._replace(unjudged=reason))
    desk.asked(RAID)
    desk.asked(RAID + " prt")


async def test_with_context_the_same_words_mean_another_thing() -> None:
    desk = Desk()
    with_context = replace(desk.binding, context=ContextTerms(3))
    await desk.judge("hello there", BLOCKED)
    assert desk.screen("hello there", binding=with_context) is None
    found = desk.screen("you vermin", binding=with_context)
    assert isinstance(found, Judged), "a list knows no context"


async def test_another_version_is_asked_anew() -> None:
    desk = Desk()
    for end in (" xqz", " wvk", " bnm"):
        await desk.judge(RAID + end, BLOCKED)
    other = replace(desk.binding, live=a_version(a_policy(text="Other rules."), number=2))
    desk.asked(RAID + " xqz", other)
    desk.asked(RAID + " prt", other)
    assert isinstance(desk.screen(RAID + " prt"), Judged), "what is still judged under the old one"


async def test_another_model_or_prompt_is_asked_anew() -> None:
    desk = Desk()
    desk.screener.spoken_to(("m",))
    for end in (" xqz", " wvk", " bnm"):
        await desk.judge(RAID + end, BLOCKED)
    desk.screener.spoken_to(("m",))
    assert isinstance(desk.screen(RAID + " xqz"), Judged)
    assert desk.screener.kept() == {
        ("chat.messages", Cause.MEMO): 3,
        ("chat.messages", Cause.NEAR_DUPLICATE): 1,
    }
    desk.screener.spoken_to(("another",))
    desk.asked(RAID + " xqz")
    desk.asked(RAID + " prt")
    assert set(desk.screener.kept().values()) == {0}


async def test_a_reload_forgets_what_it_changes_and_nothing_else() -> None:
    desk = Desk()
    await desk.judge("hello there", BLOCKED)
    same = replace(desk.binding, screening=replace(ALL, lists=()))
    desk.screener.prepare(Catalogue((same,)))
    assert isinstance(desk.screen("hello there", binding=same), Judged)
    assert not isinstance(desk.screen("you vermin", binding=same), Judged)
    shorter = replace(desk.binding, screening=replace(ALL, memo=MemoTerms(for_s=1.0)))
    desk.asked("hello there", shorter)
    await desk.judge("hello there", BLOCKED)
    other_words = replace(desk.binding, subject="assistant reply")
    desk.asked("hello there", other_words)


async def test_what_is_switched_off_is_not_remembered() -> None:
    desk = Desk(ScreeningTerms(memo=None))
    assert desk.screen("hello there") is None
    near = Desk(ScreeningTerms(None, NeighbourTerms()))
    await near.judge("hello there", BLOCKED)
    near.asked("hello there")


async def test_a_long_text_is_not_remembered() -> None:
    desk = Desk()
    for chars, is_kept in ((TEXT_CHARS_MAX, True), (TEXT_CHARS_MAX + 1, False)):
        await desk.judge("a" * chars, BLOCKED)
        assert isinstance(desk.screen("a" * chars), Judged) is is_kept


def test_lists_are_made_once_whoever_asks_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []

    def make(lists: object) -> Fake:
        made.append(lists)
        return Fake()

    monkeypatch.setattr("consumer.screening.screener.Lists", make)
    desk = Desk()
    desk.screener.prepare(Catalogue((desk.binding,)))
    desk.screener.prepare(Catalogue((replace(desk.binding, deadline_s=9.0),)))
    desk.screen("hello")
    assert made == [(LIST,)]


class Fake:
    """A list in which nothing is found."""

    def find(self, text: str, plain: str) -> None:
        return None


ALLOWED = Judged((a_judgement("HH0"),), model="m", template="t")


@pytest.mark.parametrize(
    ("said", "decided", "forgotten"),
    [
        (BLOCKED, Outcome.ALLOW, 1),
        (BLOCKED, Outcome.BLOCK, 0),
        (ALLOWED, Outcome.BLOCK, 1),
        (ALLOWED, Outcome.ALLOW, 0),
    ],
)
async def test_what_a_person_overturns_is_said_of_no_other_message(
    said: Judged, decided: Outcome, forgotten: int
) -> None:
    """What they confirm still is; and so is what was said of other texts."""
    desk = Desk()
    assert not desk.screener.remembers(desk.binding)
    await desk.judge("call me", said)
    await desk.judge("another text", said)
    assert desk.screener.remembers(desk.binding)

    assert desk.screener.decided("call me", decided, desk.binding) == forgotten
    assert isinstance(desk.screen("call me"), Judged) == (not forgotten)
    assert isinstance(desk.screen("another text"), Judged)


async def test_who_asks_while_a_person_overturns_is_not_remembered() -> None:
    """The answer is for the message that was asked about."""
    desk = Desk()
    inquiry = desk.asked("call me")
    assert await inquiry.elsewhere() is None
    assert desk.screener.decided("call me", Outcome.ALLOW, desk.binding) == 0
    inquiry.heard(BLOCKED, "v")
    assert not isinstance(desk.screen("call me"), Judged)


async def test_a_call_that_has_begun_is_something_to_forget() -> None:
    """Else nobody would look up what a person decided, and the answer would be kept."""
    desk = Desk()
    inquiry = desk.asked("call me")
    assert await inquiry.elsewhere() is None
    assert desk.screener.remembers(desk.binding)
    inquiry.gave_up()
    assert not desk.screener.remembers(desk.binding)


@pytest.mark.parametrize("is_of_a_person", [True, False])
async def test_who_asks_beside_the_call_that_others_wait_for_is_not_remembered(
    monkeypatch: pytest.MonkeyPatch, *, is_of_a_person: bool
) -> None:
    """It may have begun before a person overturned that, or before there was another model."""
    monkeypatch.setattr("consumer.screening.memo.WAITING_MAX", 0)
    desk = Desk(ScreeningTerms())
    desk.screener.spoken_to("one model")
    leads, beside = desk.asked("call me"), desk.asked("call me")
    assert await leads.elsewhere() is None
    assert await beside.elsewhere() is None
    leads.gave_up()
    if is_of_a_person:
        desk.screener.decided("call me", Outcome.ALLOW, desk.binding)
    else:
        desk.screener.spoken_to("another model")
    beside.heard(BLOCKED, "v")
    assert not isinstance(desk.screen("call me"), Judged)


async def test_who_asks_beside_the_call_ends_nobodys_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.screening.memo.WAITING_MAX", 1)
    desk = Desk(ScreeningTerms())
    leads, waits, beside = (desk.asked("call me") for _ in range(3))
    assert await leads.elsewhere() is None
    waiting = asyncio.create_task(waits.elsewhere())
    await asyncio.sleep(0)
    assert await beside.elsewhere() is None
    beside.heard(Judged((), UnjudgedReason.OUTAGE), "v")
    beside.gave_up()
    await asyncio.sleep(0)
    assert not waiting.done()
    leads.heard(BLOCKED, "v1")
    found = await waiting
    assert found is not None
    assert found.screened == Screened(Cause.MEMO, None, "v1")


async def test_of_those_who_waited_in_vain_one_asks_for_whoever_comes_now() -> None:
    desk = Desk(ScreeningTerms())
    leads, one, other = (desk.asked("call me") for _ in range(3))
    assert await leads.elsewhere() is None
    waiting = [asyncio.create_task(each.elsewhere()) for each in (one, other)]
    await asyncio.sleep(0)
    leads.gave_up()
    assert await asyncio.gather(*waiting) == [None, None]
    late = asyncio.create_task(desk.asked("call me").elsewhere())
    await asyncio.sleep(0)
    other.heard(BLOCKED, "v1")
    other.gave_up()
    one.heard(BLOCKED, "v2")
    found = await late
    assert found is not None
    assert found.screened == Screened(Cause.MEMO, None, "v2")
    assert isinstance(desk.screen("call me"), Judged)


async def test_a_burst_ends_with_a_persons_word_against_it() -> None:
    """Of what belongs to it, and of what is like it; a confirmed one goes on, and so do others."""
    terms = ScreeningTerms(None, NeighbourTerms())
    for decided, is_over in ((Outcome.ALLOW, True), (Outcome.BLOCK, False)):
        desk = Desk(terms)
        for number in range(3):
            await desk.judge(f"{RAID} {number}", BLOCKED, f"v{number}")
            await desk.judge(
                f"quite other words that nobody has said here before {number}", BLOCKED
            )
        assert isinstance(desk.screen(f"{RAID} 2"), Judged)
        assert desk.screener.decided(f"{RAID} 1", decided, desk.binding) == int(is_over)
        assert isinstance(desk.screen(f"{RAID} 2"), Judged) != is_over
        other = desk.screen("quite other words that nobody has said here before 2")
        assert isinstance(other, Judged)


def test_a_decision_where_nothing_is_remembered_changes_nothing() -> None:
    desk = Desk()
    assert desk.screener.decided("call me", Outcome.ALLOW, desk.binding) == 0
    assert not desk.screener.remembers(desk.binding)
