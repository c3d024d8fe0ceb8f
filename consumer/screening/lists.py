"""
Lists: texts that a topic blocks, flags or allows at once, found in time linear in the text. Pure.

Each entry is looked for in the text as it came and in the normalised text, where disguises are
undone. Of several that are found the most severe counts. Patterns are RE2's, which never goes back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

from ahocorasick_rs import AhoCorasick

from consumer.domain.pattern import compiled, together
from consumer.domain.policy import Outcome
from consumer.domain.screening import ListEntry, ListTerms
from consumer.screening.texts.letters import LETTERS, MARKS, UNPARTED
from consumer.screening.texts.normalise import normalised


class Hit(NamedTuple):
    """An entry that was found in a text."""

    list: ListTerms
    line: int


class _Finder(Protocol):
    def find(self, text: str, plain: str) -> int | None:
        """The line of an entry that is in a text, or in the same text normalised."""
        ...


class Lists:
    """All lists of one topic, ready to be looked through."""

    def __init__(self, lists: Iterable[ListTerms]) -> None:
        ordered = sorted(lists, key=lambda terms: -terms.outcome.severity)
        self._finders = [(terms, _finder(terms)) for terms in ordered if terms.entries]

    def __repr__(self) -> str:
        return f"<Lists {', '.join(terms.file for terms, _ in self._finders) or 'none'}>"

    def __bool__(self) -> bool:
        return bool(self._finders)

    def find(self, text: str, plain: str) -> Hit | None:
        """The gravest entry that is found; `plain` is the text normalised."""
        text, plain = _encodable(text), _encodable(plain)
        for terms, finder in self._finders:
            line = finder.find(text, plain)
            if line is not None:
                return Hit(terms, line)
        return None


def _finder(terms: ListTerms) -> _Finder:
    if terms.match == "exact":
        return _Whole(terms.entries, may_allow=terms.outcome is Outcome.ALLOW)
    if terms.match == "patterns":
        return _Patterns(terms.entries)
    return _Phrases(terms.entries, whole_words=terms.match == "words")


class _Whole:
    """Texts that are an entry, and nothing else."""

    def __init__(self, entries: Sequence[ListEntry], *, may_allow: bool) -> None:
        self._lines = {entry.text: entry.line for entry in reversed(entries)}
        # What allows has to be there letter for letter: normalising hides a disguise.
        plain = {} if may_allow else {_plain(e.text): e.line for e in reversed(entries)}
        self._plain = {text: line for text, line in plain.items() if text}

    def find(self, text: str, plain: str) -> int | None:
        found = self._lines.get(text.strip())
        return self._plain.get(plain) if found is None else found


class _Phrases:
    """Words and phrases, in the text as it came and in the normalised text."""

    def __init__(self, entries: Sequence[ListEntry], *, whole_words: bool) -> None:
        spoken = [(entry.text.casefold(), entry.line) for entry in entries]
        plain = [(_plain(entry.text), entry.line) for entry in entries]
        self._automaton = _Automaton([*spoken, *plain], whole_words=whole_words)

    def find(self, text: str, plain: str) -> int | None:
        # What was written plainly is the same twice.
        text = text.casefold()
        found = self._automaton.find(text)
        return self._automaton.find(plain) if found is None and plain != text else found


def _plain(entry: str) -> str:
    """
    An entry as it is looked for in normalised texts; nothing where too much would be found.

    Of a sign that stands for letters these letters are left ("no" of a numero sign), of one letter
    and signs that are not seen a letter, and of signs that are not seen nothing: other texts have
    that too.
    """
    plain = normalised(entry)
    if plain == entry.casefold():
        return plain
    return plain if len(plain) > 1 and any(map(str.isalnum, entry)) else ""


class _Automaton:
    """
    One that reads each text once (Aho and Corasick, 1975).

    Whole words are found with a mark at the edges of every word, in texts where their letters are
    found at all. To look at all matches instead would take as long as there are matches, and of
    entries that lie within each other there may be hundreds at every letter.
    """

    def __init__(self, phrases: Sequence[tuple[str, int]], *, whole_words: bool) -> None:
        kept = {text: line for text, line in reversed(phrases) if text}
        self._lines = list(kept.values())
        self._letters = _Search(list(kept))
        self._words = _Search([_marked(text) for text in kept]) if whole_words else None

    def find(self, text: str) -> int | None:
        """The line of a phrase that is in the text."""
        found = self._letters.first(text)
        if found is not None and self._words is not None:
            found = self._words.first(_marked(text))
        return None if found is None else self._lines[found]


class _Search:
    """Any of several strings, looked for a part of the text after the other."""

    def __init__(self, strings: Sequence[str]) -> None:
        self._automata = [
            (begin, AhoCorasick(strings[begin:end])) for begin, end in pairwise(_ends(strings))
        ]
        self._reach = max(map(len, strings), default=1) - 1

    def first(self, text: str) -> int | None:
        """The number of one that is in the text."""
        for begin in range(0, len(text), PART_CHARS):
            # One that begins in this part may end in the next.
            part = text[begin : begin + PART_CHARS + self._reach]
            for number, automaton in self._automata:
                found = automaton.find_matches_as_indexes(part)
                if found:
                    return number + int(found[0][0])
        return None


def _ends(strings: Sequence[str]) -> list[int]:
    """Between which of them one automaton ends and the next begins."""
    ends, chars = [0], 0
    for at, string in enumerate(strings, start=1):
        chars += len(string)
        if chars >= AT_ONCE_CHARS or at == len(strings):
            ends.append(at)
            chars = 0
    return ends


AT_ONCE_CHARS = 200_000
"""Of entries put together to one automaton: while the library does that, about 0.2 s, nothing else
runs in the worker, and a reload must not stop it for seconds."""
PART_CHARS = 4_096
"""The library finds all matches before it gives any, and in a long text there may be many."""
MARK = "\x1f"
"""Parts no words and is a part of none, so that more of them in a text change nothing."""
_ASCII_EDGE = re.compile(r"\b")
_EDGE = re.compile(
    rf"(?<![{LETTERS}])(?=[{LETTERS}])|(?<=[{LETTERS}])(?![{LETTERS}])"
    rf"|(?=[{UNPARTED}])(?![{MARKS}])|(?<=[{UNPARTED}])(?![{MARKS}])"
)
"""Where words are not parted by blanks every letter is taken for one: who knows which are words?"""


def _marked(text: str) -> str:
    """With a mark wherever a word begins or ends."""
    return (_ASCII_EDGE if text.isascii() else _EDGE).sub(MARK, text)


class _Patterns:
    """Regular expressions: all of them at once, and one by one only where any is found."""

    def __init__(self, entries: Sequence[ListEntry]) -> None:
        self._any = compiled(together([entry.text for entry in entries]))
        self._each = [(compiled(entry.text), entry.line) for entry in entries]

    def find(self, text: str, plain: str) -> int | None:
        for each in (text, plain):
            if self._any.search(each) is not None:
                for pattern, line in self._each:
                    if pattern.search(each) is not None:
                        return line
        return None


def _encodable(text: str) -> str:
    """The text, with what is no character (half of a surrogate pair) replaced: nothing else reads
    it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text
