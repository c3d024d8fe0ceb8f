"""The seam between judging and HTTP: two transports, the same bytes on the wire."""

from __future__ import annotations

from typing import Protocol

from consumer.inference.transports.reply import Reply


class Transport(Protocol):
    """
    Sends one request and returns the whole answer, whatever its status.

    Raises:
        InferenceTimeout: no answer within `timeout_s`.
        InferenceUnavailable: no connection, or it broke before the answer was whole.
    """

    async def post(self, path: str, body: bytes, timeout_s: float) -> Reply: ...

    async def get(self, path: str, timeout_s: float) -> Reply: ...

    async def close(self) -> None: ...


ANSWER_BYTES_MAX = 8_000_000
"""
A longer answer is cut off and then unreadable; it protects the worker's memory. Protocol: a whole
judgement with 200,000 tokens of reasoning is about a megabyte.
"""
