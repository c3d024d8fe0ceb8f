"""A policy in the layouts of others: what an import makes the same policy of. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import replace

from consumer.commands.evaluate.cases.own import Case
from consumer.commands.packs.labeler import REST
from consumer.commands.packs.labels import foreign_heading_of, label_in
from consumer.commands.packs.passages import Chapter, Passage, chapters_of
from consumer.commands.packs.table import KINDS
from consumer.domain.policy import Outcome, Policy
from consumer.errors import InvalidSettings

HEADER = ("Example", "Classification", "Responses", "Response Label")


def coded_document(policy: Policy, *, with_answers: bool) -> str:
    """
    The policy with its labels in headings.

    `with_answers` says below each whether it is VALID or INVALID, and ends with the format of
    labels, as teen-safety packs do; else examples alone are added, as in the model's guide.
    """
    parts = []
    for section in chapters_of(policy.text):
        label = label_in(section.title)
        if label is None or label not in policy.outcomes:
            parts.append(section.text)
            continue
        parts.append(replace(section, title=foreign_heading_of(section.title, label)).text)
        if with_answers:
            is_allowed = policy.outcomes[label] is Outcome.ALLOW
            parts.append(f"Output: `{'VALID' if is_allowed else 'INVALID'}`")
    letters = re.match(r"[A-Za-z]*", policy.labels[-1])
    prefix = f" (#{letters[0]})" if with_answers and letters and letters[0] else ""
    lines = [f'- "{" ".join(each.text.split())}" -> `{each.label}`' for each in policy.examples]
    if with_answers:
        named = "\n".join(f"- `{label}`" for label in policy.labels)
        parts += ["## Label Format", "Each item gets one label.", named]
        parts += ["Examples:", "\n".join(lines)] if lines else []
    elif lines:
        parts += ["## EXAMPLES", "\n".join(lines)]
    body = "\n\n".join(part for part in parts if part)
    return f"# {policy.title}{prefix}\n\n{body}\n"


def labeler_document(policy: Policy) -> str:
    """
    The policy as a labeler: one label, with what it includes and excludes.

    Raises:
        InvalidSettings: it has several labels beside the one for what is allowed.
    """
    labels = [each for each, outcome in policy.outcomes.items() if outcome is not Outcome.ALLOW]
    if len(policy.outcomes) != 2 or len(labels) != 1:
        raise InvalidSettings(
            f"{policy.name} has {len(policy.outcomes)} labels and a labeler has one that applies "
            "or does not: --as teen-safety or markdown"
        )
    (label,) = labels
    shared: list[str] = ["# Criteria"]
    included: list[str] = []
    excluded: list[str] = []
    words = policy.title
    for section in chapters_of(policy.text):
        named = label_in(section.title) or section.title.partition(":")[0]
        if named not in policy.outcomes:
            shared.append(section.text)
            continue
        if named == label:
            words = section.title.partition(":")[2].strip() or section.title
        into = included if named == label else excluded
        into.append(replace(section, level=0, passages=_unnumbered(section, policy, label)).text)
    own = ["## Definition of Label", f"### ({label}) {words}"]
    own += ["#### Includes", *included, "#### Excludes", *excluded]
    return "\n\n".join(part for part in (*shared, *own) if part) + "\n"


def _unnumbered(section: Chapter, policy: Policy, label: str) -> list[Passage]:
    """The passages without rule ids, and without what an import adds."""
    ids = "|".join(re.escape(rule) for rule in policy.rules)
    found = []
    for passage in section.passages:
        if passage.text == REST.format(label=label):
            continue
        text = re.sub(rf"^([ \t]*[-*+][ \t]+)(?:{ids}):?[ \t]+", r"\1", passage.text)
        found.append(passage._replace(text=text if ids else passage.text))
    return found


def table_of(cases: Iterable[Case]) -> str:
    """The cases of one policy as a table: a reply stands beside the prompt that it is to."""
    rows: dict[str, list[str]] = {}
    for case in cases:
        ending = f"-{KINDS[1]}"
        is_reply = case.id.endswith(ending)
        row = rows.setdefault(case.id.removesuffix(ending), ["", "", "", ""])
        at = 2 if is_reply else 0
        row[at : at + 2] = [case.text, case.label]
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(rows.values())
    return written.getvalue()


def differences(policy: Policy, read: Policy) -> list[str]:
    """What an import of what was written does not find again, in sentences."""
    found = []
    for label, outcome in policy.outcomes.items():
        after = read.outcomes.get(label)
        if after is None:
            found.append(f"label {label}: its heading names it in no way that others know")
        elif after is not outcome:
            found.append(f"label {label} is {outcome.value} here; there it reads as {after.value}")
    if read.text != policy.text:
        found.append("the text reads a little differently there")
    changed = [rule for rule, words in policy.rules.items() if read.rules.get(rule) != words]
    if changed:
        found.append(f"rules that are named otherwise there, or not at all: {', '.join(changed)}")
    lost = sum(each not in read.examples for each in policy.examples)
    if lost:
        found.append(f"{lost} examples without their rules or line feeds")
    if policy.title != read.title:
        found.append(f"the title is {read.title} there")
    defaults = (read.severity, read.effort, None)
    if (policy.severity, policy.effort, policy.second_look) != defaults:
        found.append("severity, effort and second look have no place there")
    return found
