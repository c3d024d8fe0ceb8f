"""Our histograms read like prometheus_client's own."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from consumer.telemetry.histogram import LoopHistogram

BOUNDS = (0.005, 0.1, 1.0, 2.5)
numbers = st.one_of(st.sampled_from(BOUNDS), st.floats(0, 10))


def shown(registry: CollectorRegistry) -> list[str]:
    """What a scrape reads; when a metric was made is said only by theirs."""
    text = generate_latest(registry).decode()
    return [line for line in text.splitlines() if "_created" not in line]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["queued", "model"]), numbers)))
def test_with_a_label_a_scrape_reads_the_same(counted: list[tuple[str, float]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    one = LoopHistogram("seconds", "How long", ["stage"], buckets=BOUNDS, registry=ours)
    other = Histogram("seconds", "How long", ["stage"], buckets=BOUNDS, registry=theirs)
    for stage, number in counted:
        one.labels(stage).observe(number)
        other.labels(stage).observe(number)

    assert shown(ours) == shown(theirs)


@settings(max_examples=50, deadline=None)
@given(st.lists(numbers))
def test_without_a_label_a_scrape_reads_the_same(counted: list[float]) -> None:
    """Also before anything was counted: a dashboard then shows zero, and not nothing."""
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    one = LoopHistogram("seconds", "How long", buckets=BOUNDS, registry=ours)
    other = Histogram("seconds", "How long", buckets=BOUNDS, registry=theirs)
    for number in counted:
        one.observe(number)
        other.observe(number)

    assert shown(ours) == shown(theirs)
