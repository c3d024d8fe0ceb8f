"""The path of one message: when it is too old to be judged, and when nobody knows how old it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.messages.message import Position, age_ms
from consumer.domain.messages.retry import second_judgement
from consumer.domain.policy import Outcome
from consumer.domain.verdicts.provenance import is_of_topic
from consumer.domain.verdicts.verdict import Cause, UnjudgedReason, Verdict
from consumer.interfaces import Partition
from consumer.pipeline.assignment.assignment import Assignment, Flight
from consumer.pipeline.dead_letters import DeadLetterEncoder
from consumer.pipeline.process import Processor
from consumer.pipeline.publisher import Publisher
from tests.unit.pipeline.staging import TOPIC, FakeClassifier, HandClock, Stage, record, settle

NOW_MS = 1_700_000_000_000


def metric(stage: Stage, name: str, labels: Mapping[str, str] = {}) -> float | None:
    registry = stage.intake._seams.telemetry.metrics.registry
    return registry.get_sample_value(f"safeguard_{name}", dict(labels))


async def judged(timestamp_ms: int, max_age_s: float) -> tuple[Verdict, FakeClassifier]:
    clock, classifier = HandClock(), FakeClassifier()
    clock.wall = NOW_MS
    publisher = Publisher("g", DeadLetterEncoder("g", "w"))
    binding = replace(Stage().binding, max_age_s=max_age_s)
    flight = Flight(
        record(0)._replace(timestamp_ms=timestamp_ms),
        Assignment(Partition(TOPIC, 0), 1),
        binding,
        0.0,
    )
    found = await Processor(classifier, publisher, clock, "g").judge(flight)
    assert isinstance(found, Verdict)
    return found, classifier


@pytest.mark.parametrize(
    "timestamp_ms", [NOW_MS, NOW_MS - 60_000, NOW_MS + 5_000, NOW_MS + 86_400_000, -1, 0]
)
async def test_what_is_fresh_or_of_unknown_age_is_judged(timestamp_ms: int) -> None:
    """Of now, at the limit, by a clock that is ahead, and without a timestamp."""
    verdict, _ = await judged(timestamp_ms, 60.0)
    assert (verdict.outcome, verdict.cause) == (Outcome.ALLOW, Cause.MODEL)


async def test_what_is_older_than_the_limit_is_not_judged() -> None:
    """Its verdict says so, and the model is not asked."""
    verdict, classifier = await judged(NOW_MS - 60_001, 60.0)
    assert (verdict.cause, verdict.unjudged_reason) == (Cause.UNJUDGED, UnjudgedReason.TOO_OLD)
    assert classifier.judged == []


async def test_without_a_limit_nothing_is_too_old() -> None:
    """0 is never."""
    verdict, _ = await judged(1, 0.0)
    assert verdict.cause is Cause.MODEL


@given(st.integers(-10, 2**42), st.integers(1, 2**42))
def test_an_age_is_how_long_ago_it_was_or_unknown(timestamp_ms: int, now_ms: int) -> None:
    """Never an age that a record without a timestamp cannot have."""
    age = age_ms(timestamp_ms, now_ms)
    assert (age is None) is (timestamp_ms <= 0)
    assert age is None or timestamp_ms + age == now_ms


async def test_a_record_without_a_timestamp_has_no_lag() -> None:
    """Else a dashboard would show half a century."""
    stage = Stage()
    stage.clock.wall = NOW_MS
    await stage.own()
    gate = stage.hold("OK")
    stage.intake.taken([record(0)._replace(timestamp_ms=-1)])
    await settle()
    stage.intake.refresh_gauges({})
    assert metric(stage, "lag_age_seconds", {"topic": TOPIC, "partition": "0"}) == 0
    gate.set()
    await settle()


async def test_commits_that_are_refused_are_counted_and_others_are_not() -> None:
    """An alert is raised by this."""
    stage = Stage()
    await stage.own()
    assert metric(stage, "commits_refused_total") == 0
    stage.source.answer = False
    stage.intake.taken([record(0)])
    await settle()
    stage.acknowledge()
    stage.intake.commit()
    await settle()
    assert metric(stage, "commits_refused_total") == 1


async def test_dead_letters_are_counted_by_reason_once_they_are_stored() -> None:
    """In the ledger and in the metric, and verdicts are not."""
    stage = Stage()
    await stage.own()
    stage.intake.taken([record(0, ""), record(1, ""), record(2)])
    await settle()
    stage.intake.refresh_gauges({})
    labels = {"topic": TOPIC, "reason": "empty_text"}
    assert metric(stage, "dead_letters_total", labels) is None
    stage.acknowledge()
    stage.intake.refresh_gauges({})

    assert metric(stage, "dead_letters_total", labels) == 2
    ledger = stage.intake.ledger
    assert (ledger.dead_letters, ledger.verdicts, ledger.difference) == (2, 1, 0)


SUPERSEDED = "ab" * 16


async def test_a_second_judgement_supersedes_and_is_a_flag_where_nobody_could_judge() -> None:
    """Whatever the topic says of others: people have reported it, so a person looks."""
    again = second_judgement(record(7), TOPIC, SUPERSEDED)
    at = Position(f"{TOPIC}.retry", 0, 3)
    for max_age_s, outcome, cause in (
        (0.0, Outcome.ALLOW, Cause.MODEL),
        (1.0, Outcome.FLAG, Cause.UNJUDGED),
    ):
        clock = HandClock()
        publisher = Publisher("g", DeadLetterEncoder("g", "w"))
        binding = replace(Stage().binding, max_age_s=max_age_s, on_unjudged=Outcome.BLOCK)
        flight = Flight(
            record(7)._replace(position=at, headers=again),
            Assignment(Partition(at.topic, 0), 1),
            binding,
            0.0,
        )
        conclusion = await Processor(FakeClassifier(), publisher, clock, "g").process(flight)
        assert conclusion is not None
        assert conclusion.verdict is not None
        assert (conclusion.verdict.outcome, conclusion.verdict.cause) == (outcome, cause)
        headers = dict(conclusion.publication.headers)
        assert conclusion.publication.topic == f"{TOPIC}.{outcome}"
        assert headers["safeguard-supersedes"] == SUPERSEDED.encode()
        assert headers["safeguard-position"] == str(at).encode()
        assert headers["safeguard-first-position"] == f"{TOPIC}/0/7".encode()
        assert is_of_topic(headers, at, at.topic, "g"), "a recovery finds it by its own id"
