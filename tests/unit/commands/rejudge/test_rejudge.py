"""Storing what supersedes: in rounds, and no further than the first that fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest

from consumer.commands.rejudge.rejudge import _publish
from consumer.commands.rejudge.summary import Summary
from consumer.domain.policy import Outcome
from consumer.errors import PublishFailed
from consumer.interfaces import Publication
from consumer.kafka.sink.writer import TopicWriter
from consumer.pipeline.superseding import Superseding
from tests.builders import a_binding

NEW = [
    Superseding(Publication(f"chat.{outcome}", 0, b"k", b"v", ()), outcome)
    for outcome in (Outcome.ALLOW, Outcome.BLOCK, Outcome.ALLOW)
]


class FakeBox:
    """Stores what it is given, but for a topic that it may not write to."""

    def __init__(self, refused: str = "") -> None:
        self.writes: list[list[str]] = []
        self._refused = refused

    def write(self, publications: Sequence[Publication]) -> list[str | None]:
        self.writes.append([p.topic for p in publications])
        return ["not allowed" if p.topic == self._refused else None for p in publications]


def publish(box: FakeBox, summary: Summary) -> None:
    _publish(cast("TopicWriter", box), a_binding(), NEW, summary)


def test_a_key_waits_for_the_acknowledgement_before_it_changes_topics() -> None:
    box, summary = FakeBox(), Summary("chat", "r", dry_run=False)
    publish(box, summary)
    assert box.writes == [["chat.allow"], ["chat.block"], ["chat.allow"]]
    assert summary.superseded == {Outcome.ALLOW: 2, Outcome.BLOCK: 1}


def test_what_cannot_be_stored_ends_the_run() -> None:
    """It names the topic and what to do, and nothing later of that key is stored before it."""
    box, summary = FakeBox("chat.block"), Summary("chat", "r", dry_run=False)
    with pytest.raises(PublishFailed, match=r"chat\.block: not allowed.*run the same command"):
        publish(box, summary)
    assert box.writes == [["chat.allow"], ["chat.block"]]
