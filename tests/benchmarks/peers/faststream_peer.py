# Runs in the peers' own virtual environment, so its imports are out of the type checker's sight.
# mypy: ignore-errors
"""
A hand-written consumer on FastStream and confluent-kafka with AsyncOpenAI, in two modes.

`batch` is at-least-once: a batch is taken, judged concurrently and published, and acknowledged
once every verdict is (the next batch waits for its slowest call). `workers` handles single messages
concurrently as they come, and is NOT at-least-once: FastStream refuses `max_workers` above 1 unless
the acknowledgement policy is ACK_FIRST, which commits before the work is done. Concurrency message
by message and at-least-once exclude each other there; with one worker it would be one call at once.
"""

from __future__ import annotations

import asyncio
import logging

import uvloop
from faststream import AckPolicy, FastStream
from faststream.confluent import KafkaBroker
from faststream.confluent.annotations import KafkaMessage
from judging import Judge, options

told = options()
broker = KafkaBroker(told.brokers, enable_idempotence=True, acks="all", linger_ms=1, logger=None)
app = FastStream(broker, logger=logging.getLogger("peer"))
judge: Judge


async def handle(raw) -> None:
    """Judge one record and publish its verdict; returns once it is acknowledged."""
    _, timestamp_ms = raw.timestamp()
    topic, value, headers = await judge.verdict(
        raw.topic(), raw.partition(), raw.offset(), timestamp_ms, raw.value()
    )
    await broker.publish(value, topic, key=raw.key(), partition=raw.partition(), headers=headers)


def subscribe() -> None:
    """Subscribe in the mode that was asked for."""
    topic = judge.told["topic"]
    common = {"group_id": told.group, "auto_offset_reset": "earliest"}
    if told.mode == "batch":

        @broker.subscriber(
            topic,
            batch=True,
            max_records=4 * told.concurrency,
            ack_policy=AckPolicy.ACK,
            **common,
        )
        async def on_batch(bodies: list, message: KafkaMessage) -> None:
            slots = asyncio.Semaphore(told.concurrency)

            async def bounded(raw) -> None:
                async with slots:
                    await handle(raw)

            await asyncio.gather(*(bounded(raw) for raw in message.raw_message))

    else:

        @broker.subscriber(
            topic, max_workers=told.concurrency, ack_policy=AckPolicy.ACK_FIRST, **common
        )
        async def on_message(body: dict, message: KafkaMessage) -> None:
            await handle(message.raw_message)


async def main() -> None:
    """Run until a signal to stop."""
    global judge
    judge = Judge(told.endpoint, told.prompt, told.group)
    subscribe()
    await app.run(log_level=logging.WARNING)


if __name__ == "__main__":
    uvloop.run(main())
