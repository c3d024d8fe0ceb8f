"""Policies: those of a console, which stays open for long and sees them change."""

from __future__ import annotations

from threading import Lock

from consumer.domain.binding import Catalogue
from consumer.interfaces import Clock
from consumer.registry.store import PolicyStore
from consumer.settings.policies import PolicySettings
from consumer.telemetry.clock import SystemClock
from consumer.telemetry.telemetry import Telemetry


class CurrentPolicies:
    """
    The policies as they are now, looked at as often as a worker does. Any thread may ask.

    Files with faults change nothing, and the log says which.
    """

    def __init__(self, own: PolicySettings, clock: Clock | None = None) -> None:
        """
        Load them.

        Raises:
            InvalidPolicy: they have faults.
        """
        self._clock = clock or SystemClock()
        self._store = PolicyStore(own.folder, Telemetry(clock=self._clock))
        self._every_s = own.watch_every_s if own.watch else None
        self._looked_s = self._clock.now_s()
        self._looking = Lock()

    def __call__(self) -> Catalogue:
        now_s = self._clock.now_s()
        is_due = self._every_s is not None and now_s - self._looked_s >= self._every_s
        if is_due and self._looking.acquire(blocking=False):
            try:
                self._looked_s = now_s
                self._store.reload_if_changed()
            finally:
                self._looking.release()
        return self._store.catalogue
