"""Codes: whether a word is text written in base64 or hexadecimal digits, however short. Pure."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{6,}")
_HEX = re.compile(r"(?:[2-7][0-9a-f]){3,}", re.IGNORECASE)
_TEXT = re.compile(rb"[a-z .,!?'-]{3,}", re.IGNORECASE)
"""What comes of a word by chance, or of a number, hardly ever reads like that."""


def is_base64(word: str) -> bool:
    """Whether it reads as text once it is decoded; it has small letters and capitals inside."""
    if word[1:] == word[1:].lower() or word.isupper() or not _BASE64.fullmatch(word):
        return False
    try:
        return _reads(b64decode(word + "=" * (-len(word) % 4), altchars=b"-_"))
    except Error:
        return False


def is_hexadecimal(word: str) -> bool:
    """The same of two hexadecimal digits a letter; words without any number are words."""
    return _HEX.fullmatch(word) is not None and not word.isalpha() and _reads(bytes.fromhex(word))


def _reads(decoded: bytes) -> bool:
    return _TEXT.fullmatch(decoded) is not None
