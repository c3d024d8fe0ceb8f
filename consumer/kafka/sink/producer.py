"""
Producer: the idempotent one in use, and the next one after its end.

It is ended as a whole, before the client's own time-out: that one would let the client start a new
sequence and store what was in flight a second time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as KafkaMessage

from consumer.interfaces import Publication
from consumer.kafka import config as properties
from consumer.kafka.client_errors import ClientErrors
from consumer.kafka.config import KafkaConfig

log = structlog.get_logger()

END_S = 1.0
"""How long a client is given to report what it throws away; nobody waits for these reports, and it
takes none where the client is well."""


Report = tuple[int, KafkaError | None, int]
"""A publication's number, why it failed if it did, and its offset; negative where none is said."""


class ProducerInUse:
    """One producer at a time: publications in, reports out."""

    def __init__(self, config: KafkaConfig, executor: Executor) -> None:
        self._executor = executor
        self._reports: deque[Report] = deque()
        self._client = self._new_client(config)
        self.batch_bytes_max = config.batch_bytes_max
        """For how large batches it was made."""
        self.has_stored = False
        """Whether it has been acknowledged anything; whoever settles its reports says so."""

    def __repr__(self) -> str:
        return f"<ProducerInUse batches {self.batch_bytes_max}, reports {len(self._reports)}>"

    def produce(self, publication: Publication, number: int) -> None:
        """
        Hand over to the client, and return.

        Raises:
            BufferError: its queue is full.
            KafkaException: it refuses the publication.
        """
        self._client.produce(
            publication.topic,
            publication.value,
            publication.key,
            publication.partition,
            on_delivery=partial(self._delivered, number),
            headers=list(publication.headers),
        )

    def poll(self) -> None:
        """
        Let the client tell what it knows by now.

        Raises:
            KafkaException: it is at its end; a fatal error is told to no callback, but here, once.
        """
        self._client.poll(0)

    def reports(self) -> Sequence[Report]:
        """Those that have come since the last time."""
        return [self._reports.popleft() for _ in range(len(self._reports))]

    def empty(self) -> None:
        """Everything on its way fails now, as far as anybody can tell."""
        self._client.purge()

    async def replace(self, config: KafkaConfig) -> None:
        """Another one; returns when the old one has ended, and with it what lay in its buffers."""
        old = self._take_another(config)
        await asyncio.get_running_loop().run_in_executor(self._executor, partial(_end, old))

    def replace_idle(self, config: KafkaConfig) -> None:
        """Another one at once, where nothing is on its way; the old one ends by itself."""
        self._executor.submit(_end, self._take_another(config))

    async def end(self) -> None:
        await asyncio.get_running_loop().run_in_executor(
            self._executor, partial(_end, self._client)
        )

    def _take_another(self, config: KafkaConfig) -> Producer:
        old, self._client = self._client, self._new_client(config)
        self.batch_bytes_max = config.batch_bytes_max
        self.has_stored = False
        return old

    def _new_client(self, config: KafkaConfig) -> Producer:
        return Producer(properties.producer(config, ClientErrors("producer")))

    def _delivered(self, number: int, error: KafkaError | None, message: KafkaMessage) -> None:
        offset = message.offset() if error is None else None
        self._reports.append((number, error, -1 if offset is None else offset))


def _end(producer: Producer) -> None:
    """Throw away what a producer still holds, and its connections."""
    producer.purge()
    try:
        producer.flush(END_S)
    except KafkaException as error:
        log.debug("a producer ended badly", error=str(error))
    producer.close()
