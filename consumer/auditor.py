"""The command `audit`: reads an input and its outputs, and says what became of each record."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from consumer.audit.index import AuditIndex, temporary_index
from consumer.audit.report import FAULTS, Range, Report
from consumer.domain.binding import Binding
from consumer.errors import InvalidSettings, TopicsMissing
from consumer.kafka.scan import Span, TopicScan
from consumer.kafka.topics import Topics
from consumer.parts import kafka_config
from consumer.registry.load import load_catalogue
from consumer.settings import Settings


class AuditRequest(NamedTuple):
    """What to audit, as asked for on the command line."""

    topic: str
    group: str | None = None
    """Whose verdicts; the setting kafka.group by default."""
    from_offset: Sequence[str] = ()
    """`OFFSET` for every partition, or `PARTITION=OFFSET`."""
    since: str | None = None
    """An RFC 3339 time; records before it are left out."""


def audit_topic(settings: Settings, request: AuditRequest, *, as_json: bool) -> int:
    """Print what became of the records; 0 where nothing is missing, contradicting or disordered."""
    report = examine_topic(settings, request, Console(stderr=True))
    console = Console(highlight=False)
    if as_json:
        print(orjson.dumps(report.fields, option=orjson.OPT_INDENT_2).decode())
    elif console.is_terminal:
        show_report(report, console)
    else:
        for line in report.lines():
            print(line)
    return 0 if report.is_clean else 1


def examine_topic(settings: Settings, request: AuditRequest, console: Console) -> Report:
    """
    Read the input, then its outputs, so that a verdict written meanwhile is found.

    Raises:
        InvalidSettings: no policy binds the topic, or the start cannot be read.
        TopicsMissing: the input or one of its outputs does not exist.
        BrokerUnavailable: the topics cannot be read now.
    """
    topic = request.topic
    binding = load_catalogue(settings.policies.folder).binding_for(topic)
    if binding is None:
        raise InvalidSettings(f"no policy binds the topic {topic}: `safeguard policy show`")
    moment_ms = _moment_ms(request.since)
    config = kafka_config(settings.kafka)
    partitions = _partitions(topic, binding, Topics(config).partitions())
    scan = TopicScan(config)
    starts = _starts(request.from_offset, partitions[topic])
    if moment_ms is not None:
        for number, start in scan.starts_at(topic, partitions[topic], moment_ms).items():
            starts[number] = max(start, starts.get(number, 0))
    group = request.group or settings.kafka.group
    with temporary_index(
        topic, group, passes_tombstones=binding.tombstones == "pass-over", starts=starts
    ) as index:
        inputs = scan.spans(topic, partitions[topic], starts)
        ranges = [Range(s.partition, s.start, max(s.start, s.end)) for s in inputs]
        with _progress(console) as progress:
            _read(scan, inputs, index, progress, is_input=True)
            outputs = [
                span
                for name in binding.outputs.topics(topic)
                for span in scan.spans(name, partitions[name])
            ]
            _read(scan, outputs, index, progress, is_input=False)
        for span in outputs:
            if span.start:
                print(
                    f"safeguard: {span.topic}/{span.partition} begins at offset {span.start}: "
                    "verdicts that were there before count as missing",
                    file=sys.stderr,
                )
        return index.report(ranges, is_ordered=binding.order == "key")


def _read(
    scan: TopicScan, spans: Sequence[Span], index: AuditIndex, progress: Progress, *, is_input: bool
) -> None:
    total = sum(max(0, span.end - span.start) for span in spans)
    task = progress.add_task("input" if is_input else "outputs", total=total)
    for batch in scan.records(spans):
        (index.add_inputs if is_input else index.add_outputs)(batch)
        progress.advance(task, len(batch))
    # Offsets without a record never come, so the bar would stop short.
    progress.update(task, completed=total)


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:<8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _partitions(topic: str, binding: Binding, known: Mapping[str, int]) -> Mapping[str, int]:
    if topic not in known:
        raise TopicsMissing(f"the topic {topic} does not exist on the brokers")
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
                f"--from-offset {word}: there are {partitions} partitions, from 0"
            )
        for each in [int(number)] if equals else range(partitions):
            starts[each] = int(offset)
    return starts


def _moment_ms(since: str | None) -> int | None:
    if since is None:
        return None
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidSettings(
            f"--since {since}: write a time with its zone, as in 2026-01-31T08:00:00Z"
        )
    return int(moment.timestamp() * 1_000)


def show_report(report: Report, console: Console) -> None:
    """The report as a table, for a person at a terminal."""
    title = f"{report.topic}, group {report.group}, {len(report.partitions)} partitions"
    table = Table(title=title, title_justify="left")
    table.add_column("")
    table.add_column("records", justify="right")
    table.add_column("such as")
    for name, count in report.counts.items():
        style = "red" if count and name in FAULTS else None
        table.add_row(name, str(count), "\n".join(report.examples.get(name, ())), style=style)
    console.print(table)
    console.print("all is accounted for" if report.is_clean else "there are faults")
