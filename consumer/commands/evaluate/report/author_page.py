"""The author's page of a policy as one page of HTML that asks for nothing from outside. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape

from consumer.commands.evaluate.measures.citations import CitedError
from consumer.commands.evaluate.measures.tally import PolicyMeasures, RunMeasures
from consumer.commands.evaluate.report.author import sides_of
from consumer.commands.evaluate.report.markup import figure_of, frame, table_part
from consumer.commands.evaluate.report.plots import ranges
from consumer.commands.evaluate.report.suites import STAND_IN_NOTE

NOT_FOUND = "(the file of cases was not found, or this text has changed)"


def author_page(runs: Sequence[RunMeasures], file: str, texts: Mapping[str, str]) -> str:
    """`texts` by their digests, those that were found; they show on request."""
    title = f"Rules of {', '.join(dict.fromkeys(run.policy_version for run in runs))} on {file}"
    return frame(title, "".join(part for run in runs for part in _run(run, texts)))


def _run(run: RunMeasures, texts: Mapping[str, str]) -> Iterator[str]:
    if run.is_by_stand_in:
        yield f'<p class="loud">{escape(STAND_IN_NOTE)}</p>'
    yield '<p class="dim">Texts may offend: they show on request.</p>'
    for policy in run.policies:
        yield f"<h2>{escape(policy.policy)}, {escape(run.run)} by {escape(run.model)}</h2>"
        yield (
            f"<p>{policy.questions} texts, labels right {figure_of(policy.accuracy)}, "
            f"{policy.unjudged} unjudged.</p>"
        )
        yield from _policy(policy, texts)


def _policy(policy: PolicyMeasures, texts: Mapping[str, str]) -> Iterable[str]:
    found = policy.citations
    if found.rules:
        yield ranges(
            "Of the answers that cite a rule, how many gave the label due",
            [(rule.rule, rule.right) for rule in found.rules],
            "never cited",
        )
        rows = [
            (
                rule.rule,
                rule.words,
                str(rule.cited),
                ", ".join(f"{label} {count}" for label, count in rule.given.items()),
                figure_of(rule.right),
                str(rule.too_harsh),
                str(rule.too_mild),
            )
            for rule in found.rules
        ]
        heads = ("rule", "says", "cited", "for", "right", "too harsh", "too mild")
        yield table_part("rules", heads, rows)
    errors = [
        (rule.rule, side, error)
        for rule in found.rules
        for side, _, clearest in sides_of(rule)
        for error in clearest
    ]
    if errors:
        yield _errors("clearest errors of each rule", ("rule", "side"), errors, texts)
    if found.uncovered:
        title = f"answers that cite no rule, where one was due or acted on: {found.uncovered}"
        yield _errors(title, (), [(error,) for error in found.uncovered_named], texts)
    if found.quoted:
        yield table_part(
            "words of the policy that the model repeats when it errs",
            ("words", "errors", "right"),
            [(each.words, str(each.in_errors), str(each.in_right)) for each in found.quoted],
        )


def _errors(
    title: str,
    heads: Sequence[str],
    errors: Sequence[tuple[*tuple[str, ...], CitedError]],
    texts: Mapping[str, str],
) -> str:
    rows = []
    hidden = []
    for *where, error in errors:
        score = "–" if error.score is None else f"{error.score:.2f}"
        rows.append((*map(str, where), error.due, error.given, score, error.id, str(error.line)))
        hidden.append(texts.get(error.text_digest, NOT_FOUND))
    columns = (*heads, "due", "given", "score", "id", "line")
    return table_part(title, columns, rows, hidden)
