"""What an inference server sent back, before anybody reads it as a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

SUCCESSES = (200, 201, 203)
"""
What comes with a whole answer: some gateways answer any POST by 201, and 203 says that somebody on
the way rewrote it (RFC 9110, 15.3). No other 2xx promises one.
"""
BOM = b"\xef\xbb\xbf"
"""Gateways that write one before an answer mean nothing by it, and it is no JSON."""


class Reply(NamedTuple):
    """An HTTP answer, whole."""

    status: int
    headers: Mapping[str, str]
    """Header names in lower case."""
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the body should be a completion; it may be anything all the same."""
        return self.status in SUCCESSES
