"""Numbers with their nouns, as people read them. Pure."""

from __future__ import annotations


def counted(number: int, one: str, several: str | None = None) -> str:
    """`1 policy`, `2,000 policies`; several of most nouns only add an s."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"
