"""
Lexicon: words as rows of whole numbers, so that a batch of texts is a few sums over tables.

Every word of a text costs one look-up, by how it is written; all the rest is done for many texts at
once. Whole numbers add up to the same in whatever order and company, so that every worker and every
run comes to the same score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import NamedTuple, TypeAlias

import numpy
from numpy.typing import NDArray

from consumer.screening.prefilter.features import WORDS_MAX, is_link, see_word
from consumer.screening.prefilter.model import UNIT, LinearModel, is_familiar
from consumer.screening.texts.disguise import TEXT_MAX, word_look
from consumer.screening.texts.normalise import may_run, normal_words, runs_of, word_normalised

WORDS_KEPT_MAX = 65_536
"""Words that are remembered, as written: about 25 MB; all are forgotten when there are more."""
WORD_KEPT_MAX = 40
"""Characters of a word that is remembered; longer ones hardly come twice."""
UNSEEN_LINK = -WORDS_MAX
"""As much less familiar as all words of a text together can be: where it leads nobody has seen."""

Numbers: TypeAlias = NDArray[numpy.int64]

ADDS, SIZE, FAMILIAR, NAME = range(4)
"""
Of a normalised word: the weights of its features summed up, in `UNIT`s; how many they are; 1 where
training saw it, whatever marks stood at its edges, or `UNSEEN_LINK`; and its name.
"""
WORD, RUNS, PLAIN, ODD = range(4)
"""
Of a word as it is written: which normalised word it is; whether a run of single letters may begin,
end or lie in it; and the two parts of its look.
"""
SEVERAL = 1_000_000
"""Among the runs: the word comes to none by itself, or to several."""


class ReadTexts(NamedTuple):
    """A batch of texts."""

    words: Numbers
    """The rows of their normalised words, one text after the other."""
    lengths: Numbers
    """How many are of which text."""
    looks: list[complex]
    """How all words of each look together."""


class Lexicon:
    """The words of one topic as its filter sees them. What is remembered is bounded."""

    def __init__(self, model: LinearModel) -> None:
        self._model = model
        self.words = WordTable()
        self._written = WordTable()
        self._row_of = _Rows(self._see)
        self._row_of_written = _Rows(self._see_written)

    def __repr__(self) -> str:
        return f"<Lexicon {len(self._row_of_written)} words written, {len(self._row_of)} words>"

    def read(self, texts: Sequence[str]) -> ReadTexts:
        """Of each text the words that `normal_words` finds, and how all that is written looks."""
        self._forget_if_full()
        look_up = self._row_of_written.__getitem__
        # What is longer is never settled, whatever stands behind it.
        rows = [[*map(look_up, text[:TEXT_MAX].split())] for text in texts]
        lengths = numpy.fromiter(map(len, rows), numpy.int64, len(rows))
        written = self._written.rows([*chain.from_iterable(rows)])
        of_texts = sums_of(written[:, RUNS:], lengths)
        looks = [complex(plain, odd) for _, plain, odd in of_texts.tolist()]
        words = written[:, WORD]
        odd_ones = [
            at
            for at in numpy.flatnonzero(of_texts[:, 0] > 1).tolist()
            if of_texts[at, 0] >= SEVERAL or may_run(texts[at][:TEXT_MAX])
        ]
        if odd_ones:
            # Their words do not stand for themselves, so the whole text is put into other words.
            found = numpy.split(words, numpy.cumsum(lengths)[:-1])
            for at in odd_ones:
                found[at] = numpy.array(
                    self.rows_of(normal_words(texts[at][:TEXT_MAX])), numpy.int64
                )
                lengths[at] = len(found[at])
            words = numpy.concatenate(found)
        return ReadTexts(words, lengths, looks)

    def rows_of(self, words: Sequence[str]) -> list[int]:
        """The rows of normalised words."""
        return [*map(self._row_of.__getitem__, words)]

    def _see(self, word: str) -> int:
        name, places = see_word(word)
        adds = sum(map(self._model.weights.__getitem__, places))
        familiar = int(is_familiar(self._model.familiar, name))
        if not familiar and is_link(word):
            familiar = UNSEEN_LINK
        return self.words.append((round(adds * UNIT), len(places), familiar, name))

    def _see_written(self, written: str) -> int:
        word, look = word_normalised(written), word_look(written)
        row, runs = 0, SEVERAL
        if word and " " not in word:
            row, runs = self._row_of[word], runs_of(written)
        return self._written.append((row, runs, int(look.real), int(look.imag)))

    def _forget_if_full(self) -> None:
        # Rows of long words are remembered by nobody, and count all the same.
        if max(len(self._written), len(self.words)) >= WORDS_KEPT_MAX:
            for each in (self.words, self._written, self._row_of, self._row_of_written):
                each.clear()


class _Rows(dict[str, int]):
    """Rows by word; of one that is not known yet a row is made."""

    def __init__(self, make: Callable[[str], int]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, word: str) -> int:
        row = self._make(word)
        if len(word) <= WORD_KEPT_MAX:
            self[word] = row
        return row


class WordTable:
    """Rows of four numbers, added one by one and read many at once."""

    def __init__(self) -> None:
        self._rows = numpy.zeros((1_024, 4), numpy.int64)
        self._count = 0
        """Of those that are in it."""
        self._added: list[tuple[int, int, int, int]] = []
        """To be put into it before it is read next."""

    def __len__(self) -> int:
        return self._count + len(self._added)

    def append(self, row: tuple[int, int, int, int]) -> int:
        """Returns its number."""
        self._added.append(row)
        return len(self) - 1

    def rows(self, numbers: Sequence[int] | Numbers) -> Numbers:
        if self._added:
            self._put_in()
        return self._rows.take(numpy.asarray(numbers, numpy.int64), axis=0)

    def clear(self) -> None:
        self._added.clear()
        self._count = 0

    def _put_in(self) -> None:
        end = len(self)
        if end > len(self._rows):
            larger = numpy.zeros((2 * end, 4), numpy.int64)
            larger[: self._count] = self._rows[: self._count]
            self._rows = larger
        self._rows[self._count : end] = self._added
        self._count = end
        self._added.clear()


def sums_of(rows: Numbers, lengths: Numbers) -> Numbers:
    """Of each group of neighbouring rows the sum, column by column; zero where a group is empty."""
    if len(lengths) == 1:
        # Messages often come alone, and these calls are most of what looking at one costs.
        alone: Numbers = rows.sum(axis=0, keepdims=True)
        return alone
    upto = numpy.zeros((len(rows) + 1, *rows.shape[1:]), numpy.int64)
    numpy.cumsum(rows, axis=0, out=upto[1:])
    ends = numpy.cumsum(lengths)
    found: Numbers = upto[ends] - upto[ends - lengths]
    return found
