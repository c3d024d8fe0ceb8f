"""The learned filter as the last stage: whom it settles, whom it never does, who is audited."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from consumer.domain.binding import Catalogue
from consumer.domain.messages.context import ContextTerms
from consumer.domain.messages.message import Message, Position
from consumer.domain.policy import Outcome
from consumer.domain.screening import AuthorTerms, ListEntry, ListTerms, MemoTerms
from consumer.domain.verdicts.judged import Judged
from consumer.domain.verdicts.verdict import Cause, Screened
from consumer.interfaces import ToScreen
from consumer.screening.inquiry import TextInquiry
from consumer.screening.screener import Screener
from tests.builders import a_judgement, a_message, a_policy, a_version
from tests.unit.pipeline.staging import HandClock
from tests.unit.screening.saying import said_of
from tests.unit.screening.test_filters import named, ready

TEXT = "we meet near the garden"


class Post:
    """A screener whose topic has a filter that is on, or is as `changes` say."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        binding = named(folder)
        terms = binding.screening.prefilter
        assert terms is not None
        terms = replace(terms, floor=changes.pop("floor", 0.02))
        screening = replace(binding.screening, prefilter=terms, memo=changes.pop("memo", None))
        self.binding = replace(binding, screening=screening, **changes)
        self.filters = ready(self.binding)
        self.screener = Screener(HandClock(), self.filters)

    def screen(self, offset: int = 0, text: str = TEXT, **changes: Any) -> object:
        message = a_message(text, position=Position("chat", 1, offset), **changes)
        return said_of(self.screener, message, self.binding)


def test_what_is_harmless_is_allowed_and_its_verdict_names_the_filter(tmp_path: Path) -> None:
    post = Post(tmp_path)
    found = post.screen()
    assert isinstance(found, Judged)
    assert (found.cause, found.settled) == (Cause.PREFILTER, Outcome.ALLOW)
    (filtering,) = post.filters.in_use()
    assert found.screened is not None
    score = found.screened.score
    assert found.screened == Screened(Cause.PREFILTER, score, filtering.digest, 0.02)
    assert score is not None
    assert score < 0.4
    assert [note.settled for note in filtering.take_counts()] == [1]


async def test_the_one_that_is_drawn_is_asked_about_whoever_else_asks(tmp_path: Path) -> None:
    """By its position: the same ones each time; it waits for nobody else's answer."""
    post = Post(tmp_path, floor=0.3, memo=MemoTerms())
    first = [isinstance(post.screen(at), Judged) for at in range(200)]
    again = [isinstance(Post(tmp_path, floor=0.3).screen(at), Judged) for at in range(200)]
    assert first == again
    assert 100 < sum(first) < 180
    one, other = [at for at, is_settled in enumerate(first) if not is_settled][:2]
    for at in (one, other):
        inquiry = post.screen(at)
        assert isinstance(inquiry, TextInquiry)
        assert await inquiry.elsewhere() is None
        assert inquiry.screened is not None
        assert inquiry.screened.audit_probability == 0.3


async def test_what_it_does_not_settle_waits_for_the_same_text_as_ever(tmp_path: Path) -> None:
    post = Post(tmp_path, memo=MemoTerms())
    inquiry = post.screen(1, "a vile thing")
    assert isinstance(inquiry, TextInquiry)
    assert inquiry.screened is None
    assert await inquiry.elsewhere() is None
    inquiry.heard(Judged((a_judgement("HH2"),)), "v1")
    found = post.screen(2, "a vile thing")
    assert isinstance(found, Judged)
    assert found.cause is Cause.MEMO


@pytest.mark.parametrize("event", ["edit", "delete"])
def test_what_changes_an_earlier_message_is_never_settled(tmp_path: Path, event: str) -> None:
    assert Post(tmp_path).screen(event=event) is None


def test_with_context_it_is_never_settled(tmp_path: Path) -> None:
    assert Post(tmp_path, context=ContextTerms()).screen() is None


def test_what_looks_disguised_or_is_of_unknown_words_is_never_settled(tmp_path: Path) -> None:
    post = Post(tmp_path)
    assert not isinstance(post.screen(0, "qwx zzv hhy"), Judged)
    # Where a link leads that training has not seen, the words around it do not say.
    assert not isinstance(post.screen(0, TEXT + " " + TEXT + " free-gift.example/now"), Judged)
    assert isinstance(post.screen(0, TEXT + " " + TEXT), Judged)
    assert not isinstance(post.screen(0, TEXT + " " + "aGVsbG8gd29ybGQgaGVsbG8=" * 3), Judged)


def shown(said: object) -> object:
    return said if isinstance(said, Judged) else type(said)


def test_messages_together_are_screened_as_one_after_the_other(tmp_path: Path) -> None:
    """Who is on a list is read by the model from then on, also where both come in one batch."""
    entry = (ListEntry(1, "raid"),)
    raid = ListTerms("raid.txt", Outcome.BLOCK, "words", entry, "l1")
    dice = Random(1)
    batch: list[Message] = []
    for offset in range(60):
        text = dice.choice([TEXT, "a raid", "vile garden", "", "we meet " * 30 + "vile"])
        place = Position("chat", 1, offset)
        batch.append(a_message(text, position=place, author=dice.choice(["ann", "bob", "cid"])))
    said = []
    for size in (1, 7, 60):
        post = Post(tmp_path, floor=0.3)
        screening = replace(post.binding.screening, lists=(raid,), authors=AuthorTerms())
        binding = replace(post.binding, screening=screening)
        screener = Screener(post.screener._clock, ready(binding))
        asked = [ToScreen(each, binding.live, binding, "id") for each in batch]
        parts = [screener.screen(asked[at : at + size]) for at in range(0, len(asked), size)]
        said.append([shown(each) for part in parts for each in part])
    assert said[0] == said[1] == said[2]
    causes = {each.cause for each in said[0] if isinstance(each, Judged)}
    assert causes == {Cause.LIST, Cause.PREFILTER}
    assert TextInquiry in said[0]


def test_messages_of_several_versions_come_together(tmp_path: Path) -> None:
    post = Post(tmp_path)
    other = a_version(replace(a_policy(), text="another text"), number=2)
    versions = [post.binding.live, other, post.binding.live]
    asked = [
        ToScreen(a_message(TEXT, position=Position("chat", 1, at)), version, post.binding, "id")
        for at, version in enumerate(versions)
    ]
    said = post.screener.screen(asked)
    assert [isinstance(each, Judged) for each in said] == [True, False, True]
    assert post.screener.screen([]) == []


def test_a_message_of_another_version_is_for_the_model(tmp_path: Path) -> None:
    post = Post(tmp_path)
    other = a_version(replace(a_policy(), text="another text"), number=2)
    message = a_message(TEXT)
    assert said_of(post.screener, message, post.binding, other) is None


def test_while_it_is_off_everything_is_for_the_model(tmp_path: Path) -> None:
    post = Post(tmp_path)
    post.filters.heed_writing(is_possible=False)
    assert post.screen() is None
    post.filters.heed_writing(is_possible=True)
    assert isinstance(post.screen(), Judged)
    assert said_of(Screener(HandClock()), a_message(TEXT), post.binding) is None


def test_policies_are_prepared_with_their_filters(tmp_path: Path) -> None:
    post = Post(tmp_path)
    later = replace(post.binding, deadline_s=9.0)
    post.screener.prepare(Catalogue((later,)))
    assert post.screen() is None, "taken under policies that are not in force any more"
    found = said_of(post.screener, a_message(TEXT), later)
    assert isinstance(found, Judged)
