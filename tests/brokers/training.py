"""One broker's run through everyday work, after which Java starts all others in half the time."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Producer

from tests.brokers.node import Node
from tests.brokers.runtime import KafkaRuntime, locked
from tests.servers.child import ChildFailed, free_ports

TOPIC = "training"
PARTITIONS = 4
STEP_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 90.0
"""Java writes the cache as it ends."""


def trained(runtime: KafkaRuntime) -> KafkaRuntime:
    """The runtime with its ahead-of-time cache; without one, and a word about it, if that fails."""
    if runtime.trained.exists():
        return runtime
    # Not the lock of the formatted folders, of which the training may make one.
    with locked(runtime.cache, "training.lock"):
        if runtime.trained.exists():
            return runtime
        with tempfile.TemporaryDirectory(dir=runtime.cache) as folder:
            made = Path(folder) / "broker.aot"
            try:
                _train(runtime, Path(folder), made)
            except (ChildFailed, KafkaException, TimeoutError) as error:
                print(f"brokers will start slowly, their training failed: {error}", file=sys.stderr)
            if made.exists():
                for old in runtime.cache.glob("*.aot"):
                    old.unlink()
                made.rename(runtime.trained)
    return runtime


def _train(runtime: KafkaRuntime, folder: Path, made: Path) -> None:
    port, controller_port = free_ports(2)
    ports = {"port": str(port), "controller_port": str(controller_port)}
    voters = {"voters": f"1@127.0.0.1:{controller_port}", "copies": "1", "copies_min": "1"}
    node = Node(1, folder, runtime, ports | voters, flags=(f"-XX:AOTCacheOutput={made}",))
    node.start()
    try:
        client = {"bootstrap.servers": node.address, "log_level": 0}
        node.create_topics({TOPIC: PARTITIONS}, copies=1)
        producer = Producer(client | {"enable.idempotence": True})
        for number in range(200):
            producer.produce(TOPIC, b"text", str(number), headers={"number": b"0"})
        producer.flush(STEP_TIMEOUT_S)
        for protocol in ("classic", "consumer"):
            group = {"group.id": protocol, "group.protocol": protocol}
            consumer = Consumer(client | group | {"auto.offset.reset": "earliest"})
            consumer.subscribe([TOPIC])
            if not consumer.consume(200, STEP_TIMEOUT_S):
                raise TimeoutError(f"a group of protocol {protocol} read nothing")
            consumer.commit(asynchronous=False)
            consumer.close()
    finally:
        node.stop(STOP_TIMEOUT_S)
