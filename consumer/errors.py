"""
Every error of the service, by what to do about it.

    ConsumerError
    ├── Retryable                may succeed later: wait, try again
    │   ├── InferenceTimeout
    │   ├── InferenceUnavailable
    │   ├── Overloaded
    │   ├── ModelFault
    │   ├── BrokerUnavailable
    │   └── StoreUnavailable
    ├── Rejected                 never will: dead-letter it, move on
    │   ├── UndecodableMessage
    │   ├── MessageTooLarge
    │   ├── PoisonMessage
    │   └── UnknownMessage
    └── Fatal                    carrying on could lose a message: stop
        ├── InvalidPolicy
        ├── InvalidSettings
        ├── PortTaken
        ├── EndpointRefused
        ├── TopicsMissing
        ├── PublishFailed
        └── DeadLetterFailed

On a message's path each family is caught in one place: Retryable in `classifier/asking/asker.py`,
Rejected in `pipeline/process.py`, Fatal in `pipeline/intake.py`, which stops the worker. A leaf's
docstring is what an operator reads when no better message is given, so it ends with what to do. An
unknown exception is Fatal.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from enum import StrEnum


class ConsumerError(Exception):
    """Something went wrong in the service."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or inspect.getdoc(type(self)) or type(self).__name__)


class Retryable(ConsumerError):
    """The attempt failed but a later one may succeed."""

    is_systemic = True
    """Whether this hints at the endpoint as a whole, or at one message alone."""

    retry_after_s: float | None = None
    """What the other side asked for, where it did."""


class InferenceTimeout(Retryable):
    """The inference server did not answer in time. See its load, or raise `inference.timeout_s`."""


class InferenceUnavailable(Retryable):
    """The inference server cannot be reached or failed. Check that it runs and answers."""


class Overloaded(Retryable):
    """The inference server refused for load. Lower `inference.calls_max` or add servers."""

    def __init__(self, message: str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ModelFault(Retryable):
    """The model answered with something that is no verdict. Ask again; see `reason`."""

    is_systemic = False

    tokens: tuple[int, ...] = ()
    """What the answer cost all the same, where it says so."""
    body: bytes = b""
    """What came back: for people who look on, never for a log."""

    def __init__(
        self,
        reason: str,
        message: str | None = None,
        tokens: tuple[int, ...] = (),
        body: bytes = b"",
    ) -> None:
        super().__init__(message or f"the model's answer is no verdict: {reason}")
        self.reason = reason
        self.tokens = tokens
        self.body = body


class BrokerUnavailable(Retryable):
    """The Kafka brokers cannot be reached. Check `kafka.bootstrap_servers` and the network."""


class StoreUnavailable(Retryable):
    """The review store cannot be reached. Check `review.store` and the database."""


class DeadLetterReason(StrEnum):
    """Why a record is set aside: a closed list, part of the wire contract."""

    TOMBSTONE = "tombstone"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    WRONG_SHAPE = "wrong_shape"
    NO_TEXT = "no_text"
    EMPTY_TEXT = "empty_text"
    SCHEMA_REGISTRY_FRAMED = "schema_registry_framed"
    UNREADABLE_HEADERS = "unreadable_headers"
    TOO_LARGE = "too_large"
    POISON = "poison"
    UNKNOWN_MESSAGE = "unknown_message"


class Rejected(ConsumerError):
    """The record can never be judged. It goes to the dead-letter topic with this reason."""

    reason: DeadLetterReason


class UndecodableMessage(Rejected):
    """The record is not a message as `topic.toml` describes it. Fix the producer or `[message]`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = DeadLetterReason(reason)


class MessageTooLarge(Rejected):
    """The verdict does not fit its topic. Raise `max.message.bytes` there, or the setting."""

    reason = DeadLetterReason.TOO_LARGE


class PoisonMessage(Rejected):
    """Its worker ended each time it was judged, even alone. Look at the worker's last log lines."""

    reason = DeadLetterReason.POISON


class UnknownMessage(Rejected):
    """A report names a message that no verdict flagged. Have its sender give its position, too."""

    reason = DeadLetterReason.UNKNOWN_MESSAGE


class Fatal(ConsumerError):
    """The service must stop."""

    exit_code = 1


FLAWS_MAX = 200
"""Written out of one load; a folder of any files has any number."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """One mistake in a file that a person wrote: where, what, and how to mend it."""

    file: str
    line: int
    problem: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.problem}"


class InvalidPolicy(Fatal):
    """The policies cannot be used. Mend the lines named and run `safeguard policy check`."""

    exit_code = 2

    def __init__(self, flaws: tuple[Flaw, ...], reason: str = "faults") -> None:
        self.flaws = flaws
        self.reason = reason
        """Why a reload is refused, in a word for its metric."""
        noun = "fault" if len(flaws) == 1 else "faults"
        lines = "\n".join(f"  {flaw}" for flaw in flaws[:FLAWS_MAX])
        more = f"\n  and {len(flaws) - FLAWS_MAX} more" if len(flaws) > FLAWS_MAX else ""
        super().__init__(f"{len(flaws)} {noun} in the policies:\n{lines}{more}")


class InvalidSettings(Fatal):
    """The settings cannot be used. Mend what is named and start again."""

    exit_code = 2


class PortTaken(Fatal):
    """Another process listens where we should. End it, or choose another port in the settings."""

    exit_code = 2


class EndpointRefused(Fatal):
    """The inference server refused us (key, model, path). Check the `[inference]` settings."""

    exit_code = 2


class TopicsMissing(Fatal):
    """Topics are missing or their partitions differ. `safeguard topics plan` shows what to do."""

    exit_code = 2


class PublishFailed(Fatal):
    """A verdict cannot be stored. Nothing was committed past it; look at the broker."""


class DeadLetterFailed(Fatal):
    """A dead letter cannot be stored at the broker. Nothing was dropped; look at the broker."""
