"""One node of a cluster: its folder, its process and what can be done to it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.brokers.runtime import HERE, KafkaRuntime, write_properties
from tests.servers.child import Child, is_listening

READY_TIMEOUT_S = 180.0
STOP_TIMEOUT_S = 10.0
TOPICS_TIMEOUT_S = 30.0
METADATA_TIMEOUT_S = 2.0

CLIENT: Mapping[str, str | int] = {
    "log_level": 0,  # it would report each lost connection, and tests lose many
    "reconnect.backoff.ms": 20,
    "reconnect.backoff.max.ms": 200,
}
"""How a client talks to brokers that come and go."""


class Node:
    """A combined broker and controller, which can be hurt and started again with its data."""

    def __init__(
        self,
        id: int,
        folder: Path,
        runtime: KafkaRuntime,
        places: Mapping[str, str],
        *,
        changes: Mapping[str, str] = {},
        flags: tuple[str, ...] = (),
    ) -> None:
        """
        `places` fill the braces of `server.properties` and of `changes`, which replace or add
        whole lines.

        `flags` go to Java instead of those that use the training.
        """
        self.id = id
        self.port = int(places["port"])
        self._folder = folder
        self._runtime = runtime
        filling = {**places, "node": str(id)}
        changed = {name: Template(line).substitute(filling) for name, line in changes.items()}
        self._properties = {**_properties(filling), **changed}
        self._flags = flags
        self._child: Child | None = None

    def __repr__(self) -> str:
        return f"<Node {self.id} at {self.address}: {self._child or 'not started'}>"

    @property
    def address(self) -> str:
        """Where clients find it, as `host:port`."""
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What the broker wrote, over all its starts."""
        return self._folder / "broker.log"

    @property
    def child(self) -> Child:
        """The process of the last start."""
        assert self._child is not None, f"node {self.id} was never started"
        return self._child

    @property
    def pid(self) -> int:
        return self.child.pid

    @property
    def is_running(self) -> bool:
        """Whether there is a process, be it paused."""
        return self._child is not None and self._child.is_running

    @property
    def is_answering(self) -> bool:
        """Whether it runs and is not paused."""
        return self.is_running and not self.child.is_paused

    def start(self) -> None:
        """
        Starts it, or starts it again, and returns when it answers.

        After a `kill` that takes as long as the cluster holds the old session, see `Pace`.
        Raises `ChildFailed` with the tail of its log.
        """
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Starts the process and does not wait for it."""
        assert not self.is_running, f"node {self.id} is running"
        temporary = self._folder / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        self._runtime.format(self._folder, self._properties)
        settings = self._folder / "server.properties"
        write_properties(settings, self._properties)
        # Killed brokers leave unpacked libraries in Java's temporary folder.
        command = self._runtime.command(
            "kafka.Kafka", str(settings), flags=self._flags, temporary=temporary
        )
        self._child = Child(
            command, log=self.log, folder=self._folder, environment=self._runtime.environment
        )

    def wait_until_ready(self, nodes: int = 1) -> None:
        """Returns when it answers and knows at least so many nodes, itself among them."""
        self.child.wait_until(lambda: is_listening(self.port), READY_TIMEOUT_S)
        admin = self.admin()

        def is_ready() -> bool:
            try:
                brokers = admin.list_topics(timeout=METADATA_TIMEOUT_S).brokers
            except KafkaException:
                return False
            return self.id in brokers and len(brokers) >= nodes

        self.child.wait_until(is_ready, READY_TIMEOUT_S)

    def kill(self) -> None:
        """Ends it at once (SIGKILL), as a power cut would."""
        if self._child is not None:
            self._child.kill()

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Ends it in good order (SIGTERM); kills it if it has not ended after `timeout_s`."""
        if self._child is not None:
            self._child.stop(timeout_s)

    def pause(self) -> None:
        """Freezes it (SIGSTOP): its connections stay open and nothing answers."""
        self.child.pause()

    def resume(self) -> None:
        """Lets it go on (SIGCONT)."""
        self.child.resume()

    def admin(self) -> AdminClient:
        """A client that asks this node first."""
        return AdminClient({**CLIENT, "bootstrap.servers": self.address})

    def create_topics(
        self, topics: Mapping[str, int], *, copies: int, config: Mapping[str, str] = {}
    ) -> None:
        """
        Creates topics by name and number of partitions; returns when every partition has a leader.

        Raises `KafkaException`, also for a topic that exists.
        """
        admin = self.admin()
        asked = [
            NewTopic(name, partitions, copies, config=dict(config))
            for name, partitions in topics.items()
        ]
        for created in admin.create_topics(asked, operation_timeout=TOPICS_TIMEOUT_S).values():
            created.result(TOPICS_TIMEOUT_S)

        def has_leaders() -> bool:
            try:
                known = admin.list_topics(timeout=METADATA_TIMEOUT_S).topics
            except KafkaException:
                return False
            return all(
                name in known
                and len(known[name].partitions) == partitions
                and all(part.leader >= 0 for part in known[name].partitions.values())
                for name, partitions in topics.items()
            )

        self.child.wait_until(has_leaders, TOPICS_TIMEOUT_S)


def _properties(places: Mapping[str, str]) -> dict[str, str]:
    """The settings of `server.properties` with its braces filled."""
    text = Template((HERE / "server.properties").read_text(encoding="utf-8")).substitute(places)
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found = [(name, value) for name, _, value in (line.partition("=") for line in lines)]
    properties = dict(found)
    # Of two lines with one name the later one would win in silence.
    assert len(properties) == len(found), f"server.properties names a setting twice: {found}"
    return properties
