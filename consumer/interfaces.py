"""The seams of the service on one page: what the pipeline asks of the world around it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from typing import NamedTuple, Protocol

from consumer.domain.binding import Binding, Catalogue
from consumer.domain.checkpoint import Floor
from consumer.domain.messages.context import Context
from consumer.domain.messages.message import Headers, Message, Record
from consumer.domain.policy import PolicyVersion
from consumer.domain.value import Value
from consumer.domain.verdicts.judged import Judged as Judged
from consumer.domain.verdicts.verdict import Screened


class Partition(NamedTuple):
    """One partition of an input topic."""

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.number}"


class Clock(Protocol):
    """
    Time, passed in. `now_s` never goes back and does not stop while the machine sleeps, `wall_ms`
    is milliseconds since 1970.
    """

    def now_s(self) -> float: ...

    def wall_ms(self) -> int: ...


class Publication(Value, frozen=True):
    """What is to be stored at the broker: a verdict or a dead letter, encoded."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers

    @property
    def output(self) -> Output:
        return output_of(self.topic, self.partition)


class Ticket(Protocol):
    """Travels with a publication and comes back with its report."""


class Output(NamedTuple):
    """One partition of an output topic."""

    topic: str
    partition: int


@lru_cache(maxsize=4_096)
def output_of(topic: str, partition: int) -> Output:
    """The output of that name and number; made once, since each publication asks for it twice."""
    return Output(topic, partition)


class Fate(Enum):
    """What became of a publication."""

    STORED = "stored"
    TOO_LARGE = "too large for its topic"
    """Sent alone it was refused for its size; it will not be stored."""
    NOT_STORED = "not stored"
    """It was not stored and will not be: it may be sent again."""


class DeliveryReport(NamedTuple):
    """What became of the publication that this ticket travelled with."""

    ticket: Ticket
    fate: Fate


class SinkListener(Protocol):
    """Told on the event loop, in batches, what became of publications."""

    def reported(self, reports: Sequence[DeliveryReport]) -> None: ...

    def failed(self, error: Exception) -> None:
        """The sink cannot go on; nothing more will be reported."""
        ...


class Sink(Protocol):
    """
    Stores publications, in the order they were sent to each topic.

    Every publication is reported once. One that is not stored, or too large, is reported together
    with all that were sent to its output after it, in the order they were sent: none of those is
    stored.
    """

    def send(self, publication: Publication, ticket: Ticket) -> None: ...

    def takes(self, output: Output) -> bool:
        """Whether one more may be sent there now; an output may want them one at a time."""
        ...

    def floor(self, output: Output) -> Floor:
        """
        The first offset at which a publication sent now can come to lie, and in which topic.

        The topic is the last one of that name that the sink knows of; where the name stands for
        another one by now, the offset says nothing of it.
        """
        ...


class Tails(Protocol):
    """
    Reads what lies on topics, outside any group.

    Every method raises BrokerUnavailable where the answer cannot be had now.
    """

    async def ids(self, topics: Sequence[str]) -> Mapping[str, str]:
        """The broker's id of each topic; one without an id is left out."""
        ...

    async def ends(self, outputs: Sequence[Output]) -> Mapping[Output, int]:
        """The end offset of each; one that the broker does not have is left out."""
        ...

    async def offsets_at(
        self, outputs: Sequence[Output], timestamp_ms: int
    ) -> Mapping[Output, int]:
        """The first offset of each whose record is not older than that."""
        ...

    async def timestamp_ms(self, partition: Partition, offset: int) -> int | None:
        """The timestamp of the first record at or after an offset; None where there is none."""
        ...

    async def positions(
        self, output: Output, floor: int, end: int, of: Partition, source: str
    ) -> set[int]:
        """
        Offsets of that input partition for which this group has published there.

        Reads from `floor` to `end`. A record's later verdicts, which supersede its first, do not
        count, nor what was published for another topic of the same name: `source` is the topic's
        id, or its name where the broker gives none.
        """
        ...


class Assigned(NamedTuple):
    """A partition was given to this worker; its records follow from `start` on once resumed."""

    partition: Partition
    number: int
    """Counts this process's assignments of this partition."""
    start: int
    committed: int | None = None
    """The offset of the group's last commit, or None where there is none."""
    metadata: str = ""
    """What that commit said beside its offset."""
    topic_id: str = ""
    """The broker's id of the topic that `start` was found for; empty where it gives none."""


class CommitPoint(NamedTuple):
    """What is to be committed for one assignment of a partition."""

    number: int
    offset: int
    metadata: str


class Committed(NamedTuple):
    """What the broker made of a commit, which its metadata tells from every other."""

    partition: Partition
    number: int
    metadata: str
    is_accepted: bool


class SourceListener(Protocol):
    """Told on the event loop, in this order, what the source takes and which partitions it owns."""

    def assigned(self, assignments: Sequence[Assigned]) -> None:
        """They are paused, until the listener resumes them."""
        ...

    def taken(self, records: Sequence[Record]) -> None: ...

    def committed(self, results: Sequence[Committed]) -> None:
        """
        The answer to each commit point that was asked for, one way or the other.

        What the source no longer waits for is answered as refused, though it may be accepted.
        """
        ...

    async def revoked(
        self, assignments: Mapping[Partition, int]
    ) -> Mapping[Partition, CommitPoint]:
        """
        Drain these assignments within the drain budget and return what may be committed.

        They are told by their number: one that has ended in the meantime is nobody's.
        """
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

    def commit(self, points: Mapping[Partition, CommitPoint]) -> None:
        """Each is answered through `committed`; none is sent for what is not owned any more."""
        ...

    def pause(self, assignments: Mapping[Partition, int]) -> None:
        """Take nothing of these partitions; by number, as one may be assigned anew by then."""
        ...

    def resume(self, assignments: Mapping[Partition, int]) -> None:
        """Take from them again. What has ended by then, or begun anew, stays as it is."""
        ...


class Policies(Protocol):
    """The policies in force. A caller keeps what it was given: a reload never changes it."""

    @property
    def catalogue(self) -> Catalogue: ...


class Classifier(Protocol):
    """Judges a text under every policy of a version; never raises Retryable."""

    async def classify(
        self,
        text: str,
        version: PolicyVersion,
        binding: Binding,
        deadline_s: float | None,
        context: Context | None = None,
    ) -> Judged:
        """`deadline_s` is on the clock's `now_s`; None waits as long as it takes."""
        ...


class Probabilities(NamedTuple):
    """What a decision endpoint says of a text."""

    of: tuple[float | None, ...]
    """Of each statement, in the order asked: how likely it is true; None where that is not said."""
    model: str
    """The model that answered, as it names itself; empty where it does not."""


class Decider(Protocol):
    """Says how likely statements about a text are true, within its time limit; never raises."""

    @property
    def model(self) -> str:
        """The model that is asked for."""
        ...

    @property
    def wire(self) -> str | None:
        """The shape that it is asked in; None while that is not known."""
        ...

    @property
    def off(self) -> str | None:
        """Why it is not asked now; None while it is."""
        ...

    async def ask(self, text: str, statements: Sequence[str]) -> Probabilities | str:
        """All statements in one call; or why nothing is known of any."""
        ...


class Inquiry(Protocol):
    """
    One message that no stage has settled, on its way to the model.

    Others may wait for whoever asks. So it is said how that ended: `heard`, then always `gave_up`.
    """

    @property
    def screened(self) -> Screened | None:
        """What a stage said of it, where the model is asked all the same."""
        ...

    async def elsewhere(self) -> Judged | None:
        """
        What somebody else says of the text: a decision endpoint, or the model to whoever asks it
        about the very same text already.

        None where nobody says anything, or came to an end without a judgement: then ask.
        """
        ...

    async def answered(self, judged: Judged, again: Callable[[], Awaitable[Judged]]) -> None:
        """
        The model was asked and nothing is published yet; `again` asks it once more.

        What has to be known before the verdict is, is stored when this returns.
        """
        ...

    def heard(self, judged: Judged, verdict_id: str) -> None:
        """The model was asked, and the verdict on the message has this id."""
        ...

    def gave_up(self) -> None:
        """It is not asked any more; of no effect after `heard`."""
        ...


class ToScreen(Value, frozen=True):
    """A message, and what it would be judged under."""

    message: Message
    version: PolicyVersion
    binding: Binding
    source: str
    """The id of the topic that it was taken from, or its name where it has none."""


class Screening(Protocol):
    """Says what need not reach the model: at once, and without ever failing."""

    def screen(self, messages: Sequence[ToScreen]) -> list[Judged | Inquiry | None]:
        """
        What settles each, or what to ask the model with; None where it just is asked.

        They come in the order in which they were taken. It is the same as one by one, and costs
        less.
        """
        ...
