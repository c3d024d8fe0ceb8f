"""Notes on their way: stored before anybody goes on, tried again, and never held for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from consumer.screening.audits.note import AuditNote, read_note
from consumer.screening.filters import UNWRITABLE
from consumer.worker import notes
from consumer.worker.notes import BATCH_MAX, COUNTS_S, NoteWriter
from tests.unit.pipeline.staging import HandClock, settle
from tests.unit.screening.test_filters import named, ready


class Desk:
    """A writer whose broker stores what it is let."""

    def __init__(self, folder: Path) -> None:
        self.filters = ready(named(folder))
        self.clock = HandClock()
        self.writer = NoteWriter(self.write, self.filters, self.clock)
        self.stored: list[AuditNote | None] = []
        self.refused: set[str] = set()

    def write(self, values: Sequence[bytes]) -> list[str | None]:
        found: list[str | None] = []
        for value in values:
            note = read_note(value)
            assert note is not None
            is_refused = note.position in self.refused
            found.append("not now" if is_refused else None)
            self.stored += [] if is_refused else [note]
        return found

    @property
    def off(self) -> list[str | None]:
        return list(self.filters.standing().values())

    @property
    def positions(self) -> list[str]:
        return [note.position for note in self.stored if note is not None]


def a_note(number: int) -> AuditNote:
    return AuditNote(kind="positive", version="v", artefact="a", position=str(number))


async def test_who_posts_goes_on_once_it_is_stored(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    posting = [asyncio.create_task(desk.writer.post(a_note(number))) for number in range(3)]
    await settle()
    assert not any(task.done() for task in posting)
    assert await desk.writer.store()
    await asyncio.gather(*posting)
    assert desk.positions == ["0", "1", "2"]
    assert desk.off == [None]


async def test_what_is_not_stored_is_tried_again_first_and_the_filter_is_off(
    tmp_path: Path,
) -> None:
    desk = Desk(tmp_path)
    desk.refused = {"0", "2"}
    posting = [asyncio.create_task(desk.writer.post(a_note(number))) for number in range(3)]
    await settle()
    assert not await desk.writer.store()
    await settle()
    assert [task.done() for task in posting] == [False, True, False]
    assert desk.off == [UNWRITABLE]
    desk.refused = set()
    posting.append(asyncio.create_task(desk.writer.post(a_note(3))))
    await settle()
    assert await desk.writer.store()
    await asyncio.gather(*posting)
    assert desk.positions == ["1", "0", "2", "3"]
    assert desk.off == [None]


async def test_nobody_is_held_for_ever_and_the_note_is_still_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "HELD_S", 0.0)
    desk = Desk(tmp_path)
    await desk.writer.post(a_note(1))
    assert desk.positions == []
    assert await desk.writer.store()
    assert desk.positions == ["1"]


async def test_too_many_that_wait_are_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "NOTES_MAX", 1)
    desk = Desk(tmp_path)
    first = asyncio.create_task(desk.writer.post(a_note(1)))
    await settle()
    await desk.writer.post(a_note(2))
    await desk.writer.store()
    await first
    assert desk.positions == ["1"]


async def test_a_batch_is_bounded(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    posting = [asyncio.create_task(desk.writer.post(a_note(n))) for n in range(BATCH_MAX + 1)]
    await settle()
    await desk.writer.store()
    assert len(desk.stored) == BATCH_MAX
    await desk.writer.store()
    await asyncio.gather(*posting)


async def test_counts_are_noted_now_and_then(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    (filtering,) = desk.filters.in_use()
    filtering.count("en", is_settled=True)
    desk.clock.move(COUNTS_S - 0.1)
    desk.writer.count()
    await desk.writer.store()
    assert desk.stored == []
    desk.clock.move(0.2)
    desk.writer.count()
    await desk.writer.store()
    (note,) = desk.stored
    assert note is not None
    assert (note.kind, note.settled, note.language) == ("counts", 1, "en")


async def test_it_stores_by_itself_whatever_comes(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    running = asyncio.create_task(desk.writer.run())
    for number in range(3):
        await desk.writer.post(a_note(number))
    assert desk.positions == ["0", "1", "2"]
    running.cancel()
