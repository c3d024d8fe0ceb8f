"""
Lists: texts that a topic blocks, flags or allows at once, found in time linear in the text. Pure.

Each entry is looked for in the text as it came and in the normalised text, where disguises are
undone. Of several that are found the most severe counts. Patterns are RE2's, which never goes back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from ahocorasick_rs import AhoCorasick

from consumer.domain.pattern import compiled, together
from consumer.domain.policy import Outcome
from consumer.domain.screening import ListEntry, ListTerms
from consumer.screening.normalise import normalised


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
        plain = {} if may_allow else {normalised(e.text): e.line for e in reversed(entries)}
        # Of what holds nothing that is seen nothing is left, and it is not the same for that.
        self._plain = {text: line for text, line in plain.items() if text}

    def find(self, text: str, plain: str) -> int | None:
        found = self._lines.get(text.strip())
        return self._plain.get(plain) if found is None else found


class _Phrases:
    """Words and phrases, in the text as it came and in the normalised text."""

    def __init__(self, entries: Sequence[ListEntry], *, whole_words: bool) -> None:
        spoken = [(entry.text.casefold(), entry.line) for entry in entries]
        plain = [(normalised(entry.text), entry.line) for entry in entries]
        if not whole_words:
            # Of what is one letter and signs that are not seen a letter is left, and all have that.
            plain = [each for each in plain if len(each[0]) > 1 or each in spoken]
        self._spoken = _Automaton(spoken, whole_words=whole_words)
        self._plain = _Automaton(plain, whole_words=whole_words)

    def find(self, text: str, plain: str) -> int | None:
        # What was written plainly is the same twice.
        text = text.casefold()
        found = self._spoken.find(text)
        return self._plain.find(plain) if found is None and plain != text else found


class _Automaton:
    """
    One that reads each text once (Aho and Corasick, 1975).

    Whole words are found with a mark at the edges of every word, in texts where their letters are
    found at all. To look at all matches instead would take as long as there are matches, and of
    entries that lie within each other there may be hundreds at every letter.
    """

    def __init__(self, phrases: Iterable[tuple[str, int]], *, whole_words: bool) -> None:
        kept = {text: line for text, line in phrases if text}
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
        self._automaton = AhoCorasick(strings)
        self._reach = max(map(len, strings), default=1) - 1

    def first(self, text: str) -> int | None:
        """The number of one that is in the text."""
        for begin in range(0, len(text), PART_CHARS):
            # One that begins in this part may end in the next.
            part = text[begin : begin + PART_CHARS + self._reach]
            found = self._automaton.find_matches_as_indexes(part)
            if found:
                return int(found[0][0])
        return None


PART_CHARS = 4_096
"""The library finds all matches before it gives any, and in a long text there may be many."""
MARK = "\x1f"
"""Parts no words and is a part of none, so that more of them in a text change nothing."""
_EDGE = re.compile(r"\b")


def _marked(text: str) -> str:
    """With a mark wherever a word begins or ends."""
    return _EDGE.sub(MARK, text)


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
