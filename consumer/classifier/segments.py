"""
Long text -> overlapping segments that each fit the model's context. Pure.

Padding must gain an abuser nothing: every character is judged in some segment, and what straddles
a cut stands whole in the overlap.
"""

from __future__ import annotations


def segments(text: str, bytes_max: int, overlap_chars: int, count_max: int) -> list[str] | None:
    """
    Cut a text into at most `count_max` segments of at most `bytes_max` bytes of UTF-8 each.

    Neighbours share `overlap_chars` characters (less where the segments are tiny). None where it
    takes more segments than that: the text is too long to be judged.
    """
    if len(text) * 4 <= bytes_max or _size(text) <= bytes_max:
        return [text]
    if len(text) > bytes_max * count_max:
        return None
    found: list[str] = []
    start = 0
    while start < len(text):
        if len(found) == count_max:
            return None
        end = _end(text, start, bytes_max)
        found.append(text[start:end])
        if end == len(text):
            break
        start = max(start + 1, end - min(overlap_chars, (end - start) // 2))
    return found


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _end(text: str, start: int, bytes_max: int) -> int:
    """The furthest end of a segment that starts here; it holds one character at least."""
    end = min(len(text), start + bytes_max)
    piece = text[start:end]
    if _size(piece) <= bytes_max:
        return end
    fitting = piece.encode()[:bytes_max].decode("utf-8", "ignore")
    return start + max(1, len(fitting))
