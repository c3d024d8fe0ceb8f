"""Own: what somebody sets for themselves, and how much they were shown today."""

from __future__ import annotations

from starlette.responses import Response

from consumer.review.console.care import AVOID, Veil, budget_of, wishes_of
from consumer.review.console.console import Console, PageRequest, go, page
from consumer.review.console.pages.entrance import inner


def show(console: Console, asked: PageRequest) -> Response:
    """The form, and today's count; it is nobody else's."""
    who = asked.who.person
    own = console.wishes(who)
    return page(
        console,
        asked,
        "own.html",
        own=own,
        veils=list(Veil),
        seen=console.wellness.today(who, asked.now_ms),
        budget=budget_of(own, console.care),
        most=console.care.exposures_max,
        policies=_policies(console),
        box=AVOID,
    )


def _policies(console: Console) -> dict[str, str]:
    """Those that judge now, each with its title."""
    live = (binding.live for binding in console.room.catalogue.bindings)
    return {policy.name: policy.title for version in live for policy in version.policies}


def change(console: Console, asked: PageRequest) -> Response:
    """Keep what the form says."""
    said = {"keys": "off", **asked.form}
    console.entrance.prefer(asked.who.person, wishes_of(said)._asdict())
    return go("/own")


def set_keys(console: Console, asked: PageRequest) -> Response:
    """Turn the single keys on or off: they get in the way of some who speak to their machine."""
    wishes = console.wishes(asked.who.person)._replace(keys=asked.form.get("keys") == "on")
    console.entrance.prefer(asked.who.person, wishes._asdict())
    return go(inner(asked.form.get("to", "")))
