"""A file's lines: numbered, bounded and decoded, or named with what is wrong. Never the whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from consumer.commands.evaluate.cases.labelled import TEXT_BYTES_MAX, BadRow
from consumer.errors import InvalidSettings

_CHUNK = 1 << 16
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def lines_of(file: BinaryIO, shown: str) -> Iterator[tuple[int, str] | BadRow]:
    """
    The lines from where the file stands, each with its number and its line feed.

    Raises:
        InvalidSettings: the file is UTF-16, of which no line could be read.
    """
    number = 0
    while True:
        line = file.readline(TEXT_BYTES_MAX + 2)
        if not line:
            return
        number += 1
        if number == 1:
            if line.startswith(_UTF16):
                raise InvalidSettings(
                    f"{shown} is UTF-16: write it anew, `iconv -f UTF-16 -t UTF-8 FILE`"
                )
            line = line.removeprefix(_BOM)
        if len(line) > TEXT_BYTES_MAX and not line.endswith(b"\n"):
            size = len(line) + _skip_line(file)
            yield BadRow(
                number,
                f"holds {size:,} bytes, at most {TEXT_BYTES_MAX:,} are read: shorten or drop it",
            )
            continue
        try:
            yield number, line.decode()
        except UnicodeDecodeError as error:
            yield BadRow(
                number,
                f"byte 0x{line[error.start]:02x} at {error.start + 1} is no UTF-8: save the file "
                "as UTF-8, or `iconv -f WINDOWS-1252 -t UTF-8 FILE` where that is what it is",
            )


def _skip_line(file: BinaryIO) -> int:
    """Pass over the rest of a line; returns how long it was."""
    skipped = 0
    while chunk := file.readline(_CHUNK):
        skipped += len(chunk)
        if chunk.endswith(b"\n"):
            break
    return skipped
