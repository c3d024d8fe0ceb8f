"""
Statements: what a decision endpoint is asked about a text, one for each policy. Pure.

A policy's own question where it has one, else its title. The other wordings ask the same in another
order or dress: an answer that does not survive them says more of the wording than of the text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from consumer.domain.policy import Policy, PolicyVersion

Found = tuple[float | None, ...]


def statement_of(policy: Policy) -> str:
    """True of a text that the policy does not allow."""
    return policy.question or f'The {policy.subject} breaks the policy "{policy.title}".'


def statements_of(version: PolicyVersion) -> dict[str, str]:
    """By policy, in the order of the version."""
    return {policy.name: statement_of(policy) for policy in version.policies}


class Wording(NamedTuple):
    """Another way to ask the same."""

    name: str
    ask: Callable[[Sequence[str]], list[str]]
    read: Callable[[Found], Found]
    """What it says of the statements as they are, in their order."""


def _reworded(statements: Sequence[str]) -> list[str]:
    return [f"Whoever knows the rules would answer yes to this: {each}" for each in statements]


def _denied(statements: Sequence[str]) -> list[str]:
    return [f"The answer to this is no: {each}" for each in statements]


def _opposite(found: Found) -> Found:
    return tuple(None if each is None else 1.0 - each for each in found)


WORDINGS = (
    Wording("order", lambda statements: list(reversed(statements)), lambda f: f[::-1]),
    Wording("wording", _reworded, lambda found: found),
    Wording("yes and no changed about", _denied, _opposite),
)
