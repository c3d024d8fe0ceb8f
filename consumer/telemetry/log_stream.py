"""The stream that log lines go to: one that cannot be written loses lines, and stops nobody."""

from __future__ import annotations

from io import TextIOBase
from typing import TextIO


class LogStream(TextIOBase):
    """
    Writes on, whatever becomes of what is behind it.

    A full disk, or a reader of a pipe that ended, is no reason to leave messages unjudged: lines
    are lost until it takes some again, and the next one says how many.
    """

    def __init__(self, stream: TextIO | None) -> None:
        """`stream` is None where the process was started with its stderr closed."""
        self._stream = stream
        self.lost = 0
        """Lines since the last one that was written."""

    def write(self, line: str) -> int:
        try:
            if self._stream is not None:
                self._stream.write(line)
                self._stream.flush()
        except (OSError, ValueError):  # A stream that was closed is a ValueError.
            self.lost += 1
        else:
            self.lost = 0
        return len(line)

    def flush(self) -> None:
        """Every line is flushed as it is written."""

    def isatty(self) -> bool:
        stream = self._stream
        return stream is not None and not stream.closed and stream.isatty()
