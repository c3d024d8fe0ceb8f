"""Course: how far the asking about one piece of a text has come, and how it is asked next. Pure."""

from __future__ import annotations

from consumer.classifier.parser import Fault
from consumer.domain.verdicts.verdict import UnjudgedReason
from consumer.errors import Retryable
from consumer.inference.blame.failures import Declined, Unclear
from consumer.inference.fleet.endpoint import Answer, Endpoint
from consumer.inference.wires.format import RequestFormat

FALLS_BEFORE_ALONE = 2
"""
How often a message may see a server fall before it is asked alone. Once is anybody's misfortune,
and each further time would cost all calls under way.
"""


class Variation:
    """How the next attempt differs from the first one."""

    _failed: tuple[int, bool] | None = None
    """The attempt that got a faulty answer, and whether it was cut: the next differs by it."""
    truncations = 0

    def __init__(self) -> None:
        self.without: set[str] = set()
        """Fields that the endpoint would not have, left out for this message on trial."""

    def __repr__(self) -> str:
        return f"<Variation after {self._failed} without {sorted(self.without)}>"

    def of(self, format: RequestFormat) -> RequestFormat:
        """An endpoint's format, as the next attempt has it."""
        if self._failed is not None:
            attempt, was_truncated = self._failed
            format = format.for_retry(attempt, was_truncated=was_truncated)
        for field in self.without:
            format = format.without(field)
        return format

    def after(self, fault: str, attempt: int) -> None:
        """This attempt got a faulty answer; the same request again would get the same."""
        was_truncated = fault == Fault.TRUNCATED
        self._failed = attempt, was_truncated
        self.truncations += was_truncated


class Course:
    """What happened so far to one piece; most of it never does, and is as it stands here."""

    endpoint: Endpoint | None = None
    """Whose answer was the last one; None where there was no place."""
    format: RequestFormat | None = None
    """As it was asked there."""
    asked_s = 0.0
    """When the last attempt began, on the clock, be it by waiting for a place."""
    sent_s = 0.0
    """When its call went out."""
    attempt = 0
    own_failures = 0
    has_refused = False
    falls = 0
    """How often a server fell while this was asked."""
    refused_since_s: float | None = None
    """Since when every call was refused for load; None where the last one was not."""
    was_well = False
    """Whether a probe was judged when the message's time was last over for load alone."""
    strays = 0
    """How many answers more may be those of another server than the one that was probed."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.variation = Variation()

    def __repr__(self) -> str:
        return f"<Course at attempt {self.attempt}, {self.own_failures} failures of its own>"

    @property
    def must_be_alone(self) -> bool:
        """Whether it has seen so many servers fall that it may be the cause."""
        return self.falls >= FALLS_BEFORE_ALONE

    @property
    def may_wait(self) -> bool:
        """Whether a pause is of any use before the next call; an outage is waited out anyway."""
        return self.endpoint is None or not self.endpoint.breaker.is_open

    def begin(self, now_s: float) -> None:
        """One attempt more."""
        self.asked_s = self.sent_s = now_s
        self.attempt += 1

    def answered(self, answer: Answer) -> None:
        """A call ended: at this endpoint, which need not be the one where it was begun."""
        self.endpoint, self.format, self.sent_s = answer.endpoint, answer.format, answer.started_s

    def is_stray(self, error: Retryable) -> bool:
        """
        Whether this may be the answer of a server beside the one that judged the probe.

        Behind one address servers often take turns, and during a rollout one of them is not ready:
        if each failed call were followed by one probe, the call would always meet that one.
        """
        is_of_the_way = isinstance(error, Declined) and error.is_of_the_way
        # What is wrong in a 500 was told by a model, so that it was asked.
        is_no_answer = isinstance(error, Unclear) and error.reason != "http_500"
        if not self.strays or not (is_of_the_way or is_no_answer):
            return False
        self.strays -= 1
        return True

    def ended(self, reason: UnjudgedReason) -> UnjudgedReason:
        """Why there is no judgement. A refusal stays one, whatever failed after it."""
        return UnjudgedReason.REFUSED if self.has_refused else reason

    def can_do_without(self, field: str) -> bool:
        """Whether a field was sent, so that it can be left out from now on."""
        if self.format is None or self.format.without(field) == self.format:
            return False
        self.variation.without.add(field)
        return True
