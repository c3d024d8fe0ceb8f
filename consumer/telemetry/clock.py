"""The real clock; everything that waits is given one."""

from __future__ import annotations

import time


class SystemClock:
    """
    Seconds that never go back, and wall time in milliseconds since 1970.

    The seconds go on while the machine is suspended, where the system offers that: a worker that
    slept must see that its lease has run out.
    """

    def now_s(self) -> float:
        return time.clock_gettime(_GOES_ON)

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000


_GOES_ON = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
