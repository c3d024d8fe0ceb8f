"""Scene: a topic, a worker of its own process, and the servers that it asks."""

from __future__ import annotations

import http.client
import itertools
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from consumer.settings.environment import ENV_PREFIX
from tests.brokers.kafka import RealKafka
from tests.chaos.scene import POLICY
from tests.odd.server import OddServer
from tests.odd.verdicts import Place, Verdicts
from tests.records import write_rows
from tests.servers.child import Child, free_ports

ROOT = Path(__file__).parents[2]
OUTPUTS = ("allow", "flag", "block", "dead-letter")
DEADLINE_S = 12.0
"""Of a message; some outages are played for longer."""
WAIT_S = 60.0
POLL_S = 0.05
PARTITIONS = 2


class Scene:
    """
    One worker and its servers; `with` starts the servers and leaves nothing running.

    `odd` of the `servers` play what is asked for, the others are always well.
    """

    def __init__(
        self,
        name: str,
        kafka: RealKafka,
        folder: Path,
        *,
        odd: int = 1,
        well: int = 0,
        inference: str = "",
        slowest_s: float = 0.0,
    ) -> None:
        self.name = name
        self.topic = f"odd.{name}"
        self.servers: list[OddServer] = []
        self.has_well = well > 0
        self._kafka = kafka
        self._folder = folder / name
        self._counts = odd, well
        self._inference = inference
        self._slowest_s = slowest_s
        self._stack = ExitStack()
        (self._port,) = free_ports(1)
        self._marks = itertools.count()
        self._written = 0
        self._addresses: list[str] = []
        self._sent = [0] * PARTITIONS
        self.worker: Child
        self.verdicts: Verdicts

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True)
        outputs = [f"{self.topic}.{end}" for end in OUTPUTS]
        self._kafka.create_topics(dict.fromkeys((self.topic, *outputs), PARTITIONS))
        odd, well = self._counts
        for number in range(odd + well):
            server = self._stack.enter_context(OddServer.in_thread())
            server.slowest_s = self._slowest_s
            if number < odd:
                self.servers.append(server)
            self._addresses.append(server.base_url)
        self.verdicts = self._stack.enter_context(
            Verdicts(self._kafka.bootstrap_servers, outputs, PARTITIONS)
        )
        self._config = self._folder / "safeguard.toml"
        self._config.write_text(self._settings())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if hasattr(self, "worker"):
            self.worker.kill()
        self._stack.close()

    def start(self, *, is_awaited: bool = True) -> None:
        """Start the worker, and wait until it owns its partitions where that is wanted."""
        command = [sys.executable, "-m", "consumer", "run", "--config", str(self._config)]
        outside = {n: v for n, v in os.environ.items() if not n.startswith(ENV_PREFIX)}
        log = self._folder / "worker.log"
        self.worker = Child(command, log=log, folder=ROOT, environment=outside)
        if is_awaited:
            self.worker.wait_until(lambda: self.readiness().get("partitions") == 2, WAIT_S)

    def stop(self) -> int | None:
        """Tell the worker to end; returns its exit code, None where it had to be killed."""
        self.worker.stop(30.0)
        return self.worker.exit_code

    def play(self, **what: Any) -> None:
        """Let all odd servers play this; see `OddServer.play`."""
        for server in self.servers:
            server.play(**what)

    @property
    def odd_answers(self) -> int:
        return sum(server.odd for server in self.servers)

    def write(self, texts: Sequence[str]) -> list[Place]:
        """Write messages; returns the partition and offset of each."""
        rows: list[tuple[int, bytes | None, bytes | None]] = []
        places: list[Place] = []
        for text in texts:
            partition = self._written % PARTITIONS
            self._written += 1
            places.append((partition, self._sent[partition]))
            self._sent[partition] += 1
            rows.append((partition, None, orjson.dumps({"text": text})))
        write_rows(self._kafka.bootstrap_servers, self.topic, rows)
        return places

    def next_mark(self) -> int:
        """A number for a text that no other text has."""
        return next(self._marks)

    def all_places(self) -> list[Place]:
        """Of every message that was written."""
        return [(part, at) for part, count in enumerate(self._sent) for at in range(count)]

    def wait(self, is_so: Callable[[], object], seconds: float = WAIT_S) -> bool:
        """Whether it becomes so in time while the worker lives; verdicts are read meanwhile."""
        until_s = time.monotonic() + seconds
        while True:
            self.verdicts.read()
            if is_so():
                return True
            if time.monotonic() > until_s or not self.worker.is_running:
                return False
            time.sleep(POLL_S)

    def wait_for(self, places: Sequence[Place], seconds: float = WAIT_S) -> bool:
        """Whether each of these messages has a verdict in time."""
        return self.wait(lambda: self.verdicts.holds(places), seconds)

    def readiness(self) -> dict[str, Any]:
        """What the worker says of itself, ready or not; empty where it says nothing."""
        asked = http.client.HTTPConnection("127.0.0.1", self._port, timeout=2)
        try:
            asked.request("GET", "/readyz")
            found: dict[str, Any] = orjson.loads(asked.getresponse().read())
        except (OSError, ValueError, http.client.HTTPException):
            return {}
        finally:
            asked.close()
        return found

    def _settings(self) -> str:
        """One server is named as the settings' endpoint, several by name."""
        policies = self._folder / "policies"
        (policies / "set" / "v1").mkdir(parents=True)
        (policies / "set" / "v1" / "words.md").write_text(POLICY)
        (policies / "set" / "topic.toml").write_text(
            f'topics = ["{self.topic}"]\nlive = 1\nstart = "earliest"\norder = "none"\n'
            f'on_unjudged = "allow"\non_outage = "wait"\ndeadline_s = {DEADLINE_S}\n'
            # A crowd says the same, and each of it is to meet the server.
            "[screening.memo]\ntexts_max = 0\n"
        )
        endpoints = f'endpoint = "{self._addresses[0]}"\n'
        if len(self._addresses) > 1:
            endpoints = "".join(
                f'endpoints.server-{number}.address = "{address}"\n'
                for number, address in enumerate(self._addresses)
            )
        return f"""
[kafka]
bootstrap_servers = "{self._kafka.bootstrap_servers}"
group = "{self.name}"
session_timeout_s = 10
message_timeout_s = 3
request_timeout_s = 1.5
lease_margin_s = 0.5
clock_skew_s = 0.2
[inference]
{endpoints}model = "stand-in-safeguard"
wait_max_s = 0.5
probe_every_s = 0.1
capabilities_every_s = 1
timeout_s = 3
{self._inference}
[pipeline]
commit_every_s = 0.1
drain_s = 5
[policies]
folder = "{policies}"
watch = false
[telemetry]
health_port = {self._port}
log_format = "json"
"""
