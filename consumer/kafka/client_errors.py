"""What the Kafka client says of itself while it mends things: told now and then, not each time."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

log = structlog.get_logger()

EVERY_S = 10.0


class ClientErrors:
    """An `error_cb`: a client without its broker reports several times a second, without end."""

    def __init__(self, client: str, now_s: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._now_s = now_s
        self._told_s: dict[int, float] = {}
        self._held_back: dict[int, int] = {}

    def __call__(self, error: object) -> None:
        code = getattr(error, "code", lambda: 0)()
        now_s = self._now_s()
        if now_s - self._told_s.get(code, -EVERY_S) < EVERY_S:
            self._held_back[code] = self._held_back.get(code, 0) + 1
            return
        self._told_s[code] = now_s
        log.warning(
            "kafka client",
            client=self._client,
            error=str(error),
            held_back=self._held_back.pop(code, 0),
        )
