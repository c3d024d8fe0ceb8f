"""Records that come together are begun together, and nobody can tell."""

from __future__ import annotations

import asyncio
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.domain.binding import Binding, MessageTerms
from consumer.domain.checkpoint import Checkpoint
from consumer.domain.messages.message import Position, Record
from consumer.domain.messages.rules import Tombstones
from consumer.domain.screening import MemoTerms, ScreeningTerms
from consumer.interfaces import Publication
from consumer.pipeline.flow.limiter import FlowLimits
from tests.unit.pipeline.staging import TOPIC, VERSION, Stage, record, settle

VALUES = [b"OK", b"OK 1", b"MAYBE", b"BAD 2", b"\xff", b"", b" ", None]
"""Allowed, flagged and blocked by the model, some of them more than once; and dead letters."""

taken = st.tuples(st.sampled_from(VALUES), st.sampled_from([None, b"a", b"b"]))


def bound(tombstones: Tombstones) -> Binding:
    return Binding(
        *("chat", (TOPIC,), VERSION, MessageTerms(format="text")),
        versions={1: VERSION},
        tombstones=tombstones,
        screening=ScreeningTerms(memo=MemoTerms()),
    )


Played = tuple[dict[bytes | None, list[Publication]], list[int], str]
"""What was published, by key; what was committed; and what was booked."""


async def played(stage: Stage, runs: list[list[Record]]) -> Played:
    """What becomes of records that come in these runs."""
    await stage.own()
    published: dict[bytes | None, list[Publication]] = {}
    for run in runs:
        stage.intake.taken(run)
    while stage.intake.ledger.in_flight:
        await asyncio.sleep(0.001)
        for publication, _ in stage.sink.sent:
            published.setdefault(publication.key, []).append(publication)
        stage.acknowledge()
    stage.intake.commit()
    await settle()
    assert not stage.intake.failure.done()
    # What has no key has no order.
    published.get(None, []).sort(key=lambda each: dict(each.headers)["safeguard-position"] or b"")
    return published, stage.offsets[-1:], repr(stage.intake.ledger)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(taken, max_size=12),
    st.sampled_from(get_args(Tombstones)),
    st.sampled_from([1, 3, 256]),
)
def test_it_is_all_one_whether_they_come_together(
    values: list[tuple[bytes | None, bytes | None]], tombstones: Tombstones, in_flight_max: int
) -> None:
    """The same is published, in the order of each key, committed and booked."""

    async def play() -> None:
        records = [
            Record(Position(TOPIC, 0, offset), 1_000, key, value)
            for offset, (value, key) in enumerate(values)
        ]

        def stage() -> Stage:
            return Stage(bound(tombstones), FlowLimits(in_flight_max), is_screened=True)

        one_by_one = await played(stage(), [[each] for each in records])
        together = await played(stage(), [records] if records else [])
        assert together == one_by_one

    asyncio.run(play())


async def test_no_more_are_begun_together_than_there_is_room_for() -> None:
    stage = Stage(limits=FlowLimits(in_flight_max=4))
    await stage.own()
    gates = [stage.hold(f"OK {offset}") for offset in range(6)]
    stage.intake.taken([record(offset, f"OK {offset}") for offset in range(6)])
    await settle()
    assert stage.classifier.judged == ["OK 0", "OK 1", "OK 2", "OK 3"]
    for gate in gates:
        gate.set()
    await settle()
    await asyncio.sleep(0.02)
    assert stage.classifier.judged == [f"OK {offset}" for offset in range(6)]


@pytest.mark.parametrize(
    ("checkpoint", "together"),
    [
        (None, 3),
        # Earlier owners have finished one of them, or have died of one.
        (Checkpoint(owner="o", term=1, lease_end_ms=0, is_released=True, done=frozenset({1})), 0),
        (Checkpoint(owner="o", term=1, lease_end_ms=0, starts=3, careful_until=2), 0),
    ],
)
async def test_where_ones_turn_hangs_on_another_they_are_begun_one_by_one(
    checkpoint: Checkpoint | None, together: int
) -> None:
    stage = Stage()
    await stage.own(0, checkpoint)
    (assignment,) = stage.intake._assignments.values()
    records = [record(offset, f"OK {offset}") for offset in range(3)]
    room = stage.intake.admission._headroom
    assert room.together(assignment, records, stage.clock.now_s()) == together
