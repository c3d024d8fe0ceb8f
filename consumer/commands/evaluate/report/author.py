"""The author's page of a policy as plain lines of at most 80 columns. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

from consumer.commands.dead_letters.letter import printable
from consumer.commands.evaluate.measures.citations import (
    CLEAREST_MAX,
    CitationMeasures,
    CitedError,
    RuleMeasures,
)
from consumer.commands.evaluate.measures.tally import PolicyMeasures, RunMeasures
from consumer.commands.evaluate.report.suites import STAND_IN_NOTE
from consumer.commands.evaluate.report.table import WIDTH, shown
from consumer.domain.counted import counted

TEXT_CHARS = 300
"""Of a text, where it is shown."""
SIDES = ("too harsh", "too mild")


def sides_of(rule: RuleMeasures) -> tuple[tuple[str, int, tuple[CitedError, ...]], ...]:
    """The errors with a rule, on each side: its name, how many there are, the clearest."""
    return (
        (SIDES[0], rule.too_harsh, rule.clearest_harsh),
        (SIDES[1], rule.too_mild, rule.clearest_mild),
    )


def author_lines(run: RunMeasures, texts: Mapping[str, str]) -> Iterator[str]:
    """
    For each policy of a run what its rules did; `texts` by their digests, those that were found.

    A terminal must not obey what a file or a model says: their words are escaped.
    """
    for line in _lines(run, texts):
        safe = printable(line.encode("utf-8", "replace"))
        indent = " " * (len(safe) - len(safe.lstrip()) + 2)
        yield from textwrap.wrap(safe, WIDTH, subsequent_indent=indent) or [""]


def _lines(run: RunMeasures, texts: Mapping[str, str]) -> Iterator[str]:
    if run.is_by_stand_in:
        yield STAND_IN_NOTE
    yield f"{run.run}: {run.policy_version} by {run.model}, prompt {run.template}"
    for policy in run.policies:
        yield ""
        yield from _policy_lines(policy, texts)


def _policy_lines(policy: PolicyMeasures, texts: Mapping[str, str]) -> Iterator[str]:
    found = policy.citations
    yield (
        f"{policy.policy}: {policy.questions} texts, labels right {shown(policy.accuracy)}, "
        f"{policy.unjudged} unjudged"
    )
    if not found.rules:
        yield "  it has no rules: what stands under `rules` can be cited, and only that"
    for rule in found.rules:
        yield from _rule_lines(rule, texts)
    if found.rules:
        yield f"  answers that cite no rule, where one was due or acted on: {found.uncovered}"
        for error in found.uncovered_named[:CLEAREST_MAX]:
            yield _error_line(error, texts)
    yield from _quote_lines(found)


def _rule_lines(rule: RuleMeasures, texts: Mapping[str, str]) -> Iterator[str]:
    yield f"  {rule.rule} {rule.words}"
    if not rule.cited:
        yield "    never cited"
        return
    given = ", ".join(f"{label} {count}" for label, count in rule.given.items())
    cited = counted(rule.cited, "time")
    yield f"    cited {cited}, for {given}; right {shown(rule.right)}"
    for side, count, clearest in sides_of(rule):
        if count:
            yield f"    {side}: {count}, the clearest of them"
        for error in clearest:
            yield _error_line(error, texts)


def _quote_lines(found: CitationMeasures) -> Iterator[str]:
    if found.quoted:
        yield "  words of the policy that the model repeats when it errs"
    for quote in found.quoted:
        errors = counted(quote.in_errors, "error")
        yield f"    {errors}, {quote.in_right} right: {quote.words}"


def _error_line(error: CitedError, texts: Mapping[str, str]) -> str:
    sure = "" if error.score is None else f", score {error.score:.2f}"
    text = " ".join(texts.get(error.text_digest, "").split())[:TEXT_CHARS]
    said = f": {text}" if text else ""
    return f"      line {error.line}, id {error.id}: {error.given}, {error.due} due{sure}{said}"
