"""Authors of what was not allowed: kept for a while, and not more of them than may be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from consumer.domain.policy import Outcome
from consumer.domain.screening import AuthorTerms, ListEntry, ListTerms, MemoTerms, ScreeningTerms
from consumer.domain.verdicts.judged import Judged
from consumer.screening.authors import RecentAuthors
from consumer.screening.inquiry import TextInquiry
from consumer.screening.screener import Screener
from tests.builders import a_binding, a_judgement, a_message
from tests.unit.pipeline.staging import HandClock
from tests.unit.screening.saying import said_of

TERMS = AuthorTerms(for_s=60.0, authors_max=2)


def test_an_author_is_held_for_as_long_as_the_topic_says() -> None:
    authors = RecentAuthors(TERMS)
    authors.note("ann", 100.0)
    assert authors.holds("ann", 159.9)
    assert not authors.holds("ann", 160.0)
    authors.note("ann", 200.0)
    authors.note("ann", 230.0)
    assert authors.holds("ann", 280.0), "from the last one on"
    assert not authors.holds("bob", 230.0)


def test_those_longest_quiet_go_first() -> None:
    authors = RecentAuthors(TERMS)
    for author, at_s in (("ann", 1.0), ("bob", 2.0), ("ann", 3.0), ("cid", 4.0)):
        authors.note(author, at_s)
    assert [authors.holds(author, 5.0) for author in ("ann", "bob", "cid")] == [True, False, True]


def test_nobody_in_particular_is_not_held() -> None:
    authors = RecentAuthors(TERMS)
    authors.note(None, 1.0)
    assert not authors.holds(None, 2.0)
    assert repr(authors) == "<RecentAuthors 0 of 2>"


class Room:
    """A screener whose topic has these stages, and who is held by it."""

    def __init__(self, **stages: object) -> None:
        terms = replace(ScreeningTerms(memo=None, authors=TERMS), **stages)  # type: ignore[arg-type]
        self.binding = a_binding(screening=terms)
        self.screener = Screener(HandClock())

    def screen(self, text: str, author: str) -> object:
        message = a_message(text, author=author)
        return said_of(self.screener, message, self.binding)

    def holds(self, author: str) -> bool:
        authors = self.screener._first_stages(self.binding).authors
        assert authors is not None
        return authors.holds(author, 100.0)


@pytest.mark.parametrize(("label", "is_held"), [("HH0", False), ("HH1", True), ("HH2", True)])
async def test_what_the_model_says_of_a_text_holds_for_its_author(
    label: str, is_held: bool
) -> None:
    """Also of the author of the same text, who has the memo's answer."""
    room = Room(memo=MemoTerms())
    inquiry = room.screen("hello", "ann")
    assert isinstance(inquiry, TextInquiry)
    other = room.screen("hello", "bob")
    assert isinstance(other, TextInquiry)
    assert await inquiry.elsewhere() is None
    inquiry.heard(Judged((a_judgement(label),)), "v1")
    assert await other.elsewhere() is not None
    assert isinstance(room.screen("hello", "cid"), Judged)
    assert [room.holds(name) for name in ("bob", "cid")] == [is_held, is_held]
    room = Room()
    inquiry = room.screen("hello", "ann")
    assert isinstance(inquiry, TextInquiry)
    inquiry.heard(Judged((a_judgement(label),)), "v1")
    assert room.holds("ann") is is_held


def test_so_does_what_a_list_says() -> None:
    entry = (ListEntry(1, "raid"),)
    blocked = ListTerms("raid.txt", Outcome.BLOCK, "words", entry, "l1")
    room = Room(lists=(blocked,))
    assert isinstance(room.screen("a raid", "ann"), Judged)
    assert room.holds("ann")
    allowed = ListTerms("raid.txt", Outcome.ALLOW, "exact", entry, "l2")
    room = Room(lists=(allowed,))
    assert isinstance(room.screen("raid", "ann"), Judged)
    assert not room.holds("ann")
