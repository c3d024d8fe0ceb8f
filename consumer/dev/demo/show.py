"""The demo itself: set the stage, let traffic flow, count what came out, say whether it adds up."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import chain, product
from pathlib import Path
from typing import NamedTuple

import orjson
from confluent_kafka import Consumer, Producer, TopicPartition
from rich.console import Console

from consumer.dev.behaviour import Behaviour
from consumer.dev.broker import EmbeddedBroker
from consumer.dev.demo.screen import Screen
from consumer.dev.safeguard import StandInSafeguard
from consumer.dev.shipped import shipped_policies
from consumer.dev.traffic import chat_messages, comments
from consumer.errors import ConsumerError, InvalidSettings
from consumer.inference.transports.direct import DirectTransport
from consumer.settings.load import load_settings
from consumer.settings.settings import Settings
from consumer.telemetry.clock import SystemClock
from consumer.worker.worker import Worker

INPUTS = ("chat.messages", "comments.posted")
PARTITIONS = 3
SETTLE_S = 90.0
"""How long the last messages may take after the traffic has ended."""

READ_BACK_S = 30.0
"""How long the count at the end may take; what is missing then does not add up."""

USUAL_PORTS = {11434: "Ollama", 8000: "vLLM", 8080: "llama.cpp", 1234: "LM Studio"}


class LocalServer(NamedTuple):
    """An inference server on this machine that has a gpt-oss model."""

    server: str
    endpoint: str
    model: str


class Demo:
    """A minute of traffic through the real worker."""

    def __init__(
        self,
        *,
        seconds: float,
        endpoint: str | None,
        model: str | None,
        rate: float,
        policies: Path | None,
        seed: int,
        console: Console | None = None,
    ) -> None:
        if (endpoint is None) != (model is None):
            raise InvalidSettings("give --endpoint and --model together")
        if seconds <= 0 or rate <= 0:
            raise InvalidSettings("--seconds and --rate must be above 0")
        self._seconds = seconds
        self._endpoint = endpoint
        self._model = model
        self._rate = rate
        self._policies = policies or policies_folder()
        self._seed = seed
        # Piped output may be wide; a terminal has the width it has.
        self._console = console or Console(highlight=False)

    async def run(self) -> int:
        """Returns 0 if every message that went in came out once, else 1."""
        with ExitStack() as stage:
            broker = stage.enter_context(EmbeddedBroker(topics()))
            settings = self._settings(broker.bootstrap_servers, await self._choose(stage))
            screen = Screen(self._console, time.monotonic, SystemClock().wall_ms)
            worker = Worker(settings, on_terminal=screen.show)
            await worker.start()
            failed = False
            sent = 0
            try:
                with screen:
                    source = worker.member.source
                    await _until(lambda: len(source.owned) == len(INPUTS) * PARTITIONS, 30)
                    sent = await self._send(broker.bootstrap_servers, worker)
                    await _until(lambda: sum(screen.counts.values()) >= sent, SETTLE_S)
            except ConsumerError as error:
                self._console.print(f"the demo failed: {error}", style="red")
                failed = True
            finally:
                await worker.stop()
            stored = await asyncio.to_thread(_stored, broker.bootstrap_servers)
        return self._sum_up(sent, stored, screen) or int(failed)

    async def _choose(self, stage: ExitStack) -> tuple[str, str]:
        """The inference server: the one asked for, else the stand-in and an offer of a real one."""
        if self._endpoint is not None and self._model is not None:
            self._console.print(f"judging with {self._model} at {self._endpoint}")
            return self._endpoint, self._model
        server = stage.enter_context(
            StandInSafeguard.in_thread(Behaviour(latency_lognormal=(0.12, 0.35), seed=self._seed))
        )
        self._console.print(
            "judging with a STAND-IN, no model: it looks for the terms and examples that the "
            "policies themselves quote"
        )
        for found in await find_servers():
            self._console.print(
                f"{found.server} runs here; for real judgements: safeguard demo "
                f"--endpoint {found.endpoint} --model {found.model}"
            )
        return server.base_url, "stand-in-safeguard"

    def _settings(self, bootstrap_servers: str, inference: tuple[str, str]) -> Settings:
        endpoint, model = inference
        return load_settings(
            None,
            {
                "kafka.bootstrap_servers": bootstrap_servers,
                "kafka.group": "safeguard-demo",
                "inference.endpoint": endpoint,
                "inference.model": model,
                "policies.folder": str(self._policies),
                "policies.watch": "false",
                "telemetry.health_port": "0",
                # The embedded broker knows no topic ids.
                "kafka.topic_ids": "false",
            },
            environment={},
        )

    async def _send(self, bootstrap_servers: str, worker: Worker) -> int:
        """Send at the rate asked for; returns how many were sent."""
        producer = Producer({"bootstrap.servers": bootstrap_servers, "log_level": 0})
        traffic = _traffic(self._seed)
        started_s = time.monotonic()
        sent = 0
        while (passed_s := time.monotonic() - started_s) < self._seconds:
            worker.member.raise_failure()
            while sent < passed_s * self._rate:
                key, value, topic = next(traffic)
                producer.produce(topic, value, key)
                sent += 1
            producer.poll(0)
            await asyncio.sleep(0.02)
        await asyncio.to_thread(producer.flush, 10.0)
        return sent

    def _sum_up(self, sent: int, stored: Counter[str], screen: Screen) -> int:
        out = Counter(dict.fromkeys(("allow", "flag", "block", "dead-letter"), 0))
        positions = Counter[str]()
        for line, count in stored.items():
            kind, _, position = line.partition(" ")
            out[kind] += count
            positions[position] += count
        verdicts = out["allow"] + out["flag"] + out["block"]
        twice = sum(1 for count in positions.values() if count > 1)
        adds_up = sent == verdicts + out["dead-letter"] == len(positions) and sent > 0
        say = self._console.print
        say()
        say(
            f"in {sent} = verdicts {verdicts} (allow {out['allow']}, flag {out['flag']}, block "
            f"{out['block']}) + dead letters {out['dead-letter']}; {twice or 'none'} twice",
            soft_wrap=True,
        )
        say(
            f"latency from record to acknowledged verdict: p50 {screen.percentile_ms(0.5)} ms, "
            f"p95 {screen.percentile_ms(0.95)} ms",
            soft_wrap=True,
        )
        if adds_up:
            say("every message in came out exactly once", style="green")
            return 0
        say("the count does NOT add up: this is a bug, please report it", style="red")
        return 1


def topics() -> dict[str, int]:
    """The demo's topics, inputs and outputs."""
    outputs = ("", ".allow", ".flag", ".block", ".dead-letter")
    return {topic + output: PARTITIONS for topic in INPUTS for output in outputs}


def policies_folder() -> Path:
    """`policies` here where both inputs have a set there, or those that come with the service."""
    here = Path("policies")
    is_whole = all((here / topic).is_dir() for topic in INPUTS)
    return here if is_whole else shipped_policies()


def _traffic(seed: int) -> Iterator[tuple[bytes, bytes | None, str]]:
    """Two chat messages for each comment; tombstones only where they become dead letters."""
    chat, posts = chat_messages(seed), comments(seed)
    together = chain.from_iterable(zip(chat, chat, posts, strict=False))
    return (item for item in together if item[1] is not None or item[2] == "chat.messages")


async def _until(condition: Callable[[], bool], seconds: float) -> None:
    until_s = time.monotonic() + seconds
    while not condition() and time.monotonic() < until_s:
        await asyncio.sleep(0.02)


def _stored(bootstrap_servers: str) -> Counter[str]:
    """What lies on the output topics, read back: `<kind> <position>` -> how often."""
    reader = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": "demo-reader",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "log_level": 0,
        }
    )
    found: Counter[str] = Counter()
    try:
        outputs = [topic for topic in topics() if topic not in INPUTS]
        starts: list[TopicPartition] = []
        left = 0
        for topic, number in product(outputs, range(PARTITIONS)):
            low, high = reader.get_watermark_offsets(TopicPartition(topic, number))
            starts.append(TopicPartition(topic, number, low))
            left += high - low
        reader.assign(starts)
        until_s = time.monotonic() + READ_BACK_S
        while left > 0 and time.monotonic() < until_s:
            for message in reader.consume(min(500, left), 0.1):
                left -= 1
                headers = dict(message.headers() or ())
                position = headers.get("safeguard-position")
                shown = position.decode() if isinstance(position, bytes) else "?"
                found[f"{(message.topic() or '').rpartition('.')[2]} {shown}"] += 1
    finally:
        reader.close()
    return found


async def find_servers() -> list[LocalServer]:
    """Inference servers with a gpt-oss model on the usual local ports."""
    return [found for port in USUAL_PORTS if (found := await _find(port)) is not None]


async def _find(port: int) -> LocalServer | None:
    endpoint = f"http://127.0.0.1:{port}/v1"
    transport = DirectTransport(endpoint, "none", 1, 1.0)
    try:
        reply = await transport.get("/models", 0.5)
        names = [str(model["id"]) for model in orjson.loads(reply.body)["data"]]
    except (ConsumerError, ValueError, KeyError, TypeError):
        return None
    finally:
        await transport.close()
    fitting = [name for name in names if "safeguard" in name or "gpt-oss" in name]
    best = max(fitting, key=lambda name: "safeguard" in name, default=None)
    return LocalServer(USUAL_PORTS[port], endpoint, best) if best else None
