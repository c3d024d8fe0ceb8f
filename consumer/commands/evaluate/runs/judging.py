"""Judges every text in every run, so many at a time, and keeps each answer as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

from consumer.classifier.prompt import template_of
from consumer.commands.evaluate.cases.labelled import LabelledText
from consumer.commands.evaluate.cases.setting import context_shown, shown_digest
from consumer.commands.evaluate.runs.answer import KeptAnswer, answer_of
from consumer.commands.evaluate.runs.plan import Run
from consumer.commands.evaluate.runs.results import ResultsFile
from consumer.domain.binding import Binding
from consumer.domain.verdicts.verdict import UnjudgedReason
from consumer.errors import InferenceUnavailable
from consumer.interfaces import Classifier, Clock
from consumer.settings.inference import InferenceSettings
from consumer.settings.settings import Settings
from consumer.telemetry.telemetry import Telemetry
from consumer.worker.wiring import build_classifier, build_fleet, build_probers

TOGETHER = 64
"""Texts that are held at one time."""
OUTAGES_MAX = 20
"""So many questions in a row that an endpoint was not there for: the run stops and can go on."""


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """A model that has been probed, and how it is asked."""

    model: str
    classifier: Classifier
    clock: Clock
    endpoint: str
    served: tuple[str, ...]
    template: str


@asynccontextmanager
async def judges_of(
    settings: Settings, binding: Binding, models: Sequence[str]
) -> AsyncIterator[dict[str, Judge]]:
    """
    A judge for each model, by its name.

    Raises:
        EndpointRefused: key, model or path are wrong.
        Retryable: the endpoint cannot be reached.
    """
    judges: dict[str, Judge] = {}
    fleets = []
    try:
        for model in dict.fromkeys(models):
            inference = _inference_of(settings, model)
            telemetry = Telemetry()
            fleet = build_fleet(inference, telemetry)
            fleets.append(fleet)
            found = await build_probers(inference, fleet, telemetry.clock).probe_first()
            classifier = build_classifier(inference, fleet, telemetry)
            # Faults and the labels in them are counted; without a listener no answer is kept.
            classifier.listener = lambda heard: None
            spoken = [endpoint.format.spoken for endpoint in fleet.endpoints]
            judges[model] = Judge(
                model,
                classifier,
                telemetry.clock,
                ",".join(endpoint.name for endpoint in fleet.endpoints),
                tuple(found.models),
                template_of(binding, spoken),
            )
        yield judges
    finally:
        for fleet in fleets:
            await fleet.close()


def models_of(settings: Settings) -> str:
    """The name of what the settings ask for: the models of all endpoints that judge first."""
    inference = settings.inference
    own = [each.model for each in inference.endpoints.values() if each.role == "first"]
    return ",".join(dict.fromkeys(model or inference.model for model in own)) or inference.model


def _inference_of(settings: Settings, model: str) -> InferenceSettings:
    """The settings, with every endpoint that judges asked for that model."""
    inference = settings.inference
    if model == models_of(settings):
        return inference
    endpoints = {
        name: each.model_copy(update={"model": model}) if each.role == "first" else each
        for name, each in inference.endpoints.items()
    }
    return inference.model_copy(update={"model": model, "endpoints": endpoints})


class PolicyCall(NamedTuple):
    """One text under one policy in one run."""

    text: LabelledText
    digest: str
    """Of the text, and of what is shown beside it."""
    run: Run
    policy: str
    key: str


class Bound:
    """What the run may cost, and whether it has."""

    def __init__(self, results: ResultsFile, tokens_max: int) -> None:
        self._results = results
        self._tokens_max = tokens_max

    def __repr__(self) -> str:
        return (
            f"<Bound {self._results.billed_tokens} of {self._tokens_max or 'any number of'} tokens>"
        )

    @property
    def is_spent(self) -> bool:
        return 0 < self._tokens_max <= self._results.billed_tokens


class Judging:
    """Asks what the results file lacks."""

    def __init__(
        self,
        judges: dict[str, Judge],
        binding: Binding,
        results: ResultsFile,
        bound: Bound,
        advance: Callable[[KeptAnswer | None], None],
    ) -> None:
        self._judges = judges
        # Somebody waits for the end: an endpoint that goes away leaves texts unjudged.
        self._binding = replace(binding, on_outage="unjudged")
        self._results = results
        self._bound = bound
        self._advance = advance
        self._asking: set[str] = set()
        self._outages = 0

    def __repr__(self) -> str:
        return f"<Judging {len(self._asking)} at once into {self._results!r}>"

    async def judge_all(
        self, texts: Iterator[LabelledText], runs: Sequence[Run], concurrency: int
    ) -> None:
        """
        Judge each text in each run under each policy that it has a label of.

        Raises:
            InferenceUnavailable: nothing could be asked any more; what was judged is kept.
        """
        questions = self._calls(texts, runs)

        async def work() -> None:
            for question in questions:
                await self._ask(question)
                if self._outages >= OUTAGES_MAX:
                    raise InferenceUnavailable(
                        f"{self._outages} questions in a row found no server; what was judged is "
                        f"in {self._results.path}: the same command goes on from there"
                    )

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(concurrency):
                    group.create_task(work())
        except ExceptionGroup as several:
            # Each is the same: what one of those at work met, its neighbours met.
            raise several.exceptions[0] from None

    def _calls(self, texts: Iterator[LabelledText], runs: Sequence[Run]) -> Iterator[PolicyCall]:
        """
        Some texts under one policy after the other: a server that has judged one text has the
        policy in its cache for the next, and a run that is stopped leaves few texts half judged.
        """
        while several := list(islice(texts, TOGETHER)):
            for run in runs:
                judge = self._judges[run.model]
                for policy in run.alone:
                    for text in several:
                        if policy not in text.known:
                            continue
                        if self._bound.is_spent:
                            return
                        digest = shown_digest(text, self._binding.context)
                        key = run.key(digest, policy, judge.template, judge.served)
                        if key in self._asking or self._results.has(key):
                            self._advance(None)
                        else:
                            yield PolicyCall(text, digest, run, policy, key)

    async def _ask(self, question: PolicyCall) -> None:
        run, policy, key = question.run, question.policy, question.key
        judge = self._judges[run.model]
        limit_s = self._binding.deadline_s
        self._asking.add(key)
        try:
            judged = await judge.classifier.classify(
                question.text.text,
                run.alone[policy],
                self._binding,
                judge.clock.now_s() + limit_s if limit_s else None,
                context_shown(question.text, self._binding.context),
            )
            document = run.alone[policy].policies[0]
            text = question.text.text
            answer = answer_of(key, question.digest, run.name, document, judged, text)
            self._results.keep(answer)
        finally:
            self._asking.discard(key)
        is_out = answer.reason is UnjudgedReason.OUTAGE
        self._outages = self._outages + 1 if is_out else 0
        self._advance(answer)
