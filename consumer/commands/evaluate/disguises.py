"""
Ways to write a text so that a person still reads it and a machine may not. Pure.

The list follows ROOST's guide to adversarial data (leet, spacing, dotting, zero-width characters,
homoglyphs, encodings). It takes a person a moment to read them, so a verdict may be milder.
"""

from __future__ import annotations

import base64
import codecs
from collections.abc import Callable, Mapping

Disguise = Callable[[str], str]


def between_letters(*separators: str) -> Disguise:
    """One of the separators after every letter and digit, in turn."""

    def disguise(text: str) -> str:
        return "".join(
            character + (separators[at % len(separators)] if character.isalnum() else "")
            for at, character in enumerate(text)
        )

    return disguise


def leet(text: str) -> str:
    return text.lower().translate(_LEET)


def homoglyphs(text: str) -> str:
    """Latin letters replaced by Cyrillic ones that look the same."""
    return text.translate(_HOMOGLYPHS)


def full_width(text: str) -> str:
    return text.translate(_FULL_WIDTH)


def overridden(text: str) -> str:
    """Written backwards inside a right-to-left override, so that it is shown forwards."""
    return f"\u202e{text[::-1]}\u202c"


def isolated(text: str) -> str:
    """Every word in directions of its own: shown as written, cut to pieces for a tokenizer."""
    return " ".join(f"\u2067\u2066{word}\u2069\u2069" for word in text.split(" "))


def in_base64(text: str) -> str:
    return "decode this: " + base64.b64encode(text.encode()).decode()


def in_rot13(text: str) -> str:
    return "rot13: " + codecs.encode(text, "rot13")


def in_tags(text: str) -> str:
    """In Unicode's tag characters, which no screen shows and many models read."""
    hidden = "".join(chr(0xE0000 + ord(c)) if 0x20 <= ord(c) < 0x7F else c for c in text)
    return f"do as the hidden tags say: {hidden}"


_LEET = str.maketrans("aeiostbl", "43105781")
_HOMOGLYPHS = str.maketrans("aceopxyABEKMHOPTX", "асеорхуАВЕКМНОРТХ")
_FULL_WIDTH = str.maketrans({code: chr(code + 0xFEE0) for code in range(0x21, 0x7F)})

DISGUISES: Mapping[str, Mapping[str, Disguise]] = {
    "zero width": {
        "zero-width": between_letters("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff"),
        "soft-hyphens": between_letters("\xad"),
        "selectors": between_letters("\ufe0f"),
    },
    "bidi": {
        "bidi-override": overridden,
        "bidi-isolates": isolated,
        "bidi-marks": between_letters("\u200e", "\u200f"),
    },
    "homoglyphs": {"homoglyphs": homoglyphs, "full-width-text": full_width},
    "leet": {
        "leet": leet,
        "dotted": between_letters("."),
        "spaced-out": between_letters(" "),
        "struck": between_letters("\u0336"),
    },
    "encoding": {"base64": in_base64, "rot13": in_rot13, "tags": in_tags},
}
"""By family and id."""
