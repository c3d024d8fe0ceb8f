"""Load: what the model must carry where nothing settles messages before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from consumer.domain.binding import Binding, Catalogue
from consumer.kafka.config import KafkaConfig
from consumer.kafka.reader.reader import TopicReader

WINDOW_S = 3_600
"""The last hour: long enough for a mean, and short enough to be of this time of day."""


class CarriedLoad(NamedTuple):
    """What a topic set brings, if every message is for the model."""

    rate: float
    """Messages a second, over the last hour."""
    policies: int

    @property
    def line(self) -> str:
        calls = self.rate * self.policies
        of = "its policy" if self.policies == 1 else f"its {self.policies} policies"
        return (
            f"the model must carry all: {self.rate:,.2f} messages a second in the last hour, so "
            f"{calls:,.2f} calls a second under {of}, and more at the busiest hour"
        )


def carried_load(
    config: KafkaConfig,
    catalogue: Catalogue,
    binding: Binding,
    partitions: Mapping[str, int],
    now_ms: int,
) -> CarriedLoad:
    """
    Of the inputs of one set, by what the brokers hold of the last hour. Blocking.

    Raises:
        BrokerUnavailable: a topic cannot be read now.
    """
    reader, records = TopicReader(config), 0
    for topic in catalogue.inputs_among(list(partitions)):
        if catalogue.binding_for(topic) is binding:
            starts = reader.starts_at(topic, partitions[topic], now_ms - 1_000 * WINDOW_S)
            spans = reader.spans(topic, partitions[topic], starts)
            records += sum(max(0, span.end - span.start) for span in spans)
    return CarriedLoad(records / WINDOW_S, len(binding.live.policies))
