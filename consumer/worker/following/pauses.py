"""Pauses: inputs that an operator has paused for all workers, and those resumed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping

import structlog

from consumer.domain.control import Control
from consumer.errors import Retryable
from consumer.telemetry.telemetry import Telemetry

log = structlog.get_logger()


class PauseFollower:
    """Pauses and resumes what an operator says; what was said last holds while it is unread."""

    def __init__(
        self,
        read: Callable[[], Mapping[str, Control]],
        inputs: Callable[[], Collection[str]],
        set_paused: Callable[[frozenset[str]], None],
        telemetry: Telemetry,
        refresh_s: float,
    ) -> None:
        self._read = read
        """The last word on each topic. Blocking."""
        self._inputs = inputs
        self._set_paused = set_paused
        self._metrics = telemetry.metrics
        self._refresh_s = refresh_s
        self.paused: frozenset[str] = frozenset()
        """Those of the inputs that are paused now."""

    def __repr__(self) -> str:
        return f"<PauseFollower, paused: {', '.join(sorted(self.paused)) or 'nothing'}>"

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(self._refresh_s)
            try:
                controls = await asyncio.to_thread(self._read)
            except Retryable as error:
                log.warning("pauses not looked at", error=str(error))
                continue
            self.heed(controls)

    def heed(self, controls: Mapping[str, Control]) -> None:
        """Do what the last word on each topic says."""
        said = frozenset(topic for topic, control in controls.items() if control.is_paused)
        self._set_paused(said)
        paused = said.intersection(self._inputs())
        for topic in sorted(paused ^ self.paused):
            control = controls.get(topic, Control(topic, False))
            log.warning(
                "topic paused" if topic in paused else "topic resumed",
                topic=topic,
                by=control.by,
                at=control.at,
                reason=control.reason,
            )
        self.paused = paused
        self._metrics.topics_paused.set(len(paused))
