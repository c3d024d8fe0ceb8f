"""
Ledger: consumed = verdicts + dead letters + recovered + passed over + discarded + in flight.

Counts twice on purpose: once as records come and once as they end. The difference is a gauge that
reads zero; anything else is a bug that loses or repeats messages.
"""

from __future__ import annotations

from prometheus_client import Counter

from consumer.domain.messages.language import OTHER, counted_as
from consumer.domain.policy import Outcome
from consumer.domain.verdicts.verdict import Cause, Verdict
from consumer.errors import Rejected
from consumer.telemetry.telemetry import Telemetry


class Ledger:
    """Books every record in, and out again under what became of it."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._metrics = telemetry.metrics
        self._counted: dict[tuple[Counter | str, ...], float] = {}
        """What has been counted since the last `flush`."""
        self._verdicts: dict[tuple[str, Outcome, Cause], int] = {}
        """The same of verdicts, which are most."""
        self._languages: dict[tuple[str, str | None, str | None], int] = {}
        """The same by topic and language, as the record says and as it was guessed."""
        self.consumed = 0
        self.verdicts = 0
        self.dead_letters = 0
        self.recovered = 0
        self.passed_over = 0
        self.discarded = 0
        self.in_flight = 0

    def __repr__(self) -> str:
        return (
            f"<Ledger consumed {self.consumed} = verdicts {self.verdicts} + dead letters "
            f"{self.dead_letters} + recovered {self.recovered} + passed over {self.passed_over} "
            f"+ discarded {self.discarded} + in flight {self.in_flight}, "
            f"difference {self.difference}>"
        )

    @property
    def difference(self) -> int:
        ended = self.verdicts + self.dead_letters + self.recovered + self.passed_over
        return self.consumed - ended - self.discarded - self.in_flight

    def consume(self, topic: str, count: int) -> None:
        self.consumed += count
        self.in_flight += count
        self._inc(self._metrics.consumed, topic, by=count)

    def book_verdict(self, verdict: Verdict) -> None:
        self.verdicts += 1
        self.in_flight -= 1
        topic = verdict.message.position.topic
        key = (topic, verdict.outcome, verdict.cause)
        self._verdicts[key] = self._verdicts.get(key, 0) + 1
        message = verdict.message
        if message.language is not None or message.language_guess is not None:
            said = (topic, message.language, message.language_guess)
            self._languages[said] = self._languages.get(said, 0) + 1
        if verdict.unjudged_reason is not None:
            self._inc(self._metrics.unjudged, topic, verdict.unjudged_reason.value)

    def book_dead_letter(self, topic: str, rejection: Rejected) -> None:
        self.dead_letters += 1
        self.in_flight -= 1
        self._inc(self._metrics.dead_letters, topic, rejection.reason)

    def book_recovered(self, topic: str) -> None:
        self.recovered += 1
        self.in_flight -= 1
        self._inc(self._metrics.recovered, topic)

    def book_passed_over(self, topic: str) -> None:
        self.passed_over += 1
        self.in_flight -= 1
        self._inc(self._metrics.passed_over, topic)

    def discard(self, topic: str, count: int) -> None:
        self.discarded += count
        self.in_flight -= count
        if count:
            self._inc(self._metrics.discarded, topic, by=count)

    def flush(self) -> None:
        """Hand on to the metrics what was counted; once in a while, not for every message."""
        for (topic, outcome, cause), count in self._verdicts.items():
            self._metrics.verdicts.labels(topic, outcome.value, cause.value).inc(count)
        self._verdicts.clear()
        for (topic, language, guess), count in self._languages.items():
            said = (
                (guess or OTHER, "guess") if language is None else (counted_as(language), "record")
            )
            self._metrics.languages.labels(topic, *said).inc(count)
        self._languages.clear()
        counted, self._counted = self._counted, {}
        for (counter, *labels), by in counted.items():
            assert isinstance(counter, Counter)
            counter.labels(*labels).inc(by)

    def _inc(self, counter: Counter, *labels: str, by: float = 1) -> None:
        key: tuple[Counter | str, ...] = (counter, *labels)
        self._counted[key] = self._counted.get(key, 0) + by
