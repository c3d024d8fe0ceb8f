"""
The decision endpoint: asked within its bounds, and left alone while it is not there.

Whoever asks does without the answer where there is none. So nothing waits here but for the call
itself, for its time limit at most: neither for a place, nor for an endpoint that is out, which is
probed beside the messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import structlog

from consumer.errors import Retryable
from consumer.inference.fleet.breaker import Breaker
from consumer.inference.transports.transport import Transport
from consumer.inference.wires.decisions import DECISIONS
from consumer.inference.wires.probabilities import DecisionWire
from consumer.inference.wires.systemone import SYSTEM_ONE
from consumer.interfaces import Clock, Probabilities

log = structlog.get_logger()

WIRES: Mapping[str, DecisionWire] = {"decisions": DECISIONS, "systemone": SYSTEM_ONE}
"""In the order in which they are looked for."""
NOT_HERE = (404, 405, 501)
"""The server has no such path, or its model is none of that kind: asking again changes nothing."""
PROBE_TEXT = "Good morning, everybody!"
PROBE_STATEMENT = "The text is a greeting."
UNTRIED = "it has not been tried yet"


class DecisionLimits(NamedTuple):
    """How the endpoint is asked, and every bound of it."""

    model: str
    wire: Literal["auto", "decisions", "systemone"]
    timeout_s: float
    in_flight_max: int
    questions_max: int
    body_bytes_max: int
    failures_max: int


class DecisionEndpoint:
    """One endpoint for one worker; see `interfaces.Decider`."""

    def __init__(
        self, transport: Transport, limits: DecisionLimits, breaker: Breaker, clock: Clock
    ) -> None:
        self._transport = transport
        self._limits = limits
        self._breaker = breaker
        self._clock = clock
        self._wire: str | None = None
        self._why: str | None = UNTRIED
        self._failures = 0
        """In a row."""
        self._in_flight = 0
        self._probing: asyncio.Task[str | None] | None = None

    def __repr__(self) -> str:
        return f"<DecisionEndpoint {self._wire} {self._why or 'on'}, {self._breaker!r}>"

    @property
    def model(self) -> str:
        return self._limits.model

    @property
    def wire(self) -> str | None:
        return self._wire

    @property
    def off(self) -> str | None:
        return self._why

    async def ask(self, text: str, statements: Sequence[str]) -> Probabilities | str:
        if self._why is not None or self._wire is None:
            return self._why or UNTRIED
        wire, limits = WIRES[self._wire], self._limits
        body = wire.body(limits.model, text, statements)
        if len(statements) > limits.questions_max:
            return f"{len(statements)} questions are more than inference.decision.questions_max"
        if len(body) > limits.body_bytes_max:
            return f"{len(body)} bytes are more than inference.decision.body_bytes_max"
        if self._in_flight >= limits.in_flight_max:
            return "as many calls are under way as inference.decision.in_flight_max allows"
        found, is_here = await self._call(wire, body, len(statements))
        self._heed(found, is_here=is_here)
        return found

    async def _call(
        self, wire: DecisionWire, body: bytes, count: int
    ) -> tuple[Probabilities | str, bool]:
        """What came of one call, and whether there is such an endpoint."""
        self._in_flight += 1
        try:
            reply = await self._transport.post(wire.path, body, self._limits.timeout_s)
        except Retryable as error:
            return str(error), True
        finally:
            self._in_flight -= 1
        if reply.status in NOT_HERE:
            return f"not here: {wire.path} answers with status {reply.status}", False
        if not reply.is_success:
            return f"{wire.path} answers with status {reply.status}", True
        return wire.answers(reply.body, count), True

    def _heed(self, found: Probabilities | str, *, is_here: bool) -> None:
        """A failure is the message's or the endpoint's; several in a row are the endpoint's."""
        if not isinstance(found, str):
            self._failures = 0
            return
        self._failures += 1
        # Calls that were under way when it went out say nothing new.
        if self._why is None and (not is_here or self._failures >= self._limits.failures_max):
            self._go_out(found)

    def _go_out(self, why: str) -> None:
        if why != self._why:
            log.warning("the decision endpoint is not asked: the safeguard judges", why=why)
        self._why = why
        self._breaker.trip(self._clock.now_s())

    def look_after(self) -> None:
        """To be called often: while it is out it is probed, as often as the breaker lets it."""
        if self._why is None:
            return
        is_probing = self._probing is not None and not self._probing.done()
        if not is_probing and self._breaker.probe_in_s(self._clock.now_s()) == 0.0:
            self._probing = asyncio.create_task(self.probe())

    async def probe(self) -> str | None:
        """
        Find out whether it is there and in which shape it is asked; why not, or None where it is.

        It is asked from then on.
        """
        wanted = self._limits.wire
        why = []
        for name in WIRES if wanted == "auto" else (wanted,):
            wire = WIRES[name]
            body = wire.body(self._limits.model, PROBE_TEXT, [PROBE_STATEMENT])
            found, _ = await self._call(wire, body, 1)
            if isinstance(found, str) or found.of[0] is None:
                why.append(found if isinstance(found, str) else f"{wire.path} gives no probability")
                continue
            self._come_back(name)
            return None
        self._go_out("; ".join(dict.fromkeys(why)))
        return self._why

    def _come_back(self, wire: str) -> None:
        if self._why is not None:
            log.info("the decision endpoint answers", wire=wire, model=self._limits.model)
        self._wire, self._why, self._failures = wire, None, 0
        self._breaker.recover(self._clock.now_s())

    async def close(self) -> None:
        if self._probing is not None:
            self._probing.cancel()
        await self._transport.close()
