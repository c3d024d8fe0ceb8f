"""Segments: padding gains an abuser nothing."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.classifier.segments import segments

ALPHABET = st.sampled_from("ab \n\u00fc\u4e16\U0001f600\u0301")
TEXTS = st.text(ALPHABET, max_size=120) | st.text(max_size=60)


@settings(max_examples=400, deadline=None)
@given(TEXTS, st.integers(4, 40), st.integers(0, 12), st.integers(1, 80))
def test_segments_cover_the_text(
    text: str, bytes_max: int, overlap_chars: int, count_max: int
) -> None:
    """Every character is in a segment, each segment fits, and there are no more than allowed."""
    found = segments(text, bytes_max, overlap_chars, count_max)
    if found is None:
        return
    assert 1 <= len(found) <= count_max
    end = 0
    for piece in found:
        assert len(piece.encode()) <= bytes_max
        starts = [at for at in range(end + 1) if text.startswith(piece, at)]
        assert starts, "the segment leaves something out before it"
        end = max(end, starts[-1] + len(piece))
    assert end == len(text)


@given(st.text(max_size=900), st.sampled_from([400, 401, 500]), st.integers(0, 400))
@settings(max_examples=60, deadline=None)
def test_segments_of_real_sizes_always_move_on(text: str, bytes_max: int, overlap: int) -> None:
    """Whatever the mixture of scripts, each segment holds something that the last one did not."""
    text = text * 3 + "\U0001f600" * 300 + text
    found = segments(text, bytes_max, overlap, 10_000)
    assert found is not None
    assert len(found) <= 1 + len(text.encode()) // (bytes_max // 6)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 400), st.integers(8, 60), st.integers(0, 60), st.integers(1, 40))
def test_nothing_is_hidden_at_a_cut(
    length: int, bytes_max: int, overlap_chars: int, width: int
) -> None:
    """Whatever is no longer than the overlap stands whole in some segment, wherever it stands."""
    text = "".join(chr(0x4E00 + number) for number in range(length))  # Three bytes, all different.
    found = segments(text, bytes_max, overlap_chars, 1_000)
    assert found is not None
    shared = min(overlap_chars, bytes_max // 3 // 2)
    width = min(width, shared)
    for at in range(max(0, length - width + 1)):
        assert any(text[at : at + width] in piece for piece in found)


def test_what_fits_is_a_matter_of_bytes() -> None:
    """A character takes one to four of them, and a segment is full to the last."""
    for character in ("a", "\u00fc", "\u4e16", "\U0001f600"):
        width = len(character.encode())
        assert segments(character * 10, 10 * width, 0, 1) == [character * 10]
        assert segments(character * 11, 10 * width, 0, 1) is None
        assert segments(character * 11, 10 * width, 0, 2) == [character * 10, character]
        assert segments(character * 10, 10 * width - 1, 0, 2) == [character * 9, character]


def test_a_short_text_is_one_segment() -> None:
    """What fits is judged whole, whether it is short in characters or in bytes."""
    assert segments("", 8, 2, 1) == [""]
    assert segments("abcdefgh", 8, 2, 1) == ["abcdefgh"]
    assert segments("\u00fc" * 4, 8, 2, 1) == ["\u00fc" * 4]


def test_neighbours_overlap() -> None:
    """Two neighbours share as many characters as asked."""
    assert segments("abcdefghijkl", 8, 2, 9) == ["abcdefgh", "ghijkl"]
    assert segments("abcdefghijkl", 8, 0, 9) == ["abcdefgh", "ijkl"]


def test_a_wide_overlap_does_not_stop_the_walk() -> None:
    """An overlap as wide as a segment is narrowed, so that the segments move on."""
    found = segments("abcdefghijkl", 4, 100, 99)
    assert found == ["abcd", "cdef", "efgh", "ghij", "ijkl"]


def test_a_text_that_needs_more_segments_is_too_long() -> None:
    """The bound counts segments, not characters: one more than it is none at all."""
    assert segments("a" * 22, 8, 1, 3) == ["a" * 8, "a" * 8, "a" * 8]
    assert segments("a" * 23, 8, 1, 3) is None
    assert segments("a" * 10_000_000, 16_000, 400, 8) is None
    assert segments("\U0001f600" * 40_000, 16_000, 400, 8) is None


def test_a_character_wider_than_a_segment_is_kept() -> None:
    """A bound too small for one character gives segments of one character."""
    assert segments("\U0001f600\U0001f600", 2, 0, 9) == ["\U0001f600", "\U0001f600"]
