"""
What one call costs the client in CPU time, by client, against a server that answers at once.

`judged` is what the worker does with one message, from its text to its verdict: prompt, a call over
`direct`, parse and decide. `record` is the same from the record's bytes to the encoded publication.
`direct` and `sdk` are the two transports alone, with the answer read as the worker reads it;
`asyncopenai` is chat.completions.create with its JSON parsed; `aiohttp` is a bare post with its
answer parsed. One client a process, since each warms up and pollutes the next.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
import uvloop

from consumer.telemetry.telemetry import Telemetry
from consumer.worker.serve import tune_interpreter

CLIENTS = ("judged", "record", "direct", "sdk", "asyncopenai", "aiohttp")
Call = Callable[[], Awaitable[object]]


async def cpu_ms(call: Call, count: int, concurrency: int) -> float:
    """
    CPU time of this process per call, in milliseconds, after a tenth as many that warm up.

    The interpreter is tuned as the worker tunes it, for every client alike: what is measured is
    the call, not the collector looking again and again at the records that were made beforehand.
    """
    tune_interpreter()
    await _repeat(call, max(concurrency, count // 10), concurrency)
    started_s = time.process_time()
    await _repeat(call, count, concurrency)
    return (time.process_time() - started_s) * 1_000 / count


async def _repeat(call: Call, count: int, concurrency: int) -> None:
    left = count

    async def ask() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await call()

    await asyncio.gather(*(ask() for _ in range(concurrency)))


async def measure(client: str, endpoint: str, body: bytes, count: int, concurrency: int) -> float:
    """Build the client, measure it, close it."""
    if client in ("judged", "record"):
        return await _by_worker(client, endpoint, count, concurrency)
    if client == "direct":
        from consumer.inference.transports.direct import DirectTransport

        direct = DirectTransport(endpoint, "none", concurrency, 60.0)
        try:
            return await cpu_ms(_posted_by(direct.post, body), count, concurrency)
        finally:
            await direct.close()
    if client == "sdk":
        from consumer.inference.transports.sdk import SdkTransport

        sdk = SdkTransport(endpoint, "none", concurrency, 60.0)
        try:
            return await cpu_ms(_posted_by(sdk.post, body), count, concurrency)
        finally:
            await sdk.close()
    if client == "asyncopenai":
        return await _asyncopenai(endpoint, body, count, concurrency)
    return await _aiohttp(endpoint, body, count, concurrency)


def _posted_by(post: Callable[[str, bytes, float], Awaitable[object]], body: bytes) -> Call:
    from consumer.classifier.parser import Reading, read_completion
    from consumer.inference.transports.reply import Reply
    from tests.benchmarks.workload import policy

    judged_under = policy()

    async def call() -> None:
        reply = await post("/chat/completions", body, 60.0)
        assert isinstance(reply, Reply)
        if not isinstance(read_completion(reply.body, judged_under), Reading):
            raise ValueError("the server's answer is no judgement")

    return call


async def _by_worker(client: str, endpoint: str, count: int, concurrency: int) -> float:
    """As the worker does it, without Kafka on either side."""
    from collections import deque

    from consumer.domain.binding import Binding, MessageTerms
    from consumer.domain.messages.context import Context
    from consumer.domain.messages.decoding import decode
    from consumer.domain.messages.message import Position, Record
    from consumer.domain.policy import PolicyVersion
    from consumer.domain.verdicts.verdict import Cause, Verdict
    from consumer.interfaces import Partition
    from consumer.pipeline.assignment.assignment import Assignment, Flight
    from consumer.pipeline.assignment.conversations import InContext
    from consumer.pipeline.dead_letters import DeadLetterEncoder
    from consumer.pipeline.process import Processor
    from consumer.pipeline.publisher import Publisher
    from consumer.settings.inference import InferenceSettings
    from consumer.worker.wiring import build_classifier, build_fleet
    from tests.benchmarks.workload import BACKLOG, messages, policy

    telemetry = Telemetry()
    settings = InferenceSettings(
        endpoint=endpoint, model="bench", calls_max=concurrency, adaptive=False
    )
    fleet = build_fleet(settings, telemetry)
    publisher = Publisher("bench", DeadLetterEncoder("bench", "bench"))
    classifier = build_classifier(settings, fleet, telemetry)
    processor = Processor(classifier, publisher, telemetry.clock, "bench")
    version = PolicyVersion("bench", 1, (policy(),), "0" * 32)
    reading = MessageTerms(id=("id",), author=("author", "id"), conversation=("room",))
    binding = Binding("bench", (BACKLOG,), version, reading)
    assignment = Assignment(Partition(BACKLOG, 0), 1)
    # Made beforehand: whoever takes a record from Kafka has its bytes already.
    records = deque(
        Record(Position(BACKLOG, 0, offset), 1_000, key, value)
        for offset, (key, value) in enumerate(messages(count * 2 + concurrency))
    )
    decoded = deque((record, decode(record, reading)) for record in records)

    async def judged() -> None:
        record, message = decoded.popleft()
        flight = Flight(record, assignment, binding, telemetry.clock.now_s())
        flight.in_context = InContext(message, Context())
        verdict = await processor.judge(flight)
        if not isinstance(verdict, Verdict) or verdict.cause is not Cause.MODEL:
            raise ValueError("the server's answer is no judgement")

    async def processed() -> None:
        flight = Flight(records.popleft(), assignment, binding, telemetry.clock.now_s())
        found = await processor.process(flight)
        if not found or not found.verdict or found.verdict.cause is not Cause.MODEL:
            raise ValueError("the server's answer is no judgement")

    try:
        call = judged if client == "judged" else processed
        return await cpu_ms(call, count, concurrency)
    finally:
        await fleet.close()


async def _asyncopenai(endpoint: str, body: bytes, count: int, concurrency: int) -> float:
    from openai import AsyncOpenAI

    fields = json.loads(body)
    async with AsyncOpenAI(base_url=endpoint, api_key="none") as client:

        async def call() -> None:
            completion = await client.chat.completions.create(**fields)
            json.loads(completion.choices[0].message.content or "")

        return await cpu_ms(call, count, concurrency)


async def _aiohttp(endpoint: str, body: bytes, count: int, concurrency: int) -> float:
    import aiohttp

    headers = {"Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def call() -> None:
            async with session.post(endpoint + "/chat/completions", data=body) as response:
                completion = orjson.loads(await response.read())
            orjson.loads(completion["choices"][0]["message"]["content"])

        return await cpu_ms(call, count, concurrency)


def main() -> None:
    """Measure one client and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--client", required=True, choices=CLIENTS)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--body", required=True, type=Path, help="file that holds the request")
    parser.add_argument("--count", type=int, default=4_000)
    parser.add_argument("--concurrency", type=int, default=64)
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        cost = runner.run(
            measure(
                options.client,
                options.endpoint,
                options.body.read_bytes(),
                options.count,
                options.concurrency,
            )
        )
    print(json.dumps({"cpu_ms": cost}))


if __name__ == "__main__":
    main()
