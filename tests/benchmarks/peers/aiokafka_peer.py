# Runs in the peers' own virtual environment, so its imports are out of the type checker's sight.
# mypy: ignore-errors
"""
A hand-written consumer on aiokafka with AsyncOpenAI, as a competent user would write it.

At-least-once: a batch is fetched, judged with bounded concurrency and published; it is committed
once every verdict is acknowledged. The slowest call of a batch holds up the next batch: without a
tracker of its own for finished offsets there is no other safe moment to commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from judging import Judge, options


async def main() -> None:
    """Consume until a signal to stop."""
    told = options()
    judge = Judge(told.endpoint, told.prompt, told.group)
    slots = asyncio.Semaphore(told.concurrency)
    consumer = AIOKafkaConsumer(
        judge.told["topic"],
        bootstrap_servers=told.brokers,
        group_id=told.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=told.brokers, enable_idempotence=True, acks="all", linger_ms=1
    )

    async def handle(record) -> asyncio.Future:
        async with slots:
            topic, value, headers = await judge.verdict(
                record.topic, record.partition, record.offset, record.timestamp, record.value
            )
        return await producer.send(
            topic,
            value,
            record.key,
            record.partition,
            headers=[(name, content.encode()) for name, content in headers.items()],
        )

    async with consumer, producer:
        while True:
            batches = await consumer.getmany(timeout_ms=200, max_records=4 * told.concurrency)
            records = [record for batch in batches.values() for record in batch]
            if not records:
                continue
            acknowledged = await asyncio.gather(*(handle(record) for record in records))
            await asyncio.gather(*acknowledged)
            await consumer.commit()


async def until_told() -> None:
    """Run until SIGTERM or SIGINT; what was not committed is judged again by whoever comes next."""
    task = asyncio.create_task(main())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


if __name__ == "__main__":
    uvloop.run(until_told())
