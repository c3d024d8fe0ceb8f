"""Second: a decided case, shown as if it were open, to somebody who does not know the decision."""

from __future__ import annotations

from starlette.responses import Response

from consumer.review.cases.ruling import settle
from consumer.review.console.console import Console, PageRequest, go, page
from consumer.review.console.pages import case
from consumer.review.console.pages.acts import claim_on, ruling_of


def show(console: Console, asked: PageRequest) -> Response:
    """The case without what was found or decided."""
    who, name = asked.who.person, asked.path["case"]
    console.second_looks.check(who, name)
    docket = console.room.desk.show(who, asked.now_ms, name)
    known = case.about(console, asked, docket)
    known["case"] |= {
        "judgements": [],
        "decisions": [],
        "why": [],
        "asked": "flag",
        "state": "open",
    }
    known |= {"is_second": True, "is_blind": True, "certainties": [], "draft": None}
    known["policies"] = list(case.policies(known["case"], console.room.version_of(docket.case)))
    known["choices"] = list(case.choices(known["case"], console.room.version_of(docket.case)))
    return page(console, asked, "case.html", **known)


def decide(console: Console, asked: PageRequest) -> Response:
    """What they would have decided is kept; nothing follows for the message."""
    who, name = asked.who.person, asked.path["case"]
    docket = console.room.desk.look(who, name)
    settled = settle(ruling_of(asked), console.room.version_of(docket.case))
    console.second_looks.give(who, asked.now_ms, name, settled.outcome)
    return claim_on(console, asked, "")


def make_golden(console: Console, asked: PageRequest) -> Response:
    """Everybody is asked about it once."""
    console.second_looks.make_golden(asked.who.person, asked.now_ms, asked.path["case"])
    return go(f"/cases/{asked.path['case']}")
