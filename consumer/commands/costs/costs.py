"""The command `policy cost`: reads the verdicts of an input, and says what judging cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from consumer.classifier.prompt import system_message
from consumer.commands.costs.prices import PriceRequest
from consumer.commands.costs.report import CostReport
from consumer.commands.costs.sums import CostSums
from consumer.commands.terminal import bars, read, tell
from consumer.domain.binding import Binding
from consumer.domain.policy import Outcome
from consumer.domain.tokens import tokens_of
from consumer.errors import TopicsMissing
from consumer.kafka.cluster.topics import Topics
from consumer.kafka.reader.reader import Span, TopicReader
from consumer.registry.load import binding_of, load_catalogue
from consumer.settings.settings import Settings
from consumer.worker.wiring import kafka_config


class CostRequest(NamedTuple):
    """What to add up, as asked for on the command line."""

    topic: str
    since_ms: int | None = None
    until_ms: int | None = None
    """Verdicts written at or after that are left out."""
    prices: PriceRequest = PriceRequest()


def show_cost(settings: Settings, request: CostRequest, *, as_json: bool) -> int:
    """Print what judging cost; 0, also where there is no verdict yet."""
    report = add_up(settings, request, Console(stderr=True))
    show = partial(show_report, report)
    tell(report.fields, report.lines(), as_json=as_json, show=show)
    return 0


def add_up(settings: Settings, request: CostRequest, console: Console) -> CostReport:
    """
    Read the verdicts of an input and add up what they say.

    Raises:
        InvalidSettings: no policy binds the topic, or the prices do not go together.
        TopicsMissing: the input or one of its outputs does not exist.
        BrokerUnavailable: the topics cannot be read now.
    """
    request.prices.check()
    catalogue = load_catalogue(settings.policies.folder)
    binding = binding_of(catalogue, request.topic)
    source = binding.origin_of(request.topic)
    config = kafka_config(settings.kafka)
    outputs = _outputs(binding, source, Topics(config).partitions())
    sums = CostSums({source, catalogue.retry_topic_of(source) or source}, settings.kafka.group)
    scan = TopicReader(config)
    spans = [
        span for topic, number in outputs.items() for span in _spans(scan, topic, number, request)
    ]
    with bars(console) as progress:
        for batch in read(scan, spans, progress, "verdicts"):
            for record in batch:
                sums.add(record)
    return CostReport(source, settings.kafka.group, sums, request.prices, _policy_tokens(binding))


def _outputs(binding: Binding, source: str, known: Mapping[str, int]) -> dict[str, int]:
    """The topics that verdicts of an input go to, with their partitions."""
    if source not in known:
        raise TopicsMissing(f"the topic {source} does not exist on the brokers")
    names = dict.fromkeys(binding.outputs.destination(outcome, source) for outcome in Outcome)
    missing = [name for name in names if name not in known]
    if missing:
        raise TopicsMissing(
            f"{', '.join(missing)}: the outputs of {source} do not exist, so there is nothing to "
            "add up: `safeguard topics plan`"
        )
    return {name: known[name] for name in names}


def _spans(scan: TopicReader, topic: str, partitions: int, request: CostRequest) -> Sequence[Span]:
    """What was written in the time that is meant: the rest is not even read."""
    since_ms, until_ms = request.since_ms, request.until_ms
    starts = {} if since_ms is None else scan.starts_at(topic, partitions, since_ms)
    spans = scan.spans(topic, partitions, starts)
    if until_ms is None:
        return spans
    ends = scan.starts_at(topic, partitions, until_ms)
    return [span._replace(end=min(span.end, ends[span.partition])) for span in spans]


def _policy_tokens(binding: Binding) -> dict[tuple[str, str], int]:
    return {
        (version.id, policy.name): tokens_of(system_message(policy))
        for version in binding.versions.values()
        for policy in version.policies
    }


def show_report(report: CostReport, console: Console) -> None:
    """The report for a person at a terminal of 80 columns; `--json` has every digit."""
    console.print(report.title, markup=False, highlight=False, soft_wrap=True)
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("")
    for column in ("judged", "prompt", "cached", "reasoning", "completion"):
        table.add_column(column, justify="right")
    for column in ("cache", "best", "model s"):
        table.add_column(column, justify="right")
    for row in report.rows():
        is_whole = row.policy is None
        if is_whole:
            version = report.sums.versions[row.version]
            cost = report.per_thousand(version)
            price = "" if cost is None else f", a thousand messages {cost:.4f}"
            counts = f"messages {version.messages:,}, unjudged {version.unjudged:,}"
            console.print(
                f"{row.version}  {counts}{price}", markup=False, highlight=False, soft_wrap=True
            )
        table.add_row(
            row.version if is_whole else f"  {row.policy}",
            *(_short(count) for count in (row.judgements, *row.tokens)),
            *("" if s is None else f"{s:.0%}" for s in (row.cached_share, row.best_share)),
            _short(row.model_s),
            style="bold" if is_whole else None,
        )
    if table.row_count:
        console.print(table)
    for note in report.notes():
        console.print(note, markup=False, highlight=False, soft_wrap=True)


def _short(count: float) -> str:
    """Of at most seven signs: `9999`, `16.8k`, `2100.0k`, `21.0M`."""
    for unit, sign in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if count >= 10 * unit:
            return f"{count / unit:.1f}{sign}"
    return f"{count:.1f}" if isinstance(count, float) else str(count)
