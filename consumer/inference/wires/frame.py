"""
The bytes of a request around the text that is asked about. Pure.

Everything before the text is the same for every message under one prompt, so it is encoded once
and the server's prefix cache stays warm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from consumer.inference.wires.format import RequestFormat


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is asked of a model about any text."""

    system: str
    """The system message."""
    effort: str
    """How long to reason, in the words of `Profile.efforts`."""
    schema_name: str
    schema: Mapping[str, object]
    """The JSON schema of an answer."""


class Frame(NamedTuple):
    """A request without its text."""

    before: bytes
    """Up to the text."""
    after: bytes
    """From the text on; the end of a JSON object."""

    def around(self, user: str, format: RequestFormat, priority: int | None = None) -> bytes:
        """
        The whole request about `user`, the wrapped text.

        `priority` is the call's place in the server's queue, lower = earlier; it is sent only where
        the format has priorities.
        """
        before, after = self
        if priority is not None and format.with_priority:
            after = after[:-1] + b',"priority":%d}' % (priority * format.profile.priority.value)
        return before + orjson.dumps(user) + after
