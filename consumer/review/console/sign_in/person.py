"""Person: somebody with roles, and what the roles are. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

EVERYBODY = "*"
"""In place of a group: all whom the proxy or the provider names."""


class StaffRole(StrEnum):
    """What somebody is there for; one person may have several."""

    REVIEWER = "reviewer"
    """Decides about cases."""
    LEAD = "lead"
    """Looks after queues and people, and decides too."""
    POLICY_AUTHOR = "policy-author"
    """Reads policies, and what came of them."""
    AUDITOR = "auditor"
    """Reads the log of who saw and did what, and looks at cases."""


DECIDES = frozenset({StaffRole.REVIEWER, StaffRole.LEAD})
LOOKS = DECIDES | {StaffRole.AUDITOR}
COUNTS = frozenset({StaffRole.LEAD, StaffRole.POLICY_AUTHOR, StaffRole.AUDITOR})
LEADS = frozenset({StaffRole.LEAD})
AUDITS = frozenset({StaffRole.AUDITOR})
ALL = frozenset(StaffRole)


class Person(NamedTuple):
    """Somebody whose name is certain."""

    name: str
    roles: frozenset[StaffRole]


def roles_of(groups: Iterable[str], named: Mapping[str, Sequence[str]]) -> frozenset[StaffRole]:
    """The roles of whoever is in these groups, by what `review.console.roles` says."""
    mine = {*groups, EVERYBODY}
    return frozenset(StaffRole(role) for role, wanted in named.items() if mine & set(wanted))
