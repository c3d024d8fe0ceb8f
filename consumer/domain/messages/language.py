"""
Language: what a text is guessed to be written in, where its record does not say. Pure.

The guess is that of py3langid, an optional library (the extra `language`). It is a function of the
text and the terms alone, so that a record read again is guessed to be the same; the certainty is a
sum of 32-bit numbers, whose last digits may differ from one kind of processor to another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

MISSING = (
    "needs py3langid, which is not installed here: `pip install 'safeguard-consumer[language]'` "
    "for every worker and command, or leave the table out"
)

OTHER = "other"

_MODEL = "data/model.npz.xz"
_NO_WORDS = re.compile(r"(?:https?://|www\.)\S+|[@#]\w+")
"""Links, handles and tags say nothing of the language, and most look English."""
_CODES = """
aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv
dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie
ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv
mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm
rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts
tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""
"""Those of two letters, ISO 639-1."""
_KNOWN_CODES = frozenset(_CODES.split())


@dataclass(frozen=True, slots=True)
class LanguageTerms:
    """When the language of a text is guessed, and how sure that must be."""

    certainty: float = 0.8
    """Least probability of the language; below it nothing is said."""
    letters_min: int = 10
    """Texts of fewer letters are not guessed."""
    chars_max: int = 200
    """So much of the beginning is looked at; what follows costs and changes little."""


def guessed(text: str, terms: LanguageTerms) -> str | None:
    """The language by its ISO 639 code; None where there is too little to go by, or to be sure."""
    words = _NO_WORDS.sub(" ", text[: terms.chars_max])
    if sum(map(str.isalpha, words)) < terms.letters_min:
        return None
    code, certainty = _identifier().classify(words)
    return str(code) if certainty >= terms.certainty else None


def problem() -> str | None:
    """Why no language can be guessed; None where it can. The first time it reads the model."""
    try:
        _identifier()
    except ImportError:
        return MISSING
    return None


@cache
def _identifier() -> Any:
    # Imported here: only topics that ask for it pay its second at the start, and its memory.
    from py3langid.langid import LanguageIdentifier

    return LanguageIdentifier.from_model_file(_MODEL, norm_probs=True)


def counted_as(language: str) -> str:
    """
    Under what a language that a record names is counted: `en-GB` as `en`.

    Records may say anything there, so what has no code of two letters is `other`.
    """
    code = re.split("[-_]", language, maxsplit=1)[0].lower()
    return code if code in _KNOWN_CODES else OTHER
