"""
Replay: which verdicts are to be replaced still, and in which order what replaces them goes out.

Those of messages that could not be judged, or those that were shared from one verdict. Pure. Only
headers and what the envelope says of that are kept of what is read: there may be many.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import orjson

from consumer.commands.dead_letters.selection import Selection
from consumer.domain.messages.message import Position, Record
from consumer.domain.verdicts.headers import is_envelope, percent
from consumer.domain.verdicts.provenance import is_of_topic
from consumer.domain.verdicts.verdict import Cause, UnjudgedReason
from consumer.interfaces import Publication


class OpenVerdict(NamedTuple):
    """A first verdict that nothing has replaced yet, of a message that no model has judged."""

    id: str
    position: Position
    reason: UnjudgedReason | None
    """
    None on a record that was passed through: it carries no envelope to say why. None too where
    another message's verdict was shared with it.
    """
    written_ms: int
    """When the verdict was written, in ms since 1970."""


class VerdictFinder:
    """
    Is shown every record of an input's outputs, in any order, and knows which verdicts are open.

    The outputs are read side by side, so the verdict that replaces another may be seen before it:
    what is open is only known at the end.
    """

    def __init__(self, sources: Mapping[str, str], group: str, shared: str | None = None) -> None:
        """`shared`: look for what has its verdict from the model's one behind this id instead."""
        self._shared = shared
        self._origins: dict[str, str] = {}
        """Of a verdict that was shared: the model's one."""
        self._sources = sources
        """The input and its retry topic, with the id that the broker gives each, or its name."""
        self._group_name = group
        self._group = percent(group)
        self._found: dict[str, OpenVerdict] = {}
        self._earlier: set[str] = set()
        self._superseded: set[str] = set()

    def add(self, record: Record) -> None:
        # A worker's own headers follow what the input brought, and the input's are renamed.
        last = dict(record.headers)
        if last.get("safeguard-group") != self._group:
            return
        position = Position.parse(_text(last.get("safeguard-position")))
        if position is None or position.topic not in self._sources:
            return
        superseded = last.get("safeguard-supersedes")
        if superseded is not None:
            self._superseded.add(_text(superseded))
            return
        name = _text(last.get("safeguard-verdict-id"))
        if not self._is_meant(name, record, _text(last.get("safeguard-cause"))):
            return
        # Of this very topic, that is: its offsets name other records otherwise.
        source = self._sources[position.topic]
        if name and is_of_topic(last, position, source, self._group_name):
            reason = _reason(record) if self._shared is None else None
            self._found[name] = OpenVerdict(name, position, reason, record.timestamp_ms)
        else:
            self._earlier.add(name)

    def _is_meant(self, name: str, record: Record, cause: str) -> bool:
        """Of what was shared its origin is noted: which one is meant is only known at the end."""
        if self._shared is None:
            return cause == Cause.UNJUDGED
        if cause not in (Cause.MEMO, Cause.NEAR_DUPLICATE):
            return False
        origin = _origin(record)
        if origin is not None:
            self._origins[name] = origin
        return origin is not None

    def open(self, selection: Selection) -> list[OpenVerdict]:
        """Those selected that nothing supersedes, oldest first; the limit is for the caller."""
        found = (
            u
            for name, u in self._found.items()
            if name not in self._superseded and self._has_meant_origin(name)
        )
        return sorted(
            (u for u in found if selection.covers(u.reason, u.written_ms)),
            key=lambda verdict: (verdict.written_ms, verdict.position),
        )

    def _has_meant_origin(self, name: str) -> bool:
        if self._shared is None:
            return True
        return self._origins[name] == self._origins.get(self._shared, self._shared)

    @property
    def earlier(self) -> int:
        """How many are of an earlier topic of the same name, whose records are no more."""
        return len(self._earlier - self._superseded)


def _reason(record: Record) -> UnjudgedReason | None:
    """What the envelope says; a record that was passed through is a user's and is not asked."""
    if not is_envelope(record.headers):
        return None
    try:
        return UnjudgedReason(orjson.loads(record.value or b"")["unjudged_reason"])
    except (ValueError, KeyError, TypeError):
        return None


def _origin(record: Record) -> str | None:
    """The id of the verdict that was shared; what was passed through does not say it."""
    if not is_envelope(record.headers):
        return None
    try:
        return str(orjson.loads(record.value or b"")["screening"]["artefact"])
    except (ValueError, KeyError, TypeError):
        return None


def in_rounds(publications: Iterable[Publication], *, is_ordered: bool) -> list[list[Publication]]:
    """
    Split what is to be published, in its order, into rounds; each is acknowledged before the next.

    Kafka keeps no order across topics, so within a round a key has one destination. Without an
    order to keep, and for records without a key, one round is enough.
    """
    rounds: list[list[Publication]] = []
    latest: dict[tuple[int, bytes], tuple[int, str]] = {}
    for publication in publications:
        number = 0
        if is_ordered and publication.key is not None:
            key = (publication.partition, publication.key)
            number, topic = latest.get(key, (0, publication.topic))
            number += topic != publication.topic
            latest[key] = (number, publication.topic)
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(publication)
    return rounds


def _text(value: bytes | None) -> str:
    return (value or b"").decode("ascii", "backslashreplace")
