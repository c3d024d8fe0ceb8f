"""Lead desk: what a lead does with a case that somebody else has."""

from __future__ import annotations

from consumer.review.cases.docket import Docket
from consumer.review.store.database import Database
from consumer.review.store.desk import ReviewDesk


class LeadDesk:
    """Ends claims and takes them over. Any thread may use it."""

    def __init__(self, database: Database, desk: ReviewDesk) -> None:
        self._database = database
        self._desk = desk

    def put_back(self, lead: str, now_ms: int, case_id: str) -> Docket:
        """
        End somebody's claim, so that the case is anybody's; the roles say who may.

        Raises:
            ActRefused: nobody else has it, or its queue is not open to the lead.
        """
        with self._database.writing() as connection:
            docket = self._desk.locked(connection, case_id)
            back = docket.put_back(lead, now_ms, self._desk.terms.rights)
            return self._desk.kept(connection, back, lead, now_ms, "put back", _from(back))

    def take_over(self, lead: str, now_ms: int, case_id: str) -> Docket:
        """
        Take what somebody has, to decide it; the roles say who may.

        Raises:
            ActRefused: nobody else has it, or the lead may not decide it.
        """
        terms = self._desk.terms
        with self._database.writing() as connection:
            docket = self._desk.locked(connection, case_id)
            taken = docket.taken_over(lead, now_ms, terms.lease_ms, terms.rights)
            return self._desk.handed(connection, taken, lead, now_ms, "take over", _from(taken))


def _from(docket: Docket) -> dict[str, object]:
    """For the log: from whom it was taken."""
    taken = docket.handling.taken
    return {} if taken is None else {"from": taken.whose}
