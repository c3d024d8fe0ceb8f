"""Every metric: name, kind, unit, meaning and labels. No label ever holds user or policy text."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

from consumer.telemetry.histogram import LoopHistogram

STAGE_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Seconds. The model takes 0.1 to 10 of them, the rest of the path a few thousandths."""

SCORE_BUCKETS = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1)


class Metrics:
    """The instruments of one worker process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        self.consumed = Counter(
            "safeguard_consumed", "Records taken, by topic", ["topic"], registry=registry
        )
        self.verdicts = Counter(
            "safeguard_verdicts",
            "Verdicts acknowledged by the broker, by topic, outcome and cause",
            ["topic", "outcome", "cause"],
            registry=registry,
        )
        self.unjudged = Counter(
            "safeguard_unjudged",
            "Verdicts with cause unjudged, by topic and reason",
            ["topic", "reason"],
            registry=registry,
        )
        self.dead_letters = Counter(
            "safeguard_dead_letters",
            "Dead letters acknowledged by the broker, by topic and reason",
            ["topic", "reason"],
            registry=registry,
        )
        self.discarded = Counter(
            "safeguard_discarded",
            "Records given up unfinished when their partition was revoked or lost",
            ["topic"],
            registry=registry,
        )
        self.recovered = Counter(
            "safeguard_recovered",
            "Records taken anew whose verdict or dead letter an earlier owner had published",
            ["topic"],
            registry=registry,
        )
        self.passed_over = Counter(
            "safeguard_passed_over",
            "Tombstones passed over, as topic.toml asks",
            ["topic"],
            registry=registry,
        )
        self.topics_paused = Gauge(
            "safeguard_topics_paused",
            "Input topics that an operator has paused",
            registry=registry,
        )
        self.in_flight = Gauge(
            "safeguard_in_flight", "Records taken and not yet terminal", registry=registry
        )
        self.ledger_difference = Gauge(
            "safeguard_ledger_difference",
            "Consumed less all that became terminal, was discarded or is in flight: reads zero",
            registry=registry,
        )
        self.lag_records = Gauge(
            "safeguard_lag_records",
            "Records of a partition not yet committed past; NaN where that cannot be",
            ["topic", "partition"],
            registry=registry,
        )
        self.beyond_end = Gauge(
            "safeguard_partitions_beyond_end",
            "Partitions whose end lies before what was committed of them: their lag is impossible",
            registry=registry,
        )
        self.held_by_transactions = Gauge(
            "safeguard_partitions_held_by_transactions",
            "Partitions that stand at a transaction which somebody has left open",
            registry=registry,
        )
        self.lag_age_s = Gauge(
            "safeguard_lag_age_seconds",
            "Age of the oldest unfinished record of a partition, by its own timestamp",
            ["topic", "partition"],
            registry=registry,
        )
        self.stage_seconds = LoopHistogram(
            "safeguard_stage_seconds",
            "Latency by stage: queued (taken to first call), model (the calls), "
            "publish (verdict to acknowledgement), total (record's timestamp to acknowledgement)",
            "stage",
            buckets=STAGE_BUCKETS,
            registry=registry,
        )
        self.call_seconds = LoopHistogram(
            "safeguard_call_seconds",
            "One call to the inference server",
            buckets=STAGE_BUCKETS,
            registry=registry,
        )
        self.calls_in_flight = Gauge(
            "safeguard_calls_in_flight",
            "Calls to an inference server now",
            ["endpoint"],
            registry=registry,
        )
        self.calls_limit = Gauge(
            "safeguard_calls_limit",
            "Calls at once that an inference server is found to take, or inference.calls_max",
            ["endpoint"],
            registry=registry,
        )
        self.calls_waiting = Gauge(
            "safeguard_calls_waiting",
            "Calls that wait here for a place at a server, by lane",
            ["lane"],
            registry=registry,
        )
        self.hedges = Counter(
            "safeguard_hedges",
            "Second calls for one that took unusually long (inference.hedge_at)",
            registry=registry,
        )
        self.call_failures = Counter(
            "safeguard_call_failures", "Calls that gave no judgement", ["reason"], registry=registry
        )
        self.answers_repaired = Counter(
            "safeguard_answers_repaired",
            "Judgements read from a misshapen answer, by what was peeled off",
            ["repair"],
            registry=registry,
        )
        self.rules_dropped = Counter(
            "safeguard_rules_dropped",
            "Rule ids that the model cited and the policy does not have",
            registry=registry,
        )
        self.judging_calls = Counter(
            "safeguard_judging_calls",
            "Calls for messages, by policy version, and whether they gave a judgement",
            ["policy_version", "result"],
            registry=registry,
        )
        self.model_seconds = Counter(
            "safeguard_model_seconds",
            "Time from a message's first call to its last answer, added up by policy version",
            ["policy_version"],
            registry=registry,
        )
        self.certainty = LoopHistogram(
            "safeguard_certainty",
            "How sure first answers are: the probability that asking again gives the same label",
            buckets=SCORE_BUCKETS,
            registry=registry,
        )
        self.second_looks = Counter(
            "safeguard_second_looks",
            "Second looks at unsure answers, by result: agreed, disagreed, or not_made for lack of "
            "time or of an answer",
            ["result"],
            registry=registry,
        )
        self.tokens = Counter(
            "safeguard_tokens",
            "Tokens as the server counted them, by policy version; cached ones are part of the "
            "prompt, reasoning of the completion",
            ["policy_version", "kind"],
            registry=registry,
        )
        self.unread_tokens = Counter(
            "safeguard_unread_tokens",
            "Those of safeguard_tokens whose answer gave no judgement",
            ["policy_version", "kind"],
            registry=registry,
        )
        self.budget_spent = Gauge(
            "safeguard_budget_spent",
            "1 while the budget of an input is spent: its records wait or end unjudged",
            ["topic"],
            registry=registry,
        )
        self.budget_used = Gauge(
            "safeguard_budget_used_ratio",
            "Share of this process's part of an input's budget that the last hour took, by kind: "
            "calls or tokens",
            ["topic", "kind"],
            registry=registry,
        )
        self.breaker_open = Gauge(
            "safeguard_breaker_open",
            "1 while an inference server is out",
            ["endpoint"],
            registry=registry,
        )
        self.publish_repeats = Counter(
            "safeguard_publish_repeats",
            "Publications sent again after a negative or missing report",
            registry=registry,
        )
        self.withheld = Gauge(
            "safeguard_withheld",
            "Finished verdicts that wait for the lease or for a commit to name their output",
            registry=registry,
        )
        self.recovering = Gauge(
            "safeguard_recovering_partitions",
            "Partitions assigned, and not yet judged: the last owner's lease or tails are awaited",
            registry=registry,
        )
        self.topics_made_again = Counter(
            "safeguard_topics_made_again",
            "Topics that were deleted and made again under their name while this worker ran",
            ["topic"],
            registry=registry,
        )
        self.commits_refused = Counter(
            "safeguard_commits_refused", "Commits that the broker refused", registry=registry
        )
        self.policies_loaded = Gauge(
            "safeguard_policies_loaded_timestamp_seconds",
            "When the policies in force were loaded",
            registry=registry,
        )
        self.reloads_refused = Counter(
            "safeguard_policy_reloads_refused",
            "Changed policy files that were not picked up, by reason: faults, published (a live "
            "version's text), moving (while they were read) or unknown (see the log)",
            ["reason"],
            registry=registry,
        )
