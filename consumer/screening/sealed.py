"""
Sealed: a file that holds no code, and that is whole or refused.

A line that says what it is, the length of the head, the head as JSON, whatever follows, and a
checksum. Its digest is that of the whole file.
"""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from consumer.errors import InvalidSettings
from consumer.files import read_file

FILE_MAX = 64 * 1024 * 1024
"""Bytes: eight times what a full table takes; a larger file is some other file."""
LENGTH = 4
CHECK = 16

Head = TypeVar("Head", bound=BaseModel)


def seal(magic: bytes, head: BaseModel, rest: bytes = b"") -> bytes:
    """The file. The same content has the same bytes, whatever machine writes it."""
    about = head.model_dump_json().encode()
    body = magic + len(about).to_bytes(LENGTH, "little") + about + rest
    return body + blake2b(body, digest_size=CHECK).digest()


def unseal(
    magic: bytes, content: bytes, name: str, kind: type[Head], again: str
) -> tuple[Head, bytes]:
    """
    The head of a file and what follows it; `name` and `again`, how to make it anew, are for errors.

    Raises:
        InvalidSettings: it is of another kind or release, or is cut short or changed.
    """
    if not content.startswith(magic):
        raise InvalidSettings(f"{name} is no filter, or one of another release: {again}")
    body, check = content[:-CHECK], content[-CHECK:]
    if blake2b(body, digest_size=CHECK).digest() != check:
        raise InvalidSettings(f"{name} is broken: its checksum differs. Copy it again, or {again}")
    length = int.from_bytes(body[len(magic) : len(magic) + LENGTH], "little")
    end = len(magic) + LENGTH + length
    if len(body) < end:
        raise InvalidSettings(f"{name} is cut short: copy it again, or {again}")
    try:
        return kind.model_validate_json(body[len(magic) + LENGTH : end]), body[end:]
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:3]
        )
        raise InvalidSettings(f"{name} does not say what it is for ({wrong}): {again}") from None


def digest_of(content: bytes) -> str:
    """BLAKE2b-128 in hex, as verdicts and notes name the file."""
    return blake2b(content, digest_size=16).hexdigest()


def read_sealed(file: Path) -> bytes:
    """
    The content of a file that may be one.

    Raises:
        InvalidSettings: it cannot be read, or is too large to be one.
    """
    found = read_file(file, FILE_MAX)
    if isinstance(found, str):
        raise InvalidSettings(f"the filter {file} {found}")
    return found


def write_sealed(file: Path, content: bytes) -> None:
    """Whole or not at all: beside its place first, then renamed."""
    draft = file.with_name(f".{file.name}.draft")
    draft.write_bytes(content)
    draft.replace(file)
