"""The command `evaluate`: labelled cases and attacks against the configured endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal, NamedTuple, TypeVar

from rich.console import Console
from rich.progress import Progress

from consumer.classifier.hearsay import told
from consumer.classifier.prompt import template_of
from consumer.commands.evaluate.attacks import Attack, attacks_on, bases_of
from consumer.commands.evaluate.cases.own import Case, read_cases
from consumer.commands.evaluate.report.suites import STAND_IN_NOTE, EvaluationReport
from consumer.commands.evaluate.runs.plan import version_of
from consumer.commands.evaluate.scoring import Answered, score_attacks, score_cases
from consumer.commands.terminal import bars, tell
from consumer.domain.binding import Binding
from consumer.domain.policy import Policy, PolicyVersion
from consumer.domain.verdicts.decision import decide
from consumer.domain.verdicts.judged import Heard
from consumer.errors import InvalidSettings
from consumer.interfaces import Classifier, Clock
from consumer.registry.load import binding_of, load_catalogue
from consumer.settings.settings import Settings
from consumer.telemetry.telemetry import Telemetry
from consumer.worker.wiring import build_classifier, build_fleet, build_probers

Suite = Literal["cases", "attacks", "all"]


class EvaluationRequest(NamedTuple):
    """What to evaluate, as asked for on the command line."""

    topic: str
    version: str | None = None
    """`v2`, or None for the one that judges now."""
    suite: Suite = "all"
    limit: int = 0
    """At most so many cases and so many attacks, spread over all of them; 0 is no limit."""
    concurrency: int = 8


async def evaluate_topic(settings: Settings, request: EvaluationRequest, *, as_json: bool) -> int:
    """Print how the suites went; 0 where no attack worked and no harmful case was let through."""
    with bars(Console(stderr=True)) as progress:
        report = await evaluate(settings, request, progress)
    show = partial(show_report, report)
    tell(report.fields, report.lines(), as_json=as_json, show=show)
    return 0 if report.is_clean else 1


async def evaluate(
    settings: Settings, request: EvaluationRequest, progress: Progress | None = None
) -> EvaluationReport:
    """
    Judge the suites' texts through the classifier that workers use.

    Raises:
        InvalidSettings: no policy binds the topic, it has no such version, or a number is wrong.
        InvalidPolicy: the policies or their cases cannot be read.
        EndpointRefused: key, model or path are wrong.
        Retryable: the endpoint cannot be reached.
    """
    if request.concurrency < 1 or request.limit < 0:
        raise InvalidSettings("--concurrency is 1 or more, --limit 0 or more")
    binding = binding_of(load_catalogue(settings.policies.folder), request.topic)
    version = version_of(binding, request.version)
    cases = read_cases(settings.policies.folder, version)
    telemetry = Telemetry()
    clock = telemetry.clock
    fleet = build_fleet(settings.inference, telemetry)
    try:
        found = await build_probers(settings.inference, fleet, clock).probe_first()
        classifier = build_classifier(settings.inference, fleet, telemetry)
        # The report shows what was said; without a listener no answer is kept.
        classifier.listener = lambda heard: None
        judge = _Judge(classifier, clock, binding, version, request.concurrency)
        report = EvaluationReport(
            version=version.id,
            digest=version.digest,
            endpoint=",".join(each.name for each in fleet.endpoints),
            model=",".join(dict.fromkeys(each.format.model for each in fleet.endpoints)),
            served=found.models,
            template=template_of(binding),
        )
        if request.suite != "attacks":
            chosen = _spread(cases, request.limit)
            answers = await judge.judge_all(chosen, _advance(progress, "cases", len(chosen)))
            results = list(zip(chosen, answers, strict=True))
            report = replace(report, cases=score_cases(results))
        if request.suite != "cases":
            bases = await judge.bases(version, cases)
            suite = [attack for base in bases.values() if base for attack in attacks_on(base)]
            attacks = _spread(suite, request.limit)
            answers = await judge.judge_all(attacks, _advance(progress, "attacks", len(attacks)))
            scores = score_attacks(zip(attacks, answers, strict=True))
            missing = tuple(policy.name for policy, base in bases.items() if base is None)
            report = replace(report, attacks=scores, without_base=missing)
        return report
    finally:
        await fleet.close()


class _Judge:
    """Judges texts under one policy each, so many at a time."""

    def __init__(
        self,
        classifier: Classifier,
        clock: Clock,
        binding: Binding,
        version: PolicyVersion,
        concurrency: int,
    ) -> None:
        self._classifier = classifier
        self._clock = clock
        # Somebody waits for the end: an endpoint that goes away leaves texts unjudged.
        self._binding = replace(binding, on_outage="unjudged")
        self._alone: Mapping[Policy, PolicyVersion] = {
            policy: PolicyVersion(version.set_name, version.number, (policy,), version.digest)
            for policy in version.policies
        }
        self._places = asyncio.Semaphore(concurrency)

    async def judge_all(
        self, texts: Sequence[Case | Attack], advance: Callable[[], None]
    ) -> list[Answered]:
        async def judge(text: Case | Attack) -> Answered:
            answer = await self.judge(text)
            advance()
            return answer

        return list(await asyncio.gather(*map(judge, texts)))

    async def judge(self, text: Case | Attack) -> Answered:
        """The answer under the one policy that the text is about: others would hide a miss."""
        async with self._places:
            limit_s = self._binding.deadline_s
            deadline_s = self._clock.now_s() + limit_s if limit_s else None
            judged = await self._classifier.classify(
                text.text, self._alone[text.policy], self._binding, deadline_s
            )
        outcome, _, reason = decide(judged, self._binding)
        label = judged.judgements[0].label if reason is None else None
        last = judged.heard[-1] if judged.heard else Heard(text.policy.name)
        return Answered(label, outcome, reason, told(last) if reason else "", last.answer)

    async def bases(
        self, version: PolicyVersion, cases: Sequence[Case]
    ) -> dict[Policy, Case | None]:
        """
        For each policy the first harmful text that is judged as severely as its case says.

        What the model misses without any attack proves nothing about one.
        """
        found: dict[Policy, Case | None] = {}
        for policy in version.policies:
            found[policy] = None
            for case in bases_of(policy, cases):
                answer = await self.judge(case)
                is_right = answer.outcome.severity >= case.outcome.severity
                if answer.label is not None and is_right:
                    found[policy] = case
                    break
        return found


Text = TypeVar("Text")


def _spread(texts: Sequence[Text], limit: int) -> Sequence[Text]:
    """At most so many, evenly from all of them, so that every family has its turn."""
    if limit == 0 or len(texts) <= limit:
        return texts
    return [texts[number * len(texts) // limit] for number in range(limit)]


def _advance(progress: Progress | None, what: str, total: int) -> Callable[[], None]:
    if progress is None:
        return lambda: None
    return partial(progress.advance, progress.add_task(what, total=total))


def show_report(report: EvaluationReport, console: Console) -> None:
    """The report for a person at a terminal: the same lines, with what matters in colour."""
    for line in report.lines():
        style = "red" if line.lstrip().startswith(("BROKEN", "LET THROUGH")) else None
        style = "yellow" if line == STAND_IN_NOTE else style
        if line == report.conclusion:
            style = "green" if report.is_clean else "red"
        console.print(line, style=style, markup=False, soft_wrap=True)
