"""A batch is taken up whole; what nobody can read is set aside, and stops nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from consumer.domain.binding import Catalogue
from consumer.domain.messages.message import Record
from consumer.domain.policy import Outcome
from consumer.domain.review import ReviewTerms
from consumer.domain.statement import StatementTerms
from consumer.errors import DeadLetterFailed
from consumer.interfaces import Publication
from consumer.kafka.sink.writer import TopicWriter
from consumer.pipeline.assignment.assignment import sought_out
from consumer.pipeline.dead_letters import DeadLetterEncoder
from consumer.pipeline.publisher import Publisher
from consumer.review.cases.facts import case_id
from consumer.review.feed.announcement import Announcements
from consumer.review.feed.intake import ReviewIntake, Taken
from consumer.review.records.reading import FactReader, roles_of
from consumer.review.store.book import CaseBook
from consumer.review.store.database import Database
from consumer.review.store.outbox import ItemKind, Outbox
from tests.builders import (
    TOPIC,
    a_binding,
    a_judgement,
    a_position,
    a_record,
    a_verdict,
)
from tests.cases import a_verdict_fact, about
from tests.databases import sqlite_store

NAMED = {"message_id": "m-1", "reporter": "u-2", "reason": "rude"}
PLACED = NAMED | {"position": f"{TOPIC}/1/7"}


class Writer:
    """Keeps what is written, or refuses it."""

    def __init__(self) -> None:
        self.letters: list[Publication] = []
        self.fault: str | None = None

    def write(self, letters: Sequence[Publication]) -> list[str | None]:
        if self.fault is None:
            self.letters += letters
        return [self.fault] * len(letters)


class Scene:
    def __init__(self, folder: Path) -> None:
        self.database = Database(sqlite_store(folder / "review.sqlite"))
        self.book = CaseBook(self.database, lambda _: ReviewTerms())
        self.writer = Writer()

    def intake(self, *, with_writer: bool = True) -> ReviewIntake:
        catalogue = Catalogue((a_binding(review=ReviewTerms()),))
        roles = roles_of(catalogue, [TOPIC, f"{TOPIC}.reports", f"{TOPIC}.appeals"])
        return ReviewIntake(
            self.book,
            FactReader(catalogue, roles, "safeguard"),
            DeadLetterEncoder("safeguard", "w"),
            cast(TopicWriter, self.writer) if with_writer else None,
        )

    def is_known(self) -> bool:
        return self.book.look(case_id(TOPIC, "m-1")) is not None


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    found = Scene(tmp_path)
    yield found
    found.database.close()


def report(fields: object, offset: int = 0) -> Record:
    value = fields if isinstance(fields, bytes) else orjson.dumps(fields)
    return a_record(value, position=a_position(offset, topic=f"{TOPIC}.reports"))


def test_what_cannot_be_read_is_a_dead_letter_of_its_topic_and_the_rest_goes_on(
    scene: Scene,
) -> None:
    taken = scene.intake().take([report(b"{", 0), report(PLACED, 1), report([], 2)])

    assert taken == Taken(new=1, misread=2)
    assert scene.is_known()
    assert {letter.topic for letter in scene.writer.letters} == {f"{TOPIC}.reports.dead-letter"}
    reasons = [
        dict(letter.headers)["safeguard-dead-letter-reason"] for letter in scene.writer.letters
    ]
    assert reasons == [b"not_json", b"wrong_shape"]
    assert [letter.partition for letter in scene.writer.letters] == [1, 1]
    assert scene.writer.letters[0].value == b"{"


def test_a_batch_that_comes_again_changes_nothing(scene: Scene) -> None:
    batch = [report(PLACED)]
    assert scene.intake().take(batch).new == 1
    assert scene.intake().take(batch) == Taken()


def test_an_id_alone_means_a_message_that_is_under_review(scene: Scene) -> None:
    """Else nobody could tell which message it is."""
    assert scene.intake().take([report(NAMED)]) == Taken(misread=1)
    (letter,) = scene.writer.letters
    assert dict(letter.headers)["safeguard-dead-letter-reason"] == b"unknown_message"
    assert not scene.is_known()

    scene.book.add([about(a_verdict_fact())])
    assert scene.intake().take([report(NAMED, 1)]) == Taken(new=1)


def test_an_id_alone_may_mean_a_message_of_the_same_batch(scene: Scene) -> None:
    """In whatever order the two topics are read."""
    assert scene.intake().take([report(NAMED, 0), report(PLACED, 1)]) == Taken(new=2)


def test_where_a_dead_letter_cannot_be_stored_nothing_is_taken_up(scene: Scene) -> None:
    """The batch comes again: nothing is dropped."""
    scene.writer.fault = "unknown topic"
    with pytest.raises(DeadLetterFailed, match=r"reports\.dead-letter cannot be written: unknown"):
        scene.intake().take([report(PLACED, 0), report(b"{", 1)])
    assert not scene.is_known()


def test_who_reads_everything_anew_sets_nothing_aside_again(scene: Scene) -> None:
    taken = scene.intake(with_writer=False).take([report(b"{"), report(PLACED, 1)])
    assert taken == Taken(new=1, misread=1)
    assert scene.writer.letters == []


def test_what_workers_block_is_stated_where_the_topic_wants_it(scene: Scene) -> None:
    """Again with the same id when the batch comes again; a statement that cannot be is passed."""
    terms = StatementTerms(topic="{topic}.statements", exempt=frozenset({"harassment.HH1"}))
    binding = a_binding(review=ReviewTerms(statements=terms))
    encoder = DeadLetterEncoder("safeguard", "w")
    publisher = Publisher("safeguard", encoder)
    catalogue = Catalogue((binding,))
    roles = roles_of(catalogue, [TOPIC, f"{TOPIC}.block"])
    reader = FactReader(catalogue, roles, "safeguard")
    intake = ReviewIntake(scene.book, reader, encoder, cast(TopicWriter, scene.writer))

    def blocked(label: str, **changes: Any) -> Record:
        verdict = a_verdict(
            outcome=Outcome.BLOCK,
            judgements=(a_judgement(label)._replace(outcome=Outcome.BLOCK),),
            **changes,
        )
        made = publisher.verdict(sought_out(a_record(), binding), verdict).publication
        position = a_position(3, topic=made.topic)
        return Record(position, 1_767_225_600_000, made.key, made.value, made.headers)

    batch = [blocked("HH2"), blocked("HH1"), blocked("HH2", judged_at_ms=1)]
    assert intake.take(batch) == Taken()
    assert scene.writer.letters == []
    intake.announcements = Announcements(catalogue, publisher, {})
    for number in (1, 2):
        assert intake.take(batch) == Taken()
        assert len(scene.writer.letters) == number
    first, again = scene.writer.letters
    assert first == again
    assert (first.topic, first.key) == (f"{TOPIC}.statements", b"room-1")
    said = orjson.loads(first.value or b"")
    assert (said["automated_detection"], said["automated_decision"]) == (
        "Yes",
        "AUTOMATED_DECISION_FULLY",
    )
    assert said["puid"] == a_verdict().id
    scene.writer.fault = "missing"
    with pytest.raises(DeadLetterFailed, match=r"statements cannot be written: missing"):
        intake.take(batch)
    intake.announcements = Announcements(
        Catalogue((a_binding(review=ReviewTerms()),)), publisher, {}
    )
    assert intake.take(batch) == Taken()


def test_a_report_on_what_was_allowed_asks_once_for_another_judgement(scene: Scene) -> None:
    """However often it comes, and whoever else reports it; and only where workers can be asked."""
    outbox = Outbox(scene.database)
    allowed = PLACED | {"verdict_id": "v1"}
    batch = [report(allowed, 0), report(allowed | {"reporter": "u-3"}, 1)]
    assert scene.intake().take(batch[:1]).new == 1, "who reads everything anew asks for nothing"
    assert outbox.due(0, 9) == []
    intake = scene.intake()
    intake.outbox = outbox
    intake.take(batch)
    assert outbox.due(0, 9) == [], "there is no retry topic"
    catalogue = Catalogue((a_binding(review=ReviewTerms()),))
    topics = [TOPIC, f"{TOPIC}.reports", f"{TOPIC}.retry"]
    intake.reader = FactReader(catalogue, roles_of(catalogue, topics), "safeguard")
    for _ in range(2):
        intake.take(batch)
        (item,) = outbox.due(0, 9)
        assert (item.kind, item.decision_id) == (ItemKind.SECOND_JUDGEMENT, "v1")
        assert item.case_id == case_id(TOPIC, "m-1")
    outbox.sent([item.id])
    intake.take([report(allowed | {"reporter": "u-4"}, 2)])
    assert outbox.due(0, 9) == []
