"""
Writer: records that must be stored before anything else happens. Blocking.

For commands, and for what a worker notes beside its verdicts; those go through `sink.py`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import closing
from functools import partial

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as KafkaMessage

from consumer.interfaces import Publication
from consumer.kafka import config as properties
from consumer.kafka.client_errors import ClientErrors
from consumer.kafka.config import KafkaConfig
from consumer.kafka.sink.probation import OF_A_BATCH

END_S = 1.0
"""Beyond the client's own time-out, for its last reports; and for what it throws away."""
NO_REPORT = "no answer from the broker in time, so it may have been stored all the same"


class TopicWriter:
    """Stores records and waits for the broker, with a producer of its own for each call."""

    def __init__(self, config: KafkaConfig) -> None:
        self._config = config

    def write(self, publications: Sequence[Publication]) -> list[str | None]:
        """
        Store records in their order and wait; for each, None or what went wrong.

        A batch that is refused is sent again one by one: only what is refused alone is at fault.
        A record that was not reported may be stored all the same.
        """
        with closing(KeptWriter(self._config)) as writer:
            return writer.write(publications)


class KeptWriter:
    """The same with one producer for as long as all goes well: for whoever writes all the time."""

    def __init__(self, config: KafkaConfig) -> None:
        self._config = config
        self._producer: Producer | None = None
        self._writing = threading.Lock()
        """Whoever stops may close it while its last batch is under way."""

    def __repr__(self) -> str:
        return f"<KeptWriter {'without' if self._producer is None else 'with'} a producer>"

    def write(self, publications: Sequence[Publication]) -> list[str | None]:
        """As `TopicWriter.write`; after any fault the next call has another producer."""
        if not publications:
            return []
        faults: list[str | None] = [NO_REPORT] * len(publications)
        with self._writing:
            producer = self._producer or self._connect()
            try:
                _Batch(producer, publications, faults).store(self._config.client_timeout_s + END_S)
                # What is thrown away below would be reported as such, which tells nobody anything.
                return list(faults)
            finally:
                # One that left anything open may hold it still, or be at its end.
                if any(fault is not None for fault in faults):
                    self._end()

    def close(self) -> None:
        """End the producer, where there is one."""
        with self._writing:
            self._end()

    def _connect(self) -> Producer:
        self._producer = Producer(properties.producer(self._config, ClientErrors("producer")))
        return self._producer

    def _end(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()
            producer.flush(END_S)
            producer.close()


class _Batch:
    """Records on their way, and what was said of each."""

    def __init__(
        self, producer: Producer, publications: Sequence[Publication], faults: list[str | None]
    ) -> None:
        self._producer = producer
        self._publications = publications
        self._faults = faults
        self._refused: list[int] = []
        """Those of batches that were refused as a whole: nothing is known of each."""

    def store(self, timeout_s: float) -> None:
        for number in range(len(self._publications)):
            self._produce(number)
        self._producer.flush(timeout_s)
        for number in sorted(self._refused):
            self._produce(number)
            self._producer.flush(timeout_s)

    def _produce(self, number: int) -> None:
        publication = self._publications[number]
        try:
            self._producer.produce(
                publication.topic,
                publication.value,
                publication.key,
                publication.partition,
                on_delivery=partial(self._delivered, number),
                headers=list(publication.headers),
            )
        except (KafkaException, BufferError) as error:
            self._faults[number] = str(error)

    def _delivered(self, number: int, error: KafkaError | None, _message: KafkaMessage) -> None:
        self._faults[number] = None if error is None else error.str()
        if error is not None and error.code() in OF_A_BATCH:
            self._refused.append(number)
