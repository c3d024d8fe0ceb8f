"""Reckoning: what the audit cannot know, for what was on a topic is gone once it is made again."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from consumer.commands.audit.order import KeyOrder, Place, first_of
from consumer.domain.messages.message import Position
from consumer.domain.verdicts.provenance import is_of_topic
from consumer.screening.filtering import Filtering
from tests.chaos.lives import Began, Compared, Life, compare
from tests.chaos.shown import Shown
from tests.filtered import misdrawn
from tests.records import Stored


class Reckoning(NamedTuple):
    """Faults among the records of the input, with what lay on topics that are no more."""

    lost: list[str]
    out_of_order: list[str]
    misdrawn: list[str] = []
    """Verdicts that settle or audit otherwise than text and position of their record say."""
    compared: Compared = Compared([], [], [], [], 0)
    """What came of holding the verdicts of all inputs of the name against each other."""


def reckon(
    inputs: Sequence[Stored],
    outputs: Sequence[Stored],
    gone: Sequence[Life],
    source: str,
    group: str,
    filtering: Filtering | None = None,
    *,
    earlier: Sequence[str] = (),
    shown: Shown | None = None,
    began: Began = lambda partition, term, before_ms: None,
) -> Reckoning:
    """
    `gone` are the outputs that were deleted, `source` is the input's id and `earlier` those of the
    inputs before it; `filtering` is the filter that the topic named all the time. `shown` and
    `began` say what who came later could find.

    A record whose verdict went with its output may be judged once more, if no commit knew of it:
    so its place in the order of its key is that of its first verdict, wherever that lay.
    """
    places: dict[Position, list[Place]] = defaultdict(list)
    lives: dict[tuple[str, int], int] = {}
    records_at = {Position(each.topic, each.partition, each.offset): each for each in inputs}
    found = Reckoning([], [], [])
    of_all = [Life(outputs), *gone]
    for life, (records, _) in enumerate(of_all):
        for record in records:
            at = Position.parse(record.header("safeguard-position") or "")
            if at is None or not is_of_topic(dict(record.headers), at, source, group):
                continue
            topic = lives.setdefault((record.topic, life), len(lives))
            place = Place(topic, record.partition, record.offset, record.timestamp_ms)
            places[at].append(place)
            if filtering is not None and at in records_at:
                text = str(json.loads(records_at[at].value or b"{}")["text"])
                wrong = misdrawn(filtering, dict(record.headers), text, source, at)
                found.misdrawn.extend([] if wrong is None else [wrong])
    orders: dict[tuple[int, bytes], KeyOrder] = defaultdict(KeyOrder)
    for record in sorted(inputs, key=lambda each: each[:3]):
        position = Position(record.topic, record.partition, record.offset)
        if position not in places:
            found.lost.append(str(position))
        elif record.key is not None:
            order = orders[record.partition, record.key]
            if not order.follows(first_of(places[position])):
                found.out_of_order.append(str(position))
    name, sources = next((record.topic for record in inputs), ""), [source, *earlier]
    return found._replace(compared=compare(of_all, name, sources, group, shown, began))
