"""What compose.yaml says to Kafka and to the service works, with real programs of this machine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.cimpl import NewTopic

from consumer.dev.safeguard.server import StandInSafeguard
from consumer.worker.serve import GRACE_S
from tests.brokers.fixtures import started_or_skipped
from tests.brokers.runtime import kafka_runtime, write_properties
from tests.deploy.shipped import Shipped
from tests.generated import ROOT
from tests.records import read_all, write
from tests.servers.child import Child, free_ports, is_listening

SHIPPED = Shipped(ROOT)
WAIT_S = 150.0


def properties() -> dict[str, str]:
    """The broker's settings, as the image of Apache Kafka makes them of its environment."""
    told = SHIPPED.compose()["services"]["kafka"]["environment"]
    return {
        name.removeprefix("KAFKA_").lower().replace("_", "."): str(value)
        for name, value in told.items()
        if name.startswith("KAFKA_")
    }


@contextmanager
def kafka(folder: Path) -> Iterator[str]:
    """A broker told all that the one in compose is told, on this machine's own loopback."""
    runtime = kafka_runtime()
    ports = dict(zip(("9092", "9093", "9094"), map(str, free_ports(3)), strict=True))
    here = {
        name: re.sub(
            r"(?<=:)909[234]\b",
            lambda found: ports[found[0]],
            value.replace("://:", "://127.0.0.1:").replace("kafka:", "127.0.0.1:"),
        )
        for name, value in properties().items()
    }
    # The tests' Java has little room: Kafka's default here takes 128 MB of it.
    here |= {"log.dirs": "data", "log.cleaner.dedupe.buffer.size": "4000000"}
    (folder / "tmp").mkdir(parents=True)
    runtime.format(folder, here)
    write_properties(folder / "server.properties", here)
    command = runtime.command(
        "kafka.Kafka", str(folder / "server.properties"), temporary=folder / "tmp"
    )
    child = Child(
        command, log=folder / "broker.log", folder=folder, environment=runtime.environment
    )
    try:
        child.wait_until(lambda: is_listening(int(ports["9092"])), WAIT_S)
        yield f"127.0.0.1:{ports['9092']}"
    finally:
        child.stop()


def environment(service: str, changes: Mapping[str, str]) -> dict[str, str]:
    """What compose gives a service, but for the places that are elsewhere on this machine."""
    told = SHIPPED.environment_of(service)
    unknown = [name for name in changes if name not in told]
    assert not unknown, f"compose.yaml no longer says {unknown}"
    clean = {name: text for name, text in os.environ.items() if not name.startswith("SAFEGUARD_")}
    return {**clean, **told, **changes}


@pytest.mark.kafka
@pytest.mark.timeout(420)
def test_a_message_becomes_a_verdict_with_what_compose_tells_kafka_and_the_service(
    tmp_path: Path,
) -> None:
    """Broker, topics, worker, its health, a verdict, and a stop in good order."""
    with (
        started_or_skipped(kafka(tmp_path / "kafka")) as servers,
        StandInSafeguard.in_thread() as model,
    ):
        admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
        one = ConfigResource(ConfigResource.Type.BROKER, "1")
        (broker,) = admin.describe_configs([one]).values()
        known = broker.result(WAIT_S)
        for name, value in properties().items():
            assert name in known, f"Kafka knows no {name}"
            if not re.search(r"9092|9093|log.dirs", f"{name} {value}"):
                assert known[name].value == value, name
        partitions = int(re.findall(r"--partitions (\d+)", SHIPPED.text("compose.yaml"))[0])
        for made in admin.create_topics(
            [NewTopic(name, partitions, 1) for name in ("chat.messages", "comments.posted")]
        ).values():
            made.result(WAIT_S)

        (port,) = free_ports(1)
        changes = {
            "SAFEGUARD_KAFKA__BOOTSTRAP_SERVERS": servers,
            "SAFEGUARD_INFERENCE__ENDPOINT": model.base_url,
            "SAFEGUARD_POLICIES__FOLDER": str(ROOT / "policies"),
            "SAFEGUARD_TELEMETRY__HEALTH_HOST": "127.0.0.1",
            "SAFEGUARD_TELEMETRY__HEALTH_PORT": str(port),
        }
        safeguard = [sys.executable, "-m", "consumer"]
        applied = subprocess.run(
            [*safeguard, *SHIPPED.compose()["services"]["topics"]["command"]],
            cwd=tmp_path,
            env=environment("topics", changes) | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert applied.returncode == 0, applied.stdout + applied.stderr

        with (tmp_path / "worker.log").open("wb") as log:
            worker = subprocess.Popen(
                [*safeguard, *SHIPPED.compose()["services"]["worker"]["command"]],
                cwd=tmp_path,
                env=environment("worker", changes) | {"PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
            )
        try:
            asked = f"http://127.0.0.1:{port}/readyz"
            wait_for(lambda: is_judging(asked, partitions * 2), "a worker that has all partitions")
            write(servers, "chat.messages", [orjson.dumps({"text": "you have won 500 coins"})])
            wait_for(lambda: read_all(servers, ["chat.messages.block"]), "a verdict")
            worker.send_signal(signal.SIGTERM)
            drain_s = SHIPPED.settings_of_compose("worker").pipeline.drain_s
            assert worker.wait(drain_s + GRACE_S) == 0
        finally:
            worker.kill()
            worker.wait()


def is_judging(address: str, partitions: int) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            told = orjson.loads(answer.read())
            # Those of the retry topics come beside them.
            return told["partitions"] >= partitions and not told["recovering"]
    except OSError:
        return False


def wait_for(condition: Callable[[], object], what: str) -> None:
    until_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < until_s, f"waited for {what}"
        time.sleep(0.1)  # another process has no event to wait for
