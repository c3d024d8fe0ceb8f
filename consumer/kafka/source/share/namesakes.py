"""Namesakes: input topics that were made again under their names. The broker's ids tell. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import structlog
from confluent_kafka import KafkaError

from consumer.interfaces import Partition
from consumer.kafka.client_errors import ClientFault
from consumer.telemetry.telemetry import Telemetry

log = structlog.get_logger()


class MadeAgain(Exception):
    """A topic that this client has read from is another one by now, which it may never read."""


class Namesakes:
    """
    The ids of topics as this process came to know them.

    The client keeps the leader epochs of a topic by its name and takes a new one's lower epochs for
    old news: where brokers had been restarted before, it never reads the new topic (measured with
    librdkafka 2.16). So a client that has read from a topic ends with it.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        self._metrics = telemetry.metrics
        self._read: dict[str, str] = {}
        """Topic -> its id when the present client was given a part of it."""
        self._seen: dict[str, str] = {}
        """The last id of each topic that anything was assigned of, to any client."""

    def __repr__(self) -> str:
        return f"<Namesakes of {sorted(self._read)}>"

    def check(self, ids: Mapping[str, str]) -> None:
        """
        Look at the ids of now before anything is begun on them.

        Raises:
            MadeAgain: the present client has read from an earlier topic of one of the names.
        """
        if self._others_by_now(ids):
            raise MadeAgain

    def end_old_ones(self, ids: Mapping[str, str], owned: Iterable[Partition]) -> None:
        """
        Say which inputs are others by now; their assignments end, and the client with them.

        Raises:
            MadeAgain: there are any.
        """
        for topic in sorted(self._others_by_now(ids)):
            log.error(
                "an input topic was made again: what was in flight of the old one is discarded",
                topic=topic,
                partitions=sorted(p.number for p in owned if p.topic == topic),
            )
            self._metrics.topics_made_again.labels(topic).inc()
        self.check(ids)

    def unlike_before(self, topics: Iterable[str], ids: Mapping[str, str]) -> set[str]:
        """Those of which this process was assigned something when they had another id."""
        again = {t for t in topics if ids.get(t) not in (None, self._seen.get(t))}
        return again.intersection(self._seen)

    def begin(self, ids: Mapping[str, str]) -> None:
        """The present client is given something of these."""
        self._seen |= ids
        self._read |= ids

    def begin_anew(self) -> None:
        """With another client, which has read from nothing."""
        self._read.clear()

    def _others_by_now(self, ids: Mapping[str, str]) -> list[str]:
        return [t for t, known in self._read.items() if ids.get(t, "") not in ("", known)]


def may_be_made_again(fault: ClientFault) -> bool:
    """Whether a topic made again would explain it: what we would take is not there, or no topic."""
    return fault.code in (
        KafkaError._AUTO_OFFSET_RESET,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
    )
