"""Console: what every page is given, and what is asked of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from starlette.responses import HTMLResponse, RedirectResponse, Response

from consumer.interfaces import Clock
from consumer.review.console.address import ConsoleAddress
from consumer.review.console.appealing import AppealForm
from consumer.review.console.care import CareTerms, Preferences, wishes_of
from consumer.review.console.showing import Showing
from consumer.review.console.sign_in.person import StaffRole
from consumer.review.console.sign_in.ways import SignInWays
from consumer.review.room import ReviewRoom
from consumer.review.store.entrance import Entrance, Visit
from consumer.review.store.second_looks import SecondLooks
from consumer.review.store.wellness import WellnessBook

SHOWING = Showing()
"""Templates are the same for all consoles of a process."""


class Console(NamedTuple):
    """Everything that pages need."""

    room: ReviewRoom
    entrance: Entrance
    ways: SignInWays
    address: ConsoleAddress
    clock: Clock
    care: CareTerms
    figures: Callable[[int], dict[str, Any]]
    """What `safeguard review stats` says of the time since then."""
    appeals: AppealForm | None = None
    """The form of the people moderated; None where there is none."""

    def wishes(self, person: str) -> Preferences:
        """How somebody wants it."""
        return wishes_of(self.entrance.preferences(person))

    @property
    def wellness(self) -> WellnessBook:
        return WellnessBook(self.room.database)

    @property
    def second_looks(self) -> SecondLooks:
        return SecondLooks(self.room.database, self.care.second_share)


class PageRequest(NamedTuple):
    """What is asked of a page."""

    visit: Visit | None
    """Who asks; None on pages that are open to all."""
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]
    now_ms: int
    is_fragment: bool
    """Whether a part of a page is asked for by the script of one."""
    peer: str
    """The address that it comes from."""
    opening: str = ""
    """The sign-in that this browser has begun at the provider."""

    @property
    def who(self) -> Visit:
        """Who asks, on a page that is not open to all."""
        assert self.visit is not None, "the routes say which pages are open"
        return self.visit

    def may(self, roles: frozenset[StaffRole]) -> bool:
        return self.visit is not None and not roles.isdisjoint(self.visit.roles)


PageFunction = Callable[[Console, PageRequest], Response]


def page(
    console: Console, asked: PageRequest, template: str, status: int = 200, **context: Any
) -> HTMLResponse:
    """A page with what all of them have."""
    wishes = Preferences() if asked.visit is None else console.wishes(asked.visit.person)
    about = {
        "visit": asked.visit,
        "may": asked.may,
        "now_ms": asked.now_ms,
        "wishes": wishes,
        "template": template,
    }
    return SHOWING.page(template, about | context, status)


def go(path: str) -> RedirectResponse:
    """After something was done: a look at what became of it, which may be reloaded."""
    return RedirectResponse(path, 303)
