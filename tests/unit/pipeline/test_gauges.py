"""Lag as it is: what cannot be is said, and never shown as none."""

from __future__ import annotations

from math import isnan

from consumer.interfaces import Partition
from tests.unit.pipeline.staging import TOPIC, ZERO, Stage, record, settle

ONE = Partition(TOPIC, 1)


def lag_of(stage: Stage) -> float:
    found = stage.intake._seams.telemetry.metrics.lag_records.labels(TOPIC, "0")._value.get()
    return float(found)


async def at_work(offset: int) -> Stage:
    """Partition 0, done up to an offset."""
    stage = Stage()
    await stage.own(offset - 1)
    stage.intake.taken([record(offset - 1)])
    await settle()
    stage.acknowledge()
    return stage


async def test_an_end_before_what_was_done_is_said_and_is_no_lag_of_0() -> None:
    """The topic was made again, or its log was cut off; the lag is unknown."""
    stage = await at_work(10)
    stage.intake.refresh_gauges({ZERO: 12})
    assert (lag_of(stage), list(stage.intake.beyond_end)) == (2, [])

    stage.intake.refresh_gauges({ZERO: 3})
    assert isnan(lag_of(stage))
    assert list(stage.intake.beyond_end) == [ZERO]
    assert stage.intake._seams.telemetry.metrics.partitions_beyond_end._value.get() == 1

    stage.intake.refresh_gauges({ZERO: 12})
    assert (lag_of(stage), list(stage.intake.beyond_end)) == (2, [])
    assert stage.intake._seams.telemetry.metrics.partitions_beyond_end._value.get() == 0


async def test_an_end_that_was_seen_before_the_last_records_came_is_only_old() -> None:
    """Ends are looked at once a second, and what comes in between lies beyond them."""
    stage = await at_work(10)
    ends = {ZERO: 10}
    stage.intake.refresh_gauges(ends)
    stage.intake.taken([record(10)])
    await settle()
    stage.acknowledge()
    stage.intake.refresh_gauges(ends)

    assert (lag_of(stage), list(stage.intake.beyond_end)) == (0, [])


async def test_another_assignment_begins_anew() -> None:
    """What was done of the old topic says nothing of the new one."""
    stage = await at_work(10)
    stage.intake.refresh_gauges({ZERO: 10})
    stage.intake.lost([ZERO])
    await stage.own(0)
    stage.intake.refresh_gauges({ZERO: 3})

    assert (lag_of(stage), list(stage.intake.beyond_end)) == (3, [])


async def test_only_what_waits_for_records_alone_is_at_rest() -> None:
    """Not what is at its end, paused, or at work."""
    stage = await at_work(10)
    assert stage.intake.at_rest({ZERO: 10}) == []
    assert stage.intake.at_rest({ZERO: 11, ONE: 5}) == [ZERO]

    stage.intake.admission.set_paused(frozenset({TOPIC}))
    assert stage.intake.at_rest({ZERO: 11}) == []
    stage.intake.admission.set_paused(frozenset())
    stage.hold("OK slow")
    stage.intake.taken([record(10, "OK slow")])
    assert stage.intake.at_rest({ZERO: 12}) == []
