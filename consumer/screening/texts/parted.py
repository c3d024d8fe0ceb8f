"""
Parted: whether letters of words stand apart, so that no word is seen where people read one. Pure.

What `normalise` puts together again (three letters or more with one blank or mark between them) is
not lost on a filter; this is about all other ways to take words apart.
"""

from __future__ import annotations

import re

_MARKS = r'*_~|\\"`^:•·∙‧、\ufffc\ufffd\u2190-\u27bf\u2900-\u2bff\U0001f000-\U0001faff'
"""What seldom stands between two letters; between them apostrophe, hyphen, slash, comma and full
stop are usual."""
_LETTER = "[a-zà-öø-ÿа-яё]"
"""Of scripts that part their words: elsewhere marks and pictures stand between letters anyhow."""
_WORD = re.compile(
    # Not of a handle or a hashtag, and not the Catalan "l·l".
    rf"^(?![@#])\S*?{_LETTER}(?!(?<=l)·l)[{_MARKS}]+{_LETTER}"
    rf"|^{_LETTER}\*{{2,}}"
    rf"|{_LETTER}(?:<!--|(?:<[^<>]*>)+{_LETTER})"
    rf"|(?<![^\W_])(?:[^\W\d_](?![.,\-/+]+[^\W\d_])[^\w'’]+){{2}}[^\W\d_](?![^\W_])",
)
_LINK = re.compile(r"://|^www\.|@")
_SINGLE = re.compile(r"(?<![^\W_])(?:[^\W\d_][\W_]{1,6}){3}[^\W\d_](?![^\W_])")
"""Four single letters, whatever stands between them."""
_SHORT = re.compile(r"(?<![^\W_])(?:[^\W\d_]{1,2}\s+){5}[^\W\d_]{1,2}(?![^\W_])")
"""Six words of one letter or two, which few sentences have in a row."""
_THIN = re.compile(r"[^\W\d_][\x1c-\x1f\x85\u2000-\u200a\u202f\u205f][^\W\d_]")
"""Blanks that hardly show, or not at all, and that no keyboard writes between letters."""

_ENDS = ".,!?:;\"'()"
"""Most words have nothing else but letters."""
_DOUBLED = re.compile(r"(?:(.)\1+(?!\1)){3,}")

PARTS = {1: 3, 2: 1}
"""By the letters of a short word: what it says for words taken apart."""
PARTS_MIN = 12
"""Of a text's short words together, from which on words taken apart are looked for."""


def is_parted(small: str) -> bool:
    """
    Of one word (what stands between blanks) in small letters: whether odd marks stand between its
    letters, or each letter stands there twice.
    """
    if small[0] == small[1:2] and _DOUBLED.fullmatch(small):
        return True
    if small.strip(_ENDS).isalpha():
        return False
    return _WORD.search(small) is not None and not _LINK.search(small)


def are_words_parted(text: str) -> bool:
    """Whether many of its words are single letters, or parts of two."""
    return any(way.search(text) is not None for way in (_SINGLE, _SHORT))


def has_thin_blanks(text: str) -> bool:
    """Whether blanks that hardly show stand between letters."""
    return _THIN.search(text) is not None
