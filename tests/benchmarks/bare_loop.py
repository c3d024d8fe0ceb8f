"""
A bare consume-to-produce loop: the least that stands between an input and an output topic.

One thread, the client settings of the worker, as many headers; no model, no decoding, no order, no
commits on the way. What it takes is the broker's and the client's share of the worker's latency.
"""

from __future__ import annotations

import argparse
import signal

from confluent_kafka import Consumer, Producer

from consumer.kafka import config as properties
from consumer.kafka.config import KafkaConfig

HEADERS = [
    (f"safeguard-bare-{number:02d}", b"0123456789abcdef0123456789abcdef") for number in range(17)
]


def run(config: KafkaConfig, source: str, target: str) -> None:
    """Copy records from `source` to `target` until told to stop."""
    is_stopping = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal is_stopping
        is_stopping = True

    signal.signal(signal.SIGTERM, stop)
    # The worker says itself where a new group begins; the loop has to be told.
    settings = {**properties.consumer(config, lambda error: None), "auto.offset.reset": "earliest"}
    consumer = Consumer(settings)
    producer = Producer(properties.producer(config, lambda error: None))
    consumer.subscribe([source])
    while not is_stopping:
        first = consumer.poll(0.05)
        producer.poll(0)
        if first is None:
            continue
        for message in [first, *consumer.consume(999, 0)]:
            if message.error() is None:
                producer.produce(
                    target,
                    message.value(),
                    message.key(),
                    message.partition() or 0,
                    headers=list(HEADERS),
                    on_delivery=lambda error, message: None,
                )
        producer.poll(0)
    producer.flush(5)
    # Once, at the end: the next run begins where this one stopped.
    consumer.commit(offsets=consumer.position(consumer.assignment()), asynchronous=False)
    consumer.close()


def main() -> None:
    """Run with the worker's default settings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--group", default="bench.bare-loop")
    parser.add_argument("--linger-ms", type=float, default=1.0)
    options = parser.parse_args()
    config = KafkaConfig(options.brokers, options.group, linger_ms=options.linger_ms)
    run(config, options.source, options.target)


if __name__ == "__main__":
    main()
