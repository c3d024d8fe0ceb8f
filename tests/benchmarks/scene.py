"""What every measurement has at hand: the broker, the files, and processes to measure."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.children import Child, ChildFailed, module
from tests.benchmarks.report import Figures
from tests.benchmarks.workload import BACKLOG, Ends, Workload, outputs_of

POLL_S = 0.05


class Scale(NamedTuple):
    """How much is measured; `QUICK` is for a look, its figures are coarse."""

    rounds: int
    own_messages: int
    settled_messages: int
    peer_messages: int
    throughput_s: float
    warm_s: float
    latency_s: float
    growth_messages: int
    memory_s: float
    calls: int

    @property
    def backlog(self) -> int:
        """Messages that are written beforehand; no measurement reads further."""
        return max(self.growth_messages, 60_000) + 10_000


FULL = Scale(3, 15_000, 100_000, 2_000, 10.0, 8.0, 15.0, 200_000, 10.0, 6_000)
QUICK = Scale(1, 4_000, 30_000, 600, 3.0, 2.0, 4.0, 20_000, 2.0, 1_500)


class Sample(NamedTuple):
    """A look at a worker: when, records it has published, what it has used."""

    at_s: float
    records: int
    cpu_s: float
    rss_mb: float


class Scene:
    """Starts servers, workers and peers for the measurements, one at a time."""

    def __init__(
        self,
        workload: Workload,
        scale: Scale,
        peers_python: Path | None,
        figures: Figures,
        say: Callable[[str], None],
    ) -> None:
        self.workload = workload
        self.scale = scale
        self.figures = figures
        self.say = say
        self._peers_python = peers_python
        self._numbers = itertools.count(1)

    def name(self, of: str) -> str:
        """A name that no other process and no other group of this run has."""
        return f"{of}-{next(self._numbers)}"

    @contextmanager
    def server(self, latency_s: float) -> Iterator[str]:
        """A server that answers after `latency_s`; yields its base address."""
        command = module("server", "--latency", str(latency_s))
        with Child(self.name("server"), command, self.workload.folder) as child:
            yield f"http://127.0.0.1:{child.first_line()}/v1"

    def worker(
        self,
        endpoint: str,
        settings: Mapping[str, object] = {},
        topic: str = BACKLOG,
        module: str = "consumer",
    ) -> Child:
        """The real `safeguard run`, in a new group that begins at the oldest record."""
        name = self.name("worker")
        config = self.workload.config(name, topic, endpoint, settings)
        command = [sys.executable, "-m", module, "run", "--config", str(config)]
        return Child(name, command, self.workload.folder)

    def peer(
        self, script: str, endpoint: str, mode: str = "batch", group: str | None = None
    ) -> Child:
        """A hand-written consumer, in the peers' own environment; without a group in a new one."""
        assert self._peers_python is not None
        name = self.name(script)
        command = [str(self._peers_python), f"tests/benchmarks/peers/{script}.py"]
        command += ["--brokers", self.workload.bootstrap_servers, "--endpoint", endpoint]
        command += ["--prompt", str(self.workload.prompt), "--group", group or name]
        return Child(name, [*command, "--mode", mode], self.workload.folder)

    def watch(
        self, child: Child, count: int, timeout_s: float, topic: str = BACKLOG
    ) -> Iterator[Sample]:
        """
        Look at a worker again and again until it has published `count` records.

        Raises:
            ChildFailed: it ended, or it did not get there in time.
        """
        ends = Ends(self.workload.bootstrap_servers, outputs_of(topic))
        try:
            before = ends.count()
            until_s = time.monotonic() + timeout_s
            while time.monotonic() < until_s:
                done = ends.count() - before
                usage = child.usage()
                yield Sample(time.monotonic(), done, usage.cpu_s, usage.rss_mb)
                if done >= count:
                    return
                time.sleep(POLL_S)
        finally:
            ends.close()
        raise ChildFailed(
            f"{child.name} published {done} of {count} records in {timeout_s:.0f} s: "
            f"{child.output()}"
        )

    def steady(self, child: Child, count: int, timeout_s: float, topic: str = BACKLOG) -> Steady:
        """How fast and how dear it works between a tenth of `count` records and all of them."""
        first: Sample | None = None
        last: Sample | None = None
        for sample in self.watch(child, count, timeout_s, topic):
            if first is None and sample.records >= count / 10:
                first = sample
            last = sample
        assert first is not None
        assert last is not None
        done, cpu_s = last.records - first.records, last.cpu_s - first.cpu_s
        if done <= 0 or cpu_s <= 0:
            raise ChildFailed(f"{child.name} was too fast to be measured with {count} records")
        return Steady(done / (last.at_s - first.at_s), done / cpu_s)


class Steady(NamedTuple):
    """Messages per second of the clock, and per second of the worker's CPU time."""

    per_s: float
    per_cpu_s: float
