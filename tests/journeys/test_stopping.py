"""Whenever `safeguard run` is told to stop, and whatever is out: it ends soon, and with 0."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from consumer.dev.safeguard.behaviour import Behaviour
from consumer.dev.safeguard.faults.faults import FaultName
from consumer.dev.safeguard.server import StandInSafeguard
from tests.forked import ROOT
from tests.journeys.test_cli import Service, flags, wait_for
from tests.journeys.test_processes import consecutive_ports, named
from tests.journeys.worker import make_policies
from tests.readiness import readiness
from tests.records import write
from tests.servers.child import free_ports, is_free
from tests.stage import Broker, new_name

DRAIN_S = 3.0
A_LITTLE_S = 8.0
"""Beyond the drain: a bound that a busy machine keeps too, and that no second drain would."""


@contextmanager
def run(log: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """`safeguard run`, ended at the end whatever happened."""
    with log.open("wb") as out:
        command = [sys.executable, "-m", "consumer", "run", *words]
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def ends_with(process: subprocess.Popen[bytes], seconds: float = DRAIN_S + A_LITTLE_S) -> int:
    return process.wait(seconds)


def is_heard(process: subprocess.Popen[bytes]) -> bool:
    """Whether the process has a handler for SIGTERM yet, as the kernel sees it."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def nobody(tmp_path: Path) -> list[str]:
    """Settings of a worker whose brokers are not there."""
    (port,) = free_ports(1)
    make_policies(tmp_path, '["a"]')
    return flags(
        kafka__bootstrap_servers=f"127.0.0.1:{port}",
        policies__folder=str(tmp_path),
        pipeline__drain_s=str(DRAIN_S),
        telemetry__health_port="0",
        telemetry__log_format="json",
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_stop_while_the_settings_are_read(
    tmp_path: Path, number: signal.Signals, processes: str
) -> None:
    """Long before there is anything to drain: here the settings are a pipe that nobody fills."""
    settings = tmp_path / "settings.toml"
    os.mkfifo(settings)
    words = ("--config", str(settings), "--processes", processes)
    # The pipe opens once the other side reads.
    with run(tmp_path / "log", *words) as process, settings.open("wb"):
        process.send_signal(number)
        assert ends_with(process) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux what the process has a handler for")
def test_a_stop_before_anything_is_imported(tmp_path: Path) -> None:
    """As soon as there is a handler; a reload at that moment is no stop."""
    for _ in range(3):
        with run(tmp_path / "log", *nobody(tmp_path)) as process:
            wait_for(partial(is_heard, process), "a handler")
            process.send_signal(signal.SIGHUP)
            process.send_signal(signal.SIGTERM)
            assert ends_with(process) == 0


@pytest.mark.parametrize("processes", [1, 2])
def test_a_stop_while_the_brokers_were_never_there(tmp_path: Path, processes: int) -> None:
    """In the middle of asking them, which by itself takes a while: health says so meanwhile."""
    base = consecutive_ports()
    more = ("--processes", str(processes), "--set", f"telemetry.health_port={base}")
    with run(tmp_path / "log", *nobody(tmp_path), *more) as process:
        for index in range(processes):
            wait_for(partial(is_taken, base + index), "health to listen")
            found = readiness(f"http://127.0.0.1:{base + index}")
            assert found == {"ok": False, "why": ["starting"]}
        process.send_signal(signal.SIGTERM)
        assert ends_with(process) == 0


def test_a_stop_while_the_endpoint_is_probed(embedded_broker: Broker, tmp_path: Path) -> None:
    """A server that takes connections and answers nothing holds up the start, not the stop."""
    topic = embedded_broker.moderated()
    make_policies(tmp_path, f'["{topic}"]')
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        service = Service(embedded_broker, address, tmp_path, new_name())
        more = ("--set", "kafka.topic_ids=false", "--set", f"pipeline.drain_s={DRAIN_S}")
        with service.running(*more, log=tmp_path / "log") as process:
            silent.settimeout(60)
            asked, _ = silent.accept()
            process.send_signal(signal.SIGTERM)
            assert ends_with(process) == 0
            asked.close()


class Ready(NamedTuple):
    """A worker that has its partition, on a broker and at a model that the test can hurt."""

    process: subprocess.Popen[bytes]
    server: StandInSafeguard
    health: str
    log: Path
    write: Callable[[], None]
    """Two thousand records on its topic."""


@contextmanager
def ready(broker: Broker, folder: Path, drain_s: float = DRAIN_S) -> Iterator[Ready]:
    topic, log = broker.moderated(), folder / "log"
    make_policies(folder, f'["{topic}"]')
    values = [json.dumps({"text": f"{n} banned thing"}).encode() for n in range(2_000)]
    with StandInSafeguard.in_thread() as server:
        service = Service(broker, server.base_url, folder, new_name())
        more = ("--set", "kafka.topic_ids=false", "--set", f"pipeline.drain_s={drain_s}")
        with service.running(*more, log=log) as process:
            wait_for(lambda: named(log, "recovered"), "an assignment")
            health = str(named(log, "started")[0]["health"])
            wait_for(lambda: readiness(health)["ok"], "readiness")
            some = partial(write, broker.bootstrap_servers, topic, values, key=b"k")
            yield Ready(process, server, health, log, some)


@pytest.mark.parametrize("is_busy", [False, True])
def test_a_stop_while_the_brokers_are_out(
    embedded_broker: Broker, tmp_path: Path, is_busy: bool
) -> None:
    """What cannot be stored any more is left to the next owner: one drain, not two, and 0."""
    with ready(embedded_broker, tmp_path) as worker:
        if is_busy:
            worker.write()
            wait_for(lambda: consumed(worker.health) > 0, "records")
        embedded_broker.embedded.set_broker_down()
        wait_for(lambda: not readiness(worker.health)["ok"], "the absence to be noticed")
        assert "no Kafka broker answers" in str(readiness(worker.health)["why"])
        worker.process.send_signal(signal.SIGTERM)
        assert ends_with(worker.process) == 0
    embedded_broker.embedded.set_broker_up()
    (stopped,) = named(worker.log, "stopped")
    assert stopped["difference"] == 0


def test_a_second_signal_ends_a_drain_at_once(embedded_broker: Broker, tmp_path: Path) -> None:
    """With 1, for it was not carried out; until then the drain is said to probes."""
    with ready(embedded_broker, tmp_path, drain_s=60) as worker:
        worker.server.behave(Behaviour(latency_s=600.0))
        worker.write()
        wait_for(lambda: consumed(worker.health) > 0, "records")
        worker.process.send_signal(signal.SIGTERM)
        wait_for(lambda: "stopping" in str(readiness(worker.health)["why"]), "the drain")
        worker.process.send_signal(signal.SIGINT)
        assert ends_with(worker.process) == 1


def test_brokers_that_come_back_make_it_ready_again(
    embedded_broker: Broker, tmp_path: Path
) -> None:
    """Nothing is written on the topic: it asks by itself whether they are there."""
    with ready(embedded_broker, tmp_path) as worker:
        embedded_broker.embedded.set_broker_down()
        wait_for(lambda: not readiness(worker.health)["ok"], "the absence to be noticed")
        embedded_broker.embedded.set_broker_up()
        wait_for(lambda: readiness(worker.health)["ok"], "readiness")
        assert worker.process.poll() is None


def test_a_model_that_is_out_makes_it_not_ready_until_it_is_back(
    embedded_broker: Broker, tmp_path: Path
) -> None:
    """The process itself is well: it stays live."""
    with ready(embedded_broker, tmp_path) as worker:
        worker.server.behave(Behaviour(faults={FaultName.HTTP_502: 1.0}))
        worker.write()
        wait_for(lambda: not readiness(worker.health)["ok"], "the outage to be noticed")
        assert "no inference endpoint answers" in str(readiness(worker.health)["why"])
        with urllib.request.urlopen(f"{worker.health}/livez") as answer:
            assert answer.status == 200
        worker.server.behave(Behaviour())
        wait_for(lambda: readiness(worker.health)["ok"], "readiness")


def is_taken(port: int) -> bool:
    return not is_free(port)


def consumed(health: str) -> float:
    with urllib.request.urlopen(f"{health}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(x.split()[-1]) for x in lines if x.startswith("safeguard_consumed_total"))


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    """One line that names it and the setting, and exit code 2; from a supervisor too."""
    base = consecutive_ports()
    with socket.create_server(("127.0.0.1", base + 1)):
        for words, port in ((("--processes", "2"), base), ((), base + 1)):
            log = tmp_path / f"log-{port}"
            setting = f"telemetry.health_port={port}"
            with run(log, *nobody(tmp_path), "--set", setting, *words) as process:
                assert process.wait(60) == 2
            (said,) = named(log, "cannot carry on")
            assert f"telemetry.health_port = {base + 1} on" in str(said["error"])
            assert said["kind"] == "PortTaken"


def test_the_children_of_a_killed_supervisor_stop_by_themselves(
    embedded_broker: Broker, tmp_path: Path
) -> None:
    """They drain and leave the group; a supervisor that is started at once has their ports."""
    topic = embedded_broker.moderated(partitions=2)
    make_policies(tmp_path, f'["{topic}"]')
    base, group = consecutive_ports(), new_name()
    more = (
        *("--processes", "2", "--set", "kafka.topic_ids=false"),
        *("--set", f"telemetry.health_port={base}", "--set", f"pipeline.drain_s={DRAIN_S}"),
    )
    log, again = tmp_path / "log", tmp_path / "again"
    with StandInSafeguard.in_thread() as server:
        service = Service(embedded_broker, server.base_url, tmp_path, group)
        with service.running(*more, log=log) as process:
            wait_for(lambda: len(named(log, "started")) == 2, "both")
            process.kill()
            process.wait()
            with service.running(*more, log=again) as second:
                wait_for(lambda: len(named(again, "started")) == 2, "both again")
                wait_for(lambda: len(named(log, "stopped")) == 2, "the first ones' end")
                second.send_signal(signal.SIGTERM)
                assert second.wait(60) == 0
    assert len(named(log, "the supervisor is gone: stopping")) == 2
    assert [event["difference"] for event in named(log, "stopped")] == [0, 0]
    assert named(again, "a worker ended: it is started again") == []
    assert all(is_free(base + index) for index in (0, 1))


def test_children_whose_supervisor_is_killed_before_they_have_started(tmp_path: Path) -> None:
    """Nobody is left, however early that was."""
    log = tmp_path / "log"
    with run(log, *nobody(tmp_path), "--processes", "2") as process:
        wait_for(lambda: named(log, "workers started"), "the children")
        pids = named(log, "workers started")[0]["processes"]
        assert isinstance(pids, list)
        process.kill()
        process.wait()
        wait_for(lambda: not any(is_alive(pid) for pid in pids), "their end", A_LITTLE_S)


def is_alive(pid: object) -> bool:
    """Whether there is such a process, and not only its entry that nobody has taken away yet."""
    command = ["ps", "-o", "stat=", "-p", str(pid)]
    state = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return bool(state) and not state.startswith("Z")
