"""
Normalise: how texts are written for matching. The model is always given the original. Pure.

Word by word, since the words of a topic come again and again: a known word costs one look-up.
Patterns and words that are matched against such text are put through the same function.
"""

from __future__ import annotations

import re
import unicodedata
from html import unescape

import disarm

WORDS_KEPT_MAX = 65_536
"""Words remembered: about 15 MB, and more than a busy topic uses in an hour."""
WORD_KEPT_MAX = 40
"""Characters of a word that is remembered: longer ones hardly come twice."""
REPEATS_MAX = 2
"""A letter that is repeated more often stands for emphasis ("sooooo"), so two are kept."""

_RUN = re.compile(r"(?<![^\W_])(?:[^\W\d_][\s.,\-_*|/~+]){2,}[^\W\d_](?![^\W_])")
"""Three letters or more that stand alone with one mark or blank between each and the next."""
_MAY_RUN = re.compile(r"[\s.,\-_*|/~+][^\W\d_][\s.,\-_*|/~+][^\W\d_](?![^\W_])")
"""The end of any such run, found in a third of the time."""
_RUN_IN_WORD = re.compile(r"(?:^|[.,\-_*|/~+])[^\W\d_][.,\-_*|/~+][^\W\d_](?![^\W_])")
_RUN_AT_EDGE = re.compile(r"^[^\W\d_](?![^\W_])|(?:^|[.,\-_*|/~+])[^\W\d_]$")
"""Of one word: part of it, where the rest may stand in its neighbour."""
_BETWEEN = re.compile(r"[\W_]")
_REPEATED = re.compile(rf"(.)\1{{{REPEATS_MAX},}}")
_LEET = re.compile(r"[a-z][0134578@$!|]+[a-z]|(?<![a-z0-9])\$[a-z]")
_LETTERS_OF_LEET = str.maketrans("0134578@$!|", "oieastbasil")
_LINK = re.compile(r"://|^www\.|^@|[a-z]/|[a-z0-9]\.[a-z]{2,}|@.*\.")
"""What stays as it is written, or a pattern would not find it: links, mail and handles."""
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e01ef]"
)
_BORROWED = frozenset({disarm.Script.CYRILLIC, disarm.Script.GREEK, disarm.Script.ARMENIAN})


def normalised(text: str) -> str:
    """
    The text for matching: words in small letters with one blank between each and the next.

    Look-alikes, invisible and combining characters, full-width and styled letters, HTML escapes,
    leet, letters spaced out and letters repeated are undone. Normalising again changes nothing
    that matters, and no text makes it fail.
    """
    return " ".join(normal_words(text))


def normal_words(text: str) -> list[str]:
    """
    The same as its words.

    The same word is the same string nearly always, so whoever looks it up need not hash it.
    """
    if may_run(text):
        text = _RUN.sub(_joined, text)
    written = text.split()
    words = [*map(_KNOWN.__getitem__, written)]
    return " ".join(map(word_normalised, written)).split() if "" in words else words


def may_run(text: str) -> bool:
    """Whether single letters may stand there in a run, so that words are more than themselves."""
    return _MAY_RUN.search(text) is not None


def runs_of(word: str) -> int:
    """
    What a word (what stands between blanks) says of `may_run`, which needs two or more of a text's
    words together: 2 where such a run may lie in the word, 1 where it may begin or end there.
    """
    if word.isalpha():
        return 1 if len(word) == 1 else 0
    return 2 if _RUN_IN_WORD.search(word) else 1 if _RUN_AT_EDGE.search(word) else 0


def word_normalised(word: str) -> str:
    """One word (what stands between blanks) for matching; empty where nothing of it is seen."""
    if word.isascii() and word.isalpha():
        # Most words: there is nothing to undo but capitals and letters repeated.
        return _REPEATED.sub(_fewer, word.lower())
    if "&" in word:
        word = " ".join(unescape(word).split())
    word = _letters(word)
    if word.isalpha():
        return _REPEATED.sub(_fewer, word)
    if _LINK.search(word):
        return word
    if _LEET.search(word):
        word = word.translate(_LETTERS_OF_LEET)
    if _MAY_RUN.search(word):
        word = _RUN.sub(_joined, word)
    return _REPEATED.sub(_fewer, word)


class _Words(dict[str, str]):
    """
    Words as they were normalised; forgotten all at once when there are too many.

    Of what comes to no word, or to several, it says nothing.
    """

    def __missing__(self, word: str) -> str:
        plain = word_normalised(word)
        if " " in plain:
            plain = ""
        if len(word) <= WORD_KEPT_MAX:
            if len(self) >= WORDS_KEPT_MAX:
                self.clear()
            self[word] = plain
        return plain


_KNOWN = _Words()


def _letters(word: str) -> str:
    """
    In small plain letters.

    Marks are taken off only where Latin letters are left, or where a word borrows letters of
    another script: in many scripts the marks are the vowels.
    """
    if word.isascii():
        return _UNSEEN.sub("", word.lower())
    plain = disarm.strip_obfuscation(word)
    if not plain.isascii() and not _is_borrowed(word):
        plain = unicodedata.normalize("NFKC", disarm.strip_zalgo(word))
    # A letter can be written out as several, some of them blanks.
    return " ".join(_UNSEEN.sub("", plain.casefold()).split())


def _is_borrowed(word: str) -> bool:
    """Whether Latin letters stand beside such as look like them."""
    scripts = set(disarm.detect_scripts(word))
    return disarm.Script.LATIN in scripts and not scripts.isdisjoint(_BORROWED)


def _fewer(found: re.Match[str]) -> str:
    return found[1] * REPEATS_MAX


def _joined(found: re.Match[str]) -> str:
    return _BETWEEN.sub("", found[0])
