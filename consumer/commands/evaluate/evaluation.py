"""The command `evaluate` on a file of cases: survey it, judge it, measure it, and report."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from consumer.commands.costs.prices import TokenPrice
from consumer.commands.dead_letters.letter import printable
from consumer.commands.evaluate.assault import Assault
from consumer.commands.evaluate.cases.columns import Columns, Reader
from consumer.commands.evaluate.cases.formats import cases_file
from consumer.commands.evaluate.cases.own import cases_file as own_cases
from consumer.commands.evaluate.cases.survey import Survey, survey
from consumer.commands.evaluate.cases.texts import Texts
from consumer.commands.evaluate.measures.robustness import RobustnessMeasures
from consumer.commands.evaluate.measuring import Measured, Measuring
from consumer.commands.evaluate.report.document import (
    CasesSummary,
    EvaluationDocument,
    ResultsSummary,
)
from consumer.commands.evaluate.report.export import export
from consumer.commands.evaluate.report.gates import check_names, gates_in, hold
from consumer.commands.evaluate.report.page import page
from consumer.commands.evaluate.report.published import published_for
from consumer.commands.evaluate.report.table import table
from consumer.commands.evaluate.request import CasesRequest
from consumer.commands.evaluate.runs.judging import Bound, Judging, judges_of, models_of
from consumer.commands.evaluate.runs.plan import Run, runs_of
from consumer.commands.evaluate.runs.progress import RunProgress
from consumer.commands.evaluate.runs.results import ResultsFile
from consumer.commands.terminal import bars, ending_at_once
from consumer.domain.binding import Binding
from consumer.domain.counted import counted
from consumer.errors import InvalidSettings
from consumer.registry.load import binding_of, load_catalogue
from consumer.settings.settings import Settings
from consumer.telemetry.clock import SystemClock

SHOWN_CHARS = 60
AFTERWARDS = 2.0
"""Measuring and writing the report take so many times what reading the cases took: seen with 24,783
rows, each of which is read once more for either."""


async def evaluate_cases(settings: Settings, request: CasesRequest, *, as_json: bool) -> int:
    """Print how the cases were judged; 0 where something was judged and every bound was kept."""
    request.check()
    with tempfile.TemporaryDirectory(prefix="evaluate-") as spool:
        folder = request.folder or settings.policies.folder
        binding = binding_of(load_catalogue(folder), request.topic)
        models = request.models or (models_of(settings),)
        runs = runs_of(
            binding, request.versions, models, request.efforts, with_rerun=request.with_rerun
        )
        cases = request.cases or str(own_cases(folder, runs[0].version))
        clock = SystemClock()
        began_s = clock.now_s()
        with ending_at_once():
            file = cases_file(cases, Path(spool))
            reader = Reader(request.columns, runs[0].version)
            found = survey(file, request.columns, reader)
            read_s = clock.now_s() - began_s
            _check_versions(runs, found)
            check_names((*gates_in(binding.gate), *request.gates), runs[0].version)
            _show(found, request)
        if found.with_context and binding.context is None:
            with_context = counted(found.with_context, "text")
            _say(f"{with_context} with context: the topic shows none, nor is it shown here")
        texts = Texts(file, reader, found.texts, request.limit)
        for path in request.exports:
            export(path, iter(texts), runs[0].version)
        results = request.results or Path(f"evaluation-{request.topic}-{_stem(request)}.jsonl")
        with ResultsFile(results) as kept:
            evaluation = Evaluation(settings, request, binding, runs, texts, kept)
            try:
                document = await evaluation.document(found, AFTERWARDS * read_s)
            except asyncio.CancelledError:
                _say(f"stopped; what was judged is in {results}: the same command goes on")
                raise
    for path in request.reports:
        _write(path, document, texts)
    for line in [document.json().decode().rstrip()] if as_json else table(document):
        print(line)
    return 0 if document.is_passed else 1


class Evaluation:
    """Judges the texts, and measures what came of it."""

    def __init__(
        self,
        settings: Settings,
        request: CasesRequest,
        binding: Binding,
        runs: tuple[Run, ...],
        texts: Texts,
        results: ResultsFile,
    ) -> None:
        self._settings = settings
        self._request = request
        self._binding = binding
        self._runs = runs
        self._texts = texts
        self._results = results

    def __repr__(self) -> str:
        return f"<Evaluation of {self._texts!r} in {len(self._runs)} runs>"

    async def document(self, found: Survey, after_s: float) -> EvaluationDocument:
        """
        `after_s` is what measuring and the report will take, for those who wait.

        Raises:
            EndpointRefused: key, model or path are wrong.
            Retryable: the endpoint cannot be reached, or went away.
        """
        request, runs = self._request, self._runs
        price = request.prices.price(0.0, 0.0)
        if price is not None and not isinstance(price, TokenPrice):
            raise InvalidSettings("--gpu-hour is no price of an evaluation: give prices of tokens")
        models = [run.model for run in runs]
        bound = Bound(self._results, request.tokens_max)
        policies = tuple(dict.fromkeys(policy for policy, _ in sorted(found.labels)))
        console = Console(stderr=True)
        async with judges_of(self._settings, self._binding, models) as judges:
            measuring = Measuring(runs, judges, self._binding, self._results, policies)
            total = _questions(self._texts, found) * len(runs)
            kept = counted(self._results.kept, "answer")
            _say(f"judging {counted(total, 'question')}, {kept} kept from before")
            with bars(console) as progress:
                watch = RunProgress(
                    progress, console, self._results, SystemClock(), price, total, after_s
                )
                judging = Judging(judges, self._binding, self._results, bound, watch.advance)
                await judging.judge_all(iter(self._texts), runs, request.concurrency)
                measured = measuring.measure(iter(self._texts), price)
                robustness = None
                if request.attacks:
                    assault = Assault(judging, judges[models[0]], runs[0], self._results)
                    robustness = await assault.measure(
                        self._texts, request.attacks, request.concurrency
                    )
            endpoint = ",".join(dict.fromkeys(judge.endpoint for judge in judges.values()))
        is_left = any(run.unanswered for run in measured.runs)
        is_stopped = bound.is_spent and is_left
        is_part = is_left or len(self._texts) < found.texts
        return self._document(
            found, measured, robustness, endpoint, is_stopped=is_stopped, is_part=is_part
        )

    def _document(
        self,
        found: Survey,
        measured: Measured,
        robustness: RobustnessMeasures | None,
        endpoint: str,
        *,
        is_stopped: bool,
        is_part: bool,
    ) -> EvaluationDocument:
        results, texts = self._results, self._texts
        # What a version must reach it must reach on all of them: a few decide nothing.
        of_topic = gates_in(self._binding.gate)
        gates = self._request.gates if is_part else (*of_topic, *self._request.gates)
        return EvaluationDocument(
            "safeguard.evaluation.v1",
            self._request.topic,
            endpoint,
            _summary(found, texts, self._request.columns),
            ResultsSummary(
                str(results.path), results.size, results.kept, results.judged_twice, is_stopped
            ),
            measured.runs,
            measured.comparisons,
            robustness,
            None
            if is_part
            else published_for(found.digest, self._request.preset, found.texts, measured.runs),
            hold(gates, measured.runs),
            tuple(str(gate) for gate in of_topic) if is_part else (),
            measured.mistakes,
        )


def _stem(request: CasesRequest) -> str:
    if request.cases is None:
        return "own-cases"
    return "stdin" if request.cases == "-" else Path(request.cases).stem


def _check_versions(runs: tuple[Run, ...], found: Survey) -> None:
    """
    Raises:
        InvalidSettings: a version lacks a policy or a label that the cases have.
    """
    for run in runs:
        outcomes = {policy.name: policy.outcomes for policy in run.version.policies}
        for policy, label in found.labels:
            if label not in outcomes.get(policy, {}):
                raise InvalidSettings(
                    f"{run.version.id} has no label {label} under {policy}, which the cases have: "
                    "only versions with the same labels can be compared"
                )


def _show(found: Survey, request: CasesRequest) -> None:
    """The mapping and the first rows on stderr; a person is asked whether they are as meant."""
    lines = [*request.columns.lines(), *found.lines()]
    for text in found.first:
        start = " ".join(text.text.split())[:SHOWN_CHARS]
        labels = ", ".join(f"{policy} {label}" for policy, label in text.labels.items())
        lines.append(f"line {text.line}, id {text.id}: {labels}: {start}")
    # Words of the file are in them, which a terminal must not obey.
    _say("\n".join(printable(line.encode("utf-8", "replace")) for line in lines))
    is_asked = request.cases not in (None, "-") and sys.stdin.isatty() and sys.stderr.isatty()
    if is_asked and not request.is_confirmed:
        print("Is that what the columns mean? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise InvalidSettings(
                "nothing was judged: --map and --labels say what the columns mean"
            )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _questions(texts: Texts, found: Survey) -> int:
    return round(found.judgements * len(texts) / max(1, found.texts))


def _summary(found: Survey, texts: Texts, columns: Columns) -> CasesSummary:
    labels: dict[str, dict[str, int]] = {}
    for (policy, label), count in sorted(found.labels.items()):
        labels.setdefault(policy, {})[label] = count
    return CasesSummary(
        texts.file.shown,
        found.digest,
        found.rows,
        found.texts,
        len(texts),
        found.unlabelled,
        found.bad.count,
        found.bad.first,
        found.duplicates.count,
        found.contradictions.count,
        found.contradictions.first,
        labels,
        columns.column("text"),
    )


def _write(path: Path, document: EvaluationDocument, texts: Texts) -> None:
    if path.suffix.lower() == ".json":
        content = document.json()
    else:
        wanted = {mistake.line for mistake in document.mistakes}
        wanted |= {flip.line for found in document.comparisons for flip in found.named}
        shown = {text.line: text.text for text in texts if text.line in wanted}
        content = page(document, shown).encode("utf-8", "replace")
    try:
        path.write_bytes(content)
    except OSError as error:
        raise InvalidSettings(f"--report {path}: {error.strerror}") from None
