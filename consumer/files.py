"""
Files that people and programs left: read whole and in bounded work, or named with what is wrong.

A pipe would block for ever, a device would never end, and a name may be any bytes.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

_BOM = b"\xef\xbb\xbf"
_CONTROLS = {number: f"\\x{number:02x}" for number in (*range(0x20), *range(0x7F, 0xA0))}


def read_file(file: Path, bytes_max: int) -> bytes | str:
    """The content of an ordinary file, or what is wrong with it; never waits."""
    try:
        # Without O_NONBLOCK a pipe is opened only when somebody writes to it.
        number = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        return f"cannot be read: {_why(error)}"
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            return "cannot be read: it is no ordinary file"
        with os.fdopen(os.dup(number), "rb") as content:
            found = content.read(bytes_max + 1)
    except OSError as error:
        return f"cannot be read: {_why(error)}"
    finally:
        os.close(number)
    if len(found) > bytes_max:
        return f"is larger than {bytes_max:,} bytes"
    return found


def names_in(folder: Path) -> list[str] | str:
    """The names in a folder, sorted, without hidden and editor files, or what is wrong with it."""
    try:
        return sorted(name for name in os.listdir(folder) if not is_hidden(name))
    except (OSError, ValueError) as error:
        return f"cannot be read: {_why(error)}"


def is_hidden(name: str) -> bool:
    """
    Whether a name is no business of ours: `.draft.md`, `._p.md`, `.#p.md`, `#p.md#`, `p.md~`.

    So are the `..data` and `..2026_01_31` that Kubernetes keeps beside a mounted ConfigMap.
    """
    return name.startswith(".") or name.endswith("~") or (name[0] == "#" and name[-1] == "#")


def printable(path: str | Path) -> str:
    """A path as it can be written anywhere: controls and bytes that are no UTF-8 as `\\xfc`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace").translate(_CONTROLS)


def is_printable(name: str) -> bool:
    """Whether a name is UTF-8 on one line, so that a digest, a record and a log can hold it."""
    return printable(name) == name


def as_saved_anywhere(content: bytes) -> bytes:
    """
    The content without a byte order mark and with bare line feeds.

    What an editor or a checkout on another system adds is no other text, and has no other digest.
    """
    return content.removeprefix(_BOM).replace(b"\r\n", b"\n")


def _why(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
