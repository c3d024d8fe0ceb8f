"""A bare aiohttp loop: so many requests in flight at once, nothing else; prints what it reached."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from pathlib import Path

import aiohttp
import orjson
import uvloop


async def rate(url: str, body: bytes, in_flight: int, warm_s: float, seconds: float) -> float:
    """
    Answers per second over `seconds`, after `warm_s` that do not count.

    Raises:
        ClientError: a request failed.
    """
    answered = 0
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, headers={"Content-Type": "application/json"}
    ) as session:

        async def ask() -> None:
            nonlocal answered
            while True:
                async with session.post(url, data=body) as response:
                    orjson.loads(await response.read())
                answered += 1

        tasks = [asyncio.create_task(ask()) for _ in range(in_flight)]
        await asyncio.sleep(warm_s)
        before, started_s = answered, time.perf_counter()
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        reached = (answered - before) / (time.perf_counter() - started_s)
        for task in tasks:
            if task.done():
                task.result()
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return reached


def main() -> None:
    """Run once and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--body", required=True, type=Path, help="file that holds the request")
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--warm", type=float, default=2.0)
    parser.add_argument("--seconds", type=float, default=8.0)
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        reached = runner.run(
            rate(
                options.endpoint + "/chat/completions",
                options.body.read_bytes(),
                options.in_flight,
                options.warm,
                options.seconds,
            )
        )
    print(json.dumps({"per_s": reached}))


if __name__ == "__main__":
    main()
