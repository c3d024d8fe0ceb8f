"""What a worker says of itself is read off its metrics; one that ends by itself is noticed."""

from __future__ import annotations

import asyncio
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from consumer.dev.demo.stage.crew import Crew, Part, page_of, vital_of
from consumer.errors import ConsumerError
from consumer.interfaces import Partition
from consumer.telemetry.metrics import Metrics


def test_a_workers_metrics_say_what_it_owns_and_has_done() -> None:
    """By the names that the worker's own table gives them."""
    metrics = Metrics()
    metrics.lag_records.labels("chat.messages", "2").set(3)
    metrics.verdicts.labels("chat.messages", "allow", "model").inc(5)
    metrics.dead_letters.labels("chat.messages", "no_text").inc()
    metrics.recovered.labels("chat.messages").inc(4)
    metrics.recovering_partitions.set(1)
    metrics.policies_loaded_timestamp_seconds.set(77)

    vital = vital_of(generate_latest(metrics.registry).decode())

    assert vital.partitions == {Partition("chat.messages", 2)}
    assert (vital.done, vital.recovered, vital.recovering) == (6, 4, 1)
    assert vital.policies_loaded_s == 77


def test_workers_are_asked_straight_whatever_the_shell_says_of_proxies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else the demo failed wherever people have to name one."""
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setattr(urllib.request, "_opener", None)

    class Hello(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\nhello")

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Hello) as server:
        thread = threading.Thread(target=server.handle_request, daemon=True)
        server.timeout = 5
        thread.start()
        assert page_of(f"http://127.0.0.1:{server.server_port}/metrics") == "hello"
        thread.join()


async def test_a_worker_that_ends_by_itself_fails_the_demo_with_its_last_words(
    tmp_path: Path,
) -> None:
    """Here it was told something that is no setting."""
    crew = Crew("A", {"kafka.grupo": "x"}, tmp_path)
    crew.start()
    try:
        with pytest.raises(ConsumerError, match=r"worker A ended by itself.*unknown setting"):
            await asyncio.wait_for(crew.watch(), 60)
    finally:
        crew.end_now()


async def test_one_that_was_killed_is_no_surprise(tmp_path: Path) -> None:
    """It is part of the story."""
    crew = Crew("A", {}, tmp_path)
    crew.start()
    (member,) = crew.members
    member.kill()
    assert await member.ended(30)
    await member.look()
    assert (member.part, member.is_running) == (Part.KILLED, False)
    crew.end_now()
