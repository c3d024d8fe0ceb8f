"""
Contradiction: whether an answer says in other fields something else than its label. Pure.

A model that no schema binds says in fields of its own what it thinks, and they may differ: then it
is asked again, since one of the two is wrong.
"""

from __future__ import annotations

import re

from consumer.domain.policy import Outcome, Policy


def contradicts(fields: dict[str, object], label: str, policy: Policy) -> bool:
    """
    Whether an object says more than its label: another one under another spelling or deeper inside,
    another outcome, that there was an error or a refusal, or the contrary of an allow.
    """
    todo = _beside(fields, policy)
    if not todo:
        return False
    others = policy.outcomes.keys() - policy.rules.keys() - {label}
    unlike = _OUTCOMES - policy.outcomes.keys() - {policy.outcomes[label]}
    says_contrary = _adverse if policy.outcomes[label] is Outcome.ALLOW else _nothing
    while todo:
        name, value = todo.pop()
        if isinstance(value, dict):
            todo += value.items()
        elif isinstance(value, list):
            todo += [(name, each) for each in value]
        elif isinstance(value, str) and (value in others or value.casefold() in unlike):
            return True
        if name in others or name.strip().casefold() == "label":
            return True
        if (value and _VOIDS.match(name)) or says_contrary(name, value):
            return True
    return False


def _beside(fields: dict[str, object], policy: Policy) -> list[tuple[str, object]]:
    """What else an object holds than what was asked for, each in its form."""
    rules, rationale, confidence = map(fields.get, ("rules", "rationale", "confidence"))
    found = [(name, value) for name, value in fields.items() if name not in _ASKED]
    if rationale is not None and rationale.__class__ is not str:
        found.append(("rationale", rationale))
    if confidence is not None and confidence not in _SURE:
        found.append(("confidence", confidence))
    if isinstance(rules, list):
        found += [
            ("rules", rule)
            for rule in rules
            if rule.__class__ is not str or rule in policy.outcomes
        ]
    elif rules is not None:
        found.append(("rules", rules))
    return found


def _adverse(name: str, value: object) -> bool:
    """Whether a field says that a text is not fine."""
    contrary = _ADVERSE if value is True else _CLEAR if value is False else None
    return contrary is not None and contrary.match(name) is not None


def _nothing(_name: str, _value: object) -> bool:
    return False


_ASKED = frozenset(("label", "rules", "confidence", "rationale"))
"""What we ask for. The label is what it is, and what is said about it may name any other."""
_SURE = ("low", "medium", "high")
_OUTCOMES = frozenset(map(str, Outcome))
_VOIDS = re.compile(r"\W*(?:error|refus)", re.IGNORECASE)
_ADVERSE = re.compile(
    r"\W*(?:is_?|has_?)?(?:violat|unsafe|harmful|flag|block|toxic|unacceptable)", re.IGNORECASE
)
_CLEAR = re.compile(r"\W*(?:is_?)?(?:safe|allow|permit|acceptable|compliant|ok\Z)", re.IGNORECASE)
"""Names that models give to what they find, beside the label or in its place."""
