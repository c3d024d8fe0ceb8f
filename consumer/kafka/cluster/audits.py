"""
Audits: the topic with one partition through which all workers come to the same word on a filter.

Every worker reads all of it, from its beginning. Its records are opaque here: `screening/audits`
says what stands in them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing

from consumer.domain.binding import Catalogue
from consumer.interfaces import Publication
from consumer.kafka.cluster.topics import Step
from consumer.kafka.config import KafkaConfig
from consumer.kafka.reader.table import PARTITION, Table
from consumer.kafka.sink.writer import KeptWriter

AUDITS_TOPIC = "safeguard.audits"
STALL_S = 5.0
"""A reading that does not get on is given up for the next one; meanwhile no filter settles."""
FETCH_WAIT_MS = 250
"""The broker holds an empty fetch for so long, so that following costs next to nothing."""
CONFIG = {"cleanup.policy": "delete", "retention.ms": "-1"}
"""Kept for ever: a worker that did not read an alarm would go on as if there had been none."""


def audits_steps(catalogue: Catalogue, partitions: Mapping[str, int]) -> list[Step]:
    """What `topics apply` does about the notes; nothing where no topic has a filter."""
    screenings = [(b.set_name, b.screening) for b in catalogue.bindings]
    named = [name for name, each in screenings if each.prefilter or each.decision]
    if not named or AUDITS_TOPIC in partitions:
        return []
    problem = f"missing; without it the filter of {', '.join(named)} settles nothing"
    return [Step(AUDITS_TOPIC, 1, problem, config=CONFIG)]


class AuditLog:
    """The notes in their order. Blocking: use it in a thread, and one for each reading anew."""

    def __init__(
        self,
        config: KafkaConfig,
        take: Callable[[bytes | None], None],
        missed: Callable[[], None],
    ) -> None:
        """`missed` is told, before any note, that earlier ones were deleted."""

        def taken(_key: bytes | None, value: bytes | None) -> None:
            take(value)

        self._table: Table[bytes, bytes] = Table(
            config,
            AUDITS_TOPIC,
            taken,
            when_refused="filters settle nothing: grant Read and Describe on the topic",
            when_cut=missed,
            stall_s=STALL_S,
            wait_ms=FETCH_WAIT_MS,
        )

    def __repr__(self) -> str:
        return f"<AuditLog {self._table!r}>"

    def read(self) -> bool:
        """
        Take all that was noted since the last time. Returns whether there is such a topic.

        Raises:
            BrokerUnavailable: it cannot be read now; the next read goes on from here.
        """
        self._table.read()
        return self._table.is_there

    def close(self) -> None:
        self._table.close()


class AuditWriter:
    """Stores notes, with one producer until it is closed. Blocking."""

    def __init__(self, config: KafkaConfig) -> None:
        self._writer = KeptWriter(config)

    def __repr__(self) -> str:
        return f"<AuditWriter {self._writer!r}>"

    def write(self, values: Sequence[bytes]) -> list[str | None]:
        """Store notes in their order and wait; for each, None or what went wrong."""
        return self._writer.write(
            [Publication(AUDITS_TOPIC, PARTITION, None, value, ()) for value in values]
        )

    def close(self) -> None:
        self._writer.close()


def write_note(config: KafkaConfig, value: bytes) -> str | None:
    """Store one note, as a person's word is; None or what went wrong. Blocking."""
    with closing(AuditWriter(config)) as writer:
        (fault,) = writer.write([value])
        return fault
