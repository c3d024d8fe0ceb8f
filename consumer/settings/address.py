"""Addresses that people write in settings: of a server, and of the pages that people open."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator


def _address(text: str) -> str:
    """
    The address of a server, as far as it can be one.

    Raises:
        ValueError: it has no scheme or no host, or is none that anybody could be asked at.
    """
    scheme, separator, rest = text.strip().partition("://")
    if not separator or scheme not in ("http", "https"):
        raise ValueError('write it with its scheme, as in "http://127.0.0.1:8000/v1"')
    if not rest.partition("/")[0]:
        raise ValueError('it names no host: write it as in "http://127.0.0.1:8000/v1"')
    try:
        found = urlsplit(text.strip())
        is_one = found.hostname and found.port != 0 and not re.search(r"[\s\0-\x1f]", found.netloc)
    except ValueError:
        is_one = None
    if not is_one:
        raise ValueError('no host and port: write it as in "http://127.0.0.1:8000/v1"')
    return text.strip()


Address = Annotated[str, AfterValidator(_address)]


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
