"""Labelled cases of a policy version, from the `cases.jsonl` in its folder."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import orjson

from consumer.domain.policy import Outcome, Policy, PolicyVersion
from consumer.errors import Flaw, InvalidPolicy

FILE = "cases.jsonl"


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


def read_cases(folder: Path, version: PolicyVersion) -> tuple[Case, ...]:
    """
    The cases of a version, in the order of the file; `folder` is the one that holds the sets.

    Raises:
        InvalidPolicy: with every line that is no case of this version.
    """
    file = folder / version.set_name / f"v{version.number}" / FILE
    shown = str(file.relative_to(folder))
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise InvalidPolicy((Flaw(shown, 1, f"cannot be read: {error.strerror}"),)) from None
    policies = {policy.name: policy for policy in version.policies}
    cases: list[Case] = []
    flaws: list[Flaw] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            case = _case(line, policies)
            if isinstance(case, Case):
                cases.append(case)
            else:
                flaws.append(Flaw(shown, number, case))
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
    return Case(
        fields["id"], fields["text"], str(fields.get("lang") or ""), policy, fields["label"]
    )
