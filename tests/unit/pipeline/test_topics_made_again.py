"""Names lie, ids do not: inputs and outputs that were deleted and made again under their names."""

from __future__ import annotations

import asyncio

import pytest

from consumer.domain.checkpoint import Floor
from consumer.domain.messages.message import Position
from consumer.domain.verdicts.verdict import verdict_id
from consumer.interfaces import DeliveryReport, Fate, Output
from tests.unit.pipeline.assignment.test_recovery import ALL, ALLOW, BLOCK, left_behind
from tests.unit.pipeline.staging import TOPIC, VERSION, Stage, record, settle

OLD, NEW = "oldoldold", "newnewnew"


def floors(offset: int, topic_id: str = "") -> dict[str, Floor]:
    return {topic: Floor(offset, topic_id[:8]) for topic in ALL}


async def test_what_was_done_on_an_input_that_is_gone_is_not_done_on_the_new_one() -> None:
    """Its offsets name other records: all are judged, and asked for by the new topic's id."""
    stage = Stage()
    stage.tails.topic_ids = {TOPIC: NEW}
    stage.tails.outputs = {ALLOW: {0: 7}}
    stage.tails.first_ms = 5
    left = left_behind(topic_id=OLD[:8], done=frozenset({1, 2}), floors=floors(100))
    await stage.own(0, left)
    stage.intake.taken([record(offset) for offset in range(3)])
    await settle()

    assert len(stage.classifier.judged) == 3
    assert stage.tails.sources == {NEW}
    assert stage.checkpoint.topic_id == NEW[:8]
    assert stage.checkpoint.term == left.term + 1


@pytest.mark.parametrize(("ids", "source"), [({TOPIC: NEW}, NEW), ({}, TOPIC)])
async def test_the_name_stands_in_where_there_is_no_id(ids: dict[str, str], source: str) -> None:
    """Verdict ids and questions to the outputs are made from the same."""
    stage = Stage()
    stage.tails.topic_ids = ids
    stage.tails.outputs = {ALLOW: {0: 9}}
    await stage.own(0, left_behind())
    stage.intake.taken([record(0)])
    await settle()

    ((publication, _),) = stage.sink.sent
    expected = verdict_id(source, Position(TOPIC, 0, 0), "g", VERSION.digest)
    assert dict(publication.headers)["safeguard-verdict-id"] == expected.encode()
    assert stage.tails.sources == {source}


async def test_a_dead_letter_says_of_which_topic_it_is() -> None:
    """A verdict has that in its id, a dead letter in a header."""
    stage = Stage()
    stage.tails.topic_ids = {TOPIC: NEW}
    await stage.own()
    stage.intake.taken([record(0, "")])
    await settle()

    ((letter, _),) = stage.sink.sent
    assert dict(letter.headers)["safeguard-topic-id"] == NEW.encode()


async def test_an_output_that_was_made_again_is_read_from_its_first_record() -> None:
    """What the checkpoint says of the old one's offsets says nothing of the new one."""
    stage = Stage()
    stage.tails.topic_ids = {ALLOW: NEW, BLOCK: OLD}
    stage.tails.outputs = {ALLOW: {0: 1, 3: 2}, BLOCK: {0: 4, 99: 3}}
    await stage.own(0, left_behind(floors=floors(50, OLD)))

    assert stage.tails.reads == [(ALLOW, 0, 4), (BLOCK, 50, 100)]
    assert stage.checkpoint.done == {1, 2, 3}


async def test_without_ids_a_floor_beyond_the_end_is_of_another_topic() -> None:
    """So it is read from its beginning; with ids the broker knows that it is the same one."""
    stage = Stage()
    stage.tails.outputs = {ALLOW: {0: 1}, BLOCK: {9: 2}}
    known = {ALLOW: Floor(50), BLOCK: Floor(50, OLD[:8])}
    stage.tails.topic_ids = {BLOCK: OLD}
    await stage.own(0, left_behind(floors=floors(0) | known))

    assert stage.tails.reads == [(ALLOW, 0, 1)]


async def test_floors_of_an_old_output_are_not_noted_of_the_new_one() -> None:
    """A process that was there before it was made again goes on as an owner of the partition."""
    stage = Stage()
    stage.tails.topic_ids = {ALLOW: NEW}
    stage.tails.outputs = {ALLOW: {4: 900}}
    # What this process knows is of the old one, until it looks at the topics again.
    stage.sink.floors = {Output(ALLOW, 0): Floor(1_000, OLD[:8])}
    await stage.own(0, left_behind(floors=floors(1_000, OLD)))
    stage.intake.taken([record(0), record(1, "BAD")])
    await settle()
    stage.intake.reported([DeliveryReport(stage.sink.sent.pop(1)[1], Fate.STORED)])
    stage.intake.commit()
    await settle()

    def is_safe(floor: Floor) -> bool:
        """Whether the next owner would find what may lie at 5: it reads all, or from there."""
        return floor.topic_id not in ("", NEW[:8]) or floor.offset <= 5

    assert is_safe(stage.checkpoint.floors[ALLOW])
    stage.sink.floors = {Output(ALLOW, 0): Floor(0, NEW[:8])}
    stage.acknowledge()
    stage.sink.floors = {Output(ALLOW, 0): Floor(6, NEW[:8])}
    stage.intake.commit()
    await settle()
    assert stage.checkpoint.floors[ALLOW] == Floor(6, NEW[:8])


async def test_a_topic_made_again_while_it_is_looked_at_is_looked_at_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else the old one's end would count as the new one's."""
    stage = Stage()
    stage.tails.topic_ids = {ALLOW: OLD}
    stage.tails.outputs = {ALLOW: {99: 7}}
    ends, waits = stage.tails.ends, 0

    async def made_again(outputs: list[Output]) -> object:
        found = await ends(outputs)
        stage.tails.topic_ids = {ALLOW: NEW}
        stage.tails.outputs = {ALLOW: {0: 1}}
        return found

    async def sleeping(seconds: float) -> None:
        nonlocal waits
        waits += 1

    stage.tails.ends = made_again  # type: ignore[assignment, method-assign]
    with monkeypatch.context() as patched:
        patched.setattr(asyncio, "sleep", sleeping)
        recovered = await stage.intake._recovery.recover(
            stage.assignment(0, left_behind(floors=floors(50, OLD))), ALL
        )

    assert waits == 1
    assert recovered.done == {1}


async def test_nothing_is_begun_on_another_topic_than_the_start_was_found_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The start is an offset of the old one: the source has to begin again."""
    stage = Stage()
    stage.tails.topic_ids = {TOPIC: NEW}

    async def sleeping(seconds: float) -> None:
        stage.tails.topic_ids = {TOPIC: OLD}

    with monkeypatch.context() as patched:
        patched.setattr(asyncio, "sleep", sleeping)
        recovered = await stage.intake._recovery.recover(stage.assignment(5, topic_id=OLD), ALL)

    assert recovered.topic_id == OLD


async def test_an_output_made_again_under_an_owner_has_a_floor_of_its_own() -> None:
    """Once its process has seen that; else all of the new one would be read at each takeover."""
    stage = Stage()
    stage.tails.topic_ids = {ALLOW: OLD}
    stage.tails.outputs = {ALLOW: {99: 900}}
    await stage.own(0, left_behind(floors=floors(100, OLD)))
    stage.sink.floors = {Output(ALLOW, 0): Floor(2, NEW[:8])}
    stage.intake.taken([record(0)])
    await settle()
    stage.acknowledge()
    stage.intake.commit()
    await settle()

    assert stage.checkpoint.floors[ALLOW] == Floor(2, NEW[:8])
