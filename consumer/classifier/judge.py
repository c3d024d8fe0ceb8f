"""
The classifier: one question per policy of the version, in parallel, over all pieces of the text.

The most severe judgement of any piece counts, and a piece without one leaves the whole unjudged.
How one piece is asked about until there is a judgement is in `asking/`.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import NamedTuple

from consumer.classifier.asking.asker import Asker, TooLong
from consumer.classifier.asking.patience import Patience
from consumer.classifier.asking.trail import Listener, Trail
from consumer.classifier.prompt import context_part, template_of, user_message
from consumer.classifier.question import PolicyQuestion
from consumer.classifier.segments import segments
from consumer.domain.binding import Binding
from consumer.domain.messages.context import Context
from consumer.domain.policy import Outcome, Policy, PolicyVersion
from consumer.domain.verdicts.decision import gravest
from consumer.domain.verdicts.judged import Judged
from consumer.domain.verdicts.verdict import NO_TOKENS, Judgement, UnjudgedReason
from consumer.inference.fleet.fleet import Fleet
from consumer.inference.pacing.retry import RetryLimits
from consumer.telemetry.telemetry import Telemetry

HALF_BYTES_MIN = 400
"""No piece is cut shorter: a context that does not hold this beside a policy judges nothing."""
HALF_OVERLAP_CHARS = 100
"""What straddles the cut stands whole in one half; a slur or a threat is shorter."""


class SegmentLimits(NamedTuple):
    """How long text is cut; see `segments`."""

    bytes_max: int = 16_000
    overlap_chars: int = 400
    count_max: int = 8


Found = tuple[Judgement | None, UnjudgedReason | None]
"""What came of one policy: its judgement, and why some piece of the text has none."""


class SafeguardClassifier:
    """Judges texts at a fleet of endpoints."""

    def __init__(
        self,
        fleet: Fleet,
        retries: RetryLimits,
        cut: SegmentLimits,
        telemetry: Telemetry,
        random: Random,
    ) -> None:
        self._asker = Asker(fleet, retries, telemetry, random)
        self._cut = cut
        self._clock = telemetry.clock
        self._random = random
        self.listener: Listener | None = None
        """For a person who looks on; without one no answer is kept."""

    async def classify(
        self,
        text: str,
        version: PolicyVersion,
        binding: Binding,
        deadline_s: float | None,
        context: Context | None = None,
    ) -> Judged:
        started_s = self._clock.now_s()
        pieces = segments(text, *self._cut)
        judgements: list[Judgement] = []
        reasons: list[UnjudgedReason] = []
        patience = Patience(
            deadline_s, binding.on_outage == "wait", binding.lane, Trail(self.listener)
        )
        if pieces is None:
            reasons.append(UnjudgedReason.TOO_LONG)
        else:
            before = context_part(context)
            if len(version.policies) == 1:
                results = [await self._judge(version.policies[0], pieces, before, patience)]
            else:
                # Each has its own time: an outage that one waits out says nothing of the others.
                results = await asyncio.gather(
                    *(self._judge(p, pieces, before, patience.copy()) for p in version.policies)
                )
            for found, missing in results:
                if found is not None:
                    judgements.append(found)
                if missing is not None:
                    reasons.append(missing)
        return Judged(
            judgements=tuple(judgements),
            unjudged=gravest(reasons),
            model_ms=(self._clock.now_s() - started_s) * 1_000,
            endpoint=patience.trail.endpoints,
            model=patience.trail.models,
            template=template_of(binding, patience.trail.spoken),
            usage=patience.tally.usage,
            context=None if pieces is None else context,
            heard=patience.trail.heard,
        )

    async def _judge(
        self, policy: Policy, pieces: list[str], context: str, patience: Patience
    ) -> Found:
        """
        The most severe judgement of any piece, and why any piece has none.

        Each piece is shown the same context. Where one has no judgement an allow of the others says
        nothing, and is left out; what they flag stands beside the reason, and a block stands alone.
        """
        todo = pieces[::-1]
        worst: Judgement | None = None
        spent = NO_TOKENS
        asked = 0
        missing: list[UnjudgedReason] = []
        while todo:
            piece = todo.pop()
            asked += 1
            # Between markers that nobody can foresee.
            user = user_message(piece, f"{self._random.getrandbits(40):010x}", context)
            question = PolicyQuestion(policy, user, patience.lane)
            result = await self._asker.ask(question, piece, patience)
            if isinstance(result, TooLong):
                # The server's context is smaller than our guess: halve and judge both halves.
                size = max(HALF_BYTES_MIN, len(piece.encode()) // 2)
                halves = segments(piece, size, HALF_OVERLAP_CHARS, self._cut.count_max)
                calls = asked + len(todo) + len(halves or ())
                if halves is None or len(halves) < 2 or calls > self._cut.count_max:
                    missing.append(UnjudgedReason.TOO_LONG)
                    break
                todo.extend(reversed(halves))
            elif isinstance(result, Judgement):
                spent += result.tokens
                if worst is None or result.outcome.severity > worst.outcome.severity:
                    worst = result
                if result.outcome is Outcome.BLOCK:
                    break
            else:
                missing.append(result)
        if worst is not None and worst.tokens is not spent:
            worst = worst._replace(tokens=spent)
        if worst is not None and worst.outcome is Outcome.BLOCK:
            return worst, None
        if missing and worst is not None and worst.outcome is Outcome.ALLOW:
            worst = None
        return worst, gravest(missing)
