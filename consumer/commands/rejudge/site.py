"""Site: the topics of one input at the brokers, read for what is to be judged and its records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from rich.progress import Progress

from consumer.commands.rejudge.replay import OpenVerdict, VerdictFinder
from consumer.commands.terminal import read
from consumer.domain.binding import Binding, Catalogue
from consumer.domain.messages.message import Position, Record
from consumer.domain.policy import Outcome
from consumer.errors import TopicsMissing
from consumer.kafka.cluster.outputs import describe_outputs
from consumer.kafka.cluster.topics import Topics
from consumer.kafka.config import KafkaConfig
from consumer.kafka.reader.reader import Span, TopicReader
from consumer.settings.settings import Settings


class InputSite:
    """The topics of one input at the brokers. Blocking."""

    def __init__(
        self,
        settings: Settings,
        config: KafkaConfig,
        catalogue: Catalogue,
        binding: Binding,
        source: str,
    ) -> None:
        self.binding = binding
        self._config = config
        self._scan = TopicReader(config)
        topics = Topics(config)
        self._partitions = topics.partitions()
        self.partitions = self._partitions.get(source, 0)
        self._outputs = list(
            dict.fromkeys(binding.outputs.destination(outcome, source) for outcome in Outcome)
        )
        self._check(source)
        # What was retried is judged on the retry topic, and its verdicts lie with the input's.
        retry = catalogue.retry_topic_of(source)
        inputs = [topic for topic in (source, retry) if topic in self._partitions]
        ids = topics.ids([t for t in inputs if t]) if settings.kafka.topic_ids else {}
        self._group = settings.kafka.group
        self._sources = {topic: ids.get(topic, topic) for topic in inputs if topic}

    def _check(self, source: str) -> None:
        wanted = self._partitions.get(source)
        if wanted is None:
            raise TopicsMissing(f"the topic {source} does not exist on the brokers")
        lacking = [name for name in self._outputs if self._partitions.get(name, 0) < wanted]
        if lacking:
            raise TopicsMissing(
                f"{', '.join(lacking)}: missing, or with fewer partitions than {source}; "
                "`safeguard topics apply` mends it"
            )

    def find(self, progress: Progress, shared: str | None) -> VerdictFinder:
        """Read the outputs to their present end."""
        finder = VerdictFinder(self._sources, self._group, shared)
        spans = [
            span
            for name in self._outputs
            for span in self._scan.spans(name, self._partitions[name])
        ]
        for batch in read(self._scan, spans, progress, "outputs"):
            for record in batch:
                finder.add(record)
        return finder

    def bytes_max(self) -> dict[str, int]:
        """The largest record of each output, where the brokers show it."""
        facts = describe_outputs(self._config, self._outputs)
        return {topic: fact.bytes_max for topic, fact in facts.items() if fact.bytes_max}

    def bounds(self) -> dict[tuple[str, int], Span]:
        """What the inputs hold now."""
        return {
            (span.topic, span.partition): span
            for topic in self._sources
            for span in self._scan.spans(topic, self._partitions[topic])
        }

    def fetch(
        self, batch: Sequence[OpenVerdict], bounds: Mapping[tuple[str, int], Span]
    ) -> dict[Position, Record]:
        """Their records, but for those that are gone; what lies between is read in passing."""
        wanted = {verdict.position for verdict in batch}
        offsets: dict[tuple[str, int], list[int]] = defaultdict(list)
        for topic, number, offset in wanted:
            offsets[topic, number].append(offset)
        spans = [
            Span(*partition, max(min(found), held.start), min(max(found) + 1, held.end))
            for partition, found in offsets.items()
            if (held := bounds.get(partition)) is not None
        ]
        return {
            record.position: record
            for records in self._scan.records(spans)
            for record in records
            if record.position in wanted
        }
