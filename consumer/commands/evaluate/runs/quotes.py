"""Words of a policy that a model repeats when it says why: they show what it hangs on. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from consumer.domain.policy import Policy

WORDS_MIN = 4
"""In a row; fewer are common speech."""
WORDS_MAX = 12
"""Of one quotation."""
QUOTES_MAX = 6
"""Of one answer, the first of them."""
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")


def quoted_in(policy: Policy, said: str, text: str) -> tuple[str, ...]:
    """
    The policy's words in what was said, without case and punctuation.

    A row of words that stands in the text judged as well is none: the model may have repeated
    that. All of them are the policy's own, so that whoever keeps them keeps nothing of a text.
    """
    own = _rows(policy)
    theirs = frozenset(_rows_of(_words(text)))
    words = _words(said)
    rows = _rows_of(words)
    found: dict[str, None] = {}
    at = 0
    while at < len(rows) and len(found) < QUOTES_MAX:
        end = at
        while end < len(rows) and rows[end] in own and rows[end] not in theirs:
            end += 1
        if end == at:
            at += 1
            continue
        quote = words[at : end + WORDS_MIN - 1]
        found[" ".join(quote[:WORDS_MAX])] = None
        at += len(quote)
    return tuple(found)


@lru_cache(maxsize=256)
def _rows(policy: Policy) -> frozenset[str]:
    parts = [policy.text, *policy.rules.values()]
    return frozenset(row for part in parts for row in _rows_of(_words(part)))


def _rows_of(words: list[str]) -> list[str]:
    """So many words in a row, from each word on; none where there are fewer."""
    return [" ".join(row) for row in zip(*(words[at:] for at in range(WORDS_MIN)), strict=False)]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
