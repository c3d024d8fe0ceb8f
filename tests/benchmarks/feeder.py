"""Writes messages at a fixed rate; each key is the moment its record was made."""

from __future__ import annotations

import argparse
import random
import time

from confluent_kafka import Producer

from tests.benchmarks.workload import stamp, value

TURN_S = 0.002


def feed(brokers: str, topic: str, per_s: float, count: int) -> None:
    """Write `count` messages, evenly spread, falling behind for no longer than the machine does."""
    producer = Producer({"bootstrap.servers": brokers, "linger.ms": 0, "log_level": 2})
    dice = random.Random(7)
    prepared = [value(number, dice) for number in range(count)]
    started_s = time.monotonic()
    sent = 0
    while sent < count:
        due = min(count, int((time.monotonic() - started_s) * per_s))
        while sent < due:
            producer.produce(topic, prepared[sent], stamp())
            sent += 1
        producer.poll(0)
        time.sleep(TURN_S)
    producer.flush(10)


def main() -> None:
    """Feed once and end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--per-s", type=float, required=True)
    parser.add_argument("--count", type=int, required=True)
    options = parser.parse_args()
    feed(options.brokers, options.topic, options.per_s, options.count)


if __name__ == "__main__":
    main()
