"""Vitals: what a worker says of itself on its health port, from its first moment to its last."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry

from consumer.errors import PortTaken
from consumer.inference.fleet.fleet import Fleet
from consumer.settings.settings import Settings
from consumer.telemetry.health import Health, HealthServer
from consumer.telemetry.readiness import State, why_not_ready
from consumer.worker.member import Member

BEAT_S = 0.25
"""How often the loop shows that it goes round: far within the least telemetry.stuck_s, 1 s."""
PORT_PATIENCE_S = 3.0
"""
A port is asked for so long. Workers whose supervisor was killed let go of theirs within a second;
whoever still has it then is another program.
"""


class Vitals:
    """Holds the port, beats while the loop goes round, and answers `/livez` and `/readyz`."""

    def __init__(
        self,
        settings: Settings,
        registry: CollectorRegistry,
        fleet: Fleet,
        filters: Callable[[], Mapping[str, str | None]] = dict,
    ) -> None:
        """`filters` says of each policy set's filter why it is off; None where it is on."""
        self._settings = settings.telemetry
        # A revocation keeps the Kafka thread for as long as its drain may take.
        self._stuck_s = settings.telemetry.stuck_s + settings.pipeline.drain_s
        self._registry = registry
        self._fleet = fleet
        self._filters = filters
        self._server: HealthServer | None = None
        self._beating: asyncio.Task[None] | None = None
        self._beat_s = time.monotonic()
        self.member: Member | None = None
        """Set once the worker has joined its group."""
        self.is_stopping = False

    def __repr__(self) -> str:
        state = "stopping" if self.is_stopping else "starting" if self.member is None else "joined"
        return f"<Vitals at port {self.port}, {state}>"

    @property
    def port(self) -> int:
        """Where they are told; 0 where they are not."""
        return 0 if self._server is None else self._server.port

    async def open(self) -> None:
        """
        Listen, and show from now on that the loop goes round.

        Raises:
            PortTaken: another process keeps the port.
            InvalidSettings: the host or port is none of this machine.
        """
        until_s = time.monotonic() + PORT_PATIENCE_S
        while self._server is None:
            try:
                self._server = HealthServer(
                    self._settings.health_host,
                    self._settings.health_port,
                    self.live,
                    self.ready,
                    self._registry,
                )
            except PortTaken:
                if time.monotonic() > until_s:
                    raise
                await asyncio.sleep(BEAT_S)
        self._beating = asyncio.create_task(self._beat())

    async def _beat(self) -> None:
        while True:
            self._beat_s = time.monotonic()
            await asyncio.sleep(BEAT_S)

    def release_port(self) -> None:
        """Somebody else needs the port; this worker only ends."""
        if self._server is not None:
            threading.Thread(target=self._server.close, name="release").start()

    def close(self) -> None:
        if self._beating is not None:
            self._beating.cancel()
        if self._server is not None:
            self._server.close()

    # Called from the health server's threads, so they only read.

    def live(self) -> Health:
        """Whether the loop and the Kafka thread go round."""
        now_s = time.monotonic()
        details = {"loop_s": round(now_s - self._beat_s, 1)}
        if self.member is not None:
            details["kafka_s"] = round(now_s - self.member.source.polled_s, 1)
        return Health(max(details.values()) < self._stuck_s, dict(details))

    def ready(self) -> Health:
        """Whether a record that came now could be judged, and all that keeps any from it."""
        if self.member is None:
            return Health(False, {"why": ["starting"]})
        member, now_s = self.member, time.monotonic()
        source, intake = member.source, member.intake
        owned, failure = source.owned, intake.failure
        state = State(
            is_stopping=self.is_stopping,
            failure=str(failure.exception()) if failure.done() else None,
            troubles=source.troubles.told(owned, now_s),
            owned=frozenset(owned),
            stranded=frozenset(tuple(source.stranded)),
            recovering=frozenset(intake.recovering),
            unreadable=frozenset(source.troubles.stopped(now_s)),
            held=frozenset(tuple(member.transactions.held)),
            is_model_out=self._fleet.is_out,
        )
        why = why_not_ready(state)
        return Health(
            not why,
            {
                "why": why,
                "partitions": len(owned),
                "breaker_open": state.is_model_out,
                "endpoints_out": [e.name for e in self._fleet.endpoints if e.breaker.is_open],
                "stranded": sorted(map(str, state.stranded)),
                "recovering": sorted(map(str, state.recovering)),
                "unreadable": sorted(map(str, state.unreadable)),
                "held_by_transactions": sorted(map(str, state.held)),
                "beyond_end": [str(partition) for partition in intake.beyond_end],
                "publishing_waits": member.sink.troubled,
                "paused_topics": sorted(member.pauses.paused),
                "budgets_spent": list(intake.admission.budgets.spent),
                "filters": {name: off or "on" for name, off in self._filters().items()},
            },
        )
