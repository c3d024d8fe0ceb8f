"""The health server: what a probe and Prometheus are told."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import orjson
import pytest
from prometheus_client import CollectorRegistry, Gauge

from consumer.telemetry.health import Health, HealthServer


class State:
    """What the worker would report."""

    def __init__(self) -> None:
        self.live = Health(True, {"loop_s": 0.1})
        self.ready = Health(True, {"partitions": 3})
        self.refreshed = 0
        self.registry = CollectorRegistry()
        self.gauge = Gauge("safeguard_example", "An example", registry=self.registry)

    def refresh(self) -> None:
        self.refreshed += 1
        self.gauge.set(self.refreshed)


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
def server(state: State) -> Iterator[HealthServer]:
    started = HealthServer(
        "127.0.0.1", 0, lambda: state.live, lambda: state.ready, state.registry, state.refresh
    )
    yield started
    started.close()


def get(server: HealthServer, path: str) -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.headers["Content-Type"], response.read()
    finally:
        connection.close()


def test_all_is_well(server: HealthServer) -> None:
    """Live and ready are 200, with the details as JSON."""
    status, content_type, body = get(server, "/livez")
    assert (status, content_type) == (200, "application/json")
    assert orjson.loads(body) == {"ok": True, "loop_s": 0.1}
    assert orjson.loads(get(server, "/readyz")[2]) == {"ok": True, "partitions": 3}


def test_something_is_wrong(server: HealthServer, state: State) -> None:
    """What is not well is 503 and says why, each of the two for itself."""
    state.ready = Health(False, {"breaker_open": True})
    status, _, body = get(server, "/readyz")
    assert status == 503
    assert orjson.loads(body) == {"ok": False, "breaker_open": True}
    assert get(server, "/livez")[0] == 200
    state.live = Health(False, {})
    assert get(server, "/livez")[0] == 503


def test_metrics(server: HealthServer) -> None:
    """Metrics are in Prometheus's text format, refreshed for each scrape."""
    status, content_type, body = get(server, "/metrics")
    assert status == 200
    assert content_type.startswith("text/plain")
    assert b"safeguard_example 1.0" in body
    assert b"safeguard_example 2.0" in get(server, "/metrics")[2]


@pytest.mark.parametrize("path", ["/", "/metric", "/livez/x", "/../livez"])
def test_any_other_path(server: HealthServer, path: str) -> None:
    """Another path is 404, and names those there are."""
    status, _, body = get(server, path)
    assert status == 404
    assert b"/readyz" in body


def test_probes_are_no_news(server: HealthServer, capfd: pytest.CaptureFixture[str]) -> None:
    """A probe every few seconds writes nothing anywhere."""
    get(server, "/livez")
    assert capfd.readouterr() == ("", "")


def test_a_closed_server_is_gone(state: State) -> None:
    """After the stop nothing listens and no thread is left."""
    server = HealthServer(
        "127.0.0.1", 0, lambda: state.live, lambda: state.ready, state.registry, state.refresh
    )
    server.close()
    with pytest.raises(ConnectionRefusedError):
        get(server, "/livez")
