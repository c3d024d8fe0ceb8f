"""Bulk: many open cases decided by one ruling, after somebody saw how many and what they say."""

from __future__ import annotations

from uuid import uuid4

from starlette.responses import Response

from consumer.review.cases.handling import Seen
from consumer.review.cases.ruling import REASON_CHARS_MAX, ActRefused, settle
from consumer.review.console.console import Console, PageRequest, page
from consumer.review.console.harmless import shown
from consumer.review.console.pages.acts import ruling_of
from consumer.review.room import BATCH
from consumer.review.store.batches import BULK_MAX
from consumer.review.store.kin import Query, text_of

SAMPLE = 10
"""So many of the texts are shown before somebody says yes to all."""


def show(console: Console, asked: PageRequest) -> Response:
    """The form, and the cases that it means."""
    room, who = console.room, asked.who.person
    said = {name: asked.query.get(name, "").strip() for name in Query._fields}
    query = Query(**{name: value or None for name, value in said.items()})
    members = room.batches.find(who, query, asked.now_ms) if any(query) else ()
    samples = [room.desk.show(who, asked.now_ms, seen.case_id) for seen in members[:SAMPLE]]
    labels = {
        f"{policy.name}.{label}": outcome
        for docket in samples
        if (version := room.version_of(docket.case)) is not None
        for policy in version.policies
        for label, outcome in policy.outcomes.items()
    }
    return page(
        console,
        asked,
        "bulk.html",
        said=said,
        is_asked=any(query),
        members=" ".join(f"{name}:{revision}" for name, revision in members),
        number=len(members),
        bulk_max=BULK_MAX,
        samples=[(docket.case.id, shown(text_of(docket.case))) for docket in samples],
        labels=labels,
        reason_chars_max=REASON_CHARS_MAX,
        batch=f"{BATCH}{uuid4().hex[:16]}",
    )


def decide(console: Console, asked: PageRequest) -> Response:
    """
    Decide those that were shown, as they were; what changed since is left out and said.

    The batch has its id before it is sent: sent twice, it decides once.
    """
    batch, members = asked.form.get("batch", ""), members_of(asked.form.get("members", ""))
    if not batch.startswith(BATCH) or len(batch) > 40 or not batch[2:].isalnum():
        raise ActRefused("the form is not whole: look for the cases anew")
    room, ruling = console.room, ruling_of(asked)
    if not ruling.reason.strip() or (ruling.outcome is None and ruling.label is None):
        raise ActRefused("say the outcome or the label, and a reason: nothing was decided")
    found = room.batches.decide_all(
        asked.who.person,
        asked.now_ms,
        members,
        lambda docket: settle(ruling, room.version_of(docket.case)),
        batch,
    )
    done = room.outbox.revocable(batch, asked.now_ms)
    return page(console, asked, "batch.html", found=found, done=done, only="")


def members_of(words: str) -> list[Seen]:
    """
    The cases that a form names, each as it was seen.

    Raises:
        ActRefused: it names none, too many, or something else.
    """
    found = []
    for word in words.split():
        name, colon, revision = word.partition(":")
        if not colon or not revision.isascii() or not revision.isdigit() or len(revision) > 9:
            raise ActRefused("the form is not whole: look for the cases anew")
        found.append(Seen(name, int(revision)))
    if not 0 < len(found) <= BULK_MAX:
        raise ActRefused("no case is meant: look for them anew")
    return found
