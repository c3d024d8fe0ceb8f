"""The address of a server, as settings have it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator


def _address(text: str) -> str:
    """
    The address of a server, as far as it can be one.

    Raises:
        ValueError: it has no scheme, or no host.
    """
    scheme, separator, rest = text.strip().partition("://")
    if not separator or scheme not in ("http", "https"):
        raise ValueError('write it with its scheme, as in "http://127.0.0.1:8000/v1"')
    if not rest.partition("/")[0]:
        raise ValueError('it names no host: write it as in "http://127.0.0.1:8000/v1"')
    return text.strip()


Address = Annotated[str, AfterValidator(_address)]
