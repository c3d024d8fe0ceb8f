"""The report as plain lines of at most 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from consumer.commands.dead_letters.letter import printable
from consumer.commands.evaluate.measures.confusion import HarmMeasures
from consumer.commands.evaluate.measures.interval import Interval
from consumer.commands.evaluate.measures.tally import RunMeasures
from consumer.commands.evaluate.report.document import EvaluationDocument
from consumer.commands.evaluate.report.suites import STAND_IN_NOTE
from consumer.domain.counted import counted

WIDTH = 80
FLIPS_SHOWN = 10
NAME = 17


def shown(figure: Interval | None, digits: int = 2) -> str:
    """A share with its range, as in `.92 .81-.97`."""
    if figure is None:
        return "-"
    return (
        f"{_short(figure.value, digits)} {_short(figure.low, digits)}-{_short(figure.high, digits)}"
    )


def _short(share: float, digits: int) -> str:
    word = f"{share:.{digits}f}"
    return "1.0" if word.startswith("1") else word.replace("0.", ".", 1)


def table(document: EvaluationDocument) -> Iterator[str]:
    """
    Every line; names that are too long are cut, nothing else is.

    A terminal must not obey what a model or a file says: their words are escaped.
    """
    for line in _lines(document):
        safe = printable(line.encode("utf-8", "replace"))
        if len(safe) <= WIDTH:
            yield safe
        else:
            yield from textwrap.wrap(safe, WIDTH, subsequent_indent="    ")


def _lines(document: EvaluationDocument) -> Iterator[str]:
    if document.is_by_stand_in:
        yield STAND_IN_NOTE
    cases = document.cases
    rows, texts = counted(cases.rows, "row"), counted(cases.texts, "text")
    yield f"{cases.file}: {rows}, {texts}, {cases.judged_of:,} in this run"
    for count, noun, what in (
        (cases.bad_rows, "row", "that could not be read"),
        (cases.unlabelled, "row", "without a known label"),
        (cases.duplicates, "label", "given twice"),
        (cases.contradictions, "label", "against an earlier row"),
    ):
        if count:
            yield f"  {counted(count, noun)} {what}"
    if document.results.is_stopped_by_bound:
        yield "STOPPED by --max-tokens-total: the figures are of what was asked until then"
    for run in document.runs:
        if not run.is_rerun:
            yield ""
            yield from _run_lines(run)
    yield from _comparison_lines(document)
    yield from _robustness_lines(document)
    if document.published:
        yield ""
        found = document.published
        yield f"published for these texts, known by {found.known_by}: {found.source}"
        for figure in found.figures:
            yield f"  {_cut(figure.model, 40):<40} {found.measure} {figure.value:.3f}"
        for own in found.here:
            name = _cut(f"{own.run} (here), {own.model}", 40)
            yield f"  {name:<40} {found.measure} {shown(own.figure, 3)}"
    if document.gates:
        yield ""
    for gate in document.gates:
        mark = "kept  " if gate.is_kept else "BROKEN"
        yield f"{mark} {gate.run}: {gate.gate}: {shown(gate.figure, 3)}"
    for bound in document.gates_left_open:
        yield f"open   {bound}: of topic.toml, which speaks of all texts and not of a part"


def _run_lines(run: RunMeasures) -> Iterator[str]:
    served = f" (serves {', '.join(run.served[:3])})" if run.served else ""
    yield f"{run.run}: {run.policy_version} by {run.model}{served}"
    yield f"  prompt {run.template}, effort {run.effort}"
    unjudged = sum(run.unjudged.values())
    asked = counted(run.questions, "question")
    yield f"  {asked}, {unjudged:,} unjudged, {run.unanswered:,} not asked"
    if run.unjudged:
        yield "  unjudged: " + ", ".join(f"{name} {n}" for name, n in run.unjudged.items())
    faults = list(run.faults.items())
    for name, count in faults[:8]:
        yield f"  fault {count} x {name}"
    if len(faults) > 8:
        yield f"  and {counted(len(faults) - 8, 'other kind')} of fault, in the JSON"
    yield f"  {'':<{NAME}} {'texts':>6} {'precision':<12} {'recall':<12} {'F1':<12} FPR"
    yield _harm_line("harmful texts", run.outcome)
    yield _harm_line("all policies", run.micro)
    for policy in run.policies:
        yield _harm_line(policy.policy, policy.harm)
        for label in policy.labels:
            yield (
                f"  {_cut('  ' + label.label):<{NAME}} {label.due:>6} {shown(label.precision):<12} "
                f"{shown(label.recall):<12} {shown(label.f1)}"
            )
    for part in run.slices:
        yield _harm_line(f"{part.kind} {part.name}", part.harm)
    yield (
        f"  labels right {shown(run.accuracy)}, macro F1 {shown(run.macro_f1)}, "
        f"all of a text right {shown(run.exact_match)}"
    )
    if run.calibration is not None:
        ece = shown(run.calibration.expected_error)
        share = run.calibration.calibrated_share or 0.0
        yield f"  scores against labels: ECE {ece}, {share:.0%} calibrated"
    yield from _spending_lines(run)


def _spending_lines(run: RunMeasures) -> Iterator[str]:
    spent = run.spending
    times = [
        f"{name} {figure.value:.0f}"
        for name, figure in (
            ("p50", spent.latency_ms_p50),
            ("p90", spent.latency_ms_p90),
            ("p99", spent.latency_ms_p99),
        )
        if figure is not None
    ]
    if times:
        yield f"  ms a question: {', '.join(times)}; calls {spent.calls}"
    if spent.tokens_per_thousand_texts is not None:
        cost = spent.cost_per_thousand_texts
        money = "" if cost is None else f", cost {cost:.4f}"
        yield f"  a thousand texts: {spent.tokens_per_thousand_texts:,.0f} tokens{money}"


def _harm_line(name: str, harm: HarmMeasures) -> str:
    total = harm.found + harm.false_alarms + harm.missed + harm.passed
    return (
        f"  {_cut(name):<{NAME}} {total:>6} {shown(harm.precision):<12} {shown(harm.recall):<12} "
        f"{shown(harm.f1):<12} {shown(harm.false_positive_rate)}"
    )


def _comparison_lines(document: EvaluationDocument) -> Iterator[str]:
    for found in document.comparisons:
        yield ""
        asked = counted(found.compared, "question")
        yield f"{found.run} against {found.against}: {asked} judged by both"
        yield (
            f"  flipped {found.flips} ({shown(found.flipped, 3)}): {found.harsher} harsher, "
            f"{found.milder} milder, {found.same_outcome} with the same outcome"
        )
        yield (
            f"  became right {found.became_right}, became wrong {found.became_wrong}, "
            f"McNemar p = {found.mcnemar_p:.3g}"
        )
        if found.calibration is not None:
            ece = shown(found.calibration.expected_error)
            yield f"  scores against asking again, which is what they promise: ECE {ece}"
        for flip in found.named[:FLIPS_SHOWN]:
            yield (
                f"    line {flip.line}: {flip.policy} {flip.before} -> {flip.after}, {flip.due} due"
            )
        if found.flips > FLIPS_SHOWN:
            yield f"    and {found.flips - FLIPS_SHOWN} more"


def _robustness_lines(document: EvaluationDocument) -> Iterator[str]:
    found = document.robustness
    if found is None:
        return
    yield ""
    yield f"attacks on {counted(found.texts, 'harmful text')}; judged more mildly when asked again"
    yield f"  unchanged: {found.noise_turned} ({shown(found.noise)})"
    yield f"  {'attack':<22} {'family':<18} {'tried':>5} {'unjudged':>8}  turned"
    turned = [each for each in found.attacks if each.turned or each.unjudged]
    for each in turned:
        yield (
            f"  {each.attack:<22} {each.family:<18} {each.tried:>5} {each.unjudged:>8}  "
            f"{shown(each.turned_share)}"
        )
    if len(turned) < len(found.attacks):
        yield f"  {len(found.attacks) - len(turned)} attacks turned no text"


def _cut(name: str, width: int = NAME) -> str:
    return name if len(name) <= width else name[: width - 1] + "…"
