"""Appeal: the one page for the person moderated: what was decided and why, and a form to object."""

from __future__ import annotations

import structlog
from pydantic import ValidationError
from starlette.responses import PlainTextResponse, Response

from consumer.domain.review import ReviewTerms
from consumer.review.console.appealing import AppealBusy, AppealForm
from consumer.review.console.console import Console, PageRequest, page
from consumer.review.console.guard import FORM_TOKEN, is_same
from consumer.review.records.appeal_link import AppealGrant, LinkRefused
from consumer.review.records.complaint import NOTE_CHARS_MAX
from consumer.review.records.reading import version_of
from consumer.review.records.statement import DECIDED, explained

log = structlog.get_logger()

MADE = "An appeal against this decision has been made. A person looks at it."
EMPTY = "Say why you ask for another decision."
LONG = f"Say it in {NOTE_CHARS_MAX:,} characters or fewer."
BUSY = "This cannot be taken just now. What you wrote is still here: try again in a minute."
FOREIGN = "This form has been open for another link: load it anew."
NO_MORE = "Nobody reviews such messages here any more."


def show(console: Console, asked: PageRequest) -> Response:
    """What was decided, and the form, unless it has been sent."""
    form = console.appeals
    if form is None:
        return _none()
    try:
        grant = form.grant(asked.path["token"], asked.now_ms)
    except LinkRefused as refused:
        return _said(console, asked, 403, str(refused))
    if form.is_made(grant, console.room.book):
        return _said(console, asked, 200, MADE)
    return _form(console, asked, form, grant)


def send(console: Console, asked: PageRequest) -> Response:
    """The appeal goes to the reviewers, once for each verdict."""
    form, token = console.appeals, asked.path["token"]
    if form is None:
        return _none()
    try:
        grant = form.grant(token, asked.now_ms)
    except LinkRefused as refused:
        return _said(console, asked, 403, str(refused))
    if form.is_made(grant, console.room.book):
        return _said(console, asked, 409, MADE)
    if not is_same(asked.form.get(FORM_TOKEN, ""), form.form_token(token)):
        return _form(console, asked, form, grant, FOREIGN, 403)
    return _sent(console, asked, form, grant)


def _sent(console: Console, asked: PageRequest, form: AppealForm, grant: AppealGrant) -> Response:
    note, terms = asked.form.get("note", "").strip(), _terms(console, grant)
    if terms is None:
        return _said(console, asked, 410, NO_MORE)
    if not note:
        return _form(console, asked, form, grant, EMPTY, 422)
    try:
        form.send(grant, note, terms, asked.now_ms)
    except ValidationError:
        return _form(console, asked, form, grant, LONG, 422)
    except AppealBusy as error:
        log.warning("an appeal is not taken", reason=str(error))
        return _form(console, asked, form, grant, BUSY, 503)
    return _said(console, asked, 200, "Thank you. A person looks at it, and decides anew.")


def _terms(console: Console, grant: AppealGrant) -> ReviewTerms | None:
    binding = console.room.catalogue.binding_for(grant.topic)
    return binding.review if binding is not None else None


def _form(
    console: Console,
    asked: PageRequest,
    form: AppealForm,
    grant: AppealGrant,
    fault: str | None = None,
    status: int = 200,
) -> Response:
    binding = console.room.catalogue.binding_for(grant.topic)
    version = None
    if binding is not None and grant.policy_version is not None:
        version = version_of(binding, grant.policy_version)
    token = asked.path["token"]
    return page(
        console,
        asked,
        "appeal.html",
        status,
        grant=grant,
        why=explained(grant.label, grant.rule, version),
        who_decided=DECIDED[grant.automation],
        link=token,
        token=form.form_token(token),
        note=asked.form.get("note", ""),
        note_chars_max=NOTE_CHARS_MAX,
        fault=fault,
    )


def _said(console: Console, asked: PageRequest, status: int, words: str) -> Response:
    return page(console, asked, "appeal_said.html", status, words=words)


def _none() -> Response:
    return PlainTextResponse("there is no such page\n", 404)
