"""Addresses that people write in settings."""

from __future__ import annotations

from urllib.parse import urlsplit


def web_address(text: str) -> str:
    """
    Scheme and host, and a port where it is needed.

    Raises:
        ValueError: it is anything else.
    """
    found = urlsplit(text)
    is_bare = found.path in ("", "/") and not (found.query or found.fragment or found.username)
    if found.scheme not in ("http", "https") or not found.hostname or not is_bare:
        raise ValueError('write scheme and host alone, as in "https://review.example.org"')
    return text.rstrip("/")
