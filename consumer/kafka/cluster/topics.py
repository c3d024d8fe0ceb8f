"""Topics: what the broker has, what the policies need, and the difference as a plan."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Literal, NamedTuple

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._topic import TopicDescription
from confluent_kafka.cimpl import NewPartitions, NewTopic

from consumer.domain.binding import Catalogue
from consumer.domain.counted import counted
from consumer.errors import BrokerUnavailable, TopicsMissing
from consumer.kafka import config as properties
from consumer.kafka.config import KafkaConfig

ERRORS_KEPT = 20
"""Of what the client noted; the last few say why a call failed."""
TIMEOUT_S = 15.0
"""For each question; brokers that refuse us say so at once, and a leader that moves takes less."""
LETTER_STATES = "safeguard.dead-letters"
"""Compacted: what became of each dead letter that was retried or discarded, by its position."""
_DURATION = re.compile(r" \(after \d+ms in state \w+(, \d+ identical error\(s\) suppressed)?\)")


class Step(NamedTuple):
    """One change to the broker's topics."""

    topic: str
    partitions: int
    problem: str
    change: Literal["create", "grow", "by hand"] = "create"
    is_needed: bool = True
    """Whether a worker needs it; the others are for commands such as `dead-letters retry`."""
    config: Mapping[str, str] = {}
    """Properties of a new topic that it cannot do without; they win over the operator's."""

    def __str__(self) -> str:
        return f"{self.topic}: {self.problem}"


class Topics:
    """
    Looks at and changes the broker's topics. Blocking; any thread may ask.

    It has a client with threads of its own: whoever asks more than once keeps it.
    """

    def __init__(self, config: KafkaConfig) -> None:
        self._errors: deque[KafkaError] = deque(maxlen=ERRORS_KEPT)
        self._admin = AdminClient(properties.common(config, self._note))

    def _note(self, error: object) -> None:
        if isinstance(error, KafkaError):
            self._errors.append(error)

    def _why(self, error: KafkaException) -> str:
        """
        What the client noted while it tried, such as a refused password; else the error itself.

        The call that failed says no more than that it did, and what was noted is only handed over
        by a poll. That all brokers are down is left out where something says why.
        """
        self._admin.poll(0)
        causes = [e for e in self._errors if e.code() != KafkaError._ALL_BROKERS_DOWN]
        said = dict.fromkeys(plain(cause.str()) for cause in (causes or list(self._errors))[-3:])
        return "; ".join(said) or plain(error.args[0].str())

    def partitions(self) -> dict[str, int]:
        """
        Every topic of the cluster and how many partitions it has.

        Raises:
            BrokerUnavailable: with what the client said, such as a refused password.
        """
        self._errors.clear()
        try:
            metadata = self._admin.list_topics(timeout=TIMEOUT_S)
        except KafkaException as error:
            raise BrokerUnavailable(
                f"the Kafka brokers do not answer: {self._why(error)}. Check "
                "kafka.bootstrap_servers and the security settings under [kafka.client]"
            ) from None
        return {name: len(topic.partitions) for name, topic in metadata.topics.items()}

    def ids(self, topics: Sequence[str]) -> dict[str, str]:
        """
        The broker's id of each topic; a broker before 3.1 gives none, and the name stands in.

        Raises:
            BrokerUnavailable: guessing would give the same record another verdict id.
        """
        if not topics:
            return {}
        try:
            futures = self._admin.describe_topics(
                TopicCollection(list(topics)), request_timeout=TIMEOUT_S
            )
            described = {name: _described(future) for name, future in futures.items()}
        except KafkaException as error:
            raise BrokerUnavailable(
                f"the topics' ids cannot be read: {error}. Grant Describe on the topics, or set "
                "kafka.topic_ids = false for a broker that has none"
            ) from None
        ids = {name: str(found.topic_id) for name, found in described.items() if found}
        return {name: found for name, found in ids.items() if found.strip("A=")}

    def plan(self, catalogue: Catalogue, partitions: Mapping[str, int]) -> list[Step]:
        """What is missing or differs, for every input the policies bind."""
        steps: list[Step] = []
        inputs = catalogue.inputs_among(list(partitions))
        for name in catalogue.named_topics:
            if name not in partitions:
                steps.append(
                    Step(
                        name,
                        0,
                        "the input topic does not exist; --create-inputs makes it",
                        change="by hand",
                    )
                )
        for source in inputs:
            binding = catalogue.binding_for(source)
            assert binding is not None
            wanted = partitions[source]
            for output in binding.outputs_of(source):
                steps += _output_steps(output, source, wanted, partitions)
            if binding.review is not None and binding.origin_of(source) == source:
                names = binding.review.all_topics(source)
                steps += _review_steps(names, source, wanted, partitions)
            retry = catalogue.retry_topic_of(source)
            if retry is not None:
                found = _output_steps(retry, source, wanted, partitions)
                steps += [_for_retries(step) for step in found]
        if inputs and LETTER_STATES not in partitions:
            states = Step(LETTER_STATES, 1, "missing", config={"cleanup.policy": "compact"})
            steps.append(_for_retries(states))
        return _merged(steps)

    def apply(
        self, steps: Sequence[Step], replication: int, config: Mapping[str, str]
    ) -> list[str]:
        """Carry out what can be carried out; returns a line for each step."""
        lines: list[str] = []
        for step in steps:
            if step.change == "by hand":
                lines.append(f"left alone  {step}")
                continue
            try:
                if step.change == "grow":
                    future = self._admin.create_partitions(
                        [NewPartitions(step.topic, step.partitions)]
                    )[step.topic]
                else:
                    topic = NewTopic(
                        step.topic,
                        step.partitions,
                        replication,
                        config={**config, **step.config},
                    )
                    future = self._admin.create_topics([topic])[step.topic]
                future.result(TIMEOUT_S)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise TopicsMissing(
                        f"{step.topic} cannot be made: {error}{_hint(error, replication)}"
                    ) from None
            lines.append(f"done        {step.topic}, {counted(step.partitions, 'partition')}")
        return lines


def plain(cause: str) -> str:
    """What the client noted, without what differs each time that it notes the same."""
    return _DURATION.sub("", cause)


def _described(future: Future[TopicDescription]) -> TopicDescription | None:
    """What is said of a topic; None where there is no such topic any more."""
    try:
        return future.result()
    except KafkaException as error:
        if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return None
        raise


def _output_steps(
    output: str, source: str, wanted: int, partitions: Mapping[str, int]
) -> list[Step]:
    has = partitions.get(output)
    if has is None:
        return [Step(output, wanted, f"missing; {source} has {counted(wanted, 'partition')}")]
    if has < wanted:
        problem = f"has {counted(has, 'partition')}, but {source} has {wanted}"
        return [Step(output, wanted, problem, "grow")]
    return []


def _review_steps(
    topics: Sequence[str], source: str, wanted: int, partitions: Mapping[str, int]
) -> list[Step]:
    """Topics of reviewers; decisions and dead letters lie in the partition of what they are of."""
    return [
        step._replace(problem=f"{step.problem}; `safeguard review feed` needs it", is_needed=False)
        for topic in topics
        for step in _output_steps(topic, source, wanted, partitions)
    ]


def _for_retries(step: Step) -> Step:
    problem = f"{step.problem}; `safeguard dead-letters retry` needs it"
    return step._replace(problem=problem, is_needed=False)


def _merged(steps: list[Step]) -> list[Step]:
    """One step a topic: several inputs may share outputs, and the largest of them decides."""
    merged: dict[str, Step] = {}
    for step in steps:
        known = merged.get(step.topic)
        if known is None or step.partitions > known.partitions:
            merged[step.topic] = step
    return list(merged.values())


def _hint(error: KafkaException, replication: int) -> str:
    if error.args[0].code() != KafkaError.INVALID_REPLICATION_FACTOR:
        return ""
    return f". Set kafka.replication, now {replication}, to no more than there are brokers"
