"""Routes: every page and act, and whose they are. What is not here does not exist."""

from __future__ import annotations

from typing import NamedTuple

from consumer.review.console.console import PageFunction
from consumer.review.console.pages import (
    acts,
    appeal,
    audit,
    board,
    bulk,
    case,
    entrance,
    figures,
    own,
    policies,
    search,
    second,
)
from consumer.review.console.sign_in.person import (
    ALL,
    AUDITS,
    COUNTS,
    DECIDES,
    LEADS,
    LOOKS,
    StaffRole,
)


class ConsoleRoute(NamedTuple):
    """A page or an act."""

    method: str
    path: str
    run: PageFunction
    roles: frozenset[StaffRole] | None
    """Who may, by any of these; None where whoever comes may."""
    counts: bool = True
    """Whether a person asks for it; what a page asks by itself keeps nobody signed in."""


ROUTES = (
    ConsoleRoute("GET", "/sign-in", entrance.show, None),
    ConsoleRoute("POST", "/sign-in", entrance.with_password, None),
    ConsoleRoute("GET", "/sign-in/link", entrance.show_link, None),
    ConsoleRoute("POST", "/sign-in/link", entrance.with_link, None),
    ConsoleRoute("GET", "/sign-in/provider", entrance.to_provider, None),
    ConsoleRoute("GET", "/sign-in/provider/back", entrance.from_provider, None),
    ConsoleRoute("GET", "/appeal/{token}", appeal.show, None, counts=False),
    ConsoleRoute("POST", "/appeal/{token}", appeal.send, None, counts=False),
    ConsoleRoute("POST", "/sign-out", entrance.sign_out, ALL),
    ConsoleRoute("GET", "/own", own.show, ALL),
    ConsoleRoute("POST", "/own", own.change, ALL),
    ConsoleRoute("POST", "/keys", own.set_keys, ALL),
    ConsoleRoute("GET", "/", board.show, ALL),
    ConsoleRoute("GET", "/queues", board.show_queues, ALL, counts=False),
    ConsoleRoute("POST", "/next", acts.claim_next, DECIDES),
    ConsoleRoute("GET", "/cases/{case}", case.show, LOOKS),
    ConsoleRoute("GET", "/cases/{case}/text", case.show_text, LOOKS),
    ConsoleRoute("POST", "/cases/{case}/unveil", case.unveil, LOOKS),
    ConsoleRoute("POST", "/cases/{case}/record", case.show_record, LOOKS),
    ConsoleRoute("POST", "/cases/{case}/rationale", case.show_rationale, LOOKS),
    ConsoleRoute("POST", "/cases/{case}/claim", acts.claim, DECIDES),
    ConsoleRoute("POST", "/cases/{case}/extend", acts.extend, DECIDES),
    ConsoleRoute("POST", "/cases/{case}/draft", acts.draft, DECIDES),
    ConsoleRoute("POST", "/cases/{case}/decide", acts.decide, DECIDES),
    ConsoleRoute("POST", "/cases/{case}/skip", acts.skip, DECIDES),
    ConsoleRoute("POST", "/cases/{case}/hold", acts.hold, DECIDES),
    ConsoleRoute("POST", "/cases/{case}/move", acts.move, DECIDES),
    ConsoleRoute("POST", "/cases/{case}/assign", acts.assign, DECIDES),
    ConsoleRoute("POST", "/cases/{case}/put-back", acts.put_back, LEADS),
    ConsoleRoute("POST", "/cases/{case}/take-over", acts.take_over, LEADS),
    ConsoleRoute("POST", "/undo/{name}", acts.undo, DECIDES),
    ConsoleRoute("GET", "/second/{case}", second.show, DECIDES),
    ConsoleRoute("POST", "/second/{case}", second.decide, DECIDES),
    ConsoleRoute("POST", "/cases/{case}/golden", second.make_golden, LEADS),
    ConsoleRoute("GET", "/bulk", bulk.show, DECIDES),
    ConsoleRoute("POST", "/bulk", bulk.decide, DECIDES),
    ConsoleRoute("GET", "/search", search.show, LOOKS),
    ConsoleRoute("GET", "/policies", policies.show, ALL),
    ConsoleRoute("GET", "/policies/{set}/{number}", policies.show_version, ALL),
    ConsoleRoute("GET", "/figures", figures.show, COUNTS),
    ConsoleRoute("GET", "/audit", audit.show, AUDITS),
    ConsoleRoute("POST", "/audit", audit.verify, AUDITS),
)
