"""
Harmless: what users wrote, so that a page shows it and obeys nothing of it. Pure.

Escaping is the templates' work. Here is what escaping leaves: characters that no page can carry,
that nobody sees, and texts too long to be read.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

TEXT_CHARS_MAX = 4_000
"""Of a text so much is shown until somebody asks for all of it."""

_UNSHOWABLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\xa0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f"
    r"\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff"
    r"\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


class TextPart(NamedTuple):
    """A piece of a text."""

    words: str
    mark: str | None
    """What the piece is, where it is one character that nobody sees; None for plain words."""


class Shown(NamedTuple):
    """A text as a page shows it."""

    parts: tuple[TextPart, ...]
    chars: int
    """Of all of it."""
    is_cut: bool
    invisible: int
    """So many characters of what is shown cannot be seen."""


def carried(text: str) -> str:
    """With what no page can carry put as a sign for it: NUL as its picture, the rest as U+FFFD."""
    return _UNSHOWABLE.sub(lambda found: _picture(found[0]), text)


def shown(text: str, *, whole: bool = False, marked: bool = False) -> Shown:
    """A text cut to what can be read, and on demand with its invisible characters marked."""
    # A cut between a letter and its marks shows what nobody wrote, but harms nothing.
    kept = text if whole else text[:TEXT_CHARS_MAX]
    invisible = len(_INVISIBLE.findall(kept))
    parts = _parts(kept) if marked else [TextPart(carried(kept), None)]
    return Shown(tuple(parts), len(text), len(kept) < len(text), invisible)


def name_of(character: str) -> str:
    """Its number, and the name that Unicode has for it."""
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip()


def _parts(text: str) -> list[TextPart]:
    parts, at = [], 0
    for found in _INVISIBLE.finditer(text):
        if found.start() > at:
            parts.append(TextPart(text[at : found.start()], None))
        parts.append(TextPart("", name_of(found[0])))
        at = found.end()
    if at < len(text):
        parts.append(TextPart(text[at:], None))
    return [TextPart(carried(part.words), part.mark) for part in parts]


def _picture(character: str) -> str:
    number = ord(character)
    if number < 0x20:
        return chr(0x2400 + number)
    return "\u2421" if number == 0x7F else "\ufffd"
