"""Secrets of the console, each in a file of its own."""

from __future__ import annotations

from pathlib import Path

from consumer.errors import InvalidSettings

SECRET_CHARS_MIN = 16
"""Of a secret that others share: a shorter one can be guessed over the network."""


def secret_in(file: Path, setting: str) -> str:
    """
    The secret in a file, which is long enough.

    Raises:
        InvalidSettings: naming the setting.
    """
    secret = text_in(file, setting)
    if len(secret) < SECRET_CHARS_MIN:
        raise InvalidSettings(
            f"{setting}: the secret has {SECRET_CHARS_MIN} characters or more; "
            "`openssl rand -hex 32` makes one"
        )
    return secret


def text_in(file: Path, setting: str) -> str:
    """
    What a file holds.

    Raises:
        InvalidSettings: it cannot be read.
    """
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(
            f"{setting}: {file} cannot be read: "
            f"{getattr(error, 'strerror', None) or 'it is no text'}"
        ) from None
