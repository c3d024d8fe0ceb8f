"""
The results file: JSON lines, written as answers come, read again by whoever goes on.

A kill leaves at most half a line at its end, which is cut off; nothing before it is judged twice.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from consumer.commands.evaluate.cases.index import DiskIndex
from consumer.commands.evaluate.runs.answer import KeptAnswer, answer_in
from consumer.domain.verdicts.verdict import NO_TOKENS
from consumer.errors import InvalidSettings

FORMAT = "safeguard.evaluation-results.v1"
_HEAD = orjson.dumps({"format": FORMAT}) + b"\n"


class ResultsFile:
    """
    The answers of an evaluation by their keys. Where each lies is kept on disk, not in memory.

    `judged_twice` counts answers of a key that had a final one already: it must stay 0.
    """

    def __init__(self, path: Path) -> None:
        """
        Raises:
            InvalidSettings: it cannot be written, is another kind of file, or is in use.
        """
        self.path = path
        self.judged_twice = 0
        self.tokens = NO_TOKENS
        """Of every answer in it."""
        self.size = 0
        self.kept = 0
        """How many it held when it was opened."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.fdopen(
                os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), "r+b"
            )
        except OSError as error:
            raise InvalidSettings(f"--results {path}: {error.strerror}") from None
        self._places = DiskIndex()
        try:
            self._claim()
            self._read()
        except BaseException:
            self.close()
            raise
        self.kept = self.size

    def __repr__(self) -> str:
        return f"<ResultsFile {self.path}: {self.size} answers, {self.billed_tokens} tokens>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self._places.close()

    @property
    def billed_tokens(self) -> int:
        """Prompts and completions of every answer in it."""
        return self.tokens.prompt + self.tokens.completion

    def get(self, key: str) -> KeptAnswer | None:
        """The answer that was kept last under a key."""
        place = self._places.get(key)
        if place is None:
            return None
        self._file.seek(int(place.lstrip("~")))
        return answer_in(self._file.readline())

    def has(self, key: str) -> bool:
        """Whether there is an answer that asking again would not better."""
        place = self._places.get(key)
        return place is not None and not place.startswith("~")

    def keep(self, answer: KeptAnswer) -> None:
        """Write an answer; it is with the system when this returns."""
        place = self._file.seek(0, os.SEEK_END)
        self._file.write(answer.line())
        self._file.flush()
        self._count(answer, place)

    def _claim(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InvalidSettings(f"{self.path} is in use by another evaluation") from None

    def _read(self) -> None:
        head = self._file.readline()
        if not head.endswith(b"\n") and _HEAD.startswith(head):
            self._file.seek(0)
            self._file.truncate()
            self._file.write(_HEAD)
            self._file.flush()
            return
        if head != _HEAD:
            raise InvalidSettings(
                f"--results {self.path} is no results file of an evaluation: name another"
            )
        place = len(head)
        while line := self._file.readline():
            if not line.endswith(b"\n"):
                self._file.truncate(place)
                break
            answer = answer_in(line)
            if answer is None:
                raise InvalidSettings(
                    f"{self.path}: byte {place} begins no answer: mend or delete that line"
                )
            self._count(answer, place)
            place += len(line)

    def _count(self, answer: KeptAnswer, place: int) -> None:
        if self.has(answer.key):
            self.judged_twice += 1
        # A place with a tilde is asked about again: an outage left it open.
        self._places.put(answer.key, f"{place}" if answer.is_final else f"~{place}")
        self.size += 1
        self.tokens += answer.tokens
