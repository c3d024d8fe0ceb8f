"""The texts of a file that are judged."""

from __future__ import annotations

from collections.abc import Iterator

from consumer.commands.evaluate.cases.columns import Reader
from consumer.commands.evaluate.cases.formats import CasesFile
from consumer.commands.evaluate.cases.labelled import CaseRow, LabelledText


class Texts:
    """The texts of a file that are judged: those with a label, spread over it where limited."""

    def __init__(self, file: CasesFile, reader: Reader, total: int, limit: int) -> None:
        self.file = file
        self._reader = reader
        self._total = total
        self._limit = limit

    def __repr__(self) -> str:
        return f"<Texts {len(self)} of {self._total} of {self.file.shown}>"

    def __len__(self) -> int:
        return min(self._limit, self._total) if self._limit else self._total

    def __iter__(self) -> Iterator[LabelledText]:
        number = 0
        for row in self.file.rows():
            text = self._reader.read(row) if isinstance(row, CaseRow) else row
            if not isinstance(text, LabelledText) or not text.known:
                continue
            # Text k is taken where k * n / total passes a whole number: evenly, n of them.
            if number * len(self) // self._total != (number - 1) * len(self) // self._total:
                yield text
            number += 1
