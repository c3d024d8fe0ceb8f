"""`decision fit` and `decision check`: thresholds from golden cases, and whether they hold."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from consumer.commands.decision.asking import AskedCases, CaseAsker
from consumer.commands.evaluate.cases.own import Case, read_cases
from consumer.commands.place import check_place
from consumer.commands.policy import version_named
from consumer.commands.terminal import tell
from consumer.domain.policy import Outcome, PolicyVersion
from consumer.domain.verdicts.headers import rfc3339
from consumer.errors import InferenceUnavailable, InvalidSettings
from consumer.registry.load import binding_of, load_catalogue
from consumer.screening.audits.terms import AuditTerms
from consumer.screening.decision.artefact import (
    DecisionArtefact,
    DecisionHead,
    made,
    mismatch,
    read_decision,
    unlike,
    write_decision,
)
from consumer.screening.decision.deciding import NO_ENDPOINT, policies_without_question
from consumer.screening.decision.fit import Demand, fit, halved, shown_by, survival_of
from consumer.screening.decision.statements import statements_of
from consumer.screening.prefilter.recall import shortage
from consumer.settings.settings import Settings
from consumer.telemetry.clock import SystemClock
from consumer.worker.wiring import build_decision


class FitRequest(NamedTuple):
    """What to fit, as asked for on the command line."""

    topic: str
    recall: float
    flips_max: float
    out: Path | None = None
    version: str | None = None
    """`topic@v2`; the live one by default."""
    alpha: float = 0.05


class Answers(NamedTuple):
    """What the endpoint said, and how it was asked."""

    asked: AskedCases
    model: str
    wire: str


def fit_thresholds(settings: Settings, request: FitRequest, *, as_json: bool) -> int:
    """Write thresholds and print what they rest on; 0 where a worker may use them."""
    if not 0.5 <= request.recall <= 0.999:
        raise InvalidSettings(f"--recall {request.recall:g}: give 0.5 to 0.999")
    if not 0.0001 <= request.alpha <= 0.5:
        raise InvalidSettings(f"--alpha {request.alpha:g}: give 0.0001 to 0.5")
    if not 0.0 <= request.flips_max <= 1.0:
        raise InvalidSettings(f"--flips {request.flips_max:g}: give 0 to 1")
    version = _version(settings, request)
    file = request.out or Path(f"{version.id.replace('/', '_')}.decision")
    check_place("--out", file)
    lacking = lacking_cases(read_cases(settings.policies.folder, version), request, version)
    answers = asyncio.run(_ask(settings, version))
    try:
        artefact = made(_head(version, answers, request))
    except InvalidSettings as error:
        # Both are mended by cases: who adds some should add enough.
        raise InvalidSettings(". ".join([str(error), *lacking])) from None
    write_decision(file, artefact)
    lines = [f"written: {file}", *_lines(artefact), *lacking]
    return _tell(artefact, file, lines, version, answers, as_json=as_json)


def check_thresholds(settings: Settings, topic: str, file: Path, *, as_json: bool) -> int:
    """
    Ask about every golden case anew, and print what thresholds show now; 0 where they hold.

    Raises:
        InvalidSettings: they are for another version, wording, model or wire.
    """
    head = read_decision(file).head
    version = binding_of(load_catalogue(settings.policies.folder), topic).live
    problem = mismatch(head, version.digest, statements_of(version))
    if problem is not None:
        raise InvalidSettings(problem)
    answers = asyncio.run(_ask(settings, version))
    problem = unlike(head, answers.model, answers.wire)
    if problem is not None:
        raise InvalidSettings(problem)
    bars = [head.thresholds[name] for name in head.statements]
    cases = answers.asked.cases
    now = made(
        head.model_copy(
            update={
                "answered_by": answers.asked.answered_by,
                "shown": shown_by(halved(cases).certifying, bars, head.alpha),
                "survival": survival_of(cases, bars),
            }
        )
    )
    lines = [f"asked anew: {file}", *_lines(now)]
    return _tell(now, file, lines, version, answers, as_json=as_json)


def _version(settings: Settings, request: FitRequest) -> PolicyVersion:
    catalogue = load_catalogue(settings.policies.folder)
    binding = binding_of(catalogue, request.topic)
    return version_named(catalogue, request.version) if request.version else binding.live


async def _ask(settings: Settings, version: PolicyVersion) -> Answers:
    """
    What the endpoint says of the version's cases.

    Raises:
        InvalidSettings: there is no endpoint in the settings.
        InferenceUnavailable: it is not there.
    """
    cases = read_cases(settings.policies.folder, version)
    endpoint = build_decision(settings.inference.decision, SystemClock())
    if endpoint is None:
        raise InvalidSettings(NO_ENDPOINT)
    try:
        why = await endpoint.probe()
        if why is not None or endpoint.wire is None:
            raise InferenceUnavailable(f"the decision endpoint is not there: {why}")
        return Answers(await CaseAsker(endpoint, version).ask(cases), endpoint.model, endpoint.wire)
    finally:
        await endpoint.close()


def _head(version: PolicyVersion, answers: Answers, request: FitRequest) -> DecisionHead:
    statements = statements_of(version)
    demand = Demand(request.recall, request.alpha, AuditTerms().near_share)
    found = fit(answers.asked.cases, list(statements), demand)
    return DecisionHead(
        made_at=rfc3339(SystemClock().wall_ms()),
        version=version.id,
        version_digest=version.digest,
        model=answers.model,
        answered_by=answers.asked.answered_by,
        wire=answers.wire,
        statements=statements,
        recall=request.recall,
        alpha=request.alpha,
        flips_max=request.flips_max,
        **found._asdict(),
    )


def _lines(artefact: DecisionArtefact) -> list[str]:
    """For a person."""
    head, shown = artefact.head, artefact.head.shown
    bars = ", ".join(f"{name} {value:.3f}" for name, value in head.thresholds.items())
    flips = ", ".join(f"{name} {count}" for name, count in head.survival.flips.items())
    return [
        f"thresholds for {head.version}, decision model {head.model} over {head.wire}: {bars}",
        f"recall {head.recall:g} was demanded and {shown.low:.4f} shown with confidence "
        f"{1 - head.alpha:g}: {shown.missed} of {shown.positives} golden cases missed that are "
        "not allowed",
        f"{shown.settled:.1%} of the cases kept back would not reach the safeguard",
        f"of {head.survival.texts} texts flipped by {flips}; {head.flips_max:.0%} may",
    ]


def lacking_cases(cases: Sequence[Case], request: FitRequest, version: PolicyVersion) -> list[str]:
    """How many cases are missing to show the recall at all, by policy, and where to get them."""
    have = Counter(case.policy.name for case in cases if case.outcome is not Outcome.ALLOW)
    total = sum(have.values())
    certifying = total // 2
    found = shortage(certifying, request.recall, request.alpha, prevalence=1.0, share=0.5, rate=0.0)
    if found is None:
        return []
    names = [policy.name for policy in version.policies]
    lacking = shared_out(round(found.messages), [have[name] for name in names])
    by_policy = ", ".join(
        f"{name} has {have[name]} and needs {more} more"
        for name, more in zip(names, lacking, strict=True)
    )
    most = request.alpha ** (1.0 / certifying) if certifying else 0.0
    return [
        f"{round(found.messages):,} more golden cases that are not allowed are needed to show "
        f"recall {request.recall:g}, if none of the half that certifies is missed: {by_policy}",
        f"add them to cases.jsonl of {version.id}: `safeguard review export-cases FILE --topic "
        f"{request.topic}` writes those that people decided, a line a case; texts of your own that "
        "the policy is for count as well. Cases are no part of the version's digest",
        f"or demand less: with {total} such cases at most {most:.3f} can be shown (--recall)",
    ]


def shared_out(count: int, have: Sequence[int]) -> list[int]:
    """As many more for each as bring them to be as even as they can be; all together `count`."""
    more = [0] * len(have)
    for _ in range(count):
        least = min(range(len(have)), key=lambda at: have[at] + more[at])
        more[least] += 1
    return more


def _tell(
    artefact: DecisionArtefact,
    file: Path,
    lines: list[str],
    version: PolicyVersion,
    answers: Answers,
    *,
    as_json: bool,
) -> int:
    head, asked = artefact.head, answers.asked
    by_title = policies_without_question(version)
    if by_title:
        lines.append(f"asked about by title, for want of a `question`: {', '.join(by_title)}")
    if asked.failures:
        lines.append(f"{asked.failures} answers could not be had, the last: {asked.why}")
    if head.problem is not None:
        lines.append(f"A worker refuses it: it {head.problem}.")
    fields: dict[str, object] = {
        "file": os.fspath(file),
        "digest": artefact.digest,
        "problem": head.problem,
        "failures": asked.failures,
        **head.model_dump(),
    }
    tell(fields, lines, as_json=as_json)
    return 0 if head.problem is None else 1
