"""What is erased is gone, in both databases; in SQLite's files not a byte of it is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import MetaData, select

from consumer.domain.review import ReviewTerms
from consumer.errors import StoreUnavailable
from consumer.review.cases.case import Closure, Concern
from consumer.review.cases.facts import About, VerdictFact, case_id
from consumer.review.store import log
from consumer.review.store.book import CaseBook
from consumer.review.store.database import Database
from consumer.review.store.desk import DeskTerms, ReviewDesk
from consumer.review.store.erasure import Eraser, Whom, without_cases
from consumer.review.store.outbox import Outbox
from tests.cases import (
    BLOCK,
    HOUR_MS,
    NOW_MS,
    TOPIC,
    a_decision,
    a_report,
    a_superseding,
    a_verdict_fact,
    about,
    an_appeal,
)

SECRET = "Zq7-very-secret"
LATER_MS = NOW_MS + 10 * HOUR_MS
MINE, OTHER = case_id(TOPIC, f"m-{SECRET}"), case_id(TOPIC, "m-2")


class Room:
    def __init__(self, address: str) -> None:
        self.database = Database(address)
        self.book = CaseBook(self.database, lambda _: ReviewTerms())
        self.desk = ReviewDesk(self.database, self.book, DeskTerms())
        self.outbox = Outbox(self.database)
        self.eraser = Eraser(self.database, self.book)

    def erase(self, author: str | None = None, message: str | None = None) -> tuple[int, ...]:
        found = self.eraser.erase("ann", LATER_MS, Whom(author, message))
        return len(found.traces.cases), len(found.traces.said), len(found.traces.quoted)

    def everything(self) -> str:
        """All that is in any table."""
        shown = MetaData()
        shown.reflect(self.database._engine)
        with self.database.reading() as connection:
            rows = [
                tuple(row)
                for table in shown.sorted_tables
                for row in connection.execute(select(table))
            ]
        return repr(rows)


@pytest.fixture
def room(store_address: str) -> Iterator[Room]:
    found = Room(store_address)
    yield found
    found.database.close()


def verdict(name: str, author: str, text: str, *quoted: str) -> VerdictFact:
    lines = [{"speaker": "B", "text": said} for said in quoted]
    message = {"id": name, "text": text, "author": author, "context": lines}
    return a_verdict_fact(f"v-{name[-2:]}", envelope={"message": message, "judgements": []})


def facts() -> list[About]:
    """A case of the author's, one that quotes it, and what they say of another's message."""
    name = f"m-{SECRET}"
    return [
        about(verdict(name, f"u-{SECRET}", f"text {SECRET}"), name),
        about(a_report(reporter="u-2", note=f"about {SECRET}"), name),
        about(an_appeal(by=f"u-{SECRET}", note=SECRET), name),
        about(verdict("m-2", "u-2", "harmless", "hello", f"text {SECRET}"), "m-2"),
        about(a_report("r2", reporter=f"u-{SECRET}", note=SECRET), "m-2"),
        about(verdict("m-3", "u-3", "else"), "m-3"),
    ]


def filled(room: Room) -> None:
    room.book.add(facts())
    room.desk.claim("ann", NOW_MS, MINE)
    room.desk.hold("ann", NOW_MS, MINE, 1, f"look at {SECRET}")
    room.desk.claim("ann", NOW_MS + 1, MINE)
    room.desk.decide(
        "ann", NOW_MS + 1, MINE, lambda _: BLOCK._replace(reason=f"says {SECRET}"), "d1"
    )
    room.outbox.sent(["d1:decision", "d1:verdict"])


def test_an_author_is_erased_wherever_they_are(room: Room) -> None:
    """Their messages, their reports about others, and where they are quoted; others stay."""
    filled(room)
    assert SECRET in room.everything()
    assert room.eraser.find(Whom(f"u-{SECRET}")).decisions == {"d1"}
    assert room.erase(f"u-{SECRET}") == (1, 1, 1)

    assert SECRET not in room.everything()
    assert room.book.look(MINE) is None
    other = room.book.look(OTHER)
    assert other is not None
    assert other.case.status is Concern.FLAG
    assert other.case.reporters == 0
    assert other.case.flagged is not None
    assert other.case.flagged.envelope["message"]["context"] == [{"speaker": "B", "text": "hello"}]
    assert room.book.look(case_id(TOPIC, "m-3")) is not None
    last = list(log.entries(room.database))[-1]
    assert (last.who, last.act, last.case_id) == ("ann", "erase", "")
    assert last.detail == '{"cases":1,"quotes":1,"reports":1}'
    assert log.verify(room.database).fault is None


def test_a_message_is_erased_by_its_id_and_its_author_stays(room: Room) -> None:
    filled(room)
    assert room.erase(message=f"m-{SECRET}") == (1, 0, 1)
    assert room.book.look(MINE) is None
    other = room.book.look(OTHER)
    assert other is not None
    assert other.case.reporters == 1
    assert room.erase(message="unknown") == (0, 0, 0)


def test_what_was_erased_does_not_come_back_with_a_rebuild(room: Room) -> None:
    """What is written later does: somebody forgotten may come again."""
    filled(room)
    room.erase(f"u-{SECRET}")
    room.book.add(facts())
    assert room.book.look(MINE) is None
    other = room.book.look(OTHER)
    assert other is not None
    assert other.case.reporters == 0
    unknown = about(verdict("m-9", f"u-{SECRET}", "earlier"), "m-9")
    assert room.book.add([unknown]) == 0
    later = a_report("r9", reporter=f"u-{SECRET}", at_ms=LATER_MS + 1)
    assert room.book.add([about(later, "m-2")]) == 1


def test_what_is_not_published_yet_is_not_lost(room: Room) -> None:
    """A decision goes out first; then its case can be erased."""
    room.book.add(facts())
    room.desk.claim("ann", NOW_MS, MINE)
    room.desk.decide("ann", NOW_MS, MINE, lambda _: BLOCK, "d1")
    found = room.eraser.erase("ann", LATER_MS, Whom(f"u-{SECRET}"))
    assert found.waiting == (MINE,)
    assert room.book.look(MINE) is not None
    room.outbox.sent(["d1:decision"])
    room.outbox.give_up("d1:verdict", "gone")
    assert room.eraser.erase("ann", LATER_MS, Whom(f"u-{SECRET}")).waiting == ()
    assert room.book.look(MINE) is None


def test_what_asks_for_nothing_is_deleted_when_its_time_is_over(room: Room) -> None:
    """Counted from the last word of it; what is open or not published stays."""
    room.book.add(
        [
            about(a_verdict_fact("v1"), "decided"),
            about(a_decision(at_ms=NOW_MS + 9), "decided"),
            about(a_verdict_fact("v2"), "superseded"),
            about(a_superseding("v3", "v2", at_ms=NOW_MS + 10), "superseded"),
            about(a_verdict_fact("v4"), "open"),
            about(a_verdict_fact("v5"), "unsent"),
        ]
    )
    room.desk.claim("ann", NOW_MS, case_id(TOPIC, "unsent"))
    room.desk.decide("ann", NOW_MS, case_id(TOPIC, "unsent"), lambda _: BLOCK, "d2")

    assert room.eraser.expire(NOW_MS + 109, 100) == 0
    assert room.eraser.expire(NOW_MS + 110, 100) == 1
    assert room.book.look(case_id(TOPIC, "decided")) is None
    kept = room.book.look(case_id(TOPIC, "superseded"))
    assert kept is not None
    assert kept.case.status is Closure.CLOSED
    assert room.eraser.expire(NOW_MS + 111, 100) == 1
    assert room.eraser.expire(LATER_MS, 100) == 0
    room.outbox.sent(["d2:decision", "d2:verdict"])
    assert room.eraser.expire(LATER_MS, 100) == 1
    assert [entry.who for entry in log.entries(room.database)][-1] == "retention"
    assert room.book.look(case_id(TOPIC, "open")) is not None


def test_not_a_byte_of_it_is_left_in_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in SQLite's file nor in its journal; what somebody reads meanwhile is said."""
    monkeypatch.setattr("consumer.review.store.database.BUSY_S", 0.05)
    room = Room(f"sqlite:///{tmp_path / 'review.sqlite'}")
    filled(room)
    # Pages that were freed long ago have it too.
    for number in range(20):
        long = a_verdict_fact(f"x{number}", envelope={"message": {"text": SECRET * 2_000}})
        room.book.add([about(long, f"m-{SECRET}")])

    def found() -> bool:
        return any(SECRET.encode() in file.read_bytes() for file in tmp_path.iterdir())

    assert found()
    with room.database.reading() as reader:
        reader.exec_driver_sql("SELECT * FROM facts").fetchone()
        with pytest.raises(StoreUnavailable):
            room.erase(f"u-{SECRET}")
    room.erase(f"u-{SECRET}")
    assert not found()
    assert (tmp_path / "review.sqlite").stat().st_size > 0
    assert room.book.look(OTHER) is not None
    room.database.close()


def test_exported_cases_lose_what_rests_on_an_erased_decision() -> None:
    lines = (
        b'{"id":"review-d1","text":"a"}\n{"id":"review-d1/spam","text":"a"}\n'
        b'{"id":"review-d12","text":"b"}\n\n{"id":"own","text":"c"}'
    )
    kept = b'{"id":"review-d12","text":"b"}\n\n{"id":"own","text":"c"}'
    assert without_cases(lines, {"d1"}) == kept
    assert without_cases(lines, set()) == lines
    with pytest.raises(ValueError, match="unexpected end"):
        without_cases(b"{", {"d1"})
