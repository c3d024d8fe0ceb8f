"""The commands of a reviewer: next, show, skip, hold, move, assign, draft, decide and undo."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from consumer.commands.review.printing import docket_lines
from consumer.commands.review.room import opened
from consumer.commands.review.together import tell_left_out, tell_taken_back
from consumer.commands.terminal import tell
from consumer.domain.policy import Outcome
from consumer.errors import InvalidSettings
from consumer.review.cases.account import docket_fields
from consumer.review.cases.docket import Docket
from consumer.review.cases.reviewer import NAME_CHARS_MAX, is_name
from consumer.review.cases.ruling import Ruling
from consumer.review.record import text_of
from consumer.review.room import BATCH, ReviewRoom
from consumer.settings.settings import Settings
from consumer.telemetry.clock import SystemClock

UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class Reviewer(NamedTuple):
    """Who acts, and how they want to be told."""

    name: str
    as_json: bool = False
    rationale: bool = False
    """Also what the model thought; the sceptical judge better without."""


Act = Callable[[ReviewRoom, int], Docket]


def next_case(
    settings: Settings, reviewer: Reviewer, queue: str | None, case_id: str | None
) -> int:
    """Claim the case that is due first, or this one, and print it; 1 where there is none."""
    who = named(reviewer.name)
    with opened(settings) as room:
        now_ms = SystemClock().wall_ms()
        if case_id is not None:
            docket: Docket | None = room.desk.claim(who, now_ms, case_id)
        else:
            docket = room.desk.next(who, now_ms, queue)
        if docket is None:
            tell({"case": None}, ["nothing to review"], as_json=reviewer.as_json)
            return 1
        _tell(room, docket, reviewer, now_ms)
    return 0


def show_case(settings: Settings, reviewer: Reviewer, case_id: str) -> int:
    """Print a case; for whoever has it the lease begins anew."""
    return _act(settings, reviewer, lambda room, now: room.desk.show(reviewer.name, now, case_id))


def skip_case(settings: Settings, reviewer: Reviewer, case_id: str) -> int:
    """Leave a case to others for good."""
    return _act(settings, reviewer, lambda room, now: room.desk.skip(reviewer.name, now, case_id))


def hold_case(settings: Settings, reviewer: Reviewer, case_id: str, wait: str, note: str) -> int:
    """Leave a case for a while."""
    for_ms = duration_ms(wait, "--wait")
    return _act(
        settings,
        reviewer,
        lambda room, now: room.desk.hold(reviewer.name, now, case_id, for_ms, note),
    )


def move_case(settings: Settings, reviewer: Reviewer, case_id: str, queue: str, note: str) -> int:
    """Hand a case to another queue."""
    return _act(
        settings,
        reviewer,
        lambda room, now: room.desk.move(reviewer.name, now, case_id, queue, note),
    )


def assign_case(settings: Settings, reviewer: Reviewer, case_id: str, to: str, note: str) -> int:
    """Hand a case to one person."""
    whom = named(to, "--to")
    return _act(
        settings,
        reviewer,
        lambda room, now: room.desk.assign(reviewer.name, now, case_id, whom, note),
    )


def draft_case(settings: Settings, reviewer: Reviewer, case_id: str, ruling: Ruling) -> int:
    """Keep what one means to say of a case."""
    return _act(
        settings,
        reviewer,
        lambda room, now: room.desk.draft(reviewer.name, now, case_id, ruling),
    )


def decide_case(
    settings: Settings, reviewer: Reviewer, case_id: str, ruling: Ruling, *, alone: bool = False
) -> int:
    """
    Decide a case and, unless alone, those of its group; without a word the draft is what counts.

    Where a second person must agree it is proposed. Of an overturn, those that were decided along
    with the case follow, and those that do not are named.
    """

    def act(room: ReviewRoom, now_ms: int) -> Docket:
        found = room.decide(reviewer.name, now_ms, case_id, ruling, alone=alone)
        tell_left_out(found)
        return found.settled[0]

    return _act(settings, reviewer, act)


def undo_case(settings: Settings, reviewer: Reviewer, case_id: str) -> int:
    """
    Take one's decision back while nobody was told of it, or all of a batch; 1 where some is out.

    What followed from an overturn is taken back with it.
    """
    named(reviewer.name)
    with opened(settings) as room:
        now_ms = SystemClock().wall_ms()
        found = room.undo(reviewer.name, now_ms, case_id)
        if found.id.startswith(BATCH):
            return tell_taken_back(found, as_json=reviewer.as_json)
        _tell(room, found.settled[0], reviewer, now_ms)
    return 0


def ruling_of(outcome: str | None, label: str | None, rule: str | None, reason: str) -> Ruling:
    """
    What was said on the command line.

    Raises:
        InvalidSettings: the outcome is none.
    """
    if outcome is not None and outcome not in list(Outcome):
        raise InvalidSettings(f"--outcome {outcome}: give allow or block")
    return Ruling(None if outcome is None else Outcome(outcome), label, rule, reason)


def duration_ms(text: str, flag: str) -> int:
    """
    How long, as in 30m.

    Raises:
        InvalidSettings: naming the flag, for anything else.
    """
    found = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    if found is None:
        raise InvalidSettings(f"{flag} {text}: write how long, as in 90s, 30m, 2h, 7d")
    return int(found[1]) * UNITS_S[found[2]] * 1_000


def _act(settings: Settings, reviewer: Reviewer, act: Act) -> int:
    named(reviewer.name)
    with opened(settings) as room:
        now_ms = SystemClock().wall_ms()
        _tell(room, act(room, now_ms), reviewer, now_ms)
    return 0


def _tell(room: ReviewRoom, docket: Docket, reviewer: Reviewer, now_ms: int) -> None:
    case = docket.case
    if reviewer.rationale:
        room.desk.reveal(reviewer.name, now_ms, case.id, "rationale")
    fields = docket_fields(docket, room.version_of(case), now_ms, rationale=reviewer.rationale)
    fields["draft"] = _said(docket.draft_of(reviewer.name))
    fields["alike"] = [_alike(room, seen.case_id) for seen in docket.handling.alike]
    fields["shared_from"] = room.shared_from(case)
    fields["decided_with"] = list(room.batches.along(case))
    if fields["text"] is None:
        fields["text"], fields["text_fault"] = text_of(room, case)
    tell(fields, docket_lines(fields), as_json=reviewer.as_json)


def _alike(room: ReviewRoom, case_id: str) -> dict[str, object]:
    """Enough of a case of the group for somebody to see that it says the same."""
    docket = room.book.look(case_id)
    if docket is None:
        return {"case": case_id, "text": None, "author": None}
    message = docket.case.flagged.envelope.get("message", {}) if docket.case.flagged else {}
    return {"case": case_id, "text": message.get("text"), "author": message.get("author")}


def _said(draft: Ruling | None) -> dict[str, object] | None:
    return draft._asdict() if draft is not None else None


def named(name: str, flag: str = "--as") -> str:
    """
    A name that can stand in a record.

    Raises:
        InvalidSettings: it is empty, long, or holds what cannot be printed.
    """
    if not is_name(name):
        raise InvalidSettings(
            f"{flag}: give a name of at most {NAME_CHARS_MAX} characters that can be printed"
        )
    return name
