"""`safeguard run --processes N`: children that die come back, and end with their parent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from consumer.dev.safeguard.server import StandInSafeguard
from consumer.settings.load import load_settings
from consumer.worker.supervisor import worker_command
from tests.brokers.kafka import RealKafka
from tests.forked import ROOT
from tests.journeys.test_cli import Service, events, is_settled, wait_for
from tests.journeys.worker import make_policies
from tests.records import committed, write
from tests.servers.child import free_ports, is_free
from tests.stage import Broker, new_name

PARENT = """
import sys
from consumer.worker.supervisor import Supervisor
from consumer.telemetry.logs import set_up_logs
set_up_logs("info", "json")
sys.exit(Supervisor([[sys.executable, "-c", code] for code in sys.argv[1:]]).run())
"""
OBEDIENT = """
import pathlib, signal, sys, threading
end, told = threading.Event(), pathlib.Path({told!r})
signal.signal(signal.SIGTERM, lambda *_: end.set())
signal.signal(signal.SIGHUP, lambda *_: (told / "hup").touch())
(told / "ready").touch()
end.wait()
"""
DEAF = """
import pathlib, signal, time
signal.signal(signal.SIGTERM, lambda *_: pathlib.Path({told!r}, "term").touch())
pathlib.Path({told!r}, "ready").touch()
while True: time.sleep(1)
"""


@contextmanager
def parent(log: Path, *children: str) -> Iterator[subprocess.Popen[bytes]]:
    """A supervisor of small programs, as a process of its own."""
    with log.open("wb") as out:
        command = [sys.executable, "-c", PARENT, *children]
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.send_signal(signal.SIGINT)
                process.wait(30)


def told_in(folder: Path, name: str) -> Path:
    """Where a child leaves a file for each thing that it was told."""
    told = folder / name
    told.mkdir()
    return told


def consecutive_ports() -> int:
    """The first of two free ports that follow each other."""
    while True:
        (port,) = free_ports(1)
        if is_free(port + 1):
            return port


def named(log: Path, event: str) -> list[dict[str, object]]:
    return [found for found in events(log) if found["event"] == event]


@pytest.mark.kafka
def test_a_killed_worker_comes_back_in_its_place(real_kafka: RealKafka, tmp_path: Path) -> None:
    """SIGKILL of one child: a new one with its port and name judges on; SIGTERM ends with 0."""
    broker = Broker("real", real_kafka.bootstrap_servers, real_kafka)
    topic, group = broker.moderated(partitions=2), new_name()
    make_policies(tmp_path, f'["{topic}"]')
    log, port = tmp_path / "log", consecutive_ports()
    more = ("--set", f"telemetry.health_port={port}", "--set", f"kafka.static_member={group}")
    with StandInSafeguard.in_thread() as server:
        service = Service(broker, server.base_url, tmp_path, group)
        with service.running("--processes", "2", *more, log=log) as process:
            wait_for(lambda: is_settled(log, 2, 2), "an assignment for each process")
            (started,) = named(log, "workers started")
            pids = started["processes"]
            assert isinstance(pids, list)

            os.kill(pids[1], signal.SIGKILL)
            wait_for(lambda: len(named(log, "started")) == 3, "another start")

            (ended,) = named(log, "a worker ended: it is started again")
            assert (ended["pid"], ended["code"], ended["wait_s"]) == (pids[1], -9, 1.0)
            (again,) = named(log, "worker started again")
            assert again["index"] == 1
            assert again["pid"] not in pids
            assert named(log, "started")[2]["pid"] == again["pid"], "each line names its process"
            assert {each["pid"] for each in named(log, "started")[:2]} == set(pids)
            assert named(log, "started")[2]["health"] == f"http://127.0.0.1:{port + 1}"
            with urllib.request.urlopen(f"http://127.0.0.1:{port + 1}/livez") as answer:
                assert answer.status == 200

            values = [json.dumps({"text": f"{n} banned thing"}).encode() for n in range(20)]
            for partition in (0, 1):
                write(broker.bootstrap_servers, topic, values, key=b"k", partition=partition)
            wait_for(
                lambda: all(
                    committed(broker.bootstrap_servers, group, topic, partition) == 20
                    for partition in (0, 1)
                ),
                "all to be judged",
            )
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
            assert len(named(log, "stopped")) == 2


def test_a_child_that_says_mend_stops_all(tmp_path: Path) -> None:
    """Exit code 2 is not tried again: the others are drained and the parent ends with it."""
    told = told_in(tmp_path, "told")
    mend = f"import os, time\nwhile not os.path.exists({str(told / 'ready')!r}): time.sleep(0.01)\n"
    log = tmp_path / "log"
    with parent(log, OBEDIENT.format(told=str(told)), mend + "raise SystemExit(2)") as process:
        assert process.wait(30) == 2

    assert [event["code"] for event in named(log, "a worker ended: stopping the others")] == [2]
    assert named(log, "worker started again") == []


def test_reloads_reach_all_and_a_stop_while_one_is_waited_for_ends_with_0(tmp_path: Path) -> None:
    """SIGHUP goes to every child; one that waits for its restart is not started at the stop."""
    told = [told_in(tmp_path, "a"), told_in(tmp_path, "b")]
    log = tmp_path / "log"
    programs = [OBEDIENT.format(told=str(folder)) for folder in told]
    with parent(log, *programs, "raise SystemExit(1)") as process:
        wait_for(lambda: all((folder / "ready").exists() for folder in told), "the children")
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: all((folder / "hup").exists() for folder in told), "the reload")
        wait_for(lambda: len(named(log, "a worker ended: it is started again")) > 1, "an end")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0

    waits = [event["wait_s"] for event in named(log, "a worker ended: it is started again")]
    assert waits[:2] == [1.0, 2.0]


def test_a_second_signal_ends_children_that_do_not_listen(tmp_path: Path) -> None:
    """The first asks and waits for as long as it takes; the second does not ask."""
    told = told_in(tmp_path, "told")
    log = tmp_path / "log"
    with parent(log, DEAF.format(told=str(told))) as process:
        wait_for((told / "ready").exists, "the child")
        process.send_signal(signal.SIGINT)
        wait_for((told / "term").exists, "the child to be asked")
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 1

    assert len(named(log, "second signal: ending the workers at once")) == 1


def test_port_and_member_name_go_by_the_index() -> None:
    """They are the same at every start of a worker, and no two workers share them."""
    flags = {"kafka.static_member": "pod-3", "telemetry.health_port": "9000"}
    settings = load_settings(None, flags, environment={})
    first, second = (worker_command(settings, Path("a.toml"), ["x.y=1"], n) for n in (0, 1))

    assert "telemetry.health_port=9000" in first
    assert "kafka.static_member=pod-3-0" in first
    assert "telemetry.health_port=9001" in second
    assert "kafka.static_member=pod-3-1" in second
    assert second == worker_command(settings, Path("a.toml"), ["x.y=1"], 1)
    free = load_settings(None, {"telemetry.health_port": "0"}, environment={})
    assert "telemetry.health_port=0" in worker_command(free, None, [], 1)
