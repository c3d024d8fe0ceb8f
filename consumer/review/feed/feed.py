"""
Feed: follows the topics into the store and empties its outbox, until it is told to stop.

It is a plain consumer group of its own: it may be down for days and catches up. What it takes up
twice changes nothing, so an offset is committed once the store has what lies before it.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import TypeVar

import structlog

from consumer.errors import Retryable
from consumer.interfaces import Clock
from consumer.kafka.reader.subscriber import Subscriber
from consumer.review.feed.dispatcher import Dispatcher
from consumer.review.feed.intake import ReviewIntake, Taken

log = structlog.get_logger()

GROUP = ".review"
"""Follows the workers' group in the name of the feed's."""
TAKE_S = 0.25
"""How long an empty topic is waited for; then it is looked whether anything is to be published."""
RETRY_S = 1.0
"""What is out is asked again so soon: nothing is committed or lost while it is."""

Result = TypeVar("Result")


class ReviewFeed:
    """Runs on one thread until `stop` is set."""

    def __init__(
        self,
        subscriber: Subscriber,
        intake: ReviewIntake,
        dispatcher: Dispatcher,
        clock: Clock,
        stop: Event,
    ) -> None:
        self._subscriber = subscriber
        self._intake = intake
        self._dispatcher = dispatcher
        self._clock = clock
        self._stop = stop
        self.taken = Taken()
        self.sent = 0

    def __repr__(self) -> str:
        return f"<ReviewFeed took {self.taken.new} facts up, published {self.sent}>"

    def run(self, look_around: Callable[[], None], every_s: float) -> None:
        """
        Work until the stop; `look_around` is called now and then, for new topics and policies.

        Raises:
            DeadLetterFailed: what cannot be read cannot be set aside either.
        """
        looked_s = self._clock.now_s()
        while not self._stop.is_set():
            if self._clock.now_s() - looked_s >= every_s:
                self._patiently(look_around)
                looked_s = self._clock.now_s()
            self._take()
            self._publish()

    def _take(self) -> None:
        records = self._patiently(lambda: self._subscriber.take(TAKE_S))
        if not records:
            return
        taken = self._patiently(lambda: self._intake.take(records))
        if taken is None:
            # Stopped before the store had them: uncommitted, they come again.
            return
        self._subscriber.commit()
        self.taken += taken
        if taken.new or taken.misread:
            log.info("taken up", facts=taken.new, dead_letters=taken.misread)

    def _publish(self) -> None:
        done = self._patiently(lambda: self._dispatcher.run(self._clock.wall_ms))
        if done is not None and any(done):
            self.sent += done.sent + done.found
            log.info("published", **done._asdict())
            if done.failed:
                self._stop.wait(RETRY_S)

    def _patiently(self, act: Callable[[], Result]) -> Result | None:
        """Do it, and again while something is out; None where the stop comes first."""
        is_told = False
        while True:
            try:
                return act()
            except Retryable as error:
                if not is_told:
                    log.warning("waiting", reason=str(error))
                    is_told = True
                if self._stop.wait(RETRY_S):
                    return None
