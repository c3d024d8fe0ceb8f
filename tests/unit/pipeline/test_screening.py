"""What is settled before the model: at once, without a task, and by the way that all others go."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import orjson

from consumer.domain.binding import Binding, BudgetTerms, MessageTerms
from consumer.domain.messages.context import ContextTerms
from consumer.domain.policy import Outcome
from consumer.domain.screening import (
    ListEntry,
    ListTerms,
    MemoTerms,
    NeighbourTerms,
    ScreeningTerms,
)
from consumer.pipeline.flow.limiter import FlowLimits
from tests.unit.pipeline.staging import TOPIC, VERSION, ZERO, Stage, record, settle

LIST = ListTerms("raid.txt", Outcome.FLAG, "words", (ListEntry(1, "vermin"),), "c" * 32)
TERMS = ScreeningTerms(MemoTerms(), NeighbourTerms(), (LIST,))
BINDING = Binding(
    "chat",
    (TOPIC,),
    VERSION,
    MessageTerms(format="text"),
    screening=TERMS,
    deadline_s=0,
    versions={1: VERSION},
)


def a_stage(binding: Binding = BINDING, limits: FlowLimits | None = None) -> Stage:
    return Stage(binding, limits, is_screened=True)


def envelopes(stage: Stage) -> list[dict[str, object]]:
    """What is on its way, read."""
    return [orjson.loads(publication.value or b"") for publication, _ in stage.sink.sent]


def causes(stage: Stage) -> list[object]:
    return [envelope["cause"] for envelope in envelopes(stage)]


async def test_what_is_settled_is_sent_before_anybody_else_has_a_turn() -> None:
    stage = a_stage()
    await stage.own()
    tasks = asyncio.all_tasks()
    stage.intake.taken([record(0, "OK vermin"), record(1, "vermin")])
    assert stage.sent == ["chat/0/0 to chat.flag", "chat/0/1 to chat.flag"]
    assert asyncio.all_tasks() == tasks
    assert stage.classifier.judged == []
    stage.acknowledge()
    assert stage.intake.ledger.difference == 0
    assert stage.intake.ledger.in_flight == 0
    stage.intake.commit()
    await settle()
    assert stage.offsets[-1] == 2


async def test_a_settled_verdict_names_its_stage_and_cost_nothing() -> None:
    stage = a_stage()
    await stage.own()
    stage.intake.taken([record(0, "BAD one")])
    await settle()
    stage.intake.taken([record(1, "BAD one")])
    first, second = envelopes(stage)
    assert first["cause"] == "model"
    assert "screening" not in first
    assert second["cause"] == "memo"
    assert second["screening"] == {"stage": "memo", "artefact": first["id"]}
    assert second["outcome"] == first["outcome"] == "block"
    assert [each["label"] for each in second["judgements"]] == ["BAD"]  # type: ignore[attr-defined]
    assert second["timing_ms"] == {"queued": 0.0, "model": 0.0, "total": 0.0}


async def test_it_takes_no_place_of_those_that_are_judged() -> None:
    stage = a_stage(limits=FlowLimits(in_flight_max=1))
    await stage.own()
    gate = stage.hold("OK held")
    stage.intake.taken([record(0, "vermin"), record(1, "vermin"), record(2, "OK held")])
    await settle()
    assert stage.classifier.judged == ["OK held"]
    gate.set()
    await settle()
    assert len(stage.sent) == 3


async def test_it_waits_for_what_came_before_it_under_its_key() -> None:
    stage = a_stage()
    await stage.own()
    gate = stage.hold("OK held")
    stage.intake.taken([record(0, "OK held", b"k"), record(1, "vermin", b"k"), record(2, "vermin")])
    await settle()
    assert stage.sent == ["chat/0/2 to chat.flag"]
    gate.set()
    await settle()
    assert stage.sent[1:] == ["chat/0/0 to chat.allow"]
    stage.acknowledge()
    assert stage.sent == ["chat/0/1 to chat.flag"]


async def test_one_asks_and_the_others_wait_for_it() -> None:
    stage = a_stage()
    await stage.own()
    gate = stage.hold("MAYBE so")
    stage.intake.taken([record(offset, "MAYBE so") for offset in range(4)])
    await settle()
    assert stage.classifier.judged == ["MAYBE so"]
    gate.set()
    await settle()
    assert stage.classifier.judged == ["MAYBE so"]
    assert causes(stage) == ["model", "memo", "memo", "memo"]
    assert {envelope["outcome"] for envelope in envelopes(stage)} == {"flag"}


async def test_where_the_one_that_asks_is_cut_off_the_others_ask_for_themselves() -> None:
    """Its partition went to somebody else; theirs did not."""
    stage = a_stage()
    one = ZERO._replace(number=1)
    await stage.own()
    stage.intake.assigned([stage.assignment()._replace(partition=one)])
    await settle()
    stage.hold("OK held")
    stage.intake.taken([record(0, "OK held", partition=1), record(0, "OK held")])
    await settle()
    assert stage.classifier.judged == ["OK held"]
    stage.intake.lost([one])
    await settle()
    assert stage.classifier.judged == ["OK held", "OK held"]
    stage.classifier.gates["OK held"].set()
    await settle()
    assert stage.sent == ["chat/0/0 to chat.allow"]
    assert causes(stage) == ["model"]


async def test_one_that_is_cut_off_before_it_began_is_waited_for_by_nobody() -> None:
    stage = a_stage()
    one = ZERO._replace(number=1)
    await stage.own()
    stage.intake.assigned([stage.assignment()._replace(partition=one)])
    await settle()
    stage.intake.taken([record(0, "OK then", partition=1), record(0, "OK then")])
    # No task has had its turn yet.
    stage.intake.lost([one])
    await settle()
    assert causes(stage) == ["model"]


async def test_with_context_nothing_is_remembered() -> None:
    stage = a_stage(replace(BINDING, context=ContextTerms(2)))
    await stage.own()
    for offset in range(2):
        stage.intake.taken([record(offset, "OK then")])
        await settle()
    assert stage.classifier.judged == ["OK then", "OK then"]


async def test_a_spent_budget_keeps_nobody_from_what_needs_no_call() -> None:
    """Neither a list nor an answer that somebody else has paid for."""
    budget = BudgetTerms(calls_per_hour=1, on_budget="flag")
    stage = a_stage(replace(BINDING, budget=budget))
    await stage.own()
    stage.intake.admission.bind_budgets()
    gate = stage.hold("OK held")
    texts = ("OK held", "vermin", "OK other", "OK held")
    stage.intake.taken([record(offset, text) for offset, text in enumerate(texts)])
    await settle()
    assert causes(stage) == ["list", "unjudged"]
    gate.set()
    await settle()
    assert causes(stage) == ["list", "unjudged", "model", "memo"]
    assert stage.classifier.judged == ["OK held"]


async def test_what_cannot_be_read_is_a_dead_letter_at_once() -> None:
    stage = a_stage()
    await stage.own()
    stage.intake.taken([record(0, "")])
    assert stage.sent == ["chat/0/0 to chat.dead-letter"]


async def test_a_tombstone_that_is_passed_over_ends_as_before() -> None:
    stage = a_stage(replace(BINDING, tombstones="pass-over"))
    await stage.own()
    stage.intake.taken([record(0)._replace(value=None), record(1, "vermin")])
    await settle()
    assert stage.sent == ["chat/0/1 to chat.flag"]
    assert stage.intake.ledger.passed_over == 1


async def test_a_fault_of_a_stage_stops_the_worker() -> None:
    """Nothing may be committed past a record that nobody has judged."""
    stage = a_stage()
    await stage.own()

    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    stage.intake._processor._screening.screen = fail  # type: ignore[union-attr, method-assign]
    stage.intake.taken([record(0, "OK then")])
    await settle()
    assert isinstance(stage.intake.failure.exception(), RuntimeError)
    assert stage.sent == []
