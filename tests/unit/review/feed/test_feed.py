"""The feed commits what the store has, waits for what is out, and stops when it is told to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event
from typing import cast

import pytest

from consumer.domain.messages.message import Record
from consumer.errors import BrokerUnavailable, DeadLetterFailed, StoreUnavailable
from consumer.kafka.reader.subscriber import Subscriber
from consumer.review.feed import feed as module
from consumer.review.feed.dispatcher import Dispatched, Dispatcher
from consumer.review.feed.feed import ReviewFeed
from consumer.review.feed.intake import ReviewIntake, Taken
from tests.builders import a_record


class Fakes:
    """All that the feed works with; what happens is what the script says, then it is stopped."""

    def __init__(self, *script: object) -> None:
        self.script = list(script)
        self.seen: list[str] = []
        self.stop = Event()
        self.now = 0.0

    def _next(self, what: str) -> object:
        self.seen.append(what)
        if not self.script:
            self.stop.set()
            return None
        found = self.script.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def take(self, records: object) -> object:
        # The subscriber is asked with how long to wait, the intake with records.
        if isinstance(records, float):
            return self._next("poll") or []
        return self._next("take") or Taken()

    def commit(self) -> None:
        self.seen.append("commit")

    def run(self, _wall_ms: Callable[[], int]) -> Dispatched:
        self.seen.append("publish")
        return Dispatched()

    def now_s(self) -> float:
        self.now += 1
        return self.now

    def wall_ms(self) -> int:
        return 0

    def feed(self) -> ReviewFeed:
        return ReviewFeed(
            cast(Subscriber, self),
            cast(ReviewIntake, self),
            cast(Dispatcher, self),
            self,
            self.stop,
        )


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.0)


BATCH: Sequence[Record] = [a_record()]


def run(*script: object, every_s: float = 1e9) -> tuple[list[str], ReviewFeed]:
    fakes = Fakes(*script)
    feed = fakes.feed()
    feed.run(lambda: fakes.seen.append("look"), every_s)
    return fakes.seen, feed


def test_an_offset_is_committed_once_the_store_has_what_lies_before_it() -> None:
    seen, feed = run(BATCH, Taken(1, 0), BATCH, Taken(2, 1))
    assert seen[:4] == ["poll", "take", "commit", "publish"]
    assert feed.taken == Taken(3, 1)


def test_a_store_that_is_out_is_waited_for_with_the_batch_in_hand() -> None:
    """It is not polled for again, and not committed before."""
    seen, _ = run(BATCH, StoreUnavailable(), StoreUnavailable(), Taken(1, 0))
    assert seen[:5] == ["poll", "take", "take", "take", "commit"]


def test_brokers_that_are_out_are_waited_for() -> None:
    seen, _ = run(BrokerUnavailable(), BATCH, Taken(1, 0))
    assert seen[:4] == ["poll", "poll", "take", "commit"]


def test_what_the_store_did_not_take_before_the_stop_is_not_committed() -> None:
    fakes = Fakes(BATCH, StoreUnavailable())
    waits = fakes.stop.wait
    fakes.stop.wait = lambda timeout=None: fakes.stop.set() or waits(timeout)  # type: ignore[func-returns-value, method-assign]
    fakes.feed().run(lambda: None, 1e9)
    assert "commit" not in fakes.seen


def test_what_cannot_be_set_aside_ends_it() -> None:
    with pytest.raises(DeadLetterFailed):
        run(BATCH, DeadLetterFailed())


def test_it_looks_around_now_and_then() -> None:
    seen, _ = run([], [], every_s=1.0)
    assert seen.count("look") >= 2
    assert "look" not in run([], [])[0]
