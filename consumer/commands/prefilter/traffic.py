"""
Traffic: judged messages of a topic, from its outputs and, for their texts, from the input.

The text of an allowed message is on the input alone, so the input is read by position.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from rich.progress import Progress

from consumer.commands.prefilter.answers import AnswerFinder, Maker, ModelAnswer
from consumer.commands.terminal import read
from consumer.domain.binding import Binding
from consumer.domain.messages.decoding import decode
from consumer.domain.messages.message import Record
from consumer.domain.policy import Outcome, PolicyVersion
from consumer.errors import Rejected, TopicsMissing
from consumer.kafka.cluster.topics import Topics
from consumer.kafka.config import KafkaConfig
from consumer.kafka.reader.reader import Span, TopicReader
from consumer.screening.prefilter.example import FilterExample
from consumer.settings.settings import Settings
from consumer.worker.wiring import kafka_config

EXAMPLES_MAX = 500_000
"""Messages held in memory, the latest: about 500 MB of chat, and more than any filter gains by."""


class JudgedTraffic(NamedTuple):
    """What a topic's own traffic gives to learn from."""

    examples: list[FilterExample]
    maker: Maker | None
    rate: float
    """Messages a second over the time that was read; 0 where they are too few to say."""


class TopicTraffic:
    """The input and outputs of one topic at the brokers. Blocking."""

    def __init__(
        self, settings: Settings, binding: Binding, topic: str, version: PolicyVersion
    ) -> None:
        self._config: KafkaConfig = kafka_config(settings.kafka)
        self._binding, self._topic, self._version = binding, topic, version
        self._scan = TopicReader(self._config)
        topics = Topics(self._config)
        self._partitions = topics.partitions()
        names = dict.fromkeys(binding.outputs.destination(o, topic) for o in Outcome)
        missing = [name for name in (topic, *names) if name not in self._partitions]
        if missing:
            raise TopicsMissing(
                f"{', '.join(missing)}: not on the brokers, so there is nothing to learn from; "
                "`safeguard topics plan` shows what is lacking"
            )
        self._outputs = list(names)
        ids = topics.ids([topic]) if settings.kafka.topic_ids else {}
        self._source = ids.get(topic, topic)
        self._group = settings.kafka.group

    def read(self, progress: Progress, since_ms: int | None = None) -> JudgedTraffic:
        """
        Every message from then on that the model judged under the version.

        Raises:
            BrokerUnavailable: a topic cannot be read now.
        """
        finder = AnswerFinder(self._topic, self._source, self._group, self._version.digest)
        spans = [
            span
            for name in self._outputs
            for span in self._scan.spans(name, self._partitions[name], self._starts(name, since_ms))
        ]
        for batch in read(self._scan, spans, progress, "outputs"):
            for record in batch:
                finder.add(record)
        answers = finder.answers()
        found: deque[FilterExample] = deque(maxlen=EXAMPLES_MAX)
        for batch in read(self._scan, self._inputs(answers), progress, "input"):
            for record in batch:
                answer = answers.get((record.position.partition, record.position.offset))
                example = None if answer is None else self._example(record, answer)
                if example is not None and example.timestamp_ms >= (since_ms or 0):
                    found.append(example)
        return JudgedTraffic(list(found), finder.maker, _rate(list(found)))

    def _starts(self, topic: str, since_ms: int | None) -> dict[int, int]:
        if since_ms is None:
            return {}
        return self._scan.starts_at(topic, self._partitions[topic], since_ms)

    def _inputs(self, answers: dict[tuple[int, int], ModelAnswer]) -> list[Span]:
        """From the first to the last record that has an answer; what lies between is passed."""
        offsets: dict[int, tuple[int, int]] = {}
        for partition, offset in answers:
            low, high = offsets.get(partition, (offset, offset))
            offsets[partition] = (min(low, offset), max(high, offset))
        held = {
            span.partition: span
            for span in self._scan.spans(self._topic, self._partitions[self._topic])
        }
        return [
            Span(
                self._topic,
                partition,
                max(low, held[partition].start),
                min(high + 1, held[partition].end),
            )
            for partition, (low, high) in sorted(offsets.items())
            if partition in held
        ]

    def _example(self, record: Record, answer: ModelAnswer) -> FilterExample | None:
        try:
            message = decode(record, self._binding.reading)
        except Rejected:
            # It was read otherwise when it was judged; what it said then is not known.
            return None
        return FilterExample(
            message.text,
            answer.is_positive,
            answer.weight,
            message.timestamp_ms,
            message.written_in or "",
        )


def _rate(examples: list[FilterExample]) -> float:
    """Counted with their weights, so that what a filter settled is there as well."""
    if len(examples) < 2:
        return 0.0
    times = [example.timestamp_ms for example in examples]
    seconds = (max(times) - min(times)) / 1_000
    return sum(example.weight for example in examples) / seconds if seconds > 0 else 0.0
