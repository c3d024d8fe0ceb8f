"""
The classifier: one call per policy of the version, in parallel, each repeated until it judges.

What ends a message without a judgement is always named (`UnjudgedReason`). Time spent waiting for
an endpoint that is out does not count against a message whose topic says `on_outage = "wait"`.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import NamedTuple

import structlog

from consumer.classifier.endpoint import Crowded, Endpoint
from consumer.classifier.looks import Looks, SecondEndpoint
from consumer.classifier.parser import Fault, Reading, Repair
from consumer.classifier.prompt import TEMPLATE, user_message
from consumer.classifier.refusals import PromptTooLong, UnknownParameter
from consumer.classifier.request import RequestFormat
from consumer.classifier.segments import segments
from consumer.domain.binding import Binding
from consumer.domain.policy import Policy, PolicyVersion
from consumer.domain.verdict import Judgement, Tokens, UnjudgedReason
from consumer.errors import InferenceTimeout, ModelFault, Overloaded, Retryable
from consumer.interfaces import Clock, Judged
from consumer.reliability.retry import RetryLimits, wait_s
from consumer.telemetry.metrics import Metrics

log = structlog.get_logger()


class SegmentLimits(NamedTuple):
    """How long text is cut; see `segments`."""

    bytes_max: int = 16_000
    overlap_chars: int = 400
    count_max: int = 8


class SafeguardClassifier:
    """Judges texts at one endpoint."""

    def __init__(
        self,
        endpoint: Endpoint,
        retries: RetryLimits,
        cut: SegmentLimits,
        clock: Clock,
        metrics: Metrics,
        random: Random,
        second: SecondEndpoint | None = None,
    ) -> None:
        """`second` is asked where a policy wants its unsure answers looked at by another."""
        self._endpoint = endpoint
        self._retries = retries
        self._cut = cut
        self._clock = clock
        self._metrics = metrics
        self._random = random
        self._looks = Looks(endpoint, metrics, second)

    async def classify(
        self, text: str, version: PolicyVersion, binding: Binding, deadline_s: float | None
    ) -> Judged:
        started_s = self._clock.now_s()
        pieces = segments(text, *self._cut)
        judgements: list[Judgement] = []
        reasons: list[UnjudgedReason] = []
        if pieces is None:
            reasons.append(UnjudgedReason.TOO_LONG)
        else:
            patience = Patience(deadline_s, binding.on_outage == "wait")
            work = [self._judge(policy, pieces, patience.copy()) for policy in version.policies]
            results = [await work[0]] if len(work) == 1 else await asyncio.gather(*work)
            for result in results:
                if isinstance(result, Judgement):
                    judgements.append(result)
                else:
                    reasons.append(result)
        return Judged(
            judgements=tuple(judgements),
            unjudged=reasons[0] if reasons else None,
            model_ms=(self._clock.now_s() - started_s) * 1_000,
            endpoint=self._endpoint.name,
            model=self._endpoint.format.model,
            template=TEMPLATE,
        )

    async def _judge(
        self, policy: Policy, pieces: list[str], patience: Patience
    ) -> Judgement | UnjudgedReason:
        """The most severe judgement of any piece; a piece without one leaves the whole unjudged."""
        todo = list(reversed(pieces))
        worst: Judgement | None = None
        spent = Tokens()
        asked = 0
        missing: UnjudgedReason | None = None
        while todo:
            piece = todo.pop()
            asked += 1
            result = await self._judge_piece(policy, piece, patience)
            if isinstance(result, _TooLong):
                # The server's context is smaller than our guess: halve and judge both halves.
                halves = segments(piece, max(400, len(piece.encode()) // 2), 100, 3)
                if halves is None or len(halves) < 2 or asked + len(halves) > self._cut.count_max:
                    return UnjudgedReason.TOO_LONG
                todo.extend(reversed(halves))
            elif isinstance(result, Judgement):
                spent = result.tokens if asked == 1 else spent + result.tokens
                if worst is None or result.outcome.severity > worst.outcome.severity:
                    worst = result
                if result.outcome.severity == 2:
                    break
            else:
                missing = missing or result
        if worst is None:
            return missing or UnjudgedReason.MODEL_FAULT
        if missing is not None and worst.outcome.severity < 2:
            return missing
        return worst if asked == 1 else worst._replace(tokens=spent)

    async def _judge_piece(
        self, policy: Policy, piece: str, patience: Patience
    ) -> Judgement | UnjudgedReason | _TooLong:
        """Ask until there is a judgement, or a reason why there never will be one."""
        user = user_message(piece, f"{self._random.getrandbits(40):010x}")
        endpoint = self._endpoint
        asking = _Asking(endpoint.format)
        while True:
            if endpoint.breaker.is_open and not await self._wait_until_back(patience):
                return UnjudgedReason.OUTAGE
            left_s = patience.left_s(self._clock.now_s())
            if left_s is not None and left_s <= 0:
                return UnjudgedReason.DEADLINE
            asked_s = self._clock.now_s()
            asking.attempt += 1
            try:
                reading = await endpoint.ask(policy, user, asking.format, left_s)
            except PromptTooLong:
                return _TOO_LONG
            except Retryable as error:
                reason = await self._after(error, asking, asked_s, patience)
                if reason is not None:
                    return reason
                continue
            self._note(reading)
            first = self._looks.assess(policy, piece, reading, asking.has_refused)
            if not first.wants_look:
                return first.judgement
            left_s = patience.left_s(self._clock.now_s())
            return await self._looks.look(policy, user, first, left_s)

    def _note(self, reading: Reading) -> None:
        if reading.repair is not Repair.NONE:
            self._metrics.answers_repaired.labels(reading.repair.value).inc()
        if reading.judgement.rules_dropped:
            self._metrics.rules_dropped.inc(reading.judgement.rules_dropped)

    async def _after(
        self, error: Retryable, asking: _Asking, asked_s: float, patience: Patience
    ) -> UnjudgedReason | None:
        """What a failed call means: why the message ends unjudged, or None to ask again."""
        endpoint = self._endpoint
        if isinstance(error, UnknownParameter):
            shorter = asking.format.without(error.field)
            if shorter != asking.format:
                endpoint.leave_out(error)
                asking.format = shorter
                return None
        self._metrics.call_failures.labels(_name(error)).inc()
        if isinstance(error, Crowded | InferenceTimeout) and patience.is_over(self._clock.now_s()):
            # Our own deadline cut the call short: that proves nothing about the endpoint, unless
            # the topic would rather wait than go on without it.
            if not patience.waits_out_outages:
                endpoint.probe_soon()
                return UnjudgedReason.DEADLINE
            is_own = await self._is_own_fault(error, asked_s, patience)
            return UnjudgedReason.DEADLINE if is_own else None
        if error.is_systemic and not await self._is_own_fault(error, asked_s, patience):
            if not endpoint.breaker.is_open:
                await self._wait(asking.attempt, error, patience)
            return None
        asking.own_failures += 1
        is_refusal = isinstance(error, ModelFault) and error.reason == Fault.REFUSAL
        asking.has_refused |= is_refusal
        if is_refusal and asking.own_failures > 1:
            return UnjudgedReason.REFUSED
        if asking.own_failures >= self._retries.attempts_max:
            return UnjudgedReason.REFUSED if is_refusal else _reason(error)
        if isinstance(error, ModelFault):
            asking.format = endpoint.format.for_retry(
                asking.attempt, was_truncated=error.reason == Fault.TRUNCATED
            )
        await self._wait(asking.own_failures, error, patience)
        return None

    async def _is_own_fault(self, error: Retryable, asked_s: float, patience: Patience) -> bool:
        """
        Whether a systemic-looking failure is this message's own, since the endpoint is well.

        It is well if it answered somebody since we asked, or if it answers a probe now. A refusal
        for load is nobody's fault: the call waits and asks again, within its deadline.
        """
        if isinstance(error, Overloaded):
            if patience.waits_out_outages and self._endpoint.last_answer_s < asked_s:
                patience.extend(self._clock.now_s() - asked_s)
            return False
        if self._endpoint.last_answer_s > asked_s:
            return True
        probed_s = self._clock.now_s()
        is_there = await self._endpoint.is_there()
        if patience.waits_out_outages:
            patience.extend(self._clock.now_s() - probed_s)
            if not is_there:
                patience.extend(probed_s - asked_s)
        return is_there

    async def _wait_until_back(self, patience: Patience) -> bool:
        """Wait for an endpoint that is out; False where the topic would rather go on without."""
        if not patience.waits_out_outages:
            self._endpoint.probe_soon()
            return False
        while self._endpoint.breaker.is_open:
            started_s = self._clock.now_s()
            await self._endpoint.is_there()
            patience.extend(self._clock.now_s() - started_s)
        return True

    async def _wait(self, attempt: int, error: Retryable, patience: Patience) -> None:
        seconds = wait_s(self._retries, attempt, error, self._random.random())
        left_s = patience.left_s(self._clock.now_s())
        if left_s is not None:
            seconds = min(seconds, max(0.0, left_s))
        if seconds:
            await asyncio.sleep(seconds)


class Patience:
    """How long a message may take, and whether an outage counts. One per policy of a message."""

    def __init__(self, deadline_s: float | None, waits_out_outages: bool) -> None:
        self._deadline_s = deadline_s
        self.waits_out_outages = waits_out_outages

    def copy(self) -> Patience:
        return Patience(self._deadline_s, self.waits_out_outages)

    def left_s(self, now_s: float) -> float | None:
        return None if self._deadline_s is None else self._deadline_s - now_s

    def is_over(self, now_s: float) -> bool:
        """Whether it has run out, to the millisecond."""
        left_s = self.left_s(now_s)
        return left_s is not None and left_s <= 0.001

    def extend(self, seconds: float) -> None:
        """Time that the endpoint was out does not count."""
        if self._deadline_s is not None:
            self._deadline_s += seconds


class _Asking:
    """How far the asking for one piece has come."""

    def __init__(self, format: RequestFormat) -> None:
        self.format = format
        self.attempt = 0
        self.own_failures = 0
        self.has_refused = False


class _TooLong:
    """A piece that does not fit the server's context."""


_TOO_LONG = _TooLong()


def _name(error: Retryable) -> str:
    return error.reason if isinstance(error, ModelFault) else type(error).__name__


def _reason(error: Retryable) -> UnjudgedReason:
    is_fault = isinstance(error, ModelFault | UnknownParameter)
    return UnjudgedReason.MODEL_FAULT if is_fault else UnjudgedReason.CALL_FAILED
