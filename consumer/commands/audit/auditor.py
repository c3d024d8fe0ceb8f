"""The command `audit`: reads an input and its outputs, and says what became of each record."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from consumer.commands.audit.index import temporary_index
from consumer.commands.audit.report import FAULTS, AuditReport, Range
from consumer.commands.dead_letters.selection import moment_ms
from consumer.commands.terminal import bars, read, tell
from consumer.domain.binding import Binding, Outputs
from consumer.domain.counted import counted
from consumer.domain.messages.passing import is_passed_over
from consumer.domain.verdicts.headers import rfc3339
from consumer.errors import InvalidSettings, TopicsMissing
from consumer.kafka.cluster.commits import Commit, read_commits
from consumer.kafka.cluster.topics import Topics
from consumer.kafka.reader.reader import TopicReader
from consumer.registry.load import binding_of, load_catalogue
from consumer.settings.settings import Settings
from consumer.telemetry.clock import SystemClock
from consumer.worker.wiring import kafka_config


class AuditRequest(NamedTuple):
    """What to audit, as asked for on the command line."""

    topic: str
    group: str | None = None
    """Whose verdicts; the setting kafka.group by default."""
    from_offset: Sequence[str] = ()
    """`OFFSET` for every partition, or `PARTITION=OFFSET`."""
    since: str | None = None
    """An RFC 3339 time, or how long ago (`2h`); records before it are left out."""
    outputs: Sequence[str] = ()
    """Topics where verdicts lie beside those that the policies name: earlier outputs."""


def audit_topic(settings: Settings, request: AuditRequest, *, as_json: bool) -> int:
    """Print what became of the records; 0 where none of the report's faults came up."""
    report = examine_topic(settings, request, Console(stderr=True))
    show = partial(show_report, report)
    tell(report.fields, report.lines(), as_json=as_json, show=show)
    return 0 if report.is_clean else 1


def examine_topic(settings: Settings, request: AuditRequest, console: Console) -> AuditReport:
    """
    Read the input, then its outputs, so that a verdict written meanwhile is found.

    Raises:
        InvalidSettings: no policy binds the topic, or the start cannot be read.
        TopicsMissing: the input or one of its outputs does not exist.
        BrokerUnavailable: the topics cannot be read now.
    """
    topic = request.topic
    binding = binding_of(load_catalogue(settings.policies.folder), topic)
    since_ms = _since_ms(request.since)
    config = kafka_config(settings.kafka)
    topics = Topics(config)
    known = _partitions(topic, binding, request.outputs, topics.partitions())
    scan = TopicReader(config)
    starts = _starts(request.from_offset, known[topic])
    if since_ms is not None:
        for number, start in scan.starts_at(topic, known[topic], since_ms).items():
            starts[number] = max(start, starts.get(number, 0))
    group = request.group or settings.kafka.group
    topic_id = topics.ids([topic]).get(topic, "") if settings.kafka.topic_ids else ""
    with temporary_index(
        topic,
        group,
        is_passed_over=lambda record: is_passed_over(record, binding),
        starts=starts,
        source=topic_id,
    ) as index:
        looked_at = rfc3339(SystemClock().wall_ms())
        inputs = scan.spans(topic, known[topic], starts)
        ranges = [Range(s.partition, s.start, max(s.start, s.end)) for s in inputs]
        with bars(console) as progress:
            for batch in read(scan, inputs, progress, "input"):
                index.add_inputs(batch)
            # Before the outputs' ends: what is committed by now lies below them.
            commits = read_commits(config, group, topic, known[topic], topic_id)
            for number, commit in commits.items():
                index.add_progress(number, commit.offset, commit.done)
            outputs = [
                span
                for name in _outputs(topic, binding, request.outputs, commits, known)
                for span in scan.spans(name, known[name])
            ]
            for batch in read(scan, outputs, progress, "outputs"):
                index.add_outputs(batch)
        for span in outputs:
            if span.start:
                print(
                    f"safeguard: {span.topic}/{span.partition} begins at offset {span.start}: "
                    "verdicts that were there before count as missing",
                    file=sys.stderr,
                )
        report = index.report(ranges, is_ordered=binding.order == "key")
        return replace(report, looked_at=looked_at)


def _outputs(
    topic: str,
    binding: Binding,
    more: Sequence[str],
    commits: Mapping[int, Commit],
    known: Mapping[str, int],
) -> list[str]:
    """
    Every topic where a verdict of the input may lie, without repetition.

    Those of the policies now, those asked for, those that the group's commits name, and those that
    the policies name if they say nothing: before a change of `[outputs]` verdicts went there.
    """
    names = [*binding.outputs.topics(topic), *more]
    for commit in commits.values():
        names += commit.checkpoint.floors if commit.checkpoint else ()
    names += Outputs().topics(topic)
    return [name for name in dict.fromkeys(names) if name in known]


def _partitions(
    topic: str, binding: Binding, more: Sequence[str], known: Mapping[str, int]
) -> Mapping[str, int]:
    for name in (topic, *more):
        if name not in known:
            raise TopicsMissing(f"the topic {name} does not exist on the brokers")
    missing = [name for name in binding.outputs.topics(topic) if name not in known]
    if missing:
        raise TopicsMissing(
            f"{', '.join(missing)}: the outputs of {topic} do not exist, so there is nothing to "
            "prove anything with: `safeguard topics plan`"
        )
    return known


def _starts(words: Sequence[str], partitions: int) -> dict[int, int]:
    starts: dict[int, int] = {}
    for word in words:
        number, equals, offset = word.rpartition("=")
        if not offset.isdecimal() or (equals and not number.isdecimal()):
            raise InvalidSettings(f"--from-offset {word}: write OFFSET or PARTITION=OFFSET")
        if equals and int(number) >= partitions:
            raise InvalidSettings(
                f"--from-offset {word}: the topic has {counted(partitions, 'partition')}, from 0"
            )
        for each in [int(number)] if equals else range(partitions):
            starts[each] = int(offset)
    return starts


def _since_ms(since: str | None) -> int | None:
    return None if since is None else moment_ms(since, SystemClock().wall_ms(), "--since")


def show_report(report: AuditReport, console: Console) -> None:
    """The report as a table, for a person at a terminal."""
    console.print(report.title, markup=False, highlight=False, soft_wrap=True)
    table = Table()
    table.add_column("")
    table.add_column("records", justify="right")
    table.add_column("such as")
    for name, count in report.counts.items():
        style = "red" if count and name in FAULTS else None
        table.add_row(name, str(count), "\n".join(report.examples.get(name, ())), style=style)
    console.print(table)
    console.print("all is accounted for" if report.is_clean else "there are faults")
