"""Answers: what the model said of which record, from the outputs. Pure."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

import orjson

from consumer.domain.messages.message import Position, Record
from consumer.domain.policy import Outcome
from consumer.domain.verdicts.headers import PROBABILITY, is_envelope, percent
from consumer.domain.verdicts.provenance import VERDICT_ID, is_of_topic
from consumer.domain.verdicts.verdict import Cause

ANSWERS_MAX = 3_000_000
"""Kept of a topic, the last ones read: about 1 GB, and six times what is learned from at most."""


class ModelAnswer(NamedTuple):
    """The model's verdict on one record."""

    is_positive: bool
    """Not allow."""
    weight: float
    """1 / p where it was audited with probability p."""
    made_by: Maker | None
    """Model and template, where the record says so: one that was passed through does not."""


class Maker(NamedTuple):
    """What gave an answer."""

    model: str
    template: str


class AnswerFinder:
    """Is shown every record of an input's outputs, and keeps what the model itself answered."""

    def __init__(self, topic: str, source: str, group: str, version_digest: str) -> None:
        self._topic, self._source = topic, source
        self._group_name, self._group = group, percent(group)
        self._digest = version_digest.encode()
        self._found: OrderedDict[tuple[int, int], ModelAnswer] = OrderedDict()
        self._makers: Counter[Maker] = Counter()

    def add(self, record: Record) -> None:
        last = dict(record.headers)
        if last.get("safeguard-group") != self._group or "safeguard-supersedes" in last:
            return
        if VERDICT_ID not in last:
            return
        is_own = last.get("safeguard-policy-digest") == self._digest
        if not is_own or last.get("safeguard-cause") != Cause.MODEL.encode():
            return
        position = Position.parse(_text(last.get("safeguard-position")))
        if position is None or position.topic != self._topic:
            return
        if not is_of_topic(last, position, self._source, self._group_name):
            return
        fields = _fields(record) if is_envelope(record.headers) else {}
        if "context" in fields:
            # It was judged by more than its text, which the filter never sees.
            return
        maker = _maker(fields)
        if maker is not None:
            self._makers[maker] += 1
        self._found[position.partition, position.offset] = ModelAnswer(
            last.get("safeguard-outcome") != Outcome.ALLOW.encode(),
            1.0 / _probability(last, fields),
            maker,
        )
        if len(self._found) > ANSWERS_MAX:
            self._found.popitem(last=False)

    @property
    def maker(self) -> Maker | None:
        """Who gave most of the answers; None where no record says."""
        return self._makers.most_common(1)[0][0] if self._makers else None

    def answers(self) -> dict[tuple[int, int], ModelAnswer]:
        """By partition and offset, but for those of another model or template."""
        maker = self.maker
        return {
            place: answer
            for place, answer in self._found.items()
            if answer.made_by is None or answer.made_by == maker
        }


def _maker(fields: Mapping[str, object]) -> Maker | None:
    model, template = fields.get("model"), fields.get("template")
    if isinstance(model, str) and isinstance(template, str):
        return Maker(model, template)
    return None


def _probability(headers: Mapping[str, bytes | None], fields: Mapping[str, object]) -> float:
    """That of the audit: 1 where the message would have reached the model anyway."""
    screening = fields.get("screening")
    said = screening.get("audit_probability") if isinstance(screening, dict) else None
    try:
        found = float(said if said is not None else _text(headers.get(PROBABILITY)) or "1")
    except (TypeError, ValueError):
        return 1.0
    return found if 0.0 < found <= 1.0 else 1.0


def _fields(record: Record) -> Mapping[str, object]:
    try:
        fields = orjson.loads(record.value or b"")
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _text(value: bytes | None) -> str:
    return (value or b"").decode("ascii", "backslashreplace")
