"""
Parts: a long text is as bad as its worst part, so that harmless words hide nothing. Pure.

The model divides by how much a text says. So what is asked about by itself was settled in nine of
ten cases once 200 harmless words stood before it; with parts it is in one of fifty to one of six.
"""

from __future__ import annotations

PART_WORDS = 40
"""Words of a part; each begins in the middle of the one before. Measured in DECISIONS.md."""


def parts_of(length: int) -> list[slice]:
    """Of a text of so many words: the whole, and its parts where it is longer than one."""
    whole = slice(0, length)
    if length <= PART_WORDS:
        return [whole]
    step = PART_WORDS // 2
    begins = range(0, length - PART_WORDS + step, step)
    return [whole, *(slice(begin, begin + PART_WORDS) for begin in begins)]
