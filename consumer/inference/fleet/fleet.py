"""Fleet: the endpoints that serve one model, or models that may stand in for each other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from consumer.domain.lane import LANES, Lane
from consumer.inference.fleet.calls import Calls
from consumer.inference.fleet.endpoint import Endpoint
from consumer.inference.fleet.places import Places, are_out
from consumer.inference.fleet.standing import Condition
from consumer.inference.pacing.hedge import Hedging
from consumer.telemetry.telemetry import Telemetry


class Fleet:
    """Whether anybody is there; through `places` and `calls` they are asked."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        telemetry: Telemetry,
        reserved_share: float = 0.0,
        hedging: Hedging | None = None,
        second: Fleet | None = None,
    ) -> None:
        self.endpoints = tuple(endpoints)
        self.second = second
        """Asked where a policy wants its unsure answers looked at by another."""
        self.places = Places(endpoints, telemetry.clock, reserved_share)
        self.calls = Calls(self.places, telemetry, hedging)
        self.suspects = asyncio.Lock()
        """Held while a message is asked that may be what makes servers fall."""
        for lane in LANES:
            waiting = telemetry.metrics.calls_waiting.labels(lane.word)
            waiting.set_function(partial(self._all_waiting, lane))

    def __repr__(self) -> str:
        return f"<Fleet {list(self.endpoints)!r} {self.places.queue!r} {self.calls.hedging!r}>"

    @property
    def all(self) -> tuple[Endpoint, ...]:
        """With those that are asked for second looks."""
        return self.endpoints + (self.second.all if self.second else ())

    @property
    def is_out(self) -> bool:
        return are_out(self.endpoints)

    @property
    def has_judged(self) -> bool:
        """Whether any of them ever gave a judgement."""
        return any(endpoint.standing.has_judged for endpoint in self.endpoints)

    @property
    def last_judgement_s(self) -> float:
        """When any of them last gave a judgement, on the clock."""
        return max(endpoint.standing.last_judgement_s for endpoint in self.endpoints)

    async def condition(self, of: Endpoint | None = None) -> Condition:
        """
        Probe one endpoint, or all: a fleet is well as soon as one of them judges.

        Raises:
            EndpointRefused: nothing was ever judged, and key, model or path are wrong.
        """
        asked = self.endpoints if of is None else (of,)
        probes = [asyncio.create_task(endpoint.watch.condition()) for endpoint in asked]
        best = Condition.OUT
        for probe in asyncio.as_completed(probes):
            found = await probe
            if found is Condition.WELL:
                return found
            best = found if found is Condition.BUSY else best
        if best is Condition.OUT:
            self.check()
        return best

    def check(self) -> None:
        """
        Make sure that being out is not being told that the settings are wrong.

        Raises:
            EndpointRefused: nothing was ever judged, and key, model or path are wrong.
        """
        if not self.has_judged:
            for endpoint in self.endpoints:
                if endpoint.standing.refusal is not None:
                    raise endpoint.standing.refusal

    def probe_soon(self) -> None:
        """Probe the endpoints, for callers that do not wait for it."""
        for endpoint in self.endpoints:
            endpoint.watch.probe_soon()

    def _all_waiting(self, lane: Lane) -> float:
        elsewhere = self.second._all_waiting(lane) if self.second else 0.0
        return self.places.queue.waiting(lane) + elsewhere

    async def close(self) -> None:
        self.calls.close()
        if self.second is not None:
            self.second.calls.close()
        for endpoint in self.all:
            await endpoint.close()
