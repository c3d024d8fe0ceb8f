"""Rights: who may see and decide what is in a queue. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Rights = Mapping[str, Sequence[str]]
"""Queue -> who may decide there; a queue that is not among them is open to all."""


def may(reviewer: str, queue: str, rights: Rights) -> bool:
    """Whether somebody may see and decide what is in a queue."""
    return queue not in rights or reviewer in rights[queue]


def closed_to(reviewer: str, rights: Rights) -> list[str]:
    """The queues that somebody may see nothing of."""
    return [name for name, people in rights.items() if reviewer not in people]
