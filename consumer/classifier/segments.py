"""
Long text -> overlapping segments that each fit the model's context. Pure.

Padding must gain an abuser nothing: every character is judged in some segment, and what straddles
a cut stands whole in the overlap.
"""

from __future__ import annotations

BYTES_MAX_OF_ONE = 4
"""Of a character in UTF-8. Nearly all texts are so short that nothing need be counted."""


def segments(text: str, bytes_max: int, overlap_chars: int, count_max: int) -> list[str] | None:
    """
    Cut a text into at most `count_max` segments of at most `bytes_max` bytes of UTF-8 each.

    Neighbours share `overlap_chars` characters (less where the segments are tiny). None where it
    takes more segments than that: the text is too long to be judged.
    """
    if len(text) * BYTES_MAX_OF_ONE <= bytes_max:
        return [text]
    found: list[str] = []
    start = 0
    while len(found) < count_max:
        fitting = text[start : start + bytes_max].encode()[:bytes_max].decode("utf-8", "ignore")
        # One character at least, however little a segment may hold.
        piece = fitting or text[start : start + 1]
        found.append(piece)
        end = start + len(piece)
        if end == len(text):
            return found
        start = end - min(overlap_chars, len(piece) // 2)
    return None
