"""A worker is stuck that says it is ready while what it holds is not judged."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from tests.chaos.stuck import is_ready


@contextmanager
def health(status: int) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_worker_is_ready_when_it_says_so(tmp_path: Path) -> None:
    """Its log names where to ask; nobody there, another status or no such line is not ready."""
    log = tmp_path / "log"
    log.write_text("")

    assert not is_ready(log)
    for status, expected in ((200, True), (503, False)):
        with health(status) as address:
            log.write_text(json.dumps({"event": "started", "health": address}) + "\n")
            assert is_ready(log) is expected
    assert not is_ready(log)
