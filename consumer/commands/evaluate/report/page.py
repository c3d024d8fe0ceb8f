"""The report as one page of HTML that asks for nothing from outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from consumer.commands.evaluate.measures.tally import RunMeasures
from consumer.commands.evaluate.report.document import EvaluationDocument
from consumer.commands.evaluate.report.markup import figure_of, frame, number_of, table_part
from consumer.commands.evaluate.report.plots import ranges, reliability
from consumer.commands.evaluate.report.suites import STAND_IN_NOTE
from consumer.domain.counted import counted

_COUNTS = ("found", "false_alarms", "missed", "passed")
_HARM = ("precision", "recall", "f1", "false_positive_rate", "accuracy")


def page(document: EvaluationDocument, texts: Mapping[int, str]) -> str:
    """`texts` are those that are shown on request, by their line in the file."""
    title = f"Evaluation of {document.topic} on {document.cases.file}"
    body = "".join(_body(document, texts))
    return frame(title, body)


def _body(document: EvaluationDocument, texts: Mapping[int, str]) -> Iterable[str]:
    if document.is_by_stand_in:
        yield f'<p class="loud">{escape(STAND_IN_NOTE)}</p>'
    if document.results.is_stopped_by_bound:
        yield '<p class="loud">Stopped by --max-tokens-total: the figures are of a part.</p>'
    cases = document.cases
    facts = [
        ("rows", cases.rows),
        ("texts", cases.texts),
        ("in this run", cases.judged_of),
        ("rows that could not be read", cases.bad_rows),
        ("rows without a known label", cases.unlabelled),
        ("labels there twice", cases.duplicates),
        ("contradicting labels", cases.contradictions),
    ]
    yield table_part("cases", ("", "count"), [(name, str(count)) for name, count in facts])
    named = (*cases.bad_rows_named, *cases.contradictions_named)
    if named:
        items = "".join(f"<li>{escape(each)}</li>" for each in named)
        yield f"<details><summary>Rows named</summary><ul>{items}</ul></details>"
    if document.gates or document.gates_left_open:
        rows = [
            (gate.run, gate.gate, figure_of(gate.figure), "kept" if gate.is_kept else "BROKEN")
            for gate in document.gates
        ]
        rows += [("", bound, "–", "open: a part") for bound in document.gates_left_open]
        yield table_part("bounds", ("run", "bound", "figure", ""), rows)
    for run in document.runs:
        yield from _run(run)
    yield from _comparisons(document, texts)
    yield from _robustness(document)
    if document.published:
        found = document.published
        published = [(each.model, found.measure, f"{each.value:.3f}") for each in found.figures]
        ours = [
            (f"{each.model}, {each.run} (here)", found.measure, figure_of(each.figure))
            for each in found.here
        ]
        yield table_part(
            "published for these texts", ("model", "measure", "figure"), published + ours
        )
        yield f'<p class="dim">{escape(found.source)}. Known by {escape(found.known_by)}.</p>'
    yield from _mistakes(document, texts)


def _run(run: RunMeasures) -> Iterable[str]:
    yield f"<h2>{escape(run.run)}: {escape(run.policy_version)} by {escape(run.model)}</h2>"
    served = ", ".join(run.served) or "not said"
    yield (
        f'<p class="dim">serves {escape(served)}; prompt {escape(run.template)}; effort '
        f"{escape(run.effort)}; digest {escape(run.policy_digest)}; "
        f"{counted(run.questions, 'question')}, "
        f"{sum(run.unjudged.values())} unjudged, {run.unanswered} not asked</p>"
    )
    plotted = [("harmful texts", run.outcome.f1), ("all policies", run.micro.f1)]
    plotted += [(policy.policy, policy.harm.f1) for policy in run.policies]
    yield ranges(f"{run.run}: F1 of harmful against harmless, with 95 % ranges", plotted)
    parts = [("harmful texts", run.outcome), ("all policies", run.micro)]
    parts += [(policy.policy, policy.harm) for policy in run.policies]
    parts += [(f"{part.kind} {part.name}", part.harm) for part in run.slices]
    yield table_part(
        "harmful or not",
        ("part", *(name.replace("_", " ") for name in (*_COUNTS, *_HARM))),
        [
            (
                name,
                *(
                    str(getattr(harm, each))
                    for each in ("found", "false_alarms", "missed", "passed")
                ),
                *(figure_of(getattr(harm, each)) for each in _HARM),
            )
            for name, harm in parts
        ],
    )
    yield table_part(
        "labels",
        ("policy", "label", "due", "given", "precision", "recall", "f1"),
        [
            (
                policy.policy,
                label.label,
                str(label.due),
                str(label.given),
                *(figure_of(each) for each in (label.precision, label.recall, label.f1)),
            )
            for policy in run.policies
            for label in policy.labels
        ],
    )
    yield from _confusions(run)
    counts = [("unjudged", *pair) for pair in run.unjudged.items()]
    counts += [("fault", *pair) for pair in run.faults.items()]
    if counts:
        rows = [(kind, name, str(count)) for kind, name, count in counts]
        yield table_part("unjudged and faults", ("kind", "what", "count"), rows)
    if run.calibration is not None:
        ece = figure_of(run.calibration.expected_error)
        yield reliability(f"{run.run}: share right over score, ECE {ece}", run.calibration)
    spent = run.spending
    yield table_part(
        "time and tokens",
        ("", "figure"),
        [
            ("ms a question, p50", figure_of(spent.latency_ms_p50, 0)),
            ("ms a question, p90", figure_of(spent.latency_ms_p90, 0)),
            ("ms a question, p99", figure_of(spent.latency_ms_p99, 0)),
            *((f"tokens, {kind}", f"{count:,}") for kind, count in spent.tokens.items()),
            ("tokens a question", figure_of(spent.tokens_per_answer, 1)),
            ("tokens a thousand texts", number_of(spent.tokens_per_thousand_texts)),
            ("cost of a thousand texts", number_of(spent.cost_per_thousand_texts)),
        ],
    )


def _confusions(run: RunMeasures) -> Iterable[str]:
    for policy in run.policies:
        given = list(dict.fromkeys(name for row in policy.confusion.values() for name in row))
        rows = [
            (due, *(str(row.get(name, 0)) for name in given))
            for due, row in policy.confusion.items()
        ]
        heads = ("due", *(f"{name} given" for name in given))
        yield table_part(f"confusion under {policy.policy}", heads, rows)


def _comparisons(document: EvaluationDocument, texts: Mapping[int, str]) -> Iterable[str]:
    for found in document.comparisons:
        yield f"<h2>{escape(found.run)} against {escape(found.against)}</h2>"
        yield (
            f"<p>{counted(found.compared, 'question')}, flipped {found.flips} "
            f"({figure_of(found.flipped)}): "
            f"{found.harsher} harsher, {found.milder} milder, {found.same_outcome} with the same "
            f"outcome. Became right {found.became_right}, wrong {found.became_wrong}; McNemar "
            f"p = {found.mcnemar_p:.3g}.</p>"
        )
        if found.calibration is not None:
            yield reliability("Share given the same label again, over score", found.calibration)
        flips = sorted(found.named, key=lambda flip: (flip.policy, flip.alike, flip.after))
        rows = [
            (
                f"{flip.policy}: {flip.before} → {flip.after}",
                flip.due,
                str(flip.alike),
                flip.id,
                str(flip.line),
            )
            for flip in flips
        ]
        hidden = [texts.get(flip.line, "") for flip in flips]
        yield table_part("flips", ("change", "due", "alike", "id", "line"), rows, hidden)


def _robustness(document: EvaluationDocument) -> Iterable[str]:
    found = document.robustness
    if found is None:
        return
    yield f"<h2>Attacks on {counted(found.texts, 'harmful text')}</h2>"
    yield f"<p>Asked again unchanged, {figure_of(found.noise)} are judged more mildly.</p>"
    rows = [("the same again", found.noise)]
    rows += [(each.attack, each.turned_share) for each in found.attacks]
    yield ranges("Share of texts that an attack turned", rows)


def _mistakes(document: EvaluationDocument, texts: Mapping[int, str]) -> Iterable[str]:
    if not document.mistakes:
        return
    yield "<h2>Texts that did not get their label</h2>"
    yield '<p class="dim">The first of each run. Texts may offend: they show on request.</p>'
    rows = [
        (
            each.run,
            each.policy,
            each.due,
            each.given,
            "let through" if each.is_let_through else "",
            each.id,
            str(each.line),
        )
        for each in document.mistakes
    ]
    heads = ("run", "policy", "due", "given", "", "id", "line")
    yield table_part(
        "mistakes", heads, rows, [texts.get(each.line, "") for each in document.mistakes]
    )
