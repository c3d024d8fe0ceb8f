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
        self._plain = {} if may_allow else {normalised(e.text): e.line for e in reversed(entries)}

    def find(self, text: str, plain: str) -> int | None:
        found = self._lines.get(text.strip())
        return self._plain.get(plain) if found is None else found


class _Phrases:
    """Words and phrases, as an automaton that reads each text once (Aho and Corasick, 1975)."""

    def __init__(self, entries: Sequence[ListEntry], *, whole_words: bool) -> None:
        self._whole_words = whole_words
        self._spoken = _automaton([(entry.text.casefold(), entry.line) for entry in entries])
        self._plain = _automaton([(normalised(entry.text), entry.line) for entry in entries])

    def find(self, text: str, plain: str) -> int | None:
        # What was written plainly is the same twice.
        text = text.casefold()
        found = self._in(*self._spoken, text)
        return self._in(*self._plain, plain) if found is None and plain != text else found

    def _in(self, automaton: AhoCorasick, lines: Sequence[int], text: str) -> int | None:
        found = automaton.find_matches_as_indexes(text, overlapping=self._whole_words)
        for number, begin, end in found:
            if not self._whole_words or _stands_alone(text, begin, end):
                return lines[number]
        return None


def _automaton(phrases: Iterable[tuple[str, int]]) -> tuple[AhoCorasick, list[int]]:
    kept = {text: line for text, line in phrases if text}
    return AhoCorasick(list(kept)), list(kept.values())


_WORD = re.compile(r"\w")


def _stands_alone(text: str, begin: int, end: int) -> bool:
    """Whether no word goes on beyond what was found."""
    before, after = text[begin - 1 : begin + 1], text[end - 1 : end + 1]
    return not (_is_inside(before) or _is_inside(after))


def _is_inside(pair: str) -> bool:
    return len(pair) == 2 and bool(_WORD.match(pair[0]) and _WORD.match(pair[1]))


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
