"""
Says of each answer how sure it is, and asks once more where the policy wants that of unsure ones.

A second look takes a place like any other call, in the lane of its message.

Everything here is for one worker process and begins anew with it.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import lru_cache

import structlog

from consumer.classifier.asking.patience import Patience
from consumer.classifier.confidence.calibration import Calibration
from consumer.classifier.confidence.certainty import doubt_of, reasoning_length, signs_of
from consumer.classifier.confidence.second_look import (
    LookBudget,
    combined,
    refused_once,
    without_look,
)
from consumer.classifier.parser import Reading
from consumer.classifier.prompt import system_message
from consumer.classifier.question import PolicyQuestion
from consumer.domain.policy import Effort, Look, Policy, SecondLookTerms
from consumer.domain.value import Value
from consumer.domain.verdicts.certainty import Certainty, Sign
from consumer.domain.verdicts.verdict import Judgement
from consumer.errors import Retryable
from consumer.inference.blame.failures import is_refusal
from consumer.inference.fleet.fleet import Fleet
from consumer.inference.wires.usage import count_failed
from consumer.telemetry.telemetry import Telemetry

log = structlog.get_logger()

POLICIES_MAX = 512
"""Calibrations kept in memory (about 4 kB each); the one that was unused for longest goes first."""
SEED_STEP = 1_000
"""Added to the seed of a look, past every seed that a retry of the first one could have had."""


class Assessed(Value, frozen=True):
    """A first judgement with its certainty, and whether it wants a second look."""

    judgement: Judgement
    wants_look: bool
    doubt: float
    """By the table alone: what the second look is counted under."""
    learned: Learned


class Learned:
    """What is learned of one policy, and what it may still spend."""

    def __init__(self, terms: SecondLookTerms | None) -> None:
        self.calibration = Calibration()
        self.budget = None if terms is None else LookBudget(terms.share)

    def __repr__(self) -> str:
        return f"<Learned {self.calibration!r} {self.budget!r}>"


class Looks:
    """Certainties of all policies, and second looks at the same endpoints or at second ones."""

    def __init__(self, fleet: Fleet, telemetry: Telemetry) -> None:
        self._fleet = fleet
        self._metrics = telemetry.metrics
        self._clock = telemetry.clock
        self._learned: dict[tuple[object, ...], Learned] = {}
        """By the prompt, the least recently used first."""
        self._latest: tuple[Policy, str, Learned] | None = None
        """Of the last answer, and under which model it was: the next one is mostly alike."""
        self._lacks_second_told: set[str] = set()

    def __repr__(self) -> str:
        return f"<Looks at {len(self._learned)} policies>"

    def assess(self, policy: Policy, text: str, reading: Reading, has_refused: bool) -> Assessed:
        """The certainty of a first answer. Called once for each, in the order they came."""
        learned = self._learned_of(policy)
        length = reasoning_length(reading.judgement)
        shorter = None if length is None else learned.calibration.place(length)
        signs = signs_of(reading, policy, text, has_refused)
        doubt = doubt_of(shorter, signs, reading.judgement.confidence)
        score = learned.calibration.score(doubt)
        if shorter is not None:
            signs = (Sign.REASONING_LENGTH, *signs)
        certainty = Certainty(score, learned.calibration.is_calibrated(doubt), signs)
        self._metrics.certainty.observe(score)
        wants_look = learned.budget is not None and learned.budget.wants(score)
        judgement = reading.judgement._replace(certainty=certainty)
        return Assessed(judgement, wants_look, doubt, learned)

    async def look(
        self, question: PolicyQuestion, first: Assessed, patience: Patience
    ) -> Judgement:
        """Ask once more in the time that is left; where nothing comes the first one stands."""
        policy = question.policy
        assert policy.second_look is not None
        how, samples = self._how(policy), policy.second_look.samples
        fleet = self._fleet.second if how is Look.ENDPOINT and self._fleet.second else self._fleet
        others: list[Judgement] = []
        if not patience.is_over(self._clock.now_s()) and not fleet.is_out:
            if how is Look.EFFORT:
                question = question._replace(policy=thorough(policy))
            asked = [self._ask(fleet, question, number, patience) for number in range(samples)]
            found = await asyncio.gather(*asked)
            others = [each for each in found if isinstance(each, Judgement)]
            if any(isinstance(each, Retryable) and is_refusal(each) for each in found):
                first = first._replace(judgement=refused_once(first.judgement))
        if not others:
            self._metrics.second_looks.labels("not_made").inc()
            return without_look(first.judgement)
        differed = sum(other.label != first.judgement.label for other in others)
        first.learned.calibration.learn(first.doubt, len(others), differed)
        self._metrics.second_looks.labels("disagreed" if differed else "agreed").inc()
        return combined(first.judgement, others, how)

    async def _ask(
        self,
        fleet: Fleet,
        question: PolicyQuestion,
        number: int,
        patience: Patience,
    ) -> Judgement | Retryable | None:
        """
        One more answer, or why there is none; None where there was no place in time.

        It is asked for once: a second look is not worth a retry.
        """
        place = await fleet.places.take(question, patience.left_s(self._clock.now_s()))
        if place is None:
            return None
        # It may have been waited for to the end.
        now_s = self._clock.now_s()
        if patience.is_over(now_s):
            fleet.places.give_back(place)
            return None
        format = place.format
        if fleet is self._fleet:
            format = format.for_retry(SEED_STEP + number, was_truncated=False)
        try:
            left_s = patience.left_s(now_s)
            reading = await fleet.calls.ask(place, question, format, left_s, patience.tally)
        except Retryable as error:
            count_failed(error, patience.tally)
            return error
        patience.tally.judged(reading.judgement.tokens)
        return reading.judgement

    def _how(self, policy: Policy) -> Look:
        assert policy.second_look is not None
        how = policy.second_look.how
        if how is Look.ENDPOINT and self._fleet.second is None:
            if policy.name not in self._lacks_second_told:
                self._lacks_second_told.add(policy.name)
                log.warning(
                    "no second endpoint is configured: second looks go to the first one with "
                    "another seed; say how: samples in the policy, or give one of "
                    'inference.endpoints role = "second"',
                    policy=policy.name,
                )
            return Look.SAMPLES
        formats = [endpoint.format for endpoint in self._fleet.endpoints]
        if how is Look.EFFORT and not all(format.with_effort for format in formats):
            return Look.SAMPLES
        return how

    def _learned_of(self, policy: Policy) -> Learned:
        # By the prompt, not by the object: a reload that changes nothing must forget nothing.
        model = self._fleet.endpoints[0].format.model
        latest = self._latest
        if latest is not None and latest[0] is policy and latest[1] == model:
            return latest[2]
        key = (system_message(policy), policy.effort, policy.second_look, model)
        learned = self._learned.pop(key, None) or Learned(policy.second_look)
        self._learned[key] = learned
        if len(self._learned) > POLICIES_MAX:
            del self._learned[next(iter(self._learned))]
        self._latest = policy, model, learned
        return learned


@lru_cache(maxsize=1024)
def thorough(policy: Policy) -> Policy:
    """The same policy with the next higher effort; kept, since prompts are cached by policy."""
    return replace(policy, effort=_NEXT[policy.effort])


_NEXT = {Effort.LOW: Effort.MEDIUM, Effort.MEDIUM: Effort.HIGH, Effort.HIGH: Effort.HIGH}
