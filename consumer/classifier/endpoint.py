"""
One inference server: whether it is there, and one call to it.

What it cannot do is found by a probe (see `probe`) or from its answers, switched off and logged
loudly; it is never an error.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import structlog

from consumer.classifier.apis import WIRES
from consumer.classifier.knee import KneeFinder, Sent
from consumer.classifier.parser import Fault, Reading, read_failed_generation
from consumer.classifier.prompt import system_message, user_message
from consumer.classifier.refusals import FailedGeneration, UnknownParameter, error_for
from consumer.classifier.reply import Reply
from consumer.classifier.request import RequestFormat
from consumer.classifier.specimen import PROBE_GOOD, PROBE_POLICY
from consumer.classifier.transport import Transport
from consumer.classifier.usage import tokens_of
from consumer.domain.policy import Policy
from consumer.errors import InferenceTimeout, ModelFault, Overloaded, Retryable
from consumer.interfaces import Clock
from consumer.reliability.breaker import Breaker
from consumer.telemetry.metrics import Metrics

log = structlog.get_logger()


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
        return self.reply.status == 200


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
        knee: KneeFinder | None = None,
    ) -> None:
        self.name = name
        self.format = format
        self.breaker = breaker
        self.last_answer_s = float("-inf")
        """When it last answered anything, on the clock."""
        self.when_back: Callable[[], None] | None = None
        """Called when it answers again after an outage; must not wait for anything."""
        self._transport = transport
        self._clock = clock
        self._metrics = metrics
        self._timeout_s = timeout_s
        self._calls_max = calls_max
        self.knee = knee
        """Finds out how many calls it takes at once; without it these are `calls_max`."""
        self.at_once = 0
        """Places that are taken; the fleet gives them."""
        self._broken: deque[tuple[float, int]] = deque(maxlen=16)
        """When its last calls broke off, and of which messages."""
        metrics.calls_in_flight.labels(name).set_function(lambda: float(self.at_once))
        metrics.calls_limit.labels(name).set_function(lambda: float(self.limit))
        self._probing: asyncio.Task[bool] | None = None
        self._probing_since_s = 0.0
        self._heard: asyncio.Future[None] | None = None
        """Done when a call that went out after the probe is answered; that says as much."""

    def __repr__(self) -> str:
        return f"<Endpoint {self.name} {self.format.model} {self.breaker!r}>"

    @property
    def limit(self) -> int:
        """How many calls it is given at once."""
        return self._calls_max if self.knee is None else self.knee.limit

    async def post(
        self,
        policy: Policy,
        user: str,
        format: RequestFormat,
        timeout_s: float | None = None,
        priority: int | None = None,
    ) -> Answer:
        """
        One call, answered whatever the status.

        Raises:
            InferenceTimeout, InferenceUnavailable: no answer came.
        """
        wire = WIRES[format.api]
        body = wire.body(policy, user, format, priority)
        limit_s = self._timeout_s if timeout_s is None else min(self._timeout_s, timeout_s)
        sent = self.knee.sent(self.at_once) if self.knee else NOT_MEASURED
        started_s = self._clock.now_s()
        reply = await self._transport.post(wire.path, body, limit_s)
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
        self, policy: Policy, user: str, format: RequestFormat, timeout_s: float | None
    ) -> Reading:
        """
        One call that takes no place, one judgement: for probes.

        Raises:
            Retryable: nothing usable came; `is_systemic` says whom it hints at.
            EndpointRefused: key, model or path are wrong.
        """
        return self.read(await self.post(policy, user, format, timeout_s), policy)

    def read(self, answer: Answer, policy: Policy) -> Reading:
        """The judgement in an answer; raises as `ask` does."""
        reply, format = answer.reply, answer.format
        if reply.status != 200:
            error = error_for(reply)
            if not (isinstance(error, Retryable) and error.is_systemic):
                self._answered(answer)
            if isinstance(error, FailedGeneration):
                return _as_reading(read_failed_generation(error.body, policy), reply.body)
            raise error
        self._answered(answer)
        least = len(system_message(policy)) // 8
        wire = WIRES[format.api]
        result = wire.read(reply.body, policy, least, format.room(policy))
        return _as_reading(result, reply.body)

    def _answered(self, answer: Answer | None = None) -> None:
        self.last_answer_s = self._clock.now_s()
        heard = self._heard
        if heard is not None and answer is not None and answer.started_s > self._probing_since_s:
            self._heard = None
            heard.set_result(None)
        open_for_s = self.breaker.recover(self.last_answer_s)
        if open_for_s is not None:
            self._metrics.breaker_open.labels(self.name).set(0)
            log.info("endpoint is back", endpoint=self.name, out_for_s=round(open_for_s, 1))
            if self.when_back is not None:
                self.when_back()

    def leave_out(self, error: UnknownParameter) -> bool:
        """Stop sending a field that the endpoint does not know; False where it was not sent."""
        shorter = self.format.without(error.field)
        if shorter != self.format:
            self.format = shorter
            log.warning("endpoint lacks a feature: left out", endpoint=self.name, field=error.field)
            return True
        return False

    async def is_there(self) -> bool:
        """
        Probe the endpoint with a request that any healthy server answers; trips the breaker if not.

        Callers at the same time share one probe.
        """
        self.probe_soon()
        assert self._probing is not None
        return await asyncio.shield(self._probing)

    def probe_soon(self) -> None:
        """Start a probe where none is under way, for callers that do not wait for it."""
        if self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self._probe_once())

    async def _probe_once(self) -> bool:
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
            return True
        if self.breaker.trip(self._clock.now_s()):
            self._metrics.breaker_open.labels(self.name).set(1)
            log.warning("endpoint is out: waiting", endpoint=self.name, error=str(error))
        return False

    async def _probe(self) -> Retryable | None:
        """
        Probe until there is an answer, or a proof that there is none.

        One call in twenty that breaks off is no outage, and the probe may be such a call: it is
        asked again at once, while the breaker is closed, where it did not fail by its time limit.
        """
        for _ in range(1 if self.breaker.is_open else PROBES_MAX):
            error = await self._asked_once()
            if error is None or isinstance(error, InferenceTimeout):
                break
        return error

    async def _asked_once(self) -> Retryable | None:
        """The error of a request that any healthy server answers, or None."""
        try:
            # It takes no place: calls that hang hold them all just when the probe matters most.
            user = user_message(PROBE_GOOD, "probe")
            await self.ask(PROBE_POLICY, user, self.format, 30.0)
        except UnknownParameter as error:
            self.leave_out(error)
        except Overloaded:
            # It is there, and says so.
            self._answered()
        except Retryable as error:
            if error.is_systemic:
                return error
        return None

    async def close(self) -> None:
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.wait([self._probing])
        await self._transport.close()


def _as_reading(result: Reading | Fault, body: bytes) -> Reading:
    if isinstance(result, Fault):
        raise ModelFault(result.value, tokens=tokens_of(body), body=body)
    return result


NOT_MEASURED = Sent(-1, 0)
PROBES_MAX = 3
"""So many probes in a row are not all struck by chance."""
OVERLOADED = (429, 503)
"""The statuses by which a server says that it has no room."""
