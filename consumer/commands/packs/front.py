"""A policy as the file that it is read from: front matter, then its text. Pure."""

from __future__ import annotations

import yaml

from consumer.domain.policy import Policy


def document_of(policy: Policy) -> str:
    """What `read_policy` makes this policy of; a second look is not written."""
    fields: dict[str, object] = {
        "title": policy.title,
        "severity": policy.severity,
        "effort": policy.effort.value,
        "labels": {label: outcome.value for label, outcome in policy.outcomes.items()},
    }
    if policy.rules:
        fields["rules"] = dict(policy.rules)
    if policy.examples:
        fields["examples"] = [
            {"text": each.text, "label": each.label}
            | ({"rules": list(each.rules)} if each.rules else {})
            for each in policy.examples
        ]
    front = yaml.safe_dump(fields, allow_unicode=True, sort_keys=False)
    return f"---\n{front}---\n{policy.text}"
