"""The seams of the service on one page: what the pipeline asks of the world around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from consumer.domain.binding import Binding, Catalogue
from consumer.domain.message import Headers, Record
from consumer.domain.policy import PolicyVersion
from consumer.domain.verdict import Judgement, UnjudgedReason


class Partition(NamedTuple):
    """One partition of an input topic."""

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.number}"


class Clock(Protocol):
    """Time, passed in. `now_s` never goes back; `wall_ms` is milliseconds since 1970."""

    def now_s(self) -> float: ...

    def wall_ms(self) -> int: ...


class Publication(NamedTuple):
    """What is to be stored at the broker: a verdict or a dead letter, encoded."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class Ticket(Protocol):
    """Travels with a publication and comes back with its report."""

    @property
    def is_live(self) -> bool:
        """Whether its assignment still holds: a publication that is not live is never repeated."""
        ...


class Report(NamedTuple):
    """What became of a publication: stored, or too large for its topic."""

    ticket: Ticket
    is_stored: bool


class SinkListener(Protocol):
    """Told on the event loop, in batches, what the broker has acknowledged."""

    def reported(self, reports: Sequence[Report]) -> None: ...

    def failed(self, error: Exception) -> None:
        """The sink cannot go on; nothing more will be reported."""
        ...


class Sink(Protocol):
    """
    Stores publications, in the order they were sent to each topic.

    A publication whose report is missing or negative is tried again, with the same content, until
    it is stored, is too large, or its ticket is no longer live.
    """

    def send(self, publication: Publication, ticket: Ticket) -> None: ...


class Assigned(NamedTuple):
    """A partition was given to this worker; records follow from `start` on."""

    partition: Partition
    term: int
    start: int


class SourceListener(Protocol):
    """Told on the event loop, in this order, what the source takes and which partitions it owns."""

    def assigned(self, assignments: Sequence[Assigned]) -> None: ...

    def taken(self, records: Sequence[Record]) -> None: ...

    async def revoked(self, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        """Drain them within the drain budget and return what may be committed."""
        ...

    def lost(self, partitions: Sequence[Partition]) -> None:
        """They are somebody else's already: forget them, commit nothing."""
        ...

    def failed(self, error: Exception) -> None: ...


class Source(Protocol):
    """Takes records from the broker; every call returns at once and is carried out in turn."""

    def give_credits(self, count: int) -> None:
        """Allow so many more records to be taken."""
        ...

    def commit(self, offsets: Mapping[Partition, int]) -> None: ...

    def pause(self, partitions: Sequence[Partition]) -> None: ...

    def resume(self, partitions: Sequence[Partition]) -> None: ...


class Policies(Protocol):
    """The policies in force. A caller keeps what it was given: a reload never changes it."""

    @property
    def catalogue(self) -> Catalogue: ...


class Judged(NamedTuple):
    """What the model said of one message: judgements, and why some are missing."""

    judgements: tuple[Judgement, ...]
    unjudged: UnjudgedReason | None = None
    model_ms: float = 0.0
    endpoint: str = ""
    model: str = ""
    template: str = ""


class Classifier(Protocol):
    """Judges a text under every policy of a version; never raises Retryable."""

    async def classify(
        self, text: str, version: PolicyVersion, binding: Binding, deadline_s: float | None
    ) -> Judged:
        """`deadline_s` is on the clock's `now_s`; None waits as long as it takes."""
        ...
