"""Budgets at work: records wait or end unjudged while theirs is spent, and none is lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from consumer.domain.binding import Binding, BudgetTerms, Catalogue, MessageTerms
from consumer.domain.policy import PolicyVersion
from consumer.domain.verdicts.usage import Usage
from consumer.domain.verdicts.verdict import Tokens
from consumer.interfaces import Assigned, Judged, Partition
from consumer.pipeline.flow.budgets import Budgets
from consumer.pipeline.flow.limiter import FlowLimits
from tests.unit.pipeline.staging import (
    POLICY,
    TOPIC,
    VERSION,
    ZERO,
    FakeClassifier,
    Stage,
    record,
    settle,
)

HOUR_S = 3_661.0
"""After so long what was spent now is forgotten."""


class CostlyClassifier(FakeClassifier):
    """Each message is one call and a hundred tokens."""

    async def classify(self, *given: Any) -> Judged:
        judged = await super().classify(*given)
        return judged._replace(usage=Usage(1, 0, Tokens(prompt=80, completion=20)), model_ms=500.0)


def binding(terms: BudgetTerms | None, **changes: Any) -> Binding:
    made = Binding("chat", (TOPIC,), VERSION, MessageTerms(format="text"), versions={1: VERSION})
    return replace(made, budget=terms, **changes)


class BudgetStage(Stage):
    """A stage whose messages cost something."""

    def __init__(self, terms: BudgetTerms | None, drain_s: float = 5, **changes: Any) -> None:
        super().__init__(binding(terms, **changes), FlowLimits(in_flight_max=20), drain_s)
        self.classifier = CostlyClassifier()
        self.intake._processor._classifier = self.classifier

    async def take(self, *offsets: int, partition: int = 0) -> None:
        self.intake.taken([record(offset, partition=partition) for offset in offsets])
        await settle()

    async def look(self) -> None:
        """What the worker does four times a second."""
        self.intake.admission.heed_budgets()
        self.intake.refresh_gauges({})
        await settle()

    async def renew(self) -> None:
        """A lease anew, after the clock has stood still for longer than one lasts."""
        for _ in range(10):
            self.clock.move(1)
            self.intake.tick()
            self.intake.commit()
            await settle()

    def metric(self, name: str, **labels: str) -> float | None:
        registry = self.intake._seams.telemetry.metrics.registry
        return registry.get_sample_value(f"safeguard_{name}", {"topic": TOPIC, **labels})

    @property
    def envelopes(self) -> list[dict[str, Any]]:
        return [orjson.loads(publication.value or b"") for publication, _ in self.sink.sent]

    @property
    def judged(self) -> int:
        return len(self.classifier.judged)


async def test_with_a_spent_budget_records_wait_and_go_on_by_themselves_within_the_hour() -> None:
    """Three calls an hour: three are judged, the partition is paused, nothing is unjudged."""
    stage = BudgetStage(BudgetTerms(calls_per_hour=3))
    await stage.own()
    await stage.take(*range(5))
    stage.acknowledge()
    await settle()
    stage.intake.commit()

    assert (stage.judged, stage.offsets) == (3, [3])
    assert stage.source.paused == [ZERO]
    assert stage.source.resumed == [ZERO]
    for _ in range(3):
        stage.clock.move(1_000)
        await stage.look()
    assert stage.judged == 3

    stage.clock.move(HOUR_S - 3_000)
    await stage.look()
    assert stage.judged == 5
    assert stage.source.resumed == [ZERO, ZERO]
    await stage.renew()
    assert [envelope["outcome"] for envelope in stage.envelopes] == ["allow"] * 2
    stage.acknowledge()
    await stage.renew()
    assert stage.offsets[-1] == 5
    assert stage.intake.ledger.difference == 0


async def test_a_message_that_is_being_judged_when_the_budget_ends_is_finished() -> None:
    """Its calls were set aside when it began; those behind it wait."""
    stage = BudgetStage(BudgetTerms(calls_per_hour=2))
    gate = stage.hold("OK")
    await stage.own()
    await stage.take(0, 1, 2)
    assert stage.judged == 2
    gate.set()
    await settle()
    assert len(stage.sink.sent) == 2


async def test_a_spent_budget_is_said_once_when_it_begins_and_once_when_it_ends() -> None:
    """In the log, in the metrics, and where health looks."""
    stage = BudgetStage(BudgetTerms(calls_per_hour=4, tokens_per_hour=4_000))
    with capture_logs() as logs:
        await stage.own()
        await stage.look()
        assert stage.metric("budget_spent") == 0
        await stage.take(0, 1, 2, 3, 4)
        await stage.look()
        await stage.look()
        assert list(stage.intake.admission.budgets.spent) == [TOPIC]
        assert stage.metric("budget_spent") == 1
        assert stage.metric("budget_used_ratio", kind="calls") == 1.0
        assert stage.metric("budget_used_ratio", kind="tokens") == 0.1
        stage.clock.move(HOUR_S)
        await stage.look()
        await stage.look()
        assert list(stage.intake.admission.budgets.spent) == []
        assert stage.metric("budget_spent") == 0

    said = [entry for entry in logs if "budget" in entry["event"]]
    assert [entry["event"] for entry in said] == ["budget is spent", "budget has room again"]
    assert {entry["topic"] for entry in said} == {TOPIC}
    assert (said[0]["calls"], said[0]["on_budget"]) == (4, "wait")
    assert 3_600 <= said[0]["room_in_s"] <= 3_660


@pytest.mark.parametrize("outcome", ["flag", "allow"])
async def test_where_it_does_not_wait_a_message_ends_unjudged_and_names_the_budget(
    outcome: str,
) -> None:
    """Without a call; its outcome is that of `on_budget`, whatever `on_unjudged` says."""
    other = POLICY.outcomes["BAD"]
    terms = BudgetTerms(calls_per_hour=1, on_budget=outcome)  # type: ignore[arg-type]
    stage = BudgetStage(terms, on_unjudged=other)
    await stage.own()
    await stage.take(0, 1, 2)

    assert stage.judged == 1
    assert stage.sink.topics == [f"{TOPIC}.allow", *[f"{TOPIC}.{outcome}"] * 2]
    for envelope in stage.envelopes[1:]:
        assert (envelope["cause"], envelope["unjudged_reason"]) == ("unjudged", "budget")
        assert envelope["outcome"] == outcome
    assert stage.source.paused == []
    stage.acknowledge()
    stage.intake.refresh_gauges({})
    assert stage.metric("unjudged_total", reason="budget") == 2

    stage.clock.move(HOUR_S)
    await stage.take(3)
    assert stage.judged == 2


async def test_tokens_end_a_budget_as_calls_do() -> None:
    """Each message takes a hundred of them, as the first answer shows."""
    stage = BudgetStage(BudgetTerms(tokens_per_hour=1_000))
    await stage.own()
    for offset in range(12):
        await stage.take(offset)
    assert stage.judged == 10


async def test_a_message_that_needs_no_call_spends_nothing() -> None:
    """A record that is no message gets its dead letter, and its place in the budget is free."""
    stage = BudgetStage(BudgetTerms(calls_per_hour=1))
    await stage.own()
    for offset in range(3):
        stage.intake.taken([record(offset)._replace(value=b"\xff")])
        await settle()
    await stage.take(3)
    assert stage.judged == 1
    assert stage.sink.topics == [f"{TOPIC}.dead-letter"] * 3 + [f"{TOPIC}.allow"]


async def test_two_partitions_share_the_budget_of_their_topic() -> None:
    """Both wait when it is spent, and both go on."""
    stage = BudgetStage(BudgetTerms(calls_per_hour=4))
    one = Partition(TOPIC, 1)
    stage.intake.assigned([stage.assignment(), Assigned(one, 99, 0)])
    await settle()
    await stage.take(0, 1, 2)
    await stage.take(0, 1, 2, partition=1)
    await stage.look()
    assert stage.judged == 4
    assert set(stage.source.paused) == {ZERO, one}

    stage.clock.move(HOUR_S)
    await stage.look()
    assert stage.judged == 6
    assert stage.intake.ledger.difference == 0


async def test_a_process_has_the_share_of_its_partitions() -> None:
    """One of four partitions: a quarter of the budget; two of four: half of it."""
    stage = BudgetStage(BudgetTerms(calls_per_hour=8))
    stage.intake.admission.budgets._partitions_of = lambda topic: 4 if topic == TOPIC else 0
    await stage.own()
    await stage.take(*range(6))
    assert stage.judged == 2

    stage.intake.assigned([Assigned(Partition(TOPIC, 1), 99, 0)])
    await stage.look()
    assert stage.judged == 4
    stage.intake.lost([Partition(TOPIC, 1)])
    await stage.look()
    assert stage.judged == 4


async def test_a_retry_topic_counts_as_its_input() -> None:
    """Both together take no more than the budget."""
    stage = BudgetStage(BudgetTerms(calls_per_hour=3))
    retry = Partition(f"{TOPIC}.retry", 0)
    stage.intake.assigned([stage.assignment(), Assigned(retry, 99, 0)])
    await settle()
    await stage.take(0, 1)
    retried = [record(n) for n in (0, 1)]
    stage.intake.taken(
        [r._replace(position=r.position._replace(topic=retry.topic)) for r in retried]
    )
    await settle()
    assert stage.judged == 3
    assert stage.intake.admission.budgets.spent == (TOPIC,)


@pytest.mark.parametrize("terms", [BudgetTerms(calls_per_hour=9), None])
async def test_a_reload_changes_the_budget_and_keeps_what_was_spent(
    terms: BudgetTerms | None,
) -> None:
    """A larger budget, or none, lets at once go on what waits; nobody has to send anything."""
    stage = BudgetStage(BudgetTerms(calls_per_hour=2))
    await stage.own()
    await stage.take(*range(11))
    assert stage.judged == 2
    stage.policies.__init__(binding(terms))  # type: ignore[misc]
    await stage.look()
    assert stage.judged == (9 if terms else 11)
    await stage.look()
    assert stage.metric("budget_spent") == (1 if terms else None)
    assert stage.metric("budget_used_ratio", kind="calls") == (1 if terms else None)


async def test_a_drain_does_not_wait_for_a_budget() -> None:
    """What waits is given back unjudged and uncommitted: the next owner takes it."""
    stage = BudgetStage(BudgetTerms(calls_per_hour=2), drain_s=1_000)
    gate = stage.hold("OK")
    await stage.own()
    await stage.take(*range(5))
    draining = asyncio.create_task(stage.intake.revoked({ZERO: 1}))
    await settle()
    assert not draining.done()
    gate.set()
    await settle()
    stage.acknowledge()
    await settle()

    assert draining.done()
    assert draining.result()[ZERO].offset == 2
    assert stage.intake.ledger.discarded == 3
    assert stage.intake.ledger.difference == 0


@pytest.mark.parametrize("is_stop", [True, False])
async def test_where_all_that_is_left_waits_for_a_budget_a_drain_is_over_at_once(
    is_stop: bool,
) -> None:
    """At a stop and at a revocation alike."""
    stage = BudgetStage(BudgetTerms(calls_per_hour=2), drain_s=1_000)
    await stage.own()
    await stage.take(*range(5))
    stage.acknowledge()
    work = stage.intake.drain() if is_stop else stage.intake.revoked({ZERO: 1})
    draining = asyncio.create_task(work)
    await settle()
    assert draining.done()
    assert stage.intake.ledger.discarded == 3


async def test_an_operators_resume_does_not_spend_more_than_the_budget() -> None:
    """A topic that is paused for both reasons is resumed when both are gone."""
    stage = BudgetStage(BudgetTerms(calls_per_hour=1))
    one = Partition(TOPIC, 1)
    stage.intake.assigned([stage.assignment(), Assigned(one, 99, 0)])
    await settle()
    await stage.take(0, 1)
    await stage.look()
    resumed = list(stage.source.resumed)
    stage.intake.admission.set_paused(frozenset({TOPIC}))
    stage.intake.admission.set_paused(frozenset())
    assert stage.source.resumed == resumed

    stage.clock.move(HOUR_S)
    await stage.look()
    assert one in stage.source.resumed[len(resumed) :]


async def test_a_budget_that_is_spent_during_a_drain_does_not_hold_it_up() -> None:
    """What waited for room of another kind finds the budget spent while the drain goes on."""
    stage = BudgetStage(BudgetTerms(calls_per_hour=1), drain_s=1_000)
    stage.hold("OK")
    await stage.own()
    await stage.take(0)
    assignment = stage.intake._assignments[ZERO]
    assignment.unfinished.waiting.append(record(1))
    stage.intake.ledger.consume(TOPIC, 1)
    assert not assignment.is_held
    draining = asyncio.create_task(stage.intake.drain())
    await settle()
    stage.classifier.gates["OK"].set()
    await settle()
    stage.acknowledge()
    await settle()
    assert draining.done()
    assert stage.intake.ledger.difference == 0


@pytest.mark.parametrize("has_begun", [True, False])
async def test_what_a_loss_cuts_short_leaves_nothing_set_aside(has_begun: bool) -> None:
    """A call that was sent counts as spent, one that never began does not."""
    stage = BudgetStage(BudgetTerms(calls_per_hour=5))
    stage.hold("OK")
    await stage.own()
    stage.intake.taken([record(0), record(1)])
    if has_begun:
        await settle()
    budget = stage.intake._assignments[ZERO].budget
    assert budget is not None
    stage.intake.lost([ZERO])
    await settle()
    assert budget._set_aside == 0
    assert budget.used.calls == (2 if has_begun else 0)
    assert stage.intake.admission.budgets.spent == ()


async def test_without_a_budget_nothing_is_counted_or_asked() -> None:
    stage = BudgetStage(None)
    await stage.own()
    await stage.take(0, 1)
    assert stage.judged == 2
    assert stage.metric("budget_spent") is None
    assert "[]" in repr(stage.intake.admission.budgets)


async def test_what_judging_cost_is_counted_under_the_version_that_judged() -> None:
    """Also where the message ended unjudged; a record that needed no call adds nothing."""
    other = PolicyVersion("chat", 2, (POLICY,), "e" * 32)
    stage = BudgetStage(None)
    await stage.own()
    await stage.take(0)
    stage.policies.__init__(binding(None, live=other))  # type: ignore[misc]
    await stage.take(1, 2)
    stage.intake.taken([record(3)._replace(value=b"\xff")])
    await settle()
    stage.intake.refresh_gauges({})

    def read(name: str, **labels: str) -> float | None:
        return stage.intake._seams.telemetry.metrics.registry.get_sample_value(
            f"safeguard_{name}_total", labels
        )

    assert read("tokens", policy_version="chat@v1", kind="prompt") == 80
    assert read("tokens", policy_version="chat@v2", kind="prompt") == 160
    assert read("judging_calls", policy_version="chat@v2", result="judged") == 2
    assert read("model_seconds", policy_version="chat@v2") == 1.0


async def test_a_spent_budget_whose_partitions_have_left_is_told_no_more() -> None:
    """Somebody else judges them now; where they come back spent it is told again."""
    stage = BudgetStage(BudgetTerms(calls_per_hour=2))
    with capture_logs() as logs:
        await stage.own()
        await stage.take(*range(3))
        stage.acknowledge()
        assert list(stage.intake.admission.budgets.spent) == [TOPIC]
        await stage.intake.revoked({ZERO: 1})
        await stage.look()
        assert list(stage.intake.admission.budgets.spent) == []
        assert stage.metric("budget_spent") is None
        await stage.own(2)
        await stage.take(2)
        assert list(stage.intake.admission.budgets.spent) == [TOPIC]
    assert sum(entry["event"] == "budget is spent" for entry in logs) == 2


async def test_a_budget_has_room_again_by_itself_though_nobody_sends_anything() -> None:
    """Health would else go on telling of a budget that was spent hours ago."""
    stage = BudgetStage(BudgetTerms(calls_per_hour=1, on_budget="flag"))
    await stage.own()
    await stage.take(0, 1)
    assert list(stage.intake.admission.budgets.spent) == [TOPIC]
    stage.clock.move(HOUR_S)
    await stage.look()
    assert list(stage.intake.admission.budgets.spent) == []


async def test_a_budget_that_was_taken_away_and_is_given_again_begins_anew() -> None:
    """What was judged meanwhile was counted by nobody, so that what came before says little."""
    stage = BudgetStage(BudgetTerms(calls_per_hour=2))
    await stage.own()
    await stage.take(0, 1, 2)
    for terms in (None, BudgetTerms(calls_per_hour=2)):
        stage.policies.__init__(binding(terms))  # type: ignore[misc]
        await stage.look()
    assert stage.judged == 3
    await stage.take(3, 4, 5)
    assert stage.judged == 5


@pytest.mark.parametrize(
    ("partitions", "share"), [({TOPIC: 4}, 0.25), ({TOPIC: 1}, 1.0), ({}, 1.0)]
)
async def test_one_topic_has_its_budget_whether_or_not_another_has_one(
    partitions: dict[str, int], share: float
) -> None:
    """And all of it where it is not known how many partitions there are."""
    stage = BudgetStage(None)
    await stage.own()
    budgets = Budgets(stage.intake._seams.telemetry, lambda topic: partitions.get(topic, 0))
    other = Binding("other", ("other",), VERSION, MessageTerms(format="text"))
    with_one = binding(BudgetTerms(calls_per_hour=8))
    budgets.bind(stage.intake._assignments.values(), Catalogue((other, with_one)))
    budget = stage.intake._assignments[ZERO].budget
    assert budget is not None
    assert budget.share == share


async def test_a_message_sets_a_call_aside_for_each_policy_of_its_version() -> None:
    """Else a version of many policies would be begun far beyond its budget."""
    twice = PolicyVersion("chat", 2, (POLICY, POLICY), "e" * 32)
    stage = BudgetStage(BudgetTerms(calls_per_hour=6), live=twice)
    stage.hold("OK")
    await stage.own()
    await stage.take(*range(5))
    assert stage.judged == 3
