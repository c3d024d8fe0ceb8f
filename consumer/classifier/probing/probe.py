"""
Probes of an endpoint's capabilities: at the start, and once more after an outage.

After an outage it may be another server that answers, or the same one started otherwise. A probe
then runs beside the calls, one at a time and not more often than the plan allows, and no call waits
for it; only its findings are adopted, all at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from consumer.classifier.probing.capabilities import Capabilities, LongPrompts
from consumer.classifier.probing.examination import Examination
from consumer.classifier.probing.questions import ProbePlan
from consumer.errors import EndpointRefused, Retryable
from consumer.inference.blame.failures import Declined
from consumer.inference.fleet.endpoint import Endpoint
from consumer.inference.fleet.fleet import Fleet
from consumer.interfaces import Clock

log = structlog.get_logger()


class Prober:
    """Keeps what is known about one endpoint, and the endpoint's format in step with it."""

    def __init__(self, endpoint: Endpoint, plan: ProbePlan, clock: Clock) -> None:
        self.found: Capabilities | None = None
        """What the last probe found; None before the first."""
        self._endpoint = endpoint
        self._plan = plan
        self._clock = clock
        self._wanted = endpoint.format
        """As the settings have it: every probe begins with all of it."""
        self._begun_s = float("-inf")
        self._probing: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        profile = "not probed" if self.found is None else self.found.profile
        return f"<Prober of {self._endpoint.name}, {profile}>"

    async def probe(self) -> Capabilities:
        """
        Find out what the endpoint can do, and switch off what it cannot.

        Raises:
            Retryable: it cannot be reached.
            EndpointRefused: it never judged anything, and key, model or path are wrong.
        """
        self._begun_s = self._clock.now_s()
        examination = Examination(self._endpoint.contact, self._wanted, self._plan)
        try:
            found = await examination.run()
        except Declined as error:
            # After it has judged once, whatever it answers is an outage.
            if error.is_misconfigured and not self._endpoint.standing.has_judged:
                raise error.as_fatal(self._endpoint.name) from None
            raise
        if examination.has_judgement:
            self._endpoint.standing.probe_judged()
        self._tell(found, examination)
        self._endpoint.format = examination.format
        self.found = found
        return found

    def follow_outages(self) -> None:
        """Probe again whenever the endpoint comes back; for a worker, which outlives outages."""
        self._endpoint.standing.when_back = self.probe_soon

    def probe_soon(self) -> None:
        """Probe in the background, where that is not under way already."""
        if self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self._probe_when_allowed())

    async def _probe_when_allowed(self) -> None:
        """Until one works; an endpoint that is out ends it, and its coming back starts it anew."""
        while not self._endpoint.breaker.is_open:
            await asyncio.sleep(max(0.0, self._begun_s + self._plan.pause_s - self._clock.now_s()))
            try:
                await self.probe()
            except Retryable as error:
                name = self._endpoint.name
                log.warning(
                    "endpoint not probed, old findings hold", endpoint=name, error=str(error)
                )
            except EndpointRefused:
                # The next call is refused as well, and what follows from it is decided there.
                return
            else:
                return

    def _tell(self, found: Capabilities, examination: Examination) -> None:
        """What is new to the operator: once, loudly."""
        name, before = self._endpoint.name, self.found
        known = () if before is None else before.left_out
        for field, why in examination.left_out.items():
            if field not in known:
                log.warning(
                    "endpoint lacks a feature: left out", endpoint=name, field=field, why=why
                )
        if found.long_prompts is LongPrompts.CUT and (
            before is None or before.long_prompts is not LongPrompts.CUT
        ):
            log.warning(
                "endpoint cuts long prompts without an error: raise its context",
                endpoint=name,
                profile=found.profile,
            )
        if found.reads_markers and (before is None or not before.reads_markers):
            log.warning(
                "endpoint reads control tokens in text as its own: they are broken up before",
                endpoint=name,
                profile=found.profile,
            )

    async def close(self) -> None:
        """Ends a probe in the background; the endpoint is closed by its owner."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.wait([self._probing])


class Probers:
    """Probes all endpoints of a fleet, those for second looks too."""

    def __init__(self, fleet: Fleet, plan: ProbePlan, clock: Clock) -> None:
        self._firsts = tuple(endpoint.name for endpoint in fleet.endpoints)
        self._probers = {each.name: Prober(each, plan, clock) for each in fleet.all}

    def __repr__(self) -> str:
        return f"<Probers {list(self._probers.values())!r}>"

    async def probe(self) -> Mapping[str, Capabilities | Retryable]:
        """
        What each endpoint can do, by name; or why it cannot be reached.

        Raises:
            EndpointRefused: key, model or path of one are wrong.
        """
        probes = [prober.probe() for prober in self._probers.values()]
        found = await asyncio.gather(*probes, return_exceptions=True)
        results: dict[str, Capabilities | Retryable] = {}
        for name, result in zip(self._probers, found, strict=True):
            if isinstance(result, BaseException) and not isinstance(result, Retryable):
                raise result
            results[name] = result
        return results

    async def probe_first(self) -> Capabilities:
        """
        As `probe`, for a person who waits: what the first endpoint that answers can do.

        Raises:
            Retryable: none that judges can be reached.
        """
        probed = await self.probe()
        found = [probed[name] for name in self._firsts]
        there = [result for result in found if not isinstance(result, Retryable)]
        if not there:
            assert isinstance(found[0], Retryable)
            raise found[0]
        return there[0]

    def probe_soon(self, name: str) -> None:
        """Probe one in the background."""
        self._probers[name].probe_soon()

    def follow_outages(self) -> None:
        """Probe again what comes back; for a worker, which outlives outages."""
        for prober in self._probers.values():
            prober.follow_outages()

    async def close(self) -> None:
        """Ends probes in the background; the endpoints are closed by their owner."""
        for prober in self._probers.values():
            await prober.close()
