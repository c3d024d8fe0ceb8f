"""
Every metric: its name, kind, meaning and labels. No label ever holds user or policy text.

To add one, add a row to `Metrics`, and count where it happens: `metrics.verdicts.labels(…).inc()`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector

from consumer import __version__
from consumer.telemetry.histogram import LoopHistogram

STAGE_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Seconds. The model takes 0.1 to 10 of them, the rest of the path a few thousandths."""

SCORE_BUCKETS = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1)

Instrument = TypeVar("Instrument")


class Metric(Generic[Instrument]):
    """A row of the table; read off a `Metrics` it is that one's own instrument."""

    def __init__(self, make: Callable[..., Instrument], meaning: str, *labels: str) -> None:
        self._make, self.meaning, self.labels = make, meaning, labels

    def __set_name__(self, _table: type, attribute: str) -> None:
        self.attribute = attribute

    def __get__(self, metrics: Metrics, _table: type) -> Instrument:
        """Made when it is first read, and found in the object itself from then on."""
        name = f"safeguard_{self.attribute}"
        made = self._make(name, self.meaning, self.labels, registry=metrics.registry)
        vars(metrics)[self.attribute] = made
        return made


def counter(meaning: str, *labels: str) -> Metric[Counter]:
    return Metric(Counter, meaning, *labels)


def gauge(meaning: str, *labels: str) -> Metric[Gauge]:
    return Metric(Gauge, meaning, *labels)


def histogram(buckets: Sequence[float], meaning: str, *labels: str) -> Metric[LoopHistogram]:
    """`buckets` are the upper bounds, in ascending order and without infinity."""
    return Metric(partial(LoopHistogram, buckets=buckets), meaning, *labels)


class Metrics:
    """
    The instruments of one worker process, in a registry of their own.

    A metric is called `safeguard_` and the name of its row, which ends in its unit.
    """

    consumed = counter("Records taken, by topic", "topic")
    verdicts = counter(
        "Verdicts acknowledged by the broker, by topic, outcome and cause",
        "topic",
        "outcome",
        "cause",
    )
    languages = counter(
        "Verdicts by topic and language (by its ISO 639 code, else `other`), and whether the "
        "record says it or it was guessed",
        "topic",
        "language",
        "origin",
    )
    unjudged = counter("Verdicts with cause unjudged, by topic and reason", "topic", "reason")
    dead_letters = counter(
        "Dead letters acknowledged by the broker, by topic and reason", "topic", "reason"
    )
    discarded = counter(
        "Records given up unfinished when their partition was revoked or lost", "topic"
    )
    recovered = counter(
        "Records taken anew whose verdict or dead letter an earlier owner had published", "topic"
    )
    passed_over = counter("Tombstones passed over, as topic.toml asks", "topic")
    topics_paused = gauge("Input topics that an operator has paused")
    in_flight = gauge("Records taken and not yet terminal")
    ledger_difference = gauge(
        "Consumed less all that became terminal, was discarded or is in flight: reads zero"
    )
    lag_records = gauge(
        "Records of a partition not yet committed past; NaN where that cannot be",
        "topic",
        "partition",
    )
    partitions_beyond_end = gauge(
        "Partitions whose end lies before what was committed of them: their lag is impossible"
    )
    partitions_held_by_transactions = gauge(
        "Partitions that stand at a transaction which somebody has left open"
    )
    lag_age_seconds = gauge(
        "Age of the oldest unfinished record of a partition, by its own timestamp",
        "topic",
        "partition",
    )
    stage_seconds = histogram(
        STAGE_BUCKETS,
        "Latency by stage: queued (taken to first call), model (the calls), "
        "publish (verdict to acknowledgement), total (record's timestamp to acknowledgement)",
        "stage",
    )
    call_seconds = histogram(STAGE_BUCKETS, "One call to the inference server")
    calls_in_flight = gauge("Calls to an inference server now", "endpoint")
    calls_limit = gauge(
        "Calls at once that an inference server is found to take, or inference.calls_max",
        "endpoint",
    )
    calls_waiting = gauge("Calls that wait here for a place at a server, by lane", "lane")
    hedges = counter("Second calls for one that took unusually long (inference.hedge_at)")
    call_failures = counter("Calls that gave no judgement", "reason")
    answers_repaired = counter(
        "Judgements read from a misshapen answer, by what was peeled off", "repair"
    )
    rules_dropped = counter("Rule ids that the model cited and the policy does not have")
    judging_calls = counter(
        "Calls for messages, by policy version, and whether they gave a judgement",
        "policy_version",
        "result",
    )
    model_seconds = counter(
        "Time from a message's first call to its last answer, added up by policy version",
        "policy_version",
    )
    certainty = histogram(
        SCORE_BUCKETS,
        "How sure first answers are: the probability that asking again gives the same label",
    )
    second_looks = counter(
        "Second looks at unsure answers, by result: agreed, disagreed, or not_made for lack of "
        "time or of an answer",
        "result",
    )
    tokens = counter(
        "Tokens as the server counted them, by policy version; cached ones are part of the "
        "prompt, reasoning of the completion",
        "policy_version",
        "kind",
    )
    unread_tokens = counter(
        "Those of safeguard_tokens whose answer gave no judgement", "policy_version", "kind"
    )
    budget_spent = gauge(
        "1 while the budget of an input is spent: its records wait or end unjudged", "topic"
    )
    budget_used_ratio = gauge(
        "Share of this process's part of an input's budget that the last hour took, by kind: "
        "calls or tokens",
        "topic",
        "kind",
    )
    breaker_open = gauge("1 while an inference server is out", "endpoint")
    publish_repeats = counter("Publications sent again after a negative or missing report")
    withheld = gauge(
        "Finished verdicts that wait for the lease or for a commit to name their output"
    )
    recovering_partitions = gauge(
        "Partitions assigned, and not yet judged: the last owner's lease or tails are awaited"
    )
    topics_made_again = counter(
        "Topics that were deleted and made again under their name while this worker ran", "topic"
    )
    commits_refused = counter("Commits that the broker refused")
    screening_kept = gauge(
        "What the stages before the model remember, by policy set and stage: texts (memo) or "
        "bursts (near-duplicate); what they settle is in safeguard_verdicts by cause",
        "policy_set",
        "stage",
    )
    filter_on = gauge(
        "1 while a policy set's learned filter settles messages, 0 while it is off: `/readyz` and "
        "the log say why",
        "policy_set",
    )
    filter_recall_ratio = gauge(
        "Between what a filter's recall lies by its audits, by bound: low or high",
        "policy_set",
        "bound",
    )
    filter_recall_shown = gauge(
        "1 once the recall that is demanded of a filter was shown anew on live traffic",
        "policy_set",
    )
    prevalence_ratio = gauge(
        "Share of the messages that the policies do not allow, by a filter's audits: of `all`, and "
        "by language where that is named by two letters; share, low and high end of its range",
        "policy_set",
        "language",
        "bound",
    )
    decision_calls = counter(
        "Messages that the decision endpoint was asked about, by policy version and result: "
        "settled (but for audits), asked (near a policy: the safeguard judges), refused (a "
        "question has no probability) or error (no answer in time, or none that is trusted)",
        "policy_version",
        "result",
    )
    decision_seconds = histogram(STAGE_BUCKETS, "One call to the decision endpoint")
    policies_loaded_timestamp_seconds = gauge("When the policies in force were loaded")
    policy_reloads_refused = counter(
        "Changed policy files that were not picked up, by reason: faults, published (a live "
        "version's text), moving (while they were read) or unknown (see the log)",
        "reason",
    )

    build_info = gauge("1, with the version of the service as its label", "version")

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        # Memory, processor time and open files, by the names that everybody's have (Linux).
        ProcessCollector(registry=self.registry)
        # All of them now: what was not counted yet reads zero, and is not missing.
        for metric in TABLE:
            getattr(self, metric.attribute)
        self.build_info.labels(__version__).set(1)

    def outcomes(self) -> dict[str, int]:
        """Verdicts so far by outcome, over all topics and causes."""
        found: dict[str, int] = {}
        for family in self.verdicts.collect():
            for sample in family.samples:
                if sample.name.endswith("_total"):
                    outcome = sample.labels["outcome"]
                    found[outcome] = found.get(outcome, 0) + int(sample.value)
        return found


TABLE: tuple[Metric[Any], ...] = tuple(
    row for row in vars(Metrics).values() if isinstance(row, Metric)
)
