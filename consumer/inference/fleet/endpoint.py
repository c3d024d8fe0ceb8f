"""
One inference server: whether it is there, and one call to it.

What it cannot do is found from its answers or by a probe, switched off and logged loudly; it is
never an error. What is asked, and how an answer is read, the questions say.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple, TypeVar

import structlog

from consumer.errors import (
    EndpointRefused,
    InferenceTimeout,
    InferenceUnavailable,
    ModelFault,
    Overloaded,
    Retryable,
)
from consumer.inference.blame.blame import OVERLOADED
from consumer.inference.blame.failures import Declined, UnknownParameter
from consumer.inference.blame.fault import Fault
from consumer.inference.fleet.breaker import Breaker
from consumer.inference.pacing.knee import KneeFinder, Sent
from consumer.inference.question import Question
from consumer.inference.transports.reply import Reply
from consumer.inference.transports.transport import Transport
from consumer.inference.wires.apis import WIRES
from consumer.inference.wires.format import RequestFormat
from consumer.interfaces import Clock
from consumer.telemetry.metrics import Metrics

log = structlog.get_logger()

Finding = TypeVar("Finding")


class Answer(NamedTuple):
    """What an endpoint sent back for one call, not yet read."""

    endpoint: Endpoint
    format: RequestFormat
    """As it was asked."""
    reply: Reply
    sent: Sent
    started_s: float
    """When it was sent, on the clock."""
    latency_s: float

    @property
    def is_whole(self) -> bool:
        """Whether there is a completion to be read."""
        return self.reply.is_success


class Condition(Enum):
    """What a probe proves of an endpoint, or of a fleet."""

    WELL = "well"
    """It judges: what fails all the same is the message's own fault."""
    BUSY = "busy"
    """It refuses for load, which says nothing about anybody."""
    OUT = "out"


class Endpoint:
    """A server behind a transport, with its breaker and what it is known to take at once."""

    def __init__(
        self,
        name: str,
        transport: Transport,
        format: RequestFormat,
        breaker: Breaker,
        clock: Clock,
        metrics: Metrics,
        timeout_s: float,
        calls_max: int,
        probe: Question[object],
        knee: KneeFinder | None = None,
        address: str | None = None,
    ) -> None:
        """`probe` is a question to which any healthy server gives a judgement."""
        self.name = name
        self.address = address or name
        """Where it is; one that the settings do not name has its address as its name."""
        self.format = format
        self.breaker = breaker
        self.last_judgement_s = float("-inf")
        """When it last gave a readable judgement, on the clock: the only proof that it is well."""
        self.has_judged = False
        """Whether it ever gave one; from then on nothing that it answers ends the worker."""
        self.when_back: Callable[[], None] | None = None
        """Called when it answers again after an outage; must not wait for anything."""
        self._transport = transport
        self._clock = clock
        self._metrics = metrics
        self._timeout_s = timeout_s
        self._calls_max = calls_max
        self._question = probe
        self.knee = knee
        """Finds out how many calls it takes at once; without it these are `calls_max`."""
        self.at_once = 0
        """Places that are taken; the fleet gives them."""
        self._broken: deque[tuple[float, int]] = deque(maxlen=16)
        """When its last calls broke off, and of which messages."""
        metrics.calls_in_flight.labels(name).set_function(lambda: float(self.at_once))
        metrics.calls_limit.labels(name).set_function(lambda: float(self.limit))
        self._probing: asyncio.Task[Condition] | None = None
        self._reviving: asyncio.Task[None] | None = None
        self._has_judged_probe = False
        self.refusal: EndpointRefused | None = None
        """Why it will not have us, as the last probe was told; fatal where it never judged."""
        self._probing_since_s = 0.0
        self._heard: asyncio.Future[None] | None = None
        """Done when a call that went out after the probe gives a judgement; that says as much."""

    def __repr__(self) -> str:
        return f"<Endpoint {self.name} {self.format.model} {self.breaker!r}>"

    @property
    def limit(self) -> int:
        """How many calls it is given at once."""
        return self._calls_max if self.knee is None else self.knee.limit

    async def post(
        self,
        question: Question[object],
        format: RequestFormat,
        timeout_s: float | None = None,
        priority: int | None = None,
    ) -> Answer:
        """
        One call, answered whatever the status.

        Raises:
            InferenceTimeout, InferenceUnavailable: no answer came.
        """
        body = question.body(format, priority)
        limit_s = self._timeout_s if timeout_s is None else min(self._timeout_s, timeout_s)
        sent = self.knee.sent(self.at_once) if self.knee else NOT_MEASURED
        started_s = self._clock.now_s()
        reply = await self._transport.post(WIRES[format.api].path, body, limit_s)
        latency_s = self._clock.now_s() - started_s
        self._metrics.call_seconds.observe(latency_s)
        return Answer(self, format, reply, sent, started_s, latency_s)

    def learn(self, answer: Answer, *, is_full: bool, late_s: float) -> None:
        """
        Learn from an answer how many calls the server takes, where it has a knee finder.

        `is_full`: others wait for a place; `late_s`: how late the worker itself is just now.
        """
        assert self.knee is not None
        if answer.is_whole:
            self.knee.answered(answer.sent, answer.latency_s, is_full, late_s)
        elif answer.reply.status in OVERLOADED:
            self.knee.refused(answer.sent)

    def note_broken(self, now_s: float, user: str) -> None:
        """A call about this message broke off."""
        self._broken.append((now_s, hash(user)))

    def broke_for_others(self, since_s: float, user: str) -> bool:
        """Whether calls about other messages broke off since then: the server itself fell."""
        ours = hash(user)
        return any(at_s >= since_s and whose != ours for at_s, whose in self._broken)

    @property
    def transport(self) -> Transport:
        """For probes, which go out and take no place."""
        return self._transport

    async def ask(
        self, question: Question[Finding], format: RequestFormat, timeout_s: float | None
    ) -> Finding:
        """
        One call that takes no place, one judgement: for probes.

        Raises:
            Retryable: nothing usable came; `is_systemic` says whom it hints at.
        """
        return self.read(await self.post(question, format, timeout_s), question)

    def read(self, answer: Answer, question: Question[Finding]) -> Finding:
        """The judgement in an answer to this question; raises as `ask` does."""
        finding = question.read(answer.reply, answer.format)
        if self._heard is not None and answer.started_s > self._probing_since_s:
            self._heard.set_result(None)
            self._heard = None
        self.has_judged = True
        self.last_judgement_s = self._clock.now_s()
        if self.breaker.is_open:
            self._is_back()
        return finding

    def _is_back(self) -> None:
        open_for_s = self.breaker.recover(self._clock.now_s())
        if open_for_s is None:
            return
        self.refusal = None
        self._metrics.breaker_open.labels(self.name).set(0)
        log.info("endpoint is back", endpoint=self.name, out_for_s=round(open_for_s, 1))
        if self.when_back is not None:
            self.when_back()

    def leave_out(self, field: str) -> bool:
        """Stop sending a field that the endpoint does not take; False where it was not sent."""
        shorter = self.format.without(field)
        if shorter == self.format:
            return False
        self.format = shorter
        log.warning("endpoint lacks a feature: left out", endpoint=self.name, field=field)
        return True

    async def condition(self) -> Condition:
        """
        Probe the endpoint with a request that any healthy server judges; trips the breaker if not.

        Callers at the same time share one probe.
        """
        self.probe_soon()
        assert self._probing is not None
        return await asyncio.shield(self._probing)

    def probe_soon(self) -> None:
        """Start a probe where none is under way, for callers that do not wait for it."""
        if self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self._probe_once())

    async def _probe_once(self) -> Condition:
        wait_s = self.breaker.probe_in_s(self._clock.now_s())
        if wait_s:
            await asyncio.sleep(wait_s)
        self._probing_since_s = self._clock.now_s()
        self._heard = heard = asyncio.get_running_loop().create_future()
        probing = asyncio.create_task(self._probe())
        try:
            await asyncio.wait([probing, heard], return_when=asyncio.FIRST_COMPLETED)
            error = None if heard.done() else probing.result()
        finally:
            self._heard = None
            probing.cancel()
        if error is None:
            # Also where it judged in labels of its own.
            self._is_back()
            return Condition.WELL
        if isinstance(error, Overloaded):
            # It is there, and says so.
            self._is_back()
            return Condition.BUSY
        if self.breaker.trip(self._clock.now_s()):
            self._metrics.breaker_open.labels(self.name).set(1)
            log.warning("endpoint is out: waiting", endpoint=self.name, error=str(error))
            self._reviving = asyncio.create_task(self._revive())
        if isinstance(error, Declined) and error.is_misconfigured:
            self.refusal = error.as_fatal()
        return Condition.OUT

    async def _revive(self) -> None:
        """Probe until it is back: where others judge meanwhile, no call asks whether it is."""
        while self.breaker.is_open:
            await self.condition()

    async def _probe(self) -> Retryable | None:
        """
        Probe until there is a judgement, or a proof that there will be none: its error.

        One call in twenty that breaks off or is answered badly is no outage, and the probe may be
        such a call: it is asked again at once, where it did not fail by its time limit.
        """
        failed = 0
        while True:
            error = await self._asked_once(failed)
            if error is None:
                return None
            if isinstance(error, UnknownParameter):
                # Nobody's text is in a probe: what it says is missing is missing.
                if self.leave_out(error.field):
                    continue
                error = error.otherwise
            failed += 1
            # While it is out, one call that breaks off says all.
            is_broken = isinstance(error, InferenceUnavailable) and self.breaker.is_open
            if failed == PROBES_MAX or is_broken or isinstance(error, CONCLUSIVE):
                return error

    async def _asked_once(self, failed: int) -> Retryable | None:
        """The error of the probe, or None."""
        format = self.format.for_retry(failed, was_truncated=False) if failed else self.format
        try:
            # It takes no place: calls that hang hold them all just when the probe matters most.
            await self.ask(self._question, format, PROBE_S)
        except ModelFault as error:
            if error.reason == Fault.UNKNOWN_LABEL:
                # It judges, and cares little for what is asked; that is no outage.
                return None
            # A model that never could answer this one, but answers those of the topics, is well.
            is_known = not error.is_systemic and self.has_judged and not self._has_judged_probe
            return None if is_known else error
        except Retryable as error:
            return error
        self.note_probe_judged()
        return None

    def note_probe_judged(self) -> None:
        """A built-in text was judged, so that a probe which is not judged means an outage."""
        self.has_judged = self._has_judged_probe = True

    async def close(self) -> None:
        for task in (self._reviving, self._probing):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
        await self._transport.close()


def retrieve(task: asyncio.Task[Any]) -> None:
    """What a task ended with is known: asyncio need not report it as an error nobody awaited."""
    if not task.cancelled():
        task.exception()


NOT_MEASURED = Sent(-1, 0)
PROBES_MAX = 3
"""So many probes in a row are not all struck by chance."""
PROBE_S = 30.0
"""A probe that takes longer is not answered."""
CONCLUSIVE = (InferenceTimeout, Overloaded)
"""What a second probe would only be told again."""
