"""The real clock; everything that waits is given one."""

from __future__ import annotations

import time
from functools import partial


class SystemClock:
    """
    Seconds that never go back, and wall time in milliseconds since 1970.

    The seconds go on while the machine is suspended, where the system offers that: a worker that
    slept must see that its lease has run out.
    """

    now_s = staticmethod(
        partial(time.clock_gettime, getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
    )
    """Asked a dozen times a message, so there is no function of ours around the system's."""

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000
