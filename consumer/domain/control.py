"""
Control: what an operator told all workers about one input topic, and how it is encoded.

Written closed and read tolerantly: a worker of an older version must understand a newer one's.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson


class Control(NamedTuple):
    """The last word on a topic: whether it is paused, who said so, when, and why."""

    topic: str
    is_paused: bool
    by: str = ""
    """`user@host` of whoever ran the command."""
    at: str = ""
    """RFC 3339."""
    reason: str = ""


def encode(control: Control) -> tuple[bytes, bytes]:
    """Key and value of the record; compaction keeps the last one of each topic."""
    fields: dict[str, Any] = {"paused": control.is_paused, "by": control.by, "at": control.at}
    if control.reason:
        fields["reason"] = control.reason
    return control.topic.encode(), orjson.dumps(fields)


def decode(key: bytes | None, value: bytes | None) -> Control | None:
    """
    The control in a record, or None where it holds none.

    A record without a value is one that says nothing any more: the topic is not paused.
    """
    try:
        topic = (key or b"").decode()
        fields = {"paused": False} if value is None else orjson.loads(value)
    except ValueError:
        return None
    if not topic or not isinstance(fields, dict) or not isinstance(fields.get("paused"), bool):
        return None
    by, at, reason = (str(fields.get(name) or "") for name in ("by", "at", "reason"))
    return Control(topic, fields["paused"], by, at, reason)
