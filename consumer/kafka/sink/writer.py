"""
Writer: records that must be stored before anything else happens. Blocking.

For commands; a worker publishes through `sink.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    """Stores records and waits for the broker."""

    def __init__(self, config: KafkaConfig) -> None:
        self._config = config

    def write(self, publications: Sequence[Publication]) -> list[str | None]:
        """
        Store records in their order and wait; for each, None or what went wrong.

        A batch that is refused is sent again one by one: only what is refused alone is at fault.
        A record that was not reported may be stored all the same.
        """
        if not publications:
            return []
        faults: list[str | None] = [NO_REPORT] * len(publications)
        refused: list[int] = []
        """Those of batches that were refused as a whole: nothing is known of each."""
        producer = Producer(properties.producer(self._config, ClientErrors("producer")))

        def delivered(number: int, error: KafkaError | None, _message: KafkaMessage) -> None:
            faults[number] = None if error is None else error.str()
            if error is not None and error.code() in OF_A_BATCH:
                refused.append(number)

        def produce(number: int) -> None:
            publication = publications[number]
            try:
                producer.produce(
                    publication.topic,
                    publication.value,
                    publication.key,
                    publication.partition,
                    on_delivery=partial(delivered, number),
                    headers=list(publication.headers),
                )
            except (KafkaException, BufferError) as error:
                faults[number] = str(error)

        try:
            for number in range(len(publications)):
                produce(number)
            producer.flush(self._config.client_timeout_s + END_S)
            for number in sorted(refused):
                produce(number)
                producer.flush(self._config.client_timeout_s + END_S)
            # What is thrown away below would be reported as such, which tells nobody anything.
            return list(faults)
        finally:
            producer.purge()
            producer.flush(END_S)
            producer.close()
