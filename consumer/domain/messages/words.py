"""Words: short scalars of a document that name something, such as an id or a language. Pure."""

from __future__ import annotations

from consumer.domain.messages.documents import Document
from consumer.domain.messages.rules import Pointer, at

ID_CHARS_MAX = 1024
"""Longest id, author, conversation or language; what is longer is none."""


def word(document: Document, pointer: Pointer | None, name: str, unread: list[str]) -> str | None:
    """A short scalar such as an id; absent, null and empty are the same, anything else unread."""
    if pointer is None:
        return None
    root = document.root
    found: object
    if len(pointer) == 1 and isinstance(root, dict):
        # As nearly always, and so is the next one; what follows would come to the same.
        found = root.get(pointer[0])
    else:
        found = at(root, pointer)
    if isinstance(found, str) and found.isascii() and len(found) <= ID_CHARS_MAX:
        return found or None
    if found is None:
        return None
    named = None if isinstance(found, str) and document.is_torn(found) else short(found)
    if named is None:
        unread.append(name)
    return named


def short(found: object) -> str | None:
    """A string or an integer that is no longer than ids are; else None."""
    if isinstance(found, bool) or not isinstance(found, (str, int)):
        return None
    named = without_surrogates(found) if isinstance(found, str) else str(found)
    return named if len(named) <= ID_CHARS_MAX else None


def without_surrogates(text: str) -> str:
    """The text as UTF-8 can hold it."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
