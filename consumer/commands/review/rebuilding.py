"""The command `review rebuild`: the store anew from what lies on the topics."""

from __future__ import annotations

from rich.console import Console

from consumer.commands.review.following import reviewed
from consumer.commands.review.room import opened
from consumer.commands.terminal import bars, read, tell
from consumer.domain.counted import counted
from consumer.kafka.cluster.topics import Topics
from consumer.kafka.reader.reader import TopicReader
from consumer.pipeline.dead_letters import DeadLetterEncoder
from consumer.review.feed.intake import ReviewIntake, Taken
from consumer.review.records.reading import FactReader, Role
from consumer.review.room import ReviewRoom
from consumer.settings.settings import Settings
from consumer.worker.wiring import worker_name

ROUNDS = (("verdicts", (Role.VERDICTS, Role.DECISIONS)), ("reports", (Role.REPORTS, Role.APPEALS)))
"""Verdicts first: a report that gives no position means the message that they name."""


def rebuild(settings: Settings, *, as_json: bool) -> int:
    """
    Read all topics to their present end into the store, and say what was new there.

    What the store has already stays; claims, holds, skips and proposals are on no topic.

    Raises:
        TopicsMissing: nobody reviews anything, or topics are missing.
        BrokerUnavailable: a topic cannot be read.
        StoreUnavailable: the store does not answer; run it again, for nothing is taken up twice.
    """
    with opened(settings) as room:
        taken, records = _rebuild(settings, room)
        room.book.mark_again()
    fields = {"records": records, "facts": taken.new, "misread": taken.misread}
    lines = [
        f"read {counted(records, 'record')}: "
        f"{counted(taken.new, 'fact was', 'facts were')} new to the store"
    ]
    if taken.misread:
        lines.append(f"{counted(taken.misread, 'report')} could not be read, as before")
    tell(fields, lines, as_json=as_json)
    return 0


def _rebuild(settings: Settings, room: ReviewRoom) -> tuple[Taken, int]:
    config, group = room.kafka, settings.kafka.group
    partitions = Topics(config).partitions()
    roles = reviewed(room.catalogue, list(partitions))
    encoder = DeadLetterEncoder(group, worker_name())
    intake = ReviewIntake(room.book, FactReader(room.catalogue, roles, group), encoder, None)
    scan = TopicReader(config)
    taken, records = Taken(), 0
    with bars(Console(stderr=True)) as progress:
        for what, wanted in ROUNDS:
            spans = [s for name in roles.of(*wanted) for s in scan.spans(name, partitions[name])]
            for batch in read(scan, spans, progress, what):
                taken += intake.take(batch)
                records += len(batch)
    return taken, records
