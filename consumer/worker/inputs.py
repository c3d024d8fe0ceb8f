"""Inputs: the topics that are consumed now, their outputs, and what the brokers say of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

import structlog

from consumer.domain.binding import Catalogue
from consumer.domain.checkpoint import Floor, short_id
from consumer.errors import TopicsMissing
from consumer.interfaces import Output, Policies
from consumer.kafka.cluster.outputs import OutputFacts, describe_outputs, unfit_steps
from consumer.kafka.cluster.session import check_metadata_room
from consumer.kafka.cluster.topics import Step, Topics
from consumer.kafka.config import KafkaConfig
from consumer.kafka.reader.tail import TailReader
from consumer.settings.kafka import KafkaSettings

log = structlog.get_logger()


class Inputs:
    """Looks at the brokers' topics at the start and now and then. Blocking."""

    def __init__(self, settings: KafkaSettings, kafka: KafkaConfig, policies: Policies) -> None:
        self._settings = settings
        self._kafka = kafka
        self._tail = TailReader(kafka)
        # One for all looks: a client each would leave its threads to the garbage collector.
        self._topics = Topics(kafka)
        self._policies = policies
        self._co_partitions: dict[str, int] = {}
        self._partitions: Mapping[str, int] = {}
        self.topics: list[str] = []
        self.ids: Mapping[str, str] = {}
        """The brokers' ids of the inputs when they were last looked at, where they give any."""
        self.bytes_max: dict[str, int] = {}
        """The largest batch that an output takes, where the brokers say so; looked at again."""

    def __repr__(self) -> str:
        return f"<Inputs {self.topics}>"

    @property
    def partitions(self) -> Mapping[str, int]:
        """How many partitions each topic of the brokers had when they were last looked at."""
        return self._partitions

    def co_partitions(self, topic: str) -> int:
        """How many partitions all outputs of an input have."""
        return self._co_partitions.get(topic, 0)

    def partitions_of(self, source: str) -> int:
        """How many partitions an input has, with those of its retry topic if it is consumed."""
        topics = {source, self._policies.catalogue.retry_topic_of(source)}
        return sum(self._partitions.get(topic, 0) for topic in self.topics if topic in topics)

    def ask(self) -> None:
        """
        Ask the brokers anything, once. Blocking.

        Raises:
            BrokerUnavailable: with why they do not let us in.
        """
        self._topics.partitions()

    def look(self) -> dict[Output, Floor]:
        """
        Find the inputs, check their outputs, and return the outputs' ends and ids. Blocking.

        An output that was made again while it was looked at counts from its beginning.
        """
        topics = self._topics
        catalogue = self._policies.catalogue
        partitions = topics.partitions()
        steps = [step for step in topics.plan(catalogue, partitions) if step.is_needed]
        if steps and self._settings.create_topics:
            for line in topics.apply(steps, self._settings.replication, {}):
                log.info("topics", step=line)
            partitions = topics.partitions()
            steps = [step for step in topics.plan(catalogue, partitions) if step.is_needed]
        found = catalogue.inputs_among(list(partitions))
        steps += self._unfit(catalogue, found, partitions)
        self.topics = self._fit(catalogue, found, steps, partitions)
        self._partitions = partitions
        outputs_of = {source: _outputs_of(catalogue, source) for source in self.topics}
        for source, outputs in outputs_of.items():
            counts = (partitions.get(output, 0) for output in outputs)
            self._co_partitions[source] = min(counts, default=0)
        return self._floors({output for outputs in outputs_of.values() for output in outputs})

    def _fit(
        self,
        catalogue: Catalogue,
        found: list[str],
        steps: Sequence[Step],
        partitions: Mapping[str, int],
    ) -> list[str]:
        """Those that can be consumed; at the start all must be, later only the faulty wait."""
        refused = {s.topic for s in steps if s.topic not in partitions or s.change == "by hand"}
        if refused:
            lines = "\n".join(f"  {step}" for step in steps if step.topic in refused)
            error = TopicsMissing(
                f"topics are not as the policies need them:\n{lines}\n"
                "`safeguard topics plan` shows what to do and `safeguard topics apply` does it, "
                "or set kafka.create_topics = true"
            )
            if not self.topics:
                raise error
            log.error("new topics are left out", error=str(error))
            found = [
                source
                for source in found
                if source in self.topics
                or not refused.intersection((source, *_outputs_of(catalogue, source)))
            ]
        if not found:
            raise TopicsMissing(
                "no topic of the broker matches the policies: create the input topics, or mend "
                "`topics` in topic.toml"
            )
        return found

    def _floors(self, outputs: Set[str]) -> dict[Output, Floor]:
        """Where each output ends; the ids of all that is consumed and written are noted."""
        names = sorted({*outputs, *self.topics})
        before = self.identify(names)
        counts = self._partitions
        ends = self._tail.ends(
            (name, n) for name in sorted(outputs) for n in range(counts.get(name, 0))
        )
        self.ids = self.identify(names)
        return {
            output: Floor(
                end if before.get(output.topic) == self.ids.get(output.topic) else 0,
                short_id(self.ids.get(output.topic, "")),
            )
            for output, end in ends.items()
        }

    def _unfit(
        self, catalogue: Catalogue, inputs: Sequence[str], partitions: Mapping[str, int]
    ) -> list[Step]:
        """Outputs that would forget verdicts too soon, where the brokers can be asked."""
        if not self._settings.topic_ids:
            return []
        if not self.topics:
            check_metadata_room(self._kafka)
        known = {output for source in self.topics for output in _outputs_of(catalogue, source)}
        wanted = {output for source in inputs for output in _outputs_of(catalogue, source)}
        # What may not be seen is asked for once: each time it would be said again.
        asked = {output for output in wanted if output not in known or output in self.bytes_max}
        facts = self._describe(sorted(asked.intersection(partitions)))
        new = {output: fact for output, fact in facts.items() if output not in known}
        return unfit_steps(new, self._settings.retention_min_s)

    def limits(self, outputs: Sequence[str]) -> Mapping[str, int]:
        """
        The largest batch that each takes now, where the brokers can be asked. Blocking.

        All outputs are looked at: where one takes less the others may, too.
        """
        if not self._settings.topic_ids:
            return {}
        facts = self._describe(sorted({*outputs, *self.bytes_max}))
        return {output: fact.bytes_max for output, fact in facts.items() if fact.bytes_max}

    def _describe(self, outputs: Sequence[str]) -> Mapping[str, OutputFacts]:
        """What the brokers say of outputs; whoever publishes goes by their limits from now on."""
        facts = describe_outputs(self._kafka, outputs)
        self.bytes_max.update({t: f.bytes_max for t, f in facts.items() if f.bytes_max})
        return facts

    def identify(self, topics: Sequence[str]) -> Mapping[str, str]:
        """The broker's ids of topics: one that was made again has another one. Blocking."""
        return self._topics.ids(topics) if self._settings.topic_ids else {}

    def start_rule(self, topic: str) -> str:
        binding = self._policies.catalogue.binding_for(topic)
        return binding.start_of(topic) if binding else "latest"


def _outputs_of(catalogue: Catalogue, source: str) -> tuple[str, ...]:
    binding = catalogue.binding_for(source)
    return binding.outputs_of(source) if binding else ()
