"""
A real Apache Kafka on this machine: one node, or a cluster, on free ports of the loopback.

    with RealKafka(folder) as kafka:
        kafka.create_topics({"comments": 4})
        Producer({"bootstrap.servers": kafka.bootstrap_servers})

`python -m tests.brokers.kafka` runs one in the foreground.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.brokers.node import Node
from tests.brokers.runtime import KafkaRuntime, RuntimeUnavailable, kafka_runtime
from tests.brokers.training import trained
from tests.servers.child import ChildFailed, free_ports, is_free

DEFAULT_PORT = 9092
STARTS_MAX = 3
"""A free port may be gone by the time a broker wants it."""
COPIES_MAX = 3


@dataclass(frozen=True, slots=True)
class Pace:
    """How soon a cluster carries on without a dead node, and takes it back after a kill."""

    broker_session_ms: int
    broker_heartbeat_ms: int

    def properties(self) -> dict[str, str]:
        return {
            "broker.session.timeout.ms": str(self.broker_session_ms),
            "broker.heartbeat.interval.ms": str(self.broker_heartbeat_ms),
        }


STEADY = Pace(3_000, 500)
"""Holds on a busy machine; partitions of a dead node are led again after up to 5 s."""
QUICK = Pace(1_500, 250)
"""After about 2 s, but a machine with too much to do may take a live node for dead."""


class RealKafka:
    """Nodes that run inside the `with` block, with replication as far as there are nodes."""

    def __init__(
        self,
        folder: Path,
        nodes: int = 1,
        extra: Mapping[str, str] = {},
        *,
        pace: Pace = STEADY,
        ports: Sequence[int] = (),
    ) -> None:
        """
        `folder` gets data and logs; what is there is kept. `extra` goes into `server.properties`,
        whose places, such as `${port}`, it may use.

        `ports` are for the clients, one for each node; without them free ones are taken.
        """
        self.folder = folder.absolute()
        self.nodes: tuple[Node, ...] = ()
        self._count = nodes
        self._changes = {**pace.properties(), **extra}
        self._ports = tuple(ports)

    def __repr__(self) -> str:
        return f"<RealKafka {list(self.nodes)}>"

    def __enter__(self) -> Self:
        """Raises `RuntimeUnavailable`, or `ChildFailed` with the tail of a broker's log."""
        runtime = trained(kafka_runtime())
        starts_max = 1 if self._ports else STARTS_MAX
        for start in range(1, starts_max + 1):
            self.nodes = self._built(runtime)
            try:
                self._start()
            except ChildFailed as error:
                if start == starts_max or "Address already in use" not in str(error):
                    raise
            else:
                break
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def bootstrap_servers(self) -> str:
        """The addresses of all nodes, for a client."""
        return ",".join(node.address for node in self.nodes)

    @property
    def copies(self) -> int:
        """Of each partition."""
        return min(self._count, COPIES_MAX)

    def node(self, id: int) -> Node:
        """A node by its id; the first is 1."""
        return self.nodes[id - 1]

    def create_topics(self, topics: Mapping[str, int], config: Mapping[str, str] = {}) -> None:
        """
        Creates topics by name and number of partitions; returns when every partition has a leader.

        Raises `KafkaException`, also for a topic that exists.
        """
        node = next(node for node in self.nodes if node.is_answering)
        node.create_topics(topics, copies=self.copies, config=config)

    def kill(self) -> None:
        """Ends all nodes (SIGKILL), paused ones too; together they could not end in good order."""
        for node in self.nodes:
            node.kill()

    def _built(self, runtime: KafkaRuntime) -> tuple[Node, ...]:
        controllers = free_ports(self._count * 2)
        ports = self._ports or [controllers.pop() for _ in range(self._count)]
        ids = range(1, self._count + 1)
        shared = {
            "voters": ",".join(
                f"{id}@127.0.0.1:{port}" for id, port in zip(ids, controllers, strict=False)
            ),
            "copies": str(self.copies),
            "copies_min": str(max(1, self.copies - 1)),
        }
        return tuple(
            Node(
                id,
                self.folder / f"node-{id}",
                runtime,
                shared | {"port": str(port), "controller_port": str(controller)},
                changes=self._changes,
            )
            for id, port, controller in zip(ids, ports, controllers, strict=False)
        )

    def _start(self) -> None:
        try:
            for node in self.nodes:
                node.launch()
            for node in self.nodes:
                node.wait_until_ready(self._count)
        except BaseException:
            self.kill()
            raise


def run(folder: Path, nodes: int, port: int | None) -> None:
    """Runs a cluster until this process is told to end; says where clients find it."""
    ports = list(range(port or DEFAULT_PORT, (port or DEFAULT_PORT) + nodes))
    if taken := [taken for taken in ports if not is_free(taken)]:
        if port is not None:
            raise ChildFailed(f"port {taken[0]} is taken")
        print(f"port {taken[0]} is taken, using another", file=sys.stderr)
        ports = free_ports(nodes)
    ended = threading.Event()
    for end in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(end, lambda *_: ended.set())
    with RealKafka(folder, nodes, ports=ports) as kafka:
        print(f"Kafka is ready: {kafka.bootstrap_servers}  (Ctrl-C stops it)", flush=True)
        while not ended.wait(0.5):
            if dead := [node for node in kafka.nodes if not node.is_running]:
                raise ChildFailed(f"node {dead[0].id} ended:\n{dead[0].child.log_tail()}")
        if nodes == 1:
            kafka.node(1).stop()
    print("Kafka has stopped.")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.brokers.kafka",
        description="Runs a local Apache Kafka in the foreground. It has no topics at first.",
    )
    parser.add_argument("--port", type=int, help=f"for clients; {DEFAULT_PORT} if it is free")
    parser.add_argument("--nodes", type=int, default=1, choices=(1, 3), help="default: 1")
    parser.add_argument("--folder", type=Path, help="keeps the data; without it nothing is kept")
    parser.add_argument("--prepare", action="store_true", help="download what is needed, and end")
    asked = parser.parse_args()
    try:
        if asked.prepare:
            trained(kafka_runtime())
        elif asked.folder:
            run(asked.folder, asked.nodes, asked.port)
        else:
            with tempfile.TemporaryDirectory(prefix="kafka-") as folder:
                run(Path(folder), asked.nodes, asked.port)
    except (RuntimeUnavailable, ChildFailed) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
