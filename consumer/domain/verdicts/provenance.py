"""
Provenance: whether what lies on an output was made of a record of this very topic.

A topic that is deleted and made again has its old name, and its offsets name other records. So
recovery, audit and rejudge all ask here, and never compare names. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from consumer.domain.messages.message import Position
from consumer.domain.messages.retry import SUPERSEDES
from consumer.domain.verdicts.verdict import verdict_id

VERDICT_ID = "safeguard-verdict-id"
TOPIC_ID = "safeguard-topic-id"
"""Of the record's topic, on dead letters: verdicts have it in their ids."""


def is_of_topic(
    headers: Mapping[str, str | bytes | None], position: Position, source: str, group: str
) -> bool:
    """
    Whether a verdict or dead letter of `group` on `position` is of the topic `source`.

    `source` is the topic's id where the broker gives one, else its name. The name stands in for
    the id where a broker gave none, or where nobody asked for it; what says nothing of its topic
    is believed, for then the name is all there is. What was said of a record again has an id of
    another kind and is never of it; a second judgement supersedes as well, and has a first one's.
    """
    name = headers.get(VERDICT_ID)
    if name is None:
        topic_id = headers.get(TOPIC_ID)
        is_believed = topic_id is None or _text(topic_id) == source
        return is_believed and SUPERSEDES not in headers
    digest = _text(headers.get("safeguard-policy-digest"))
    return _text(name) in {
        verdict_id(each, position, group, digest) for each in (source, position.topic)
    }


def _text(value: str | bytes | None) -> str:
    return value if isinstance(value, str) else (value or b"").decode("ascii", "replace")
