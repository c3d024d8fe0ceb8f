"""
Authors: who was not allowed something lately, so that nothing of theirs is settled unread.

Each worker knows of what it judged itself; a topic keyed by author has all of one author's there.
"""

from __future__ import annotations

from collections import OrderedDict

from consumer.domain.screening import AuthorTerms


class RecentAuthors:
    """Bounded in number and time."""

    def __init__(self, terms: AuthorTerms) -> None:
        self._terms = terms
        self._until_s: OrderedDict[str, float] = OrderedDict()
        """The one longest quiet first."""

    def __repr__(self) -> str:
        return f"<RecentAuthors {len(self._until_s)} of {self._terms.authors_max}>"

    def note(self, author: str | None, now_s: float) -> None:
        """Something of theirs was not allowed."""
        if author is None:
            return
        self._until_s[author] = now_s + self._terms.for_s
        self._until_s.move_to_end(author)
        while len(self._until_s) > self._terms.authors_max:
            self._until_s.popitem(last=False)

    def holds(self, author: str | None, now_s: float) -> bool:
        """Whether that is so recent that the model reads what they write."""
        if author is None or author not in self._until_s:
            return False
        if now_s < self._until_s[author]:
            return True
        del self._until_s[author]
        return False
