"""
One inference server: whether it is there, and one call to it.

What it cannot do is found by a probe (see `probe`) or from its answers, switched off and logged
loudly; it is never an error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from consumer.classifier.apis import WIRES, Wire
from consumer.classifier.parser import Fault, Reading, read_failed_generation
from consumer.classifier.prompt import system_message, user_message
from consumer.classifier.refusals import FailedGeneration, UnknownParameter, error_for
from consumer.classifier.reply import Reply
from consumer.classifier.request import RequestFormat
from consumer.classifier.slots import Slots
from consumer.classifier.specimen import PROBE_GOOD, PROBE_POLICY
from consumer.classifier.transport import Transport
from consumer.domain.policy import Policy
from consumer.errors import ModelFault, Overloaded, Retryable
from consumer.interfaces import Clock
from consumer.reliability.breaker import Breaker
from consumer.telemetry.metrics import Metrics

log = structlog.get_logger()


class Crowded(Retryable):
    """No slot was free within the message's deadline. Raise `inference.calls_max`."""

    is_systemic = False


class Endpoint:
    """A server behind a transport, with its breaker."""

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
        self._slots = Slots(calls_max)
        self._calls = 0
        metrics.calls_in_flight.set_function(lambda: float(self._calls))
        self._probing: asyncio.Task[bool] | None = None

    def __repr__(self) -> str:
        return f"<Endpoint {self.name} {self.format.model} {self.breaker!r}>"

    @property
    def transport(self) -> Transport:
        """For probes, which go out past the call slots."""
        return self._transport

    async def ask(
        self, policy: Policy, user: str, format: RequestFormat, timeout_s: float | None
    ) -> Reading:
        """
        One call, one judgement.

        Raises:
            Retryable: nothing usable came; `is_systemic` says whom it hints at.
            EndpointRefused: key, model or path are wrong.
        """
        wire = WIRES[format.api]
        body = wire.body(policy, user, format)
        asked_s = self._clock.now_s()
        loop_s = asyncio.get_running_loop().time()
        if not await self._slots.take(None if timeout_s is None else loop_s + timeout_s):
            raise Crowded
        try:
            if timeout_s is not None:
                timeout_s -= self._clock.now_s() - asked_s
                if timeout_s <= 0:
                    raise Crowded
            reply = await self._post(wire.path, body, timeout_s)
        finally:
            someone_waited = self._slots.give_back()
        if someone_waited:
            # The next call goes out before this answer is read: a server is idle meanwhile. One
            # turn of the loop hands the slot over, in the next one the call is sent.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        return self._read(reply, policy, wire, format.tokens_max)

    async def _post(self, path: str, body: bytes, timeout_s: float | None) -> Reply:
        limit_s = self._timeout_s if timeout_s is None else min(self._timeout_s, timeout_s)
        self._calls += 1
        started_s = self._clock.now_s()
        try:
            reply = await self._transport.post(path, body, limit_s)
        finally:
            self._calls -= 1
        self._metrics.call_seconds.observe(self._clock.now_s() - started_s)
        return reply

    def _read(self, reply: Reply, policy: Policy, wire: Wire, tokens_max: int) -> Reading:
        if reply.status != 200:
            error = error_for(reply)
            if not (isinstance(error, Retryable) and error.is_systemic):
                self._answered()
            if isinstance(error, FailedGeneration):
                return _as_reading(read_failed_generation(error.body, policy))
            raise error
        self._answered()
        least = len(system_message(policy)) // 8
        return _as_reading(wire.read(reply.body, policy, least, tokens_max))

    def _answered(self) -> None:
        self.last_answer_s = self._clock.now_s()
        open_for_s = self.breaker.recover(self.last_answer_s)
        if open_for_s is not None:
            self._metrics.breaker_open.set(0)
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
        try:
            # Past the slots: calls that hang hold them all just when the probe matters most.
            format = self.format
            wire = WIRES[format.api]
            body = wire.body(PROBE_POLICY, user_message(PROBE_GOOD, "probe"), format)
            reply = await self._post(wire.path, body, 30.0)
            self._read(reply, PROBE_POLICY, wire, format.tokens_max)
        except UnknownParameter as error:
            self.leave_out(error)
        except Overloaded:
            # It is there, and says so.
            self._answered()
        except Retryable as error:
            if error.is_systemic:
                if self.breaker.trip(self._clock.now_s()):
                    self._metrics.breaker_open.set(1)
                    log.warning("endpoint is out: waiting", endpoint=self.name, error=str(error))
                return False
        return True

    async def close(self) -> None:
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.wait([self._probing])
        await self._transport.close()


def _as_reading(result: Reading | Fault) -> Reading:
    if isinstance(result, Fault):
        raise ModelFault(result.value)
    return result
