"""Who is suspected when workers die: what a model that is well had in hand, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from consumer.domain.binding import BudgetTerms
from consumer.domain.checkpoint import Checkpoint
from consumer.pipeline.assignment.recovery import Recovered, RecoveryLimits
from consumer.pipeline.assignment.suspicion import Suspicion
from tests.unit.pipeline.staging import TOPIC, Stage, record, settle

CAREFUL = RecoveryLimits(careful_after=2, careful_offsets=4)
DEATHS = 8
"""More than it takes to make a partition careful and two of its records poison."""

Life = Callable[[Stage], Awaitable[None]]


async def after_deaths(live: Life, deaths: int = DEATHS) -> Stage:
    """Workers that live so and are then killed, one after the other; then one more, well."""
    left = Checkpoint("other", 1, 0, starts=0)
    for _ in range(deaths):
        stage = Stage(recovery=CAREFUL)
        await live_and_die(stage, left, live)
        left = stage.checkpoint._replace(lease_end_ms=0)
    last = Stage(recovery=CAREFUL)
    await last.own(5, left)
    last.intake.taken([record(5, key=b"k"), record(6, key=b"k"), record(7)])
    await settle()
    return last


async def live_and_die(stage: Stage, left: Checkpoint, live: Life) -> None:
    await stage.own(5, left)
    await live(stage)
    stage.intake.commit()
    await settle()


def assert_nobody_is_suspected(last: Stage) -> None:
    assert sorted(last.classifier.judged) == ["OK"] * 3
    assert last.checkpoint.careful_until == 0
    assert set(last.sink.topics) == {f"{TOPIC}.allow"}


async def in_an_outage(stage: Stage) -> None:
    stage.is_model_well = False
    stage.hold("OK")
    stage.intake.taken([record(5), record(6)])
    await settle()


async def in_an_outage_that_began_later(stage: Stage) -> None:
    stage.hold("OK")
    stage.intake.taken([record(5), record(6)])
    await settle()
    assert stage.classifier.judged
    stage.is_model_well = False


async def idle(stage: Stage) -> None:
    await settle()


async def paused(stage: Stage) -> None:
    stage.intake.admission.set_paused(frozenset([TOPIC]))
    await settle()


async def while_the_output_takes_nothing(stage: Stage) -> None:
    stage.intake.taken([record(5), record(6)])
    await settle()
    assert stage.sink.sent


@pytest.mark.parametrize(
    "live",
    [
        in_an_outage,
        in_an_outage_that_began_later,
        idle,
        paused,
        while_the_output_takes_nothing,
    ],
)
async def test_deaths_that_no_record_can_have_caused_make_nobody_suspect(live: Life) -> None:
    """However often a worker is killed so: the records are judged, together, and none is poison."""
    assert_nobody_is_suspected(await after_deaths(live))


async def test_deaths_right_after_the_start_make_nobody_suspect() -> None:
    """A deployment that is killed again and again before the model was given anything."""
    # Each owns the partition, and is cut off with its first commit.
    left = Checkpoint("other", 1, 0, starts=0)
    for _ in range(DEATHS):
        stage = Stage(recovery=CAREFUL)
        await stage.own(5, left)
        left = stage.checkpoint._replace(lease_end_ms=0)
    last = Stage(recovery=CAREFUL)
    await last.own(5, left)
    last.intake.taken([record(5), record(6), record(7)])
    await settle()
    assert_nobody_is_suspected(last)


async def test_deaths_while_a_spent_budget_holds_the_partition_make_nobody_suspect() -> None:
    """What waits for its budget has not been given to the model."""
    binding = replace(Stage().binding, budget=BudgetTerms(calls_per_hour=1))
    left = Checkpoint("other", 1, 0, starts=0)
    for _ in range(DEATHS):
        stage = Stage(binding, recovery=CAREFUL)
        await stage.own(5, left)
        # What was judged before has taken all of it.
        stage.intake.admission.budgets._budgets[TOPIC].begin()
        stage.intake.taken([record(5), record(6)])
        await settle()
        stage.intake.commit()
        await settle()
        assert stage.classifier.judged == []
        left = stage.checkpoint._replace(lease_end_ms=0)
    last = Stage(recovery=CAREFUL)
    await last.own(5, left)
    last.intake.taken([record(5), record(6), record(7)])
    await settle()
    assert_nobody_is_suspected(last)


async def test_a_record_alone_in_an_outage_is_not_charged_with_the_death() -> None:
    """The partition is careful already: an attempt counts only while the model is well."""
    left = Checkpoint("other", 1, 0, starts=2)
    for _ in range(DEATHS):
        stage = Stage(recovery=CAREFUL)
        stage.hold("OK")
        await stage.own(5, left)
        stage.intake.taken([record(5), record(6)])
        await settle()
        assert stage.checkpoint.attempts == 1
        assert stage.classifier.judged == ["OK"]
        stage.is_model_well = False
        stage.intake.commit()
        await settle()
        assert stage.checkpoint.attempts == 0
        left = stage.checkpoint._replace(lease_end_ms=0)

    # It comes back: from then on the record is at risk again.
    stage.is_model_well = True
    stage.intake.commit()
    await settle()
    assert (stage.checkpoint.attempted, stage.checkpoint.attempts) == (5, 1)


async def test_a_record_alone_is_begun_without_a_note_while_the_model_is_out() -> None:
    """Else a topic whose `on_outage` is unjudged would stand still."""
    stage = Stage(recovery=CAREFUL)
    stage.is_model_well = False
    await stage.own(5, Checkpoint("other", 1, 0, starts=2, careful_until=9))
    stage.intake.taken([record(5)])
    await settle()

    assert stage.classifier.judged == ["OK"]
    assert stage.checkpoint.attempts == 0


async def test_what_was_counted_before_an_outage_is_still_counted_after_it() -> None:
    """An outage takes back what it may have caused, and no more than that."""
    stage = Stage(recovery=CAREFUL)
    stage.hold("OK")
    left = Checkpoint("other", 1, 0, starts=2, careful_until=9, attempted=5, attempts=1)
    await stage.own(5, left)
    stage.intake.taken([record(5)])
    await settle()
    assert stage.checkpoint.attempts == 2
    stage.is_model_well = False
    stage.intake.commit()
    await settle()

    assert (stage.checkpoint.attempted, stage.checkpoint.attempts) == (5, 1)
    assert stage.checkpoint.starts == 2


async def test_records_in_the_hands_of_a_model_that_is_well_are_suspected() -> None:
    """Each death is noted before the model is given anything, from the second one on."""

    async def at_work(stage: Stage) -> None:
        stage.hold("OK")
        stage.intake.taken([record(5), record(6)])
        await settle()
        assert "OK" in stage.classifier.judged

    last = await after_deaths(at_work, deaths=2)
    assert last.checkpoint.careful_until == 9
    assert last.classifier.judged == ["OK"]


async def test_a_record_that_breaks_its_worker_by_an_error_is_suspected() -> None:
    """The worker ends in good order, and what the last commit said of the record stands."""

    async def breaking(stage: Stage) -> None:
        stage.intake.taken([record(5, "NO-SUCH-LABEL")])
        await settle()
        assert stage.intake.failure.done()
        assert isinstance(stage.intake.failure.exception(), KeyError)

    last = await after_deaths(breaking, deaths=2)
    assert last.checkpoint.careful_until == 9


async def test_nothing_waits_for_a_note_where_nobody_died_before() -> None:
    """A partition that was released, or whose first owner died idle, begins at once."""
    stage = Stage()
    await stage.own(5, Checkpoint("other", 1, 0, is_released=True, starts=7))
    commits = len(stage.source.commits)
    stage.intake.taken([record(5)])
    await asyncio.sleep(0)

    assert stage.classifier.judged == ["OK"]
    assert len(stage.source.commits) == commits


def suspicion(**recovered: Any) -> Suspicion:
    """Of a partition from offset 5 on."""
    nothing = Recovered(1, frozenset(), {}, {}, "", starts=0, careful_until=0)
    return Suspicion(nothing._replace(**recovered), 5)


def test_records_are_suspected_as_far_as_care_was_asked_for() -> None:
    """And before the first is done; what lies beyond was in nobody's hands."""
    careful = suspicion(starts=2, careful_until=9)
    assert [careful.may_grow(offset) for offset in (5, 8, 9)] == [True, True, False]
    assert careful.careful_until == 9
    assert [careful.still_careful_until(offset) for offset in (5, 8, 9)] == [9, 9, 0]
    assert [suspicion().may_grow(offset) for offset in (5, 6)] == [True, False]


def test_who_releases_has_died_of_nothing() -> None:
    """Nor has who got past the first record; what was begun alone is remembered."""
    found = suspicion(starts=2, attempted=7, attempts=1)
    found.put_at_risk(True)
    assert found.to_note(5, is_released=False) == (3, 7, 1)
    assert found.to_note(6, is_released=False) == (0, 7, 1)
    assert found.to_note(5, is_released=True) == (0, 7, 0)
