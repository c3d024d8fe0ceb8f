"""Acts: what a reviewer does with a case; each leads on to what comes next."""

from __future__ import annotations

from hashlib import blake2b
from urllib.parse import quote

from starlette.responses import Response

from consumer.domain.policy import Outcome
from consumer.review.cases.docket import Docket
from consumer.review.cases.handling import CaseState
from consumer.review.cases.reviewer import is_name
from consumer.review.cases.ruling import ActRefused, Ruling
from consumer.review.console.care import is_spent
from consumer.review.console.console import Console, PageRequest, go, page
from consumer.review.room import BATCH

QUEUE_CHARS_MAX = 63
"""Of a queue's name, as `topic.toml` has it."""
SECOND_CHANCE = 0.25
"""How often a decided case is handed out between others, while one is due for a second look."""
HOLDS_MS = {"30m": 1_800_000, "2h": 7_200_000, "8h": 28_800_000, "1d": 86_400_000}


def claim_next(console: Console, asked: PageRequest) -> Response:
    """The case that is due first, of one queue where one is named."""
    _check_budget(console, asked)
    return claim_on(console, asked, "")


def claim(console: Console, asked: PageRequest) -> Response:
    """This very case."""
    _check_budget(console, asked)
    docket = console.room.desk.claim(asked.who.person, asked.now_ms, asked.path["case"])
    return go(f"/cases/{docket.case.id}")


def extend(console: Console, asked: PageRequest) -> Response:
    """Somebody is at work on it: the lease begins anew, and the page is told until when."""
    docket = console.room.desk.extend(asked.who.person, asked.now_ms, asked.path["case"])
    return _lease(console, asked, docket)


def draft(console: Console, asked: PageRequest) -> Response:
    """What somebody means to say is kept while they say it."""
    docket = console.room.desk.draft(
        asked.who.person, asked.now_ms, asked.path["case"], ruling_of(asked)
    )
    return _lease(console, asked, docket)


def decide(console: Console, asked: PageRequest) -> Response:
    """
    Decide, or propose where a second person must agree; the next case opens.

    Where cases that belong to it are not decided likewise, it is said first which, and why.
    """
    who, now_ms, name = asked.who.person, asked.now_ms, asked.path["case"]
    ruling = ruling_of(asked)
    try:
        found = console.room.decide(who, now_ms, name, ruling, alone="alone" in asked.form)
    except ActRefused:
        _keep(console, asked, ruling)
        raise
    if found.left_out and "alone" not in asked.form:
        done = console.room.outbox.revocable(found.id, now_ms)
        only = asked.form.get("only", "")
        return page(console, asked, "batch.html", found=found, done=done, only=only)
    is_decided = found.settled[0].state(now_ms) is CaseState.DECIDED
    return claim_on(console, asked, f"{'done' if is_decided else 'proposed'}={found.id}")


def _keep(console: Console, asked: PageRequest, ruling: Ruling) -> None:
    """What somebody wrote is not lost with a decision that was refused."""
    try:
        console.room.desk.draft(asked.who.person, asked.now_ms, asked.path["case"], ruling)
    except ActRefused:
        # It is not theirs any more: the refusal of the decision says so.
        pass


def skip(console: Console, asked: PageRequest) -> Response:
    """Leave it to others for good."""
    console.room.desk.skip(asked.who.person, asked.now_ms, asked.path["case"])
    return claim_on(console, asked, "")


def hold(console: Console, asked: PageRequest) -> Response:
    """Leave it for a while."""
    for_ms = HOLDS_MS.get(asked.form.get("wait", ""))
    if for_ms is None:
        raise ActRefused(f"a case is held for one of {', '.join(HOLDS_MS)}")
    console.room.desk.hold(
        asked.who.person, asked.now_ms, asked.path["case"], for_ms, asked.form.get("note", "")
    )
    return claim_on(console, asked, "")


def move(console: Console, asked: PageRequest) -> Response:
    """Hand it to the people of another queue."""
    queue = asked.form.get("queue", "").strip()
    if not queue or len(queue) > QUEUE_CHARS_MAX or not queue.isprintable():
        raise ActRefused("say which queue it goes to")
    console.room.desk.move(
        asked.who.person, asked.now_ms, asked.path["case"], queue, asked.form.get("note", "")
    )
    return claim_on(console, asked, "")


def assign(console: Console, asked: PageRequest) -> Response:
    """Hand it to one person."""
    to = asked.form.get("to", "").strip()
    if not is_name(to):
        raise ActRefused("say whom it goes to")
    console.room.desk.assign(
        asked.who.person, asked.now_ms, asked.path["case"], to, asked.form.get("note", "")
    )
    return claim_on(console, asked, "")


def put_back(console: Console, asked: PageRequest) -> Response:
    """A lead ends somebody's claim."""
    docket = console.room.leads.put_back(asked.who.person, asked.now_ms, asked.path["case"])
    return go(f"/cases/{docket.case.id}")


def take_over(console: Console, asked: PageRequest) -> Response:
    """A lead takes what somebody has."""
    _check_budget(console, asked)
    docket = console.room.leads.take_over(asked.who.person, asked.now_ms, asked.path["case"])
    return go(f"/cases/{docket.case.id}")


def undo(console: Console, asked: PageRequest) -> Response:
    """Take one's decision back, or all of a batch, while nobody was told of it."""
    who, now_ms, name = asked.who.person, asked.now_ms, asked.path["name"]
    found = console.room.undo(who, now_ms, name)
    if found.id.startswith(BATCH):
        return page(console, asked, "undone.html", batch=found)
    console.room.desk.claim(who, now_ms, name)
    return go(f"/cases/{name}")


def ruling_of(asked: PageRequest) -> Ruling:
    """
    What a form says.

    Raises:
        ActRefused: its outcome is none.
    """
    form = asked.form
    said = form.get("outcome") or None
    if said is not None and said not in list(Outcome):
        raise ActRefused("a decision is allow or block")
    label, rule = form.get("label") or None, form.get("rule") or None
    return Ruling(Outcome(said) if said else None, label, rule, form.get("reason", ""))


def _lease(console: Console, asked: PageRequest, docket: Docket) -> Response:
    until_ms = docket.handling.lease_until_ms
    return page(console, asked, "lease.html", lease_until_ms=until_ms, is_kept=True)


def claim_on(console: Console, asked: PageRequest, done: str) -> Response:
    """To the case that comes next; to the board where there is none."""
    queue = asked.form.get("only") or None
    if is_enough(console, asked):
        return go("/?" + "&".join(filter(None, (done, "enough=1"))))
    words = [done] if done else []
    if queue is not None:
        words.append(f"queue={quote(queue)}")
    second = _second(console, asked)
    if second is not None and is_drawn(asked.who.person, asked.now_ms):
        return go(f"/second/{second}?" + "&".join(words))
    avoid = console.wishes(asked.who.person).avoid
    docket = console.room.desk.next(asked.who.person, asked.now_ms, queue, avoid)
    if docket is None and second is not None:
        return go(f"/second/{second}?" + "&".join(words))
    if docket is None:
        return go("/?" + "&".join([*words, "empty=1"]))
    return go(f"/cases/{docket.case.id}" + ("?" + "&".join(words) if words else ""))


def _second(console: Console, asked: PageRequest) -> str | None:
    """A decided case that somebody is to look at."""
    who = asked.who.person
    closed, avoid = console.room.desk.closed_to(who), console.wishes(who).avoid
    return console.second_looks.due(who, asked.now_ms, closed, avoid)


def is_drawn(person: str, now_ms: int) -> bool:
    """Whether a decided case comes next; nobody can tell beforehand, for it hangs on the moment."""
    digest = blake2b(f"{person}\n{now_ms}".encode(errors="replace"), digest_size=4).digest()
    return int.from_bytes(digest) < SECOND_CHANCE * 2**32


def is_enough(console: Console, asked: PageRequest) -> bool:
    """Whether somebody has been shown as much as they should be today."""
    who = asked.who.person
    seen = console.wellness.today(who, asked.now_ms)
    return is_spent(seen, console.wishes(who), console.care)


def _check_budget(console: Console, asked: PageRequest) -> None:
    if is_enough(console, asked):
        raise ActRefused(
            "that is enough for today: you were shown as many texts as your budget has"
        )
