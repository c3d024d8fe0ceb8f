"""The command `review erase`: what somebody has a right to have forgotten, deleted for good."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from consumer.commands.review.room import opened
from consumer.commands.terminal import bars, read, tell
from consumer.domain.counted import counted
from consumer.errors import InvalidSettings, PublishFailed
from consumer.interfaces import Publication
from consumer.kafka.cluster.outputs import describe_outputs
from consumer.kafka.cluster.topics import Topics
from consumer.kafka.reader.reader import TopicReader
from consumer.kafka.sink.writer import TopicWriter
from consumer.review.cases.facts import case_id
from consumer.review.records.reading import FactReader, Role, roles_of
from consumer.review.records.tombstone import Tombstones
from consumer.review.room import ReviewRoom
from consumer.review.store.erasure import Erased, Eraser, Traces, Whom, without_cases
from consumer.settings.settings import Settings
from consumer.telemetry.clock import SystemClock


class Erasing(NamedTuple):
    """What is to be erased, and where else than in the store."""

    whom: Whom
    exports: Sequence[Path] = ()
    """Files that `export-cases` wrote, as JSON lines."""
    with_topics: bool = False
    """Whether tombstones are written where topics of verdicts and reviewers are compacted."""
    is_dry: bool = False


def whom(author: str | None, message_id: str | None) -> Whom:
    """Whose or which traces."""
    return Whom(author, message_id)


def erase(settings: Settings, who: str, wanted: Erasing, *, as_json: bool) -> int:
    """
    Delete every trace of an author or a message; 1 where some of it has to wait.

    Raises:
        InvalidSettings: nobody is named, or a file cannot be read or written.
        StoreUnavailable: the store does not answer; begin again.
        BrokerUnavailable: the topics cannot be read; nothing was erased.
        PublishFailed: a tombstone could not be stored; nothing was erased in the store.
    """
    if (wanted.whom.author is None) == (wanted.whom.message_id is None):
        raise InvalidSettings("say whose traces: --author, or --message for one message")
    for path in wanted.exports:
        if path.suffix.lower() != ".jsonl":
            raise InvalidSettings(f"--export {path}: write it anew; only .jsonl files are changed")
    with opened(settings) as room:
        eraser = Eraser(room.database, room.book)
        # Files and topics first: afterwards nobody knows any more what of them is meant.
        traces = eraser.find(wanted.whom)
        tombstones = _tombstones(settings, room, wanted.whom, traces) if wanted.with_topics else []
        if wanted.is_dry:
            found = Erased(traces, ())
        else:
            for path in wanted.exports:
                _erase_from(path, traces)
            _write(room, tombstones)
            found = eraser.erase(who, SystemClock().wall_ms(), wanted.whom)
    _tell(found, len(tombstones), is_dry=wanted.is_dry, as_json=as_json)
    return 1 if found.waiting else 0


def _tombstones(
    settings: Settings, room: ReviewRoom, whom: Whom, traces: Traces
) -> list[Publication]:
    """What has to be written to topics that are compacted; others forget by themselves."""
    partitions = Topics(room.kafka).partitions()
    roles = roles_of(room.catalogue, list(partitions))
    facts = describe_outputs(room.kafka, roles.of(*Role))
    wanted = sorted(topic for topic, fact in facts.items() if fact.is_compacted)
    names = set(traces.cases)
    if whom.message_id is not None:
        # Also where the store has nothing of it.
        names |= {case_id(source, whom.message_id) for source in roles.inputs.values()}
    reader = FactReader(room.catalogue, roles, settings.kafka.group)
    found = Tombstones(reader, names, whom.author)
    scan = TopicReader(room.kafka)
    spans = [span for topic in wanted for span in scan.spans(topic, partitions[topic])]
    with bars(Console(stderr=True)) as progress:
        for batch in read(scan, spans, progress, "topics"):
            for record in batch:
                found.add(record)
    return found.publications()


def _write(room: ReviewRoom, tombstones: Sequence[Publication]) -> None:
    faults = TopicWriter(room.kafka).write(tombstones)
    for one, fault in zip(tombstones, faults, strict=True):
        if fault is not None:
            raise PublishFailed(
                f"a tombstone could not be stored on {one.topic}: {fault}. Check the right to "
                "write it, then run the same command again: nothing was erased in the store"
            )


def _erase_from(path: Path, traces: Traces) -> None:
    try:
        kept = without_cases(path.read_bytes(), traces.decisions)
        new = path.with_name(f"{path.name}.new")
        new.write_bytes(kept)
        new.replace(path)
    except OSError as error:
        raise InvalidSettings(f"--export {path}: {error.strerror}") from None
    except ValueError:
        raise InvalidSettings(f"--export {path}: a line is not JSON; nothing was erased") from None


def _tell(found: Erased, tombstones: int, *, is_dry: bool, as_json: bool) -> None:
    traces = found.traces
    number = len(traces.cases) - len(found.waiting)
    fields = {
        "cases": number,
        "reports": len(traces.said),
        "quotes": len(traces.quoted),
        "tombstones": tombstones,
        "waiting": found.waiting,
        "dry_run": is_dry,
    }
    did = "would erase" if is_dry else "erased"
    lines = [
        f"{did} {counted(number, 'case')}, {len(traces.said):,} reports and appeals in others, and "
        f"what {counted(len(traces.quoted), 'other verdict')} quoted"
    ]
    if tombstones:
        wrote = "would write" if is_dry else "wrote"
        lines.append(f"{wrote} {counted(tombstones, 'tombstone')} on compacted topics")
    if found.waiting:
        lines.append(
            f"{', '.join(found.waiting)}: not yet, for what was decided is not published. Let "
            "`safeguard review feed` run, and begin again"
        )
    tell(fields, lines, as_json=as_json)
