"""What an inference server sent back, before anybody reads it as a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Reply(NamedTuple):
    """An HTTP answer, whole."""

    status: int
    headers: Mapping[str, str]
    """Header names in lower case."""
    body: bytes
