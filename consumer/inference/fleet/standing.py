"""
Standing: what is known of whether one endpoint judges, and since when. Pure.

Only a readable judgement proves that it does; that it is out is for a probe to say.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import structlog

from consumer.errors import EndpointRefused, Retryable
from consumer.inference.blame.failures import Declined
from consumer.inference.fleet.breaker import Breaker
from consumer.telemetry.telemetry import Telemetry

log = structlog.get_logger()


class Condition(Enum):
    """What a probe proves of an endpoint, or of a fleet."""

    WELL = "well"
    """It judges: what fails all the same is the message's own fault."""
    BUSY = "busy"
    """It refuses for load, which says nothing about anybody."""
    OUT = "out"


class Standing:
    """Whether an endpoint judges; told to the log and the metrics as it changes."""

    def __init__(self, name: str, breaker: Breaker, telemetry: Telemetry) -> None:
        self._name = name
        self._breaker = breaker
        self._metrics = telemetry.metrics
        self.last_judgement_s = float("-inf")
        """When it last gave a readable judgement, on the clock: the only proof that it is well."""
        self.has_judged = False
        """Whether it ever gave one; from then on nothing that it answers ends the worker."""
        self.has_judged_probe = False
        """Whether it ever judged a built-in text, so that one not judged means an outage."""
        self.refusal: EndpointRefused | None = None
        """Why it will not have us, as the last probe was told; fatal where it never judged."""
        self.when_back: Callable[[], None] | None = None
        """Called when it answers again after an outage; must not wait for anything."""

    def __repr__(self) -> str:
        judged = "has judged" if self.has_judged else "never judged"
        return f"<Standing of {self._name}, {judged}, {self._breaker!r}>"

    def judged(self, now_s: float) -> None:
        """An answer of it was a judgement."""
        self.has_judged = True
        self.last_judgement_s = now_s
        if self._breaker.is_open:
            self.is_there(now_s)

    def probe_judged(self) -> None:
        """A built-in text was judged."""
        self.has_judged = self.has_judged_probe = True

    def is_there(self, now_s: float) -> None:
        """It answers, be it that it is full."""
        open_for_s = self._breaker.recover(now_s)
        if open_for_s is None:
            return
        self.refusal = None
        self._metrics.breaker_open.labels(self._name).set(0)
        log.info("endpoint is back", endpoint=self._name, out_for_s=round(open_for_s, 1))
        if self.when_back is not None:
            self.when_back()

    def is_out(self, now_s: float, error: Retryable) -> bool:
        """A probe failed by this error. Returns whether it was not known to be out."""
        is_new = self._breaker.trip(now_s)
        if is_new:
            self._metrics.breaker_open.labels(self._name).set(1)
            log.warning("endpoint is out: waiting", endpoint=self._name, error=str(error))
        if isinstance(error, Declined) and error.is_misconfigured:
            self.refusal = error.as_fatal(self._name)
        return is_new
