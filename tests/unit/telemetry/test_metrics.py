"""Metrics: names that a dashboard can rely on, and labels that hold no text."""

from __future__ import annotations

from prometheus_client import generate_latest

from consumer.telemetry.clock import SystemClock
from consumer.telemetry.metrics import TABLE, Metrics

LABELS = {"topic", "partition", "outcome", "cause", "reason", "stage", "repair", "kind", "le"}
LABELS |= {
    "policy_version",
    "policy_set",
    "result",
    "endpoint",
    "lane",
    "version",
    "language",
    "origin",
    "bound",
}
"""
All of them come from closed lists, the settings, the broker or a folder's name; none can hold what
a user wrote.
"""


def test_every_metric_is_named_and_explained() -> None:
    """Each metric starts with `safeguard_`, says what it means, and has labels from our list."""
    metrics = [m for m in Metrics().registry.collect() if not m.name.startswith("process_")]
    assert len(metrics) == len(TABLE) > 20
    for metric in metrics:
        assert metric.name.startswith("safeguard_")
        assert metric.documentation
        assert {name for sample in metric.samples for name in sample.labels} <= LABELS


def test_no_label_could_hold_text() -> None:
    """The labels that are declared are those of the list, also where nothing was counted yet."""
    assert {label for metric in TABLE for label in metric.labels} <= LABELS


def test_two_workers_do_not_mix() -> None:
    """Each worker has its own registry, so that many can live in one process."""
    one, other = Metrics(), Metrics()
    one.consumed.labels("chat").inc()
    assert b'safeguard_consumed_total{topic="chat"} 1.0' in generate_latest(one.registry)
    assert b"chat" not in generate_latest(other.registry)


def test_the_clock_goes_forward() -> None:
    """The real clock never goes back, and its wall time is in milliseconds since 1970."""
    clock = SystemClock()
    times = [clock.now_s() for _ in range(100)]
    assert times == sorted(times)
    assert 1_700_000_000_000 < clock.wall_ms() < 4_000_000_000_000
