"""Salt: the secret that decides who is audited, read from a file that only workers may read."""

from __future__ import annotations

from hashlib import blake2b
from itertools import pairwise
from pathlib import Path

from consumer.errors import InvalidSettings
from consumer.files import read_file

SALT_BYTES_MIN = 16
"""Fewer can be guessed, and whoever knows the salt knows which messages nobody looks at."""
SALT_BYTES_MAX = 4_096
"""A longer file is some other file."""
DISTINCT_MIN = 6
"""Different bytes, and different steps from one to the next; of 16 random hexadecimal digits one in
10,000 has fewer."""
PLACEHOLDERS = (
    *(b"change", b"secret", b"passw", b"example", b"default", b"placeholder", b"replace"),
    *(b"insert", b"random", b"qwerty", b"letmein", b"12345", b"safeguard", b"moderation"),
)
"""What stands in files that somebody has yet to fill, and in what people take for a password."""
_WHO_HAS_IT = "who runs the workers has it and may let you read it."


def read_salt(file: Path) -> bytes:
    """
    The key for the draw. All workers of a topic must have the same, and keep it for ever.

    Raises:
        InvalidSettings: the file cannot be read, holds too little or too much, or what anybody
            could guess.
    """
    make = f"make one with `head -c 32 /dev/urandom > {file.name}` and give it to all workers"
    found = read_file(file, SALT_BYTES_MAX)
    if isinstance(found, str):
        raise InvalidSettings(
            f"the salt of the audits in {file} {found}; {_WHO_HAS_IT} Where there is none, {make}"
        )
    content = found.strip()
    if len(content) < SALT_BYTES_MIN:
        raise InvalidSettings(
            f"the salt of the audits in {file} has {len(content)} bytes; it must have "
            f"{SALT_BYTES_MIN} to {SALT_BYTES_MAX}: {make}"
        )
    weakness = _weakness(content)
    if weakness is not None:
        raise InvalidSettings(f"the salt of the audits in {file} is no secret: {weakness}; {make}")
    return blake2b(content, digest_size=32, person=b"audit-salt").digest()


def _weakness(salt: bytes) -> str | None:
    """Why it can be guessed; None where nothing is seen against it, as of any words."""
    if any(salt[size:] == salt[:-size] for size in range(1, len(salt) // 2 + 1)):
        return "it says the same over and over"
    steps = {(later - byte) % 256 for byte, later in pairwise(salt)}
    if len(set(salt)) < DISTINCT_MIN or len(steps) < DISTINCT_MIN:
        return f"it has fewer than {DISTINCT_MIN} different bytes, or they follow one another"
    small = salt.lower()
    if any(word in small for word in PLACEHOLDERS):
        return "it reads like a placeholder or a password"
    return None
