"""
Disguise: whether a text looks encoded or disguised, so that only the model should read it. Pure.

A wrong suspicion costs a call and a missed one may cost a miss, so it is suspicious. What is not
seen: texts written backwards, acrostics, codes of a person's own.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import Literal

import disarm

from consumer.screening.shift import is_shifted, surplus

Disguise = Literal[
    "long",
    "names a code",
    "base64",
    "escapes",
    "numbers for letters",
    "rot13",
    "hidden characters",
    "direction override",
    "combining marks",
    "styled letters",
    "mixed scripts",
]
"""Why a text is never settled before the model."""

TEXT_MAX = 8_192
"""Characters: a longer text can hide anything, and looking it through takes milliseconds."""
WORDS_KEPT_MAX = 65_536
"""Words of which is remembered how they look: about 12 MB."""
WORD_KEPT_MAX = 64
"""Characters of a word that is remembered; longer ones hardly come twice."""
ODD = 1_000_000.0
"""What one odd word counts: more than all digits of a text."""
DIGITS_MIN = 6.0
"""Digits of a text from which on letters may be written as numbers."""
RUN_MIN = 20
"""Characters of a word from which on it may be code and no word."""
COMBINING_MAX = 0.2
"""Share of combining marks left after composition; written languages stay below it."""

_ODD = re.compile(
    r"[=\\%\x00-\x1f\x7f]|&#x?[0-9a-f]{2,3};"
    r"|\bbase-?(?:64|$)|\brot-?(?:13|$)|decode|crypt|cipher|morse",
    re.IGNORECASE,
)
"""In one word at least of every text that is encoded in a way seen here, but for numbers."""
_CODE_NAMES = ("decode", "crypt", "cipher", "morse")
_CODE_BEGINS = ("base", "rot")
"""Words that name a code with the number behind them."""
_LONE_MARKS = re.compile(r"[-./|]+")
_LINK = re.compile(r"\S*[/@]\S*")
_PICTURE = re.compile(r"&#\d{4,};")
"""The escape of a picture or of a letter far from Latin: no code, but how some clients write."""
_CODES = re.compile(r"base[ -]?64|rot[ -]?13|decode|crypt|cipher|morse")
_RUN = re.compile(
    rf"[A-Za-z0-9+/_-]{{6,}}={{1,2}}|(?<![\w/.=?&#-])[A-Za-z0-9+/]{{{RUN_MIN},}}(?![\w/.-])"
)
_ESCAPES = re.compile(
    r"(?:\\u\{?[0-9a-f]{2,6}\}?|\\x[0-9a-f]{2}|\\[0-7]{3}|%[0-9a-f]{2}|&#x?[0-9a-f]{2,3};){3}",
    re.IGNORECASE,
)
_NUMBERS = re.compile(
    r"(?:[01]{7,8}[\s,]*){3}|(?:(?:0x)?[0-9a-f]{2}[\s,:-]){5}|(?:1?\d\d[\s,.-]+){5}"
    r"|(?:(?:2[0-6]|1\d|\d)[-. ]){5}|[0-9a-f]{16}",
    re.IGNORECASE,
)
_MORSE = re.compile(r"(?:(?:[.-]{1,5})[ /|]+){4}[.-]")
_DIGIT = re.compile(r"[0-9]")
_DIGITS = re.compile(r"(?:[0-9][^0-9]{0,3}){6}")
"""Part of all of these, found in a tenth of the time."""
_HIDDEN = re.compile(
    r"[a-z][\xad\u034f\u115f\u1160\u180e\u200b-\u200f\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff]+[a-z]"
    "|[\u2800\u3164\uffa0]{2}|[\u200b-\u200d\u2060-\u2064\ufe00-\ufe0e\ufeff]{4}",
    re.IGNORECASE,
)
_TAGS = re.compile("(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0020-\U000e007f]")
"""Tag characters that continue no flag."""
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_OVERRIDES = re.compile("[\u202a\u202b\u202d\u202e]")
_STYLED = re.compile("[\U0001d400-\U0001d7cb\u2460-\u24ff\U0001f130-\U0001f189]{2}")
_MARK = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0]")
_FOREIGN = frozenset(
    {
        disarm.Script.LATIN,
        disarm.Script.CYRILLIC,
        disarm.Script.GREEK,
        disarm.Script.ARMENIAN,
    }
)
"""Scripts with letters that look alike; no language writes two of them in one word."""


def disguise(text: str) -> Disguise | None:
    """What the text seems to be disguised by; nothing where it reads as it is written."""
    if len(text) > TEXT_MAX:
        return "long"
    look = sum(map(_LOOKS.__getitem__, text.split()), 0j)
    if look.imag >= ODD:
        if not text.isascii() and (found := _unusual_characters(text)):
            return found
        if found := _encoding(text):
            return found
    if look.imag >= DIGITS_MIN and _is_numbers(text):
        return "numbers for letters"
    return "rot13" if look.real < 0 and is_shifted(_LINK.sub(" ", text.lower())) else None


class _Looks(dict[str, complex]):
    """
    How words look, forgotten all at once when there are too many.

    The real part is how plain a word is: by how much its common letters are more than must be.
    The imaginary part is how odd: its digits, or `ODD`. So one sum over a text's words says what
    it has to be looked through for, and most texts for nothing.
    """

    def __missing__(self, word: str) -> complex:
        small = word.lower()
        look = complex(surplus(small), _oddness(word, small))
        if len(word) <= WORD_KEPT_MAX:
            if len(self) >= WORDS_KEPT_MAX:
                self.clear()
            self[word] = look
        return look


_LOOKS = _Looks()


def _oddness(word: str, small: str) -> float:
    """
    How much the word could be a part of some code, or `ODD` where it has odd characters.

    `small` is the word in small letters.
    """
    if len(word) < RUN_MIN and word.isascii() and word.isalpha():
        # Most words: of all that is odd they can only name a code.
        return ODD if small in _CODE_BEGINS or any(map(small.count, _CODE_NAMES)) else 0.0
    if _ODD.search(word) or _RUN.search(word):
        return ODD
    if not word.isascii() and _unusual_characters(word):
        return ODD
    if _LONE_MARKS.fullmatch(word):
        return DIGITS_MIN / 4
    return len(_DIGIT.findall(_PICTURE.sub("", word)))


def _encoding(text: str) -> Disguise | None:
    small = text.lower()
    if _CODES.search(small):
        return "names a code"
    if _CONTROLS.search(text):
        return "hidden characters"
    if _is_base64(text):
        return "base64"
    if _ESCAPES.search(text):
        return "escapes"
    return None


def _is_numbers(text: str) -> bool:
    return ((_DIGITS.search(text) and _NUMBERS.search(text)) or _MORSE.search(text)) is not None


def _is_base64(text: str) -> bool:
    """A long word that mixes small letters, capitals and digits, or ends as base64 does."""
    return any(
        run[0].endswith("=")
        or (not run[0].islower() and not run[0].isupper() and _DIGIT.search(run[0]) is not None)
        or _cases_change(run[0])
        for run in _RUN.finditer(text)
    )


def _cases_change(word: str) -> bool:
    """Whether capitals and small letters alternate more than in names put together."""
    changes = sum(one.islower() and other.isupper() for one, other in pairwise(word))
    return changes * 4 > len(word)


def _unusual_characters(text: str) -> Disguise | None:
    if _HIDDEN.search(text) or _TAGS.search(text):
        return "hidden characters"
    if _OVERRIDES.search(text):
        return "direction override"
    if _STYLED.search(text):
        return "styled letters"
    marks = len(_MARK.findall(unicodedata.normalize("NFC", text)))
    if marks > COMBINING_MAX * len(text):
        return "combining marks"
    if any(_mixes(word) for word in text.split() if not word.isascii()):
        return "mixed scripts"
    return None


def _mixes(word: str) -> bool:
    return len(_FOREIGN.intersection(disarm.detect_scripts(word))) > 1
