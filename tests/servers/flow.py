"""
How well the calls fill a server: steps of load against the stand-in with 16 to 256 slots.

At each step chat alone is timed first; then replay asks without end while chat goes on. What is
measured after the limit has settled: the share of the slots that were busy, the share of requests
that the server refused, and how much slower the chat's 95th percentile became. Slots that are kept
free for chat count for nothing where they stand idle: `utilisation` is of those that replay may
fill, `busy` of all.

    python -m tests.servers.flow [--quick]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import orjson
import uvloop
from rich.console import Console
from rich.table import Table

from consumer.classifier.judge import SafeguardClassifier
from consumer.domain.binding import Binding
from consumer.domain.lane import Lane
from consumer.inference.fleet.fleet import Fleet
from consumer.settings.inference import InferenceSettings
from consumer.telemetry.telemetry import Telemetry
from consumer.worker.wiring import build_classifier, build_fleet
from tests.benchmarks.machine import describe
from tests.builders import a_binding, a_version
from tests.servers.child import Child, free_ports, is_listening

OUT = Path("build/flow.json")
CALLS_PER_S = 200.0
"""What each server can do: slower answers where there are more slots."""
CHAT_PER_S = 20.0
CALLS_MAX = 512
RESERVED_SHARE = 0.1


class Step(NamedTuple):
    """One server."""

    slots: int
    queue_max: int | None


class Lengths(NamedTuple):
    """Seconds."""

    alone_s: float
    settle_s: float
    measured_s: float


STEPS = (Step(16, None), Step(64, 8), Step(256, None), Step(256, 0))
FULL, QUICK = Lengths(15, 40, 20), Lengths(5, 12, 6)


class Measured(NamedTuple):
    """What became of one step."""

    step: Step
    busy: float
    rejected_share: float
    realtime_p95_ratio: float
    limit: int

    @property
    def reserved(self) -> int:
        """Slots that replay leaves to chat; none where the limit has as many calls to spare."""
        open_to_replay = self.limit - round(self.limit * RESERVED_SHARE)
        return max(0, self.step.slots - open_to_replay)

    @property
    def utilisation(self) -> float:
        return min(1.0, self.busy * self.step.slots / (self.step.slots - self.reserved))


class Load:
    """Asks in two lanes."""

    def __init__(self, classifier: SafeguardClassifier, dice: random.Random) -> None:
        self._classifier = classifier
        self._dice = dice
        self._version = a_version()
        self.chat_s: list[float] = []
        """How long chat messages took."""

    async def _judge(self, binding: Binding) -> float:
        started_s = time.perf_counter()
        text = f"good game, well played {self._dice.random()}"
        judged = await self._classifier.classify(text, self._version, binding, None)
        assert judged.unjudged is None
        return time.perf_counter() - started_s

    async def chat(self) -> None:
        """Messages at random moments, none of which waits for another."""
        binding = a_binding(lane=Lane.REAL_TIME)
        async with asyncio.TaskGroup() as group:
            while True:
                await asyncio.sleep(self._dice.expovariate(CHAT_PER_S))
                group.create_task(self._one_chat(binding))

    async def _one_chat(self, binding: Binding) -> None:
        self.chat_s.append(await self._judge(binding))

    async def replay(self) -> None:
        """One after the other, without end."""
        binding = a_binding(lane=Lane.REPLAY)
        while True:
            await self._judge(binding)


@contextlib.asynccontextmanager
async def going_on(*loads: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(load) for load in loads]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def measure(step: Step, lengths: Lengths) -> Measured:
    """One step of load against a server of its own process."""
    # The 95th percentile is three times the median, so the mean is 1.25 times it.
    median_s = step.slots / CALLS_PER_S / 1.25
    behaviour = {
        "slots": step.slots,
        "queue_max": step.queue_max,
        "latency_lognormal": [median_s, 3 * median_s],
    }
    async with standing_in() as address, aiohttp.ClientSession() as session:
        about = address.removesuffix("/v1") + "/behaviour"
        await session.post(about, json=behaviour)
        settings = InferenceSettings(
            endpoint=address,
            model="stand-in-safeguard",
            calls_max=CALLS_MAX,
            adaptive=True,
            reserved_share=RESERVED_SHARE,
        )
        telemetry = Telemetry()
        fleet = build_fleet(settings, telemetry)
        load = Load(build_classifier(settings, fleet, telemetry), random.Random(1))
        try:
            return await _measure(step, lengths, load, fleet, session, about)
        finally:
            await fleet.close()


async def _measure(
    step: Step,
    lengths: Lengths,
    load: Load,
    fleet: Fleet,
    session: aiohttp.ClientSession,
    about: str,
) -> Measured:
    async def statistics() -> dict[str, float]:
        async with session.get(about) as response:
            found: dict[str, float] = (await response.json())["statistics"]
            return found

    async with going_on(load.chat()):
        await asyncio.sleep(lengths.alone_s)
    alone_s, load.chat_s = p95(load.chat_s), []
    async with going_on(load.chat(), *(load.replay() for _ in range(2 * step.slots + 32))):
        await asyncio.sleep(lengths.settle_s)
        load.chat_s, before, started_s = [], await statistics(), time.perf_counter()
        await asyncio.sleep(lengths.measured_s)
        after, seconds = await statistics(), time.perf_counter() - started_s
    return Measured(
        step,
        (after["busy_slot_s"] - before["busy_slot_s"]) / seconds / step.slots,
        (after["refused_total"] - before["refused_total"])
        / (after["requests_total"] - before["requests_total"]),
        p95(load.chat_s) / alone_s,
        fleet.endpoints[0].capacity.limit,
    )


@contextlib.asynccontextmanager
async def standing_in() -> AsyncIterator[str]:
    """The stand-in as a process of its own; yields its base address."""
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "consumer.dev.safeguard", "--port", str(port)]
        child = Child(command, log=Path(folder) / "log", folder=Path.cwd())
        try:
            while not is_listening(port):
                await asyncio.sleep(0.05)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            child.kill()


def p95(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.95)]


def report(found: list[Measured]) -> dict[str, object]:
    """The worst of each figure, and every step."""
    return {
        "machine": describe(),
        "utilisation": round(min(each.utilisation for each in found), 3),
        "rejected_share": round(max(each.rejected_share for each in found), 4),
        "realtime_p95_ratio": round(max(each.realtime_p95_ratio for each in found), 2),
        "steps": [
            {
                "slots": each.step.slots,
                "queue_max": each.step.queue_max,
                "utilisation": round(each.utilisation, 4),
                "busy": round(each.busy, 4),
                "reserved": each.reserved,
                "rejected_share": round(each.rejected_share, 5),
                "realtime_p95_ratio": round(each.realtime_p95_ratio, 3),
                "limit": each.limit,
            }
            for each in found
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a look: the figures are coarse")
    lengths = QUICK if parser.parse_args().quick else FULL
    table = Table(
        "slots",
        "queue",
        "busy",
        "kept for chat",
        "utilisation",
        "refused",
        "chat p95 over alone",
        "limit found",
    )
    found: list[Measured] = []
    for step in STEPS:
        print(f"{step.slots} slots, queue {step.queue_max}", flush=True)
        found.append(uvloop.run(measure(step, lengths)))
        each = found[-1]
        table.add_row(
            str(step.slots),
            "no bound" if step.queue_max is None else str(step.queue_max),
            f"{each.busy:.1%}",
            str(each.reserved),
            f"{each.utilisation:.1%}",
            f"{each.rejected_share:.2%}",
            f"{each.realtime_p95_ratio:.2f}",
            str(each.limit),
        )
    Console().print(table)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_bytes(orjson.dumps(report(found), option=orjson.OPT_INDENT_2))
    print(f"written to {OUT}")


if __name__ == "__main__":
    main()
