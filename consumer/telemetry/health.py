"""
`/livez`, `/readyz` and `/metrics` on a port of their own, served from threads of their own.

Threads, so that a stuck event loop is seen from outside instead of taking its own health check
down with it. Whoever asks may hang up, be slow or talk nonsense: that is nobody's concern here.
"""

from __future__ import annotations

import errno
import socketserver
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6, socket
from typing import Any, NamedTuple

import orjson
import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from consumer.errors import InvalidSettings, PortTaken

log = structlog.get_logger()

ASKERS_MAX = 64
"""Connections at once; one more is closed unanswered. Probes and scrapes need three or four."""
SILENCE_S = 10.0
"""Who neither sends nor takes anything for so long is hung up on; Prometheus waits as long."""
CLOSE_S = 0.1
"""How soon the port is let go of."""
SCRAPES_MAX = 5
"""What is counted may change while it is being written down; then it is written anew."""


class Health(NamedTuple):
    """What a probe is told."""

    is_ok: bool
    details: dict[str, object]


class HttpAnswer(NamedTuple):
    """An HTTP answer."""

    status: int
    content_type: str
    body: bytes


class HealthServer:
    """Serves until closed. `live` and `ready` are called in its threads, so they only read."""

    def __init__(
        self,
        host: str,
        port: int,
        live: Callable[[], Health],
        ready: Callable[[], Health],
        registry: CollectorRegistry,
    ) -> None:
        """
        Raises:
            PortTaken: another process has the port.
            InvalidSettings: the host or port is none of this machine.
        """
        self._live, self._ready, self._registry = live, ready, registry
        try:
            self._server = _Server(host, port, self._answer)
        except OSError as error:
            place = f"telemetry.health_port = {port} on telemetry.health_host = {host}"
            if error.errno == errno.EADDRINUSE:
                raise PortTaken(
                    f"{place} is in use by another process: end that one, or choose another port; "
                    "with --processes N the next ones are needed too, and 0 picks free ones"
                ) from None
            raise InvalidSettings(f"{place} cannot be listened on: {error.strerror}") from None
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(CLOSE_S,), name="health", daemon=True
        )
        self._thread.start()

    def _answer(self, path: str) -> HttpAnswer:
        path = path.partition("?")[0]
        if path == "/metrics":
            return self._metrics()
        if path not in ("/livez", "/readyz"):
            return HttpAnswer(404, "text/plain", b"try /livez, /readyz or /metrics\n")
        try:
            return _told(self._live() if path == "/livez" else self._ready())
        except Exception as error:
            log.warning("a probe cannot be answered", path=path, error=repr(error))
            return _told(Health(False, {"error": type(error).__name__}))

    def _metrics(self) -> HttpAnswer:
        for left in reversed(range(SCRAPES_MAX)):
            try:
                return HttpAnswer(200, CONTENT_TYPE_LATEST, generate_latest(self._registry))
            except Exception as error:
                if not left:
                    log.warning("the metrics cannot be written down", error=repr(error))
        return HttpAnswer(500, "text/plain", b"the metrics cannot be written down; see the log\n")

    def close(self) -> None:
        """Also from another thread, and more than once."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _told(health: Health) -> HttpAnswer:
    body = orjson.dumps({"ok": health.is_ok, **health.details}, default=str) + b"\n"
    return HttpAnswer(200 if health.is_ok else 503, "application/json", body)


class _Server(ThreadingHTTPServer):
    """Listens, and gives each who asks a thread, up to a limit."""

    daemon_threads = True
    request_queue_size = ASKERS_MAX

    def __init__(self, host: str, port: int, answer: Callable[[str], HttpAnswer]) -> None:
        self.address_family = AF_INET6 if ":" in host else AF_INET
        self.answer = answer
        self._places = threading.Semaphore(ASKERS_MAX)
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        # Not the one of http.server: that asks a name server for our own name, which nobody needs.
        socketserver.TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        """Whoever hung up is not missed; the library would print a traceback between our lines."""
        error = sys.exception()
        if not isinstance(error, OSError):
            log.warning("a request to the health port failed", error=repr(error))


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = SILENCE_S

    def do_GET(self) -> None:
        self._send(self.server.answer(self.path))

    def do_HEAD(self) -> None:
        self._send(self.server.answer(self.path))

    def _send(self, answer: HttpAnswer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:
        """Probes come every few seconds; they are no news."""
