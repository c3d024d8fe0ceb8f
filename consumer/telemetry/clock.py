"""The real clock; everything that waits is given one."""

from __future__ import annotations

import time


class SystemClock:
    """Monotonic seconds, and wall time in milliseconds since 1970."""

    def now_s(self) -> float:
        return time.monotonic()

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000
