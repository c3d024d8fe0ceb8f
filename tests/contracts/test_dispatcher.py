"""What was decided is published once by its id, wherever the process that does it is ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from consumer.domain.binding import Catalogue
from consumer.domain.policy import Outcome
from consumer.domain.review import ReviewTerms
from consumer.domain.statement import StatementTerms
from consumer.interfaces import Output
from consumer.pipeline.dead_letters import DeadLetterEncoder
from consumer.pipeline.publisher import Publisher
from consumer.review.cases.facts import About, case_id
from consumer.review.cases.ruling import Settled
from consumer.review.feed.announcement import Announcements
from consumer.review.feed.dispatcher import Dispatched, Dispatcher
from consumer.review.store.book import CaseBook
from consumer.review.store.database import Database
from consumer.review.store.desk import DeskTerms, ReviewDesk
from consumer.review.store.outbox import ItemState, Outbox
from consumer.review.store.tables import outbox
from tests.builders import a_binding
from tests.cases import BLOCK, NOW_MS, a_decision, a_report, a_verdict_fact
from tests.databases import sqlite_store
from tests.records import ends_of, read_all, write
from tests.stage import Broker

ALLOW = Settled(Outcome.ALLOW, None, None, "harmless")


class Scene:
    """Decisions about messages of one input, waiting to be published."""

    def __init__(self, broker: Broker, folder: Path) -> None:
        self.broker, self.config = broker, broker.config()
        self.topic = broker.moderated()
        ends = (".decisions", ".allow", ".block", ".statements")
        self.names = [self.topic + end for end in ends]
        broker.creator.create_topics({self.names[0]: 1, self.names[3]: 1})
        self.terms = ReviewTerms(statements=StatementTerms(topic="{topic}.statements"))
        self.database = Database(sqlite_store(folder / "review.sqlite"))
        self.book = CaseBook(self.database, lambda _: self.terms)
        self.desk = ReviewDesk(self.database, self.book, DeskTerms(undo_ms=0))
        self.outbox = Outbox(self.database)
        self.now_ms = NOW_MS

    def decide(self, number: int, settled: Settled = ALLOW) -> None:
        """A message that is there, flagged and decided about."""
        value = b'{"text":"you are rude"}'
        write(self.broker.bootstrap_servers, self.topic, [value], key=b"k%d" % number)
        name = f"m-{number}"
        fact = a_verdict_fact(f"v{number}", position=f"{self.topic}/0/{number}", key=None)
        self.book.add([About(self.topic, name, fact)])
        case = case_id(self.topic, name)
        self.desk.claim("ann", self.now_ms, case)
        self.desk.decide("ann", self.now_ms, case, lambda _: settled, f"d{number}")

    def dispatcher(self, owner: str = "one") -> Dispatcher:
        publisher = Publisher("safeguard", DeadLetterEncoder("safeguard", "w"))
        binding = a_binding(patterns=(self.topic,), review=self.terms)
        announcements = Announcements(Catalogue((binding,)), publisher, {self.names[0]: 1})
        return Dispatcher(self.config, owner, self.outbox, self.book, announcements)

    def run(self, owner: str = "one") -> Dispatched:
        return self.dispatcher(owner).run(lambda: self.now_ms)

    def told(self) -> list[str]:
        """The ids on the topics, sorted."""
        found = read_all(self.broker.bootstrap_servers, self.names)
        names = [
            record.header("safeguard-decision-id")
            or record.header("safeguard-supersedes")
            or record.header("safeguard-statement-id")
            for record in found
        ]
        return sorted(map(str, names))

    def as_if_killed(self, state: ItemState, *names: str) -> None:
        """The process was ended with these in this state, the broker's ends as they are now."""
        ends = ends_of(self.broker.bootstrap_servers, self.names)
        for name in names:
            topic = self.names[0] if name.endswith(":decision") else self.names[1]
            values = {
                "state": state,
                "floor_topic": topic,
                "floor_partition": 0,
                "floor_offset": max(0, ends[topic, 0] - 2),
            }
            with self.database.writing() as connection:
                connection.execute(update(outbox).where(outbox.c.id == name).values(**values))


@pytest.fixture
def scene(broker: Broker, tmp_path: Path) -> Iterator[Scene]:
    found = Scene(broker, tmp_path)
    yield found
    found.database.close()


def test_a_decision_and_its_verdict_go_out_once(scene: Scene) -> None:
    scene.decide(0)
    scene.decide(1)

    assert scene.run() == Dispatched(sent=4)
    assert scene.run() == Dispatched()
    assert scene.told() == ["d0", "d1", "v0", "v1"]
    verdicts = read_all(scene.broker.bootstrap_servers, [scene.names[1]])
    assert [record.key for record in verdicts] == [b"k0", b"k1"]


def test_what_was_stored_before_the_process_was_killed_is_found(scene: Scene) -> None:
    """Noted as being sent, stored, and never noted as sent."""
    scene.decide(0)
    scene.decide(1)
    scene.run()
    scene.as_if_killed(ItemState.SENDING, "d0:decision", "d1:decision", "d0:verdict", "d1:verdict")

    assert scene.run() == Dispatched(found=4)
    assert scene.run() == Dispatched()
    assert scene.told() == ["d0", "d1", "v0", "v1"]


def test_what_was_only_noted_before_the_process_was_killed_is_sent(scene: Scene) -> None:
    """Of two that were noted, one was stored."""
    scene.decide(0)
    scene.run()
    scene.decide(1)
    scene.as_if_killed(ItemState.SENDING, "d0:decision", "d1:decision", "d1:verdict")

    assert scene.run() == Dispatched(sent=2, found=1)
    assert scene.told() == ["d0", "d1", "v0", "v1"]


def test_a_process_waits_until_what_another_one_sends_has_come_to_rest(scene: Scene) -> None:
    """Its turn ends by itself where it was killed, and at once where it was closed."""
    scene.decide(0)
    other = scene.dispatcher("other")
    assert scene.outbox.take_turn("other", scene.now_ms, 60_000)

    assert scene.run() == Dispatched()
    scene.now_ms += 59_999
    assert scene.run() == Dispatched()
    other.close()
    assert scene.run() == Dispatched(sent=2)


def test_what_cannot_be_stored_now_is_tried_again(scene: Scene) -> None:
    """A topic that is missing holds back its own, and nothing else."""
    scene.decide(0)
    there = scene.names[0]
    broken = scene.dispatcher()
    assert broken.announcements is not None
    made = broken.announcements.decision
    broken.announcements.decision = (  # type: ignore[method-assign]
        lambda case, decision: made(case, decision)._replace(topic="no.such.topic")
    )
    found = broken.run(lambda: scene.now_ms)

    assert (found.sent, found.failed) == (1, 1)
    assert scene.run() == Dispatched(sent=1)
    assert len(read_all(scene.broker.bootstrap_servers, [there])) == 1


def test_what_can_never_be_published_is_given_up_and_holds_up_nothing(scene: Scene) -> None:
    """A store that was emptied knows nothing of the decision any more."""
    scene.decide(0)
    docket = scene.book.look(case_id(scene.topic, "m-0"))
    assert docket is not None
    (decision,) = docket.case.decisions
    with scene.database.writing() as connection:
        scene.book.forget(connection, About(scene.topic, "m-0", decision))
    scene.decide(1)

    assert scene.run() == Dispatched(sent=2, given_up=2)
    assert scene.run() == Dispatched()


def test_the_floor_of_an_item_stays_the_first_that_was_noted(scene: Scene) -> None:
    """It may come to light anywhere behind it."""
    scene.decide(0)
    here = Output(scene.names[0], 0)
    scene.outbox.sending({"d0:decision": (here, 0)}, scene.now_ms)
    write(scene.broker.bootstrap_servers, here.topic, [b"of somebody else"])

    assert scene.run() == Dispatched(sent=2)
    with scene.database.reading() as connection:
        rows = connection.execute(select(outbox.c.id, outbox.c.floor_offset)).all()
    assert dict(map(tuple, rows))["d0:decision"] == 0


def test_a_statement_goes_out_once_beside_its_verdict(scene: Scene) -> None:
    """It has its verdict's id: that the one is stored does not mean that the other is."""
    scene.decide(0, BLOCK)
    assert scene.run() == Dispatched(sent=3)
    (statement,) = read_all(scene.broker.bootstrap_servers, [scene.names[3]])
    (verdict,) = read_all(scene.broker.bootstrap_servers, [scene.names[2]])
    assert statement.header("safeguard-statement-id") == verdict.header("safeguard-verdict-id")

    with scene.database.writing() as connection:
        lost = update(outbox).where(outbox.c.id == "d0:statement")
        connection.execute(lost.values(state=ItemState.SENDING))
    assert scene.run() == Dispatched(found=1)
    with scene.database.writing() as connection:
        end = {"floor_topic": scene.names[2], "floor_offset": 0}
        lost = update(outbox).where(outbox.c.id == "d0:statement")
        connection.execute(lost.values(state=ItemState.SENDING, **end))
    assert scene.run() == Dispatched(sent=1), "where its verdict lies it does not"


VERDICT = "ab" * 16


def asked(scene: Scene) -> str:
    """A message that was allowed and is reported, and the name of its item."""
    scene.broker.creator.create_topics({f"{scene.topic}.retry": 1})
    write(scene.broker.bootstrap_servers, scene.topic, [b'{"text":"you are rude"}'], key=b"k")
    place = f"{scene.topic}/0/0"
    found = About(scene.topic, place, a_report(position=place, verdict=VERDICT))
    scene.book.add([found])
    assert scene.outbox.ask(found.case_id, VERDICT)
    assert not scene.outbox.ask(found.case_id, VERDICT)
    return scene.outbox.due(scene.now_ms, 9)[0].id


def again(scene: Scene) -> list[tuple[bytes | None, str | None]]:
    """What lies on the retry topic: keys, and what is to be superseded."""
    found = read_all(scene.broker.bootstrap_servers, [f"{scene.topic}.retry"])
    return [(record.key, record.header("safeguard-supersedes")) for record in found]


def test_a_message_that_is_to_be_judged_once_more_goes_to_the_workers_once(scene: Scene) -> None:
    """Also where the process was killed behind it, and what lies there is looked for."""
    name = asked(scene)
    assert scene.run() == Dispatched(sent=1)
    assert scene.run() == Dispatched()
    values = {
        "state": ItemState.SENDING,
        "floor_topic": f"{scene.topic}.retry",
        "floor_partition": 0,
        "floor_offset": 0,
    }
    with scene.database.writing() as connection:
        connection.execute(update(outbox).where(outbox.c.id == name).values(**values))
    assert scene.run() == Dispatched(found=1)
    assert again(scene) == [(b"k", VERDICT)]


def test_what_nobody_asks_any_more_is_not_judged_once_more(scene: Scene) -> None:
    """A person was quicker."""
    asked(scene)
    place = f"{scene.topic}/0/0"
    scene.book.add([About(scene.topic, place, a_decision(position=place, outcome="allow"))])
    assert scene.run() == Dispatched(given_up=1)
    assert scene.run() == Dispatched()
    assert again(scene) == []
