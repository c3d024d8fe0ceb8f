"""
One inference server, and one call to it.

What it cannot do is found from its answers or by a probe, switched off and logged loudly; it is
never an error. What is asked, and how an answer is read, the questions say.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import structlog

from consumer.domain.value import Value
from consumer.errors import (
    InferenceTimeout,
    InferenceUnavailable,
    ModelFault,
    Overloaded,
    Retryable,
)
from consumer.inference.blame.failures import UnknownParameter
from consumer.inference.blame.fault import Fault
from consumer.inference.fleet.breaker import Breaker
from consumer.inference.fleet.falls import Falls
from consumer.inference.fleet.standing import Standing
from consumer.inference.fleet.watch import Watch
from consumer.inference.pacing.capacity import Capacity
from consumer.inference.pacing.window import Sent
from consumer.inference.question import Question
from consumer.inference.transports.reply import Reply
from consumer.inference.transports.transport import Transport
from consumer.inference.wires.apis import WIRES
from consumer.inference.wires.format import RequestFormat
from consumer.telemetry.telemetry import Telemetry

log = structlog.get_logger()

Finding = TypeVar("Finding")


class Contact(NamedTuple):
    """How a server is reached."""

    name: str
    address: str
    """Where it is; one that the settings do not name has its address as its name."""
    transport: Transport
    timeout_s: float
    """A call that takes longer is given up."""


class Answer(Value, frozen=True):
    """What became of one call at an endpoint, not yet read."""

    endpoint: Endpoint
    format: RequestFormat
    """As it was asked."""
    came: Reply | Retryable
    """What it sent back, or why nothing came."""
    sent: Sent | None
    started_s: float
    """When it was sent, on the clock."""
    latency_s: float

    @property
    def is_whole(self) -> bool:
        """Whether there is a completion to be read."""
        return isinstance(self.came, Reply) and self.came.is_success

    def read(self, question: Question[Finding]) -> Finding:
        """
        The judgement in an answer to this question, which proves that its endpoint is well.

        Raises:
            Retryable: nothing usable came; `is_systemic` says whom it hints at.
        """
        if not isinstance(self.came, Reply):
            raise self.came
        finding = question.read(self.came, self.format)
        self.endpoint.note_judged(self.started_s)
        return finding


class Endpoint:
    """A server behind a transport, what is known of it, and what it is known to take at once."""

    def __init__(
        self,
        contact: Contact,
        format: RequestFormat,
        breaker: Breaker,
        capacity: Capacity,
        probe: Question[object],
        telemetry: Telemetry,
    ) -> None:
        """`probe` is a question to which any healthy server gives a judgement."""
        self.contact = contact
        self.name = name = contact.name
        self.format = format
        self.breaker = breaker
        self.capacity = capacity
        self.standing = Standing(name, breaker, telemetry)
        self.watch = Watch(self.standing, breaker, self._probe, telemetry.clock)
        self.falls = Falls()
        self._question = probe
        self._clock = telemetry.clock
        self._metrics = telemetry.metrics
        telemetry.metrics.calls_in_flight.labels(name).set_function(lambda: float(capacity.taken))
        telemetry.metrics.calls_limit.labels(name).set_function(lambda: float(capacity.limit))

    def __repr__(self) -> str:
        return f"<Endpoint {self.name} {self.format.model} {self.breaker!r}>"

    async def post(
        self,
        question: Question[object],
        format: RequestFormat,
        timeout_s: float | None = None,
        priority: int | None = None,
    ) -> Answer:
        """One call, whatever becomes of it; who asks has a place, or is a probe."""
        body = question.body(format, priority)
        contact = self.contact
        limit_s = contact.timeout_s if timeout_s is None else min(contact.timeout_s, timeout_s)
        sent = self.capacity.sent()
        started_s = self._clock.now_s()
        came: Reply | Retryable
        try:
            came = await contact.transport.post(WIRES[format.api].path, body, limit_s)
        except Retryable as error:
            return Answer(self, format, error, sent, started_s, self._clock.now_s() - started_s)
        latency_s = self._clock.now_s() - started_s
        self._metrics.call_seconds.observe(latency_s)
        return Answer(self, format, came, sent, started_s, latency_s)

    async def ask(
        self, question: Question[Finding], format: RequestFormat, timeout_s: float | None
    ) -> Finding:
        """
        One call that takes no place, one judgement: for probes.

        Raises:
            Retryable: nothing usable came; `is_systemic` says whom it hints at.
        """
        return (await self.post(question, format, timeout_s)).read(question)

    def note_judged(self, sent_s: float) -> None:
        """A call that was sent then was answered by a judgement."""
        self.watch.heard(sent_s)
        self.standing.judged(self._clock.now_s())

    def leave_out(self, field: str) -> bool:
        """Stop sending a field that the endpoint does not take; False where it was not sent."""
        shorter = self.format.without(field)
        if shorter == self.format:
            return False
        self.format = shorter
        log.warning("endpoint lacks a feature: left out", endpoint=self.name, field=field)
        return True

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
        standing = self.standing
        try:
            # It takes no place: calls that hang hold them all just when the probe matters most.
            await self.ask(self._question, format, PROBE_S)
        except ModelFault as error:
            if error.reason == Fault.UNKNOWN_LABEL:
                # It judges, and cares little for what is asked; that is no outage.
                return None
            # A model that never could answer this one, but answers those of the topics, is well.
            is_new = standing.has_judged and not standing.has_judged_probe
            return None if is_new and not error.is_systemic else error
        except Retryable as error:
            return error
        standing.probe_judged()
        return None

    async def close(self) -> None:
        await self.watch.close()
        await self.contact.transport.close()


PROBES_MAX = 3
"""So many probes in a row are not all struck by chance: of one call in twenty, one in 8,000."""
PROBE_S = 30.0
"""A probe that takes longer is not answered: it is a few words, however long texts may take."""
CONCLUSIVE = (InferenceTimeout, Overloaded)
"""What a second probe would only be told again."""
