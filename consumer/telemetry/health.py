"""
`/livez`, `/readyz` and `/metrics` on a port of their own, served from a thread of their own.

A thread, so that a stuck event loop is seen from outside instead of taking its own health check
down with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import orjson
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST


class Health(NamedTuple):
    """What a probe is told."""

    is_ok: bool
    details: dict[str, object]


class HealthServer:
    """Serves until closed. `live` and `ready` are called in its thread, so they only read."""

    def __init__(
        self,
        host: str,
        port: int,
        live: Callable[[], Health],
        ready: Callable[[], Health],
        registry: CollectorRegistry,
        refresh: Callable[[], None],
    ) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/metrics":
                    refresh()
                    self._answer(200, CONTENT_TYPE_LATEST, generate_latest(registry))
                elif self.path in ("/livez", "/readyz"):
                    health = live() if self.path == "/livez" else ready()
                    body = orjson.dumps({"ok": health.is_ok, **health.details}) + b"\n"
                    self._answer(200 if health.is_ok else 503, "application/json", body)
                else:
                    self._answer(404, "text/plain", b"try /livez, /readyz or /metrics\n")

            def _answer(self, status: int, content_type: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Probes come every few seconds; they are no news."""

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="health", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
