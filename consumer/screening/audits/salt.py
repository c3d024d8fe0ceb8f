"""Salt: the secret that decides who is audited, read from a file that only workers may read."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

from consumer.errors import InvalidSettings

SALT_BYTES_MIN = 16
"""Fewer can be guessed, and whoever knows the salt knows which messages nobody looks at."""
SALT_BYTES_MAX = 4_096
"""A longer file is some other file."""


def read_salt(file: Path) -> bytes:
    """
    The key for the draw. All workers of a topic must have the same, and keep it for ever.

    Raises:
        InvalidSettings: the file cannot be read, or holds too little or too much.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(SALT_BYTES_MAX + 1).strip()
    except OSError as error:
        raise InvalidSettings(
            f"the salt of the audits cannot be read from {file}: {error.strerror}; make one with "
            f"`head -c 32 /dev/urandom > {file.name}` and give it to all workers"
        ) from error
    if not SALT_BYTES_MIN <= len(content) <= SALT_BYTES_MAX:
        raise InvalidSettings(
            f"the salt of the audits in {file} has {len(content)} bytes; it must have "
            f"{SALT_BYTES_MIN} to {SALT_BYTES_MAX}"
        )
    return blake2b(content, digest_size=32, person=b"audit-salt").digest()
