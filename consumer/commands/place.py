"""Place: where a command is to write a file, looked at before anything else is done."""

from __future__ import annotations

from pathlib import Path

from consumer.errors import InvalidSettings


def check_place(option: str, file: Path) -> None:
    """
    Find out before topics are read or a model is asked, not when all is done.

    Raises:
        InvalidSettings: no file can be written there.
    """
    if file.is_dir():
        raise InvalidSettings(f"{option} {file} is a folder: name a file in it")
    if not file.parent.is_dir():
        raise InvalidSettings(f"{option} {file}: there is no folder {file.parent}")
