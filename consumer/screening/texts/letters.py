"""
Letters: the characters that words are made of, for character classes of regular expressions. Pure.

The usual class of word characters leaves out marks, and in the scripts of India, Thailand and
others the vowels are some: a word would end within itself, and one word be found within another.
"""

from __future__ import annotations

import unicodedata

_LAST = 0x1F000
"""Behind it stand no marks of letters."""


def _marks() -> str:
    """All of them, as ranges."""
    places = [at for at in range(0x300, _LAST) if unicodedata.category(chr(at))[0] == "M"]
    known = set(places)
    begins = [at for at in places if at - 1 not in known]
    ends = [at for at in places if at + 1 not in known]
    return "".join(f"{chr(low)}-{chr(high)}" for low, high in zip(begins, ends, strict=True))


MARKS = _marks()
"""What stands within the brackets of a character class, as in the next two."""
LETTERS = rf"\w{MARKS}"
UNPARTED = (
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
"""Scripts whose words stand together: Thai, Lao, Tibetan, Burmese, Khmer, kana and Han."""
