"""Crew: the worker processes of the demo: started, looked at from outside, killed, stopped."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple
from urllib.request import ProxyHandler, build_opener

from prometheus_client.parser import text_string_to_metric_families

from consumer.dev.demo.stage.child import Lifeline, StageChild
from consumer.errors import ConsumerError
from consumer.interfaces import Partition

LOOK_S = 0.3
"""Between two looks: often enough for an eye, and the gauges are no fresher."""
ANSWER_S = 1.0
"""A worker that is busy for longer is looked at again."""
STOP_S = 30.0
"""Longer than a drain takes; who is left then is killed, and the count shows what that cost."""
_HEALTH = re.compile(rb'"health":"(http://127\.0\.0\.1:\d+)"')


class Part(StrEnum):
    """What a worker does now."""

    STARTS = "starts"
    JUDGES = "judges"
    KILLED = "killed"
    ENDED = "ended"


class Vital(NamedTuple):
    """What a worker says of itself on its health port."""

    partitions: frozenset[Partition] = frozenset()
    recovering: int = 0
    in_flight: int = 0
    done: int = 0
    """Verdicts and dead letters that the broker has from it."""
    recovered: int = 0
    """Records whose verdict an earlier owner had published."""
    policies_loaded_s: float = 0.0


class CrewMember:
    """One worker, over the processes that it has been."""

    def __init__(self, name: str, child: StageChild) -> None:
        self.name = name
        self.part = Part.ENDED
        self.vital = Vital()
        self._child = child
        self._address: str | None = None

    def __repr__(self) -> str:
        return f"<worker {self.name} {self._child!r} {self.part}>"

    @property
    def is_running(self) -> bool:
        return self.part in (Part.STARTS, Part.JUDGES)

    def start(self) -> None:
        self.part, self.vital, self._address = Part.STARTS, Vital(), None
        self._child.start()

    def kill(self) -> None:
        """As a crash would: without a word."""
        self._end(signal.SIGKILL, Part.KILLED)

    def stop(self) -> None:
        self._end(signal.SIGTERM, Part.ENDED)

    def _end(self, number: int, part: Part) -> None:
        self._child.send(number)
        self.part, self.vital = part, Vital(done=self.vital.done)

    async def ended(self, seconds: float) -> bool:
        """Whether it has ended within so long."""
        return await self._child.ended(seconds)

    async def look(self) -> None:
        """
        Ask it how it does.

        Raises:
            ConsumerError: it has ended by itself, with its last words.
        """
        if not self.is_running:
            return
        if self._child.has_ended:
            raise ConsumerError(f"worker {self.name} ended by itself: {self._child.last_words()}")
        if self._address is None:
            found = _HEALTH.search(self._child.said())
            self._address = found[1].decode() if found else None
        if self._address is None:
            return
        pid = self._child.pid
        text = await asyncio.to_thread(page_of, f"{self._address}/metrics")
        # It may have been killed meanwhile.
        if text and self._child.pid == pid and self.is_running:
            self.vital = vital_of(text)
            self.part = Part.JUDGES if self.vital.partitions else self.part


class Crew:
    """All workers of the demo."""

    def __init__(self, names: str, settings: Mapping[str, str], folder: Path) -> None:
        self._lifeline = Lifeline()
        self.members = [
            CrewMember(
                name,
                StageChild(["run"], settings, folder / f"worker-{name}.log", self._lifeline),
            )
            for name in names
        ]

    def __repr__(self) -> str:
        return f"<Crew {self.members!r}>"

    @property
    def owners(self) -> dict[Partition, str]:
        return {part: each.name for each in self.members for part in each.vital.partitions}

    @property
    def is_at_rest(self) -> bool:
        """Whether nobody is still finding out what an earlier owner did."""
        return not any(each.vital.recovering for each in self.members)

    def start(self) -> None:
        for member in self.members:
            member.start()

    async def watch(self) -> None:
        """Look at all of them, again and again; raises as `look` does."""
        while True:
            await asyncio.gather(*(member.look() for member in self.members))
            await asyncio.sleep(LOOK_S)

    async def stop(self) -> None:
        for member in self.members:
            if member.is_running:
                member.stop()
        await asyncio.gather(*(member.ended(STOP_S) for member in self.members))

    def end_now(self) -> None:
        """Whatever is left of them."""
        for member in self.members:
            member.kill()
        self._lifeline.cut()


_OPENER = build_opener(ProxyHandler({}))
"""Straight to the loopback: a proxy that the shell names knows nothing of our workers."""


def page_of(address: str) -> str:
    """What a worker serves there, or nothing."""
    try:
        with _OPENER.open(address, timeout=ANSWER_S) as answer:
            return str(answer.read().decode())
    except OSError:
        # Killed, or busy: the next look will tell.
        return ""


def vital_of(text: str) -> Vital:
    """What the metrics of a worker say."""
    sums: dict[str, float] = {}
    partitions: set[Partition] = set()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
            if sample.name == "safeguard_lag_records":
                labels = sample.labels
                partitions.add(Partition(labels["topic"], int(labels["partition"])))

    def count(name: str) -> int:
        return int(sums.get(f"safeguard_{name}", 0))

    return Vital(
        frozenset(partitions),
        count("recovering_partitions"),
        count("in_flight"),
        count("verdicts_total") + count("dead_letters_total"),
        count("recovered_total"),
        sums.get("safeguard_policies_loaded_timestamp_seconds", 0.0),
    )
