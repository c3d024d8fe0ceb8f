"""How long to wait before trying again, and when to stop. Pure: the random number is passed in."""

from __future__ import annotations

from dataclasses import dataclass

from consumer.errors import Retryable


@dataclass(frozen=True, slots=True)
class RetryLimits:
    """The budget of one call."""

    attempts_max: int = 4
    """Attempts in all for faults of one message's own (the model's, or its own time-outs)."""
    wait_initial_s: float = 0.2
    """What the first pause is about; each further one is twice as long, up to `wait_max_s`."""
    wait_max_s: float = 10.0


def wait_s(limits: RetryLimits, attempt: int, error: Retryable, uniform: float) -> float:
    """
    Seconds to wait after the `attempt`-th failure (1 = the first).

    Full jitter on an exponential ceiling for systemic errors; a model fault is asked again at once,
    since sampling differs. What the server asked for in Retry-After is the least, within
    `wait_max_s`. `uniform` is in [0, 1).
    """
    if not error.is_systemic:
        return 0.0
    ceiling = min(limits.wait_max_s, limits.wait_initial_s * 2.0 ** min(attempt - 1, 20))
    asked = min(error.retry_after_s or 0.0, limits.wait_max_s)
    return max(asked, ceiling * (0.5 + 0.5 * uniform))
