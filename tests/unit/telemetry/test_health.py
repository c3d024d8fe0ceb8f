"""The health server: what a probe and Prometheus are told."""

from __future__ import annotations

import http.client
import socket
import struct
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.metrics_core import GaugeMetricFamily
from structlog.testing import capture_logs

from consumer.errors import InvalidSettings, PortTaken
from consumer.telemetry.health import Health, HealthServer


class State:
    """What the worker would report."""

    def __init__(self) -> None:
        self.live = Health(True, {"loop_s": 0.1})
        self.ready = Health(True, {"partitions": 3})
        self.registry = CollectorRegistry()
        self.gauge = Gauge("safeguard_example", "An example", registry=self.registry)


@pytest.fixture
def state() -> State:
    return State()


def served(state: State, host: str = "127.0.0.1", port: int = 0) -> HealthServer:
    return HealthServer(host, port, lambda: state.live, lambda: state.ready, state.registry)


@pytest.fixture
def server(state: State) -> Iterator[HealthServer]:
    started = served(state)
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


def test_metrics(server: HealthServer, state: State) -> None:
    """Metrics are in Prometheus's text format, as they are at each scrape."""
    state.gauge.set(1)
    status, content_type, body = get(server, "/metrics")
    assert status == 200
    assert content_type.startswith("text/plain")
    assert b"safeguard_example 1.0" in body
    state.gauge.set(2)
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
    """After the stop nothing listens and no thread is left; a second stop changes nothing."""
    server = served(state)
    server.close()
    server.close()
    with pytest.raises(ConnectionRefusedError):
        get(server, "/livez")


def said_by(server: HealthServer, words: bytes) -> bytes:
    """All that the server answers to bytes that need not be a request."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as asker:
        answer = b""
        try:
            asker.sendall(words)
            asker.shutdown(socket.SHUT_WR)
            while more := asker.recv(65_536):
                answer += more
        except OSError:
            # It had hung up by then, with some of this unread.
            pass
        return answer


class Changing:
    """A collector whose numbers change while they are written down, so many times."""

    def __init__(self, times: int) -> None:
        self.times = times

    def collect(self) -> Iterable[GaugeMetricFamily]:
        self.times -= 1
        if self.times >= 0:
            raise RuntimeError("deque mutated during iteration")
        yield GaugeMetricFamily("safeguard_changing", "It changed", value=1.0)


def test_metrics_that_change_while_they_are_written_are_written_anew(
    server: HealthServer, state: State
) -> None:
    """A scrape in the wrong moment is no failed scrape."""
    state.registry.register(Changing(times=3))
    status, _, body = get(server, "/metrics")
    assert status == 200
    assert b"safeguard_changing 1.0" in body


def test_metrics_that_can_never_be_written_are_an_error_in_one_line(
    server: HealthServer, state: State, capfd: pytest.CaptureFixture[str]
) -> None:
    """The scraper is told 500, the log names the error, and nobody prints a traceback."""
    changing = Changing(times=0)
    state.registry.register(changing)
    changing.times = 10**6
    with capture_logs() as logs:
        assert get(server, "/metrics")[0] == 500
    assert [log["error"] for log in logs] == ["RuntimeError('deque mutated during iteration')"]
    assert capfd.readouterr() == ("", "")
    assert get(server, "/livez")[0] == 200


def test_who_cannot_tell_its_state_is_not_ready(server: HealthServer, state: State) -> None:
    """An error while the state is read is an answer too: 503, and what it was."""
    del state.ready
    status, _, body = get(server, "/readyz")
    assert status == 503
    assert orjson.loads(body) == {"ok": False, "error": "AttributeError"}


def test_a_scraper_that_hangs_up_is_no_news(
    server: HealthServer, state: State, capfd: pytest.CaptureFixture[str]
) -> None:
    """Before, in the middle of and after its request; the next one is answered."""
    Gauge("safeguard_long", "Fills the socket. " * 250_000, registry=state.registry)
    for words in (b"", b"GET /met", b"GET /metrics HTTP/1.1\r\n\r\n"):
        asker = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        asker.sendall(words)
        # Without lingering the end is a reset: the server's next write fails.
        asker.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        asker.close()
    assert get(server, "/metrics")[0] == 200
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (b"HEAD /livez HTTP/1.1\r\n\r\n", b"200"),
        (b"HEAD /metrics HTTP/1.1\r\n\r\n", b"200"),
        (b"POST /livez HTTP/1.1\r\n\r\n", b"501"),
        (b"GET /livez?verbose=1 HTTP/1.1\r\n\r\n", b"200"),
        # Hung up on with most of it unread: the 414 may not get through.
        (b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n", b""),
        (b"GET /livez HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
        (b"one two three four five\r\n\r\n", b"400"),
        (b"\r\n\r\n", b""),
        (b"\xff\xfe\x00", b"400"),
    ],
)
def test_nonsense_is_answered_or_hung_up_on(
    server: HealthServer, capfd: pytest.CaptureFixture[str], words: bytes, status: bytes
) -> None:
    """Whatever is sent, nothing is printed and the next probe is answered."""
    answer = said_by(server, words)
    assert status in answer[:200]
    if words.startswith(b"HEAD"):
        assert answer.endswith(b"\r\n\r\n")
    assert get(server, "/livez")[0] == 200
    assert capfd.readouterr() == ("", "")


def test_many_scrape_at_once(server: HealthServer) -> None:
    """Each gets all of it."""
    with ThreadPoolExecutor(32) as threads:
        answers = list(threads.map(lambda _: get(server, "/metrics"), range(200)))
    assert {status for status, _, _ in answers} == {200}


def test_who_holds_a_connection_open_does_not_keep_others_out(server: HealthServer) -> None:
    """Up to a limit; beyond it who comes is hung up on, and nothing piles up here."""
    askers = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(40)]
    assert get(server, "/livez")[0] == 200
    askers += [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(40)]
    assert askers[-1].recv(1) == b""
    for asker in askers:
        asker.close()


def test_a_port_that_is_taken_is_named_with_its_setting(server: HealthServer, state: State) -> None:
    """Exit code 2: starting again changes nothing."""
    with pytest.raises(PortTaken, match=rf"telemetry\.health_port = {server.port} ") as caught:
        served(state, "127.0.0.1", server.port)
    assert caught.value.exit_code == 2


def test_a_host_that_is_not_ours_is_a_fault_of_the_settings(state: State) -> None:
    """An address of another machine cannot be listened on."""
    with pytest.raises(InvalidSettings, match=r"telemetry\.health_host = 192\.0\.2\.1"):
        served(state, "192.0.2.1", 0)
