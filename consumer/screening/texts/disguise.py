"""
Disguise: whether a text looks encoded or disguised, so that only the model should read it. Pure.

A wrong suspicion costs a call and a missed one may cost a miss, so it is suspicious. What is not
seen: words written backwards, misspelt or parted by one blank, single words of a shifted alphabet,
acrostics, codes of a person's own.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import Literal

import disarm

from consumer.screening.texts.codes import is_base64, is_hexadecimal
from consumer.screening.texts.parted import (
    PARTS,
    PARTS_MIN,
    are_words_parted,
    has_thin_blanks,
    is_parted,
)
from consumer.screening.texts.shift import is_shifted, surplus

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
    "parted letters",
]
"""Why a text is never settled before the model."""

TEXT_MAX = 8_192
"""Characters: a longer text can hide anything, and looking it through takes milliseconds."""
WORDS_KEPT_MAX = 65_536
"""Words of which is remembered how they look: about 12 MB."""
WORD_KEPT_MAX = 64
"""Characters of a word that is remembered; longer ones hardly come twice."""
PART = 20_000.0
"""What a two-letter word counts that may be a part of one: more than all digits of a text."""
ODD = 1e9
"""What one odd word counts: more than all short words of a text."""
DIGIT = 2.0
"""What a digit counts."""
DIGITS_MIN = 6 * DIGIT
"""Digits of a text from which on letters may be written as numbers."""
RUN_MIN = 20
"""Characters of a word from which on it may be code and no word."""
COMBINING_MAX = 0.2
"""Share of combining marks left after composition; written languages stay below it."""

_ODD = re.compile(
    r"[=\\%\x00-\x1f\x7f-\x9f]|&#x?[0-9a-f]{2,3};|\bu\+00"
    r"|\bbase-?(?:64|$)|\brot-?(?:13|$)|decode|crypt|cipher|morse",
    re.IGNORECASE,
)
"""In one word at least of every text that is encoded in a way seen here, but for numbers."""
_CODE_NAMES = ("decode", "crypt", "cipher", "morse")
_CODE_BEGINS = ("base", "rot")
"""Words that name a code with the number behind them."""
_LONE_MARKS = re.compile(r"[-−–—.·•/|]+")
_PICTURE = re.compile(r"&#\d{4,};")
"""The escape of a picture or of a letter far from Latin: no code, but how some clients write."""
_CODES = re.compile(r"base[ -]?64|rot[ -]?13|decode|crypt|cipher|morse")
_RUN = re.compile(
    rf"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{{6,}}={{1,2}}|(?<![\w/.=?&#-])[A-Za-z0-9+/]{{{RUN_MIN},}}(?![\w/.-])"
)
_ESCAPES = re.compile(
    r"(?:\\u\{?[0-9a-f]{2,6}\}?|\\x[0-9a-f]{2}|\\[0-7]{3}|%[0-9a-f]{2}|&#x?[0-9a-f]{2,3};){3}"
    # One is enough where it is a letter's, and stands at another letter.
    r"|\\x[4-7][0-9a-f]|\\u\{?00[4-7][0-9a-f]|\bu\+00[4-7][0-9a-f]"
    r"|[a-z]%(?:[46][1-9a-f]|[57][0-9a])|%(?:[46][1-9a-f]|[57][0-9a])[a-z]",
    re.IGNORECASE,
)
_NUMBERS = re.compile(
    r"(?:[01]{7,8}[\s,]*){3}|(?:(?:0x)?[0-9a-f]{2}[\s,:-]){5}|(?:1?\d\d[\s,.-]+){5}"
    r"|(?:(?:2[0-6]|1\d|\d)[-. ]){5}|[0-9a-f]{16}",
    re.IGNORECASE,
)
_MORSE = re.compile(r"(?:(?:[-−–—.·•]{1,5})[ /|]+){3}[-−–—.·•]")
_DIGIT = re.compile(r"[0-9]")
_DIGITS = re.compile(r"(?:[0-9][^0-9]{0,3}){6}")
"""Part of all of these, found in a tenth of the time."""
_HIDDEN = re.compile(
    r"[a-z][\xad\u034f\u115f\u1160\u180e\u200b-\u200f\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff]+[a-z]"
    r"|[^\W\d_][\u2800\u3164\uffa0]+[^\W\d_]"
    "|[\u2800\u3164\uffa0]{2}|[\u200b-\u200d\u2060-\u2064\ufe00-\ufe0e\ufeff]{4}"
    # Nothing else stands between the blanks, or a selector follows none of what it selects from.
    r"|(?<!\S)[\xad\u180e\u200b-\u200f\u2060-\u2064\ufe00-\ufe0e\ufeff]+(?!\S)"
    "|[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2}|[\x00-\u2e7f\U0001f000-\U0001ffff][\U000e0100-\U000e01ef]",
    re.IGNORECASE,
)
_FLAGS = re.compile(
    "\U0001f3f4\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074"
    "|\U000e0077\U000e006c\U000e0073)\U000e007f"
)
"""Of England, Scotland and Wales: all that are written with tags."""
_TAGS = re.compile("[\U000e0001-\U000e007f]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_OVERRIDES = re.compile("[\u202a\u202b\u202d\u202e]")
_STYLED = re.compile(
    "[\U0001d400-\U0001d7cb\u2460-\u24ff\U0001f130-\U0001f189]{2}|[\u2801-\u28ff]{2}"
    # Letters turned upside down.
    "|[ǝɐɔɟƃɓɥᴉɾʞʃɯɹʇʌʍʎ∀ƆƎℲ⅁ſ˥Ԁᴚ⊥∩Λ⅄][a-z]*[ǝɐɔɟƃɓɥᴉɾʞʃɯɹʇʌʍʎ∀ƆƎℲ⅁ſ˥Ԁᴚ⊥∩Λ⅄]"
)
_INDICATORS = re.compile("[\U0001f1e6-\U0001f1ff]+")
"""Letters that make a flag by twos."""
_DOUBLED = re.compile(r"(?:(.)\1+){3,}")
_MARK = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0]")
_FOREIGN = frozenset(
    {
        disarm.Script.LATIN,
        disarm.Script.CYRILLIC,
        disarm.Script.GREEK,
        disarm.Script.ARMENIAN,
        disarm.Script.CHEROKEE,
        disarm.Script.COPTIC,
        disarm.Script.GEORGIAN,
        disarm.Script.LISU,
        disarm.Script.CANADIAN_ABORIGINAL,
        disarm.Script.RUNIC,
    }
)
"""Scripts with letters that look alike; no language writes two of them in one word."""


def disguise(text: str) -> Disguise | None:
    """What the text seems to be disguised by; nothing where it reads as it is written."""
    return disguised(text, sum(map(_LOOKS.__getitem__, text.split()), 0j))


def disguised(text: str, look: complex) -> Disguise | None:
    """The same of a text whose words' looks, each as `word_look` has it, add up to this."""
    if len(text) > TEXT_MAX:
        return "long"
    if look.imag >= ODD:
        if not text.isascii() and (found := _unusual_characters(text)):
            return found
        if found := _encoding(text):
            return found
    if look.imag % PART >= DIGITS_MIN and _is_numbers(text):
        return "numbers for letters"
    if look.imag % ODD >= PARTS_MIN * PART and are_words_parted(text):
        return "parted letters"
    if not text.isprintable() and has_thin_blanks(text):
        return "parted letters"
    return "rot13" if look.real < 0 and is_shifted(_without_links(text.lower())) else None


def word_look(word: str) -> complex:
    """
    How a word looks; both parts are whole numbers.

    The real part is how plain it is: by how much its common letters are more than must be. The
    imaginary part is how odd: its digits, `PART` and more where it is short, or `ODD`. So one sum
    over a text's words says what it has to be looked through for, and most texts for nothing.
    """
    small = word.lower()
    return complex(surplus(small), _oddness(word, small))


class _Looks(dict[str, complex]):
    """How words look, forgotten all at once when there are too many."""

    def __missing__(self, word: str) -> complex:
        look = word_look(word)
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
        # Most words: they can name a code or be one, be a part of a word, or have letters twice.
        if len(word) in PARTS:
            return PART * PARTS[len(word)]
        if small in _CODE_BEGINS or any(map(small.count, _CODE_NAMES)):
            return ODD
        if word[1:] != small[1:] and is_base64(word):
            return ODD
        return ODD if small[0] == small[1] and is_parted(small) else 0.0
    if _ODD.search(word) or _RUN.search(word) or is_parted(small):
        return ODD
    if is_base64(word) or is_hexadecimal(word):
        return ODD
    if not word.isascii() and _unusual_characters(word):
        return ODD
    if _LONE_MARKS.fullmatch(word):
        return 1.5 * DIGIT
    if len(word) in PARTS and word.isalpha():
        return PART * PARTS[len(word)]
    return DIGIT * len(_DIGIT.findall(_PICTURE.sub("", word)))


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
    if any(map(is_hexadecimal, text.split())):
        return "numbers for letters"
    return "parted letters" if any(map(is_parted, text.lower().split())) else None


def _is_numbers(text: str) -> bool:
    return ((_DIGITS.search(text) and _NUMBERS.search(text)) or _MORSE.search(text)) is not None


def _is_base64(text: str) -> bool:
    """A word that is text so written, or a long one that looks like it or ends as it does."""
    return any(map(is_base64, text.split())) or any(
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
    if _HIDDEN.search(text) or (_TAGS.search(text) and _TAGS.search(_FLAGS.sub("", text))):
        return "hidden characters"
    if _OVERRIDES.search(text):
        return "direction override"
    if _STYLED.search(text) or any(map(_spells, _INDICATORS.findall(text))):
        return "styled letters"
    marks = len(_MARK.findall(unicodedata.normalize("NFC", text)))
    if marks > COMBINING_MAX * len(text):
        return "combining marks"
    if any(_mixes(word) for word in text.split() if not word.isascii()):
        return "mixed scripts"
    return None


def _without_links(small: str) -> str:
    # A pattern for these words takes half a second for a text that is one long word without end.
    return " ".join(word for word in small.split() if "/" not in word and "@" not in word)


def _spells(indicators: str) -> bool:
    """Whether they are not one flag, once or several times: letters that make no flag are shown."""
    return indicators != indicators[:2] * (len(indicators) // 2)


def _mixes(word: str) -> bool:
    return len(_FOREIGN.intersection(disarm.detect_scripts(word))) > 1
