"""
Overlap: the words that two texts have in common in one order, as many as there are. Pure.

The longest common subsequence with one bit for each word of a row (Hyyrö, Bit-parallel LCS-length
computation revisited, 2004). Whoever writes the texts cannot make it slow: two hundred words take
as long as any others.
"""

from __future__ import annotations

Words = tuple[str, ...]


def overlap_count(one: Words, other: Words) -> int:
    """How many words they have in common in one order."""
    rows = _rows(one, other)
    return len(one) - rows[-1].bit_count() if rows else 0


def overlap(one: Words, other: Words) -> Words:
    """These words; of several longest ones any."""
    rows = _rows(one, other)
    found: list[str] = []
    column, row = len(one), len(rows)
    while column and row:
        bit = 1 << (column - 1)
        if rows[row - 1] & bit:
            column -= 1
        elif row > 1 and not rows[row - 2] & bit:
            row -= 1
        else:
            found.append(one[column - 1])
            column -= 1
            row -= 1
    return tuple(reversed(found))


def _rows(one: Words, other: Words) -> list[int]:
    """For each word of the other: a bit is 0 where a word of the one adds to what is common."""
    places: dict[str, int] = {}
    for at, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << at
    full = (1 << len(one)) - 1
    row, rows = full, []
    for word in other:
        matched = row & places.get(word, 0)
        row = (row + matched | row - matched) & full
        rows.append(row)
    return rows
