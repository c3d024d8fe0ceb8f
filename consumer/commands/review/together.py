"""Many cases by one word: the command `review bulk`, and how a batch is taken back."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NamedTuple

from consumer.commands.dead_letters.letter import printable
from consumer.commands.review.room import opened
from consumer.commands.terminal import tell
from consumer.domain.counted import counted
from consumer.errors import InvalidSettings
from consumer.review.cases.docket import Docket
from consumer.review.cases.handling import Seen
from consumer.review.cases.ruling import Ruling, settle
from consumer.review.room import ReviewRoom, batch_id
from consumer.review.store.batches import BULK_MAX, Batch
from consumer.review.store.kin import Query, text_of
from consumer.settings.settings import Settings
from consumer.telemetry.clock import SystemClock

SAMPLE = 5
"""Texts that are shown before somebody says yes to all."""
SAMPLE_CHARS = 100


class Wanted(NamedTuple):
    """What is to be decided together, and how."""

    ruling: Ruling
    author: str | None = None
    judged: str | None = None
    """The `POLICY.LABEL` of a judgement."""
    topic: str | None = None
    queue: str | None = None
    like: str | None = None
    """A case: its group, it itself included."""
    number: int | None = None
    """So many cases, no other number, without a question."""

    @property
    def query(self) -> Query:
        return Query(self.author, self.judged, self.topic, self.queue)


def decide_many(settings: Settings, who: str, wanted: Wanted, *, as_json: bool) -> int:
    """
    Show how many open cases are meant, ask, and decide them; 1 where it was not agreed to.

    Raises:
        InvalidSettings: nothing says which cases are meant, or nobody can be asked.
    """
    if wanted.like is None and not any(wanted.query):
        raise InvalidSettings(
            "say which cases: --author, --judged POLICY.LABEL, --like CASE, --topic or --queue"
        )
    batch = batch_id()
    with opened(settings) as room:
        now_ms = SystemClock().wall_ms()
        members = _members(room, who, now_ms, wanted)
        if not _is_agreed(room, who, members, wanted.number):
            tell({"found": len(members), "batch": None}, ["nothing was decided"], as_json=as_json)
            return 1
        # Asking takes its time, and what became of the cases meanwhile is looked at for each.
        found = room.batches.decide_all(
            who,
            SystemClock().wall_ms(),
            members,
            lambda docket: settle(wanted.ruling, room.version_of(docket.case)),
            batch,
            like=wanted.like,
        )
    fields, lines = _report(found, "settled")
    if found.settled:
        lines.append(f"`safeguard review undo {batch}` takes them back within review.undo_s")
    tell(fields, lines, as_json=as_json)
    return 0


def tell_taken_back(found: Batch, *, as_json: bool) -> int:
    """What of a batch is taken back; 1 where some of it is published."""
    fields, lines = _report(found, "taken back")
    tell(fields, lines, as_json=as_json)
    return 1 if found.left_out else 0


def tell_left_out(found: Batch) -> None:
    """On stderr: what a decision was not said of, though it belongs to the group."""
    for name, why in found.left_out.items():
        print(f"left out: {name}: {_clean(why)}", file=sys.stderr)


def _members(room: ReviewRoom, who: str, now_ms: int, wanted: Wanted) -> tuple[Seen, ...]:
    """The cases that are meant; to see a group somebody must be allowed to see its first."""
    if wanted.like is None:
        return room.batches.find(who, wanted.query, now_ms)
    docket: Docket = room.desk.claim(who, now_ms, wanted.like)
    return (Seen(docket.case.id, docket.revision), *docket.handling.alike)


def _is_agreed(room: ReviewRoom, who: str, members: Sequence[Seen], count: int | None) -> bool:
    """
    Whether somebody wants these decided.

    Raises:
        InvalidSettings: it is another number than they said, or nobody is there to be asked.
    """
    if count is not None and count != len(members):
        raise InvalidSettings(f"--count {count}: {counted(len(members), 'open case')} by now")
    if count is not None or not members:
        return bool(members)
    now_ms = SystemClock().wall_ms()
    for docket in (room.desk.show(who, now_ms, seen.case_id) for seen in members[:SAMPLE]):
        words = _clean(text_of(docket.case))[:SAMPLE_CHARS]
        print(f'  {docket.case.id}  {docket.queue}  "{words}"', file=sys.stderr)
    more = f", the first {BULK_MAX:,}" if len(members) == BULK_MAX else ""
    asked = f"Decide {counted(len(members), 'open case')}{more} by this one ruling?"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InvalidSettings(
            f"{counted(len(members), 'open case')} are meant: nobody can be asked "
            f"here, so --count {len(members)} says that all of them are to be decided"
        )
    print(f"{asked} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _report(found: Batch, what: str) -> tuple[dict[str, object], list[str]]:
    fields: dict[str, object] = {
        "batch": found.id,
        what.replace(" ", "_"): [docket.case.id for docket in found.settled],
        "left_out": found.left_out,
    }
    lines = [f"batch {found.id}: {counted(len(found.settled), 'case')} {what}"]
    lines += [f"left out: {name}: {_clean(why)}" for name, why in found.left_out.items()]
    return fields, lines


def _clean(text: str) -> str:
    return printable(" ".join(text.split()).encode("utf-8", "backslashreplace"))
