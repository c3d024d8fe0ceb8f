"""Case: one case as a reviewer sees it, and what of it is shown only when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from starlette.responses import Response

from consumer.domain.policy import Outcome, PolicyVersion
from consumer.review.cases.account import docket_fields
from consumer.review.cases.case import Concern
from consumer.review.cases.docket import Docket
from consumer.review.cases.risk import duration
from consumer.review.cases.ruling import REASON_CHARS_MAX, ActRefused
from consumer.review.console.care import break_due_min, category_of, is_veiled
from consumer.review.console.console import Console, PageRequest, page
from consumer.review.console.harmless import shown
from consumer.review.console.marking import marked_lines
from consumer.review.console.sign_in.person import DECIDES
from consumer.review.record import text_of
from consumer.review.store.search import AuthorRecord, record_of

HOLDS = (("30m", "30 minutes"), ("2h", "2 hours"), ("8h", "8 hours"), ("1d", "a day"))
"""What is offered; each is a time as `safeguard review hold --wait` takes it."""


class Choice(NamedTuple):
    """A label that a reviewer can give."""

    name: str
    """`POLICY.LABEL`."""
    outcome: str
    is_judged: bool
    """Whether it is of a policy that sent the message here."""


def show(console: Console, asked: PageRequest) -> Response:
    """The case; for whoever has it the lease begins anew, and what is new is seen."""
    who, now_ms = asked.who.person, asked.now_ms
    docket = console.room.desk.show(who, now_ms, asked.path["case"])
    return page(console, asked, "case.html", **about(console, asked, docket))


def about(console: Console, asked: PageRequest, docket: Docket) -> dict[str, Any]:
    """All that the page of a case says."""
    room, who, now_ms = console.room, asked.who.person, asked.now_ms
    version = room.version_of(docket.case)
    fields = docket_fields(docket, version, now_ms, rationale=False)
    is_open = isinstance(docket.case.status, Concern)
    is_blind = is_open and console.care.blind
    if is_blind:
        fields |= {"judgements": [], "why": []}
    wishes, claimant = console.wishes(who), docket.claimant(now_ms)
    veiled = is_veiled(docket.case, wishes)
    if fields["text"] is not None and not veiled:
        console.wellness.note(who, docket.case.id, category_of(docket.case), now_ms)
    seen, taken = console.wellness.today(who, now_ms), docket.handling.taken
    return {
        "case": fields,
        "text": None if fields["text"] is None else shown(fields["text"]),
        "is_veiled": veiled,
        "category": category_of(docket.case),
        "severity": docket.case.flagged.severity if docket.case.flagged else "not known",
        "is_blind": is_blind,
        "is_second": False,
        "break_min": break_due_min(seen, wishes, now_ms),
        "draft": docket.draft_of(who),
        "proposal": docket.handling.proposal,
        "is_mine": claimant == who,
        "taken": taken if taken is not None and taken.whose == who else None,
        "claimed_for": duration(now_ms - docket.handling.claimed_ms) if claimant else "",
        "is_open": is_open,
        "barred": docket.barred(who) if is_open else None,
        "can_claim": is_open and claimant is None and asked.may(DECIDES),
        "lease_until_ms": docket.handling.lease_until_ms,
        "revision": docket.revision,
        "choices": list(choices(fields, version)),
        "policies": list(policies(fields, version)),
        "certainties": list(certainties(fields)),
        "alike": [_alike(console, seen.case_id) for seen in docket.handling.alike],
        "shared_from": room.shared_from(docket.case),
        "along": room.batches.along(docket.case),
        "record": _record(console, fields, who),
        "queues": sorted(known_queues(console, docket) - {docket.queue}),
        "holds": HOLDS,
        "reason_chars_max": REASON_CHARS_MAX,
        "done": room.outbox.revocable(asked.query.get("done", ""), now_ms),
        "was_proposed": "proposed" in asked.query,
        "only": asked.query.get("queue", ""),
    }


def show_text(console: Console, asked: PageRequest) -> Response:
    """The text as it was asked for: all of it, or with its invisible characters."""
    docket = console.room.desk.look(asked.who.person, asked.path["case"])
    flagged = docket.case.flagged
    message = flagged.envelope.get("message", {}) if flagged is not None else {}
    is_whole, is_marked = "whole" in asked.query, "marked" in asked.query
    found = shown(message.get("text") or "", whole=is_whole, marked=is_marked)
    return page(
        console,
        asked,
        "text.html",
        case_id=docket.case.id,
        text=found,
        is_whole=is_whole,
        is_marked=is_marked,
        language=message.get("language"),
    )


def unveil(console: Console, asked: PageRequest) -> Response:
    """A text that somebody wants hidden is shown to them now, and counted."""
    docket = console.room.desk.look(asked.who.person, asked.path["case"])
    category = category_of(docket.case)
    console.wellness.note(asked.who.person, docket.case.id, category, asked.now_ms)
    return show_text(console, asked)


def show_record(console: Console, asked: PageRequest) -> Response:
    """The text of a message that no flag brought, read where it lies."""
    who, now_ms = asked.who.person, asked.now_ms
    docket = console.room.desk.reveal(who, now_ms, asked.path["case"], "record")
    console.wellness.note(who, docket.case.id, category_of(docket.case), now_ms)
    text, fault = text_of(console.room, docket.case)
    found = None if text is None else shown(text, whole=True)
    return page(console, asked, "record.html", text=found, fault=fault)


def show_rationale(console: Console, asked: PageRequest) -> Response:
    """What the model thought; the log says that it was seen."""
    who, now_ms, name = asked.who.person, asked.now_ms, asked.path["case"]
    if console.care.blind and isinstance(console.room.desk.look(who, name).case.status, Concern):
        raise ActRefused("what the model found is hidden until the case is decided")
    docket = console.room.desk.reveal(who, now_ms, name, "rationale")
    version = console.room.version_of(docket.case)
    fields = docket_fields(docket, version, now_ms, rationale=True)
    return page(console, asked, "rationale.html", judgements=fields["judgements"])


def choices(fields: Mapping[str, Any], version: PolicyVersion | None) -> Iterator[Choice]:
    """Every label, those of policies that sent the message here first."""
    sent_by = {j["policy"] for j in fields["judgements"] if j.get("outcome") != Outcome.ALLOW}
    every = version.policies if version is not None else ()
    for policy in sorted(every, key=lambda policy: policy.name not in sent_by):
        for label, outcome in policy.outcomes.items():
            yield Choice(f"{policy.name}.{label}", outcome, policy.name in sent_by)


def policies(fields: Mapping[str, Any], version: PolicyVersion | None) -> Iterator[dict[str, Any]]:
    """The texts that judged, cited rules marked; those that sent the message here first."""
    cited = {j["policy"]: list(j["rules"]) for j in fields["judgements"]}
    every = version.policies if version is not None else ()
    for policy in sorted(every, key=lambda policy: not cited.get(policy.name)):
        rules = cited.get(policy.name, [])
        yield {
            "name": policy.name,
            "title": policy.title,
            "severity": policy.severity,
            "rules": policy.rules,
            "lines": marked_lines(policy.text, rules),
            "is_cited": bool(rules),
        }


def certainties(fields: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What each policy found, how sure the model is of it, and what that rests on."""
    for judgement in fields["judgements"]:
        certainty = judgement.get("certainty") or {}
        look = judgement.get("second_look")
        yield {
            "policy": judgement["policy"],
            "label": judgement["label"],
            "outcome": judgement["outcome"],
            "rules": judgement["rules"],
            "score": certainty.get("score"),
            "is_calibrated": certainty.get("calibrated", False),
            "rests_on": certainty.get("rests_on", []),
            "second_look": look,
        }


def known_queues(console: Console, docket: Docket) -> set[str]:
    """The queues that a case can be moved to: those of the topics, and those with rights."""
    found = set(console.room.desk.terms.rights)
    for binding in console.room.catalogue.bindings:
        if binding.review is not None:
            found |= {binding.review.queue, binding.review.escalation_queue}
    return found | {docket.terms.queue, docket.terms.escalation_queue}


def _record(console: Console, fields: Mapping[str, Any], who: str) -> AuthorRecord | None:
    """What became of its author's other messages."""
    if fields["author"] is None:
        return None
    closed = console.room.desk.closed_to(who)
    return record_of(console.room.database, str(fields["author"]), fields["case"], closed)


def _alike(console: Console, case_id: str) -> dict[str, Any]:
    docket = console.room.book.look(case_id)
    flagged = docket.case.flagged if docket is not None else None
    message = flagged.envelope.get("message", {}) if flagged is not None else {}
    return {"case": case_id, "text": message.get("text") or "", "author": message.get("author")}
