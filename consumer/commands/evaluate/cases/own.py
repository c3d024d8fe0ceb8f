"""Labelled cases of a policy version, from the `cases.jsonl` in its folder."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import orjson

from consumer.domain.policy import Outcome, Policy, PolicyVersion
from consumer.errors import Flaw, InvalidPolicy
from consumer.files import as_saved_anywhere, read_file

FILE = "cases.jsonl"
BYTES_MAX = 50_000_000
"""Some 100,000 cases, each a call for every run: nobody waits for more."""


class Case(NamedTuple):
    """A text and the label that it deserves under one policy."""

    id: str
    text: str
    language: str
    policy: Policy
    label: str

    @property
    def outcome(self) -> Outcome:
        return self.policy.outcomes[self.label]


def cases_file(folder: Path, version: PolicyVersion) -> Path:
    """Where the cases of a version lie; `folder` is the one that holds the sets."""
    return folder / version.set_name / f"v{version.number}" / FILE


def read_cases(folder: Path, version: PolicyVersion) -> tuple[Case, ...]:
    """
    The cases of a version, in the order of the file; `folder` is the one that holds the sets.

    Raises:
        InvalidPolicy: with every line that is no case of this version, has the id of an earlier one
            or contradicts it.
    """
    file = cases_file(folder, version)
    shown = str(file.relative_to(folder))
    content = read_file(file, BYTES_MAX)
    if isinstance(content, str):
        raise InvalidPolicy((Flaw(shown, 1, content),))
    policies = {policy.name: policy for policy in version.policies}
    cases: list[Case] = []
    flaws: list[Flaw] = []
    ids: dict[str, int] = {}
    labels: dict[tuple[str, str], tuple[str, int]] = {}
    for number, line in enumerate(as_saved_anywhere(content).split(b"\n"), 1):
        if not line.strip():
            continue
        case = _case(line, policies)
        if isinstance(case, str):
            flaws.append(Flaw(shown, number, case))
            continue
        cases.append(case)
        earlier = ids.setdefault(case.id, number)
        if earlier != number:
            flaws.append(Flaw(shown, number, f"id {case.id}: stands on line {earlier} already"))
        about = (case.policy.name, " ".join(case.text.split()))
        label, earlier = labels.setdefault(about, (case.label, number))
        if label != case.label:
            problem = f"label {case.label}: line {earlier} has the same text with {label}"
            flaws.append(Flaw(shown, number, problem))
    if not cases and not flaws:
        flaws.append(Flaw(shown, 1, "holds no case"))
    if flaws:
        raise InvalidPolicy(tuple(flaws))
    return tuple(cases)


def _case(line: bytes, policies: dict[str, Policy]) -> Case | str:
    """One case, or what is wrong with the line."""
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return f"is no JSON: {error}"
    if not isinstance(fields, dict):
        return "is no JSON object"
    words = {name: fields.get(name) for name in ("id", "text", "policy", "label")}
    missing = [name for name, word in words.items() if not isinstance(word, str) or not word]
    if missing:
        return f"lacks {', '.join(missing)}"
    policy = policies.get(fields["policy"])
    if policy is None:
        return f"policy {fields['policy']}: the version has {', '.join(policies)}"
    outcome = policy.outcomes.get(fields["label"])
    if outcome is None:
        return f"label {fields['label']}: {policy.name} has {', '.join(policy.labels)}"
    if fields.get("outcome") not in (None, outcome.value):
        return f"outcome {fields['outcome']}: {fields['label']} means {outcome.value}"
    rules = fields.get("rules") or []
    if not isinstance(rules, list):
        return "rules: must be a list"
    unknown = [str(rule) for rule in rules if not isinstance(rule, str) or rule not in policy.rules]
    if unknown:
        has = f"has {', '.join(policy.rules)}" if policy.rules else "has none"
        return f"rules {', '.join(unknown)}: {policy.name} {has}"
    return Case(
        fields["id"], fields["text"], str(fields.get("lang") or ""), policy, fields["label"]
    )
