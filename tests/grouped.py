"""Cases decided together, for tests: a store in which several messages say nearly the same."""

from __future__ import annotations

from typing import Any

from consumer.domain.review import ReviewTerms
from consumer.review.cases.docket import Docket
from consumer.review.cases.facts import About, case_id
from consumer.review.cases.ruling import Settled
from consumer.review.store.batches import BatchDesk
from consumer.review.store.book import CaseBook
from consumer.review.store.database import Database
from consumer.review.store.desk import DeskTerms, ReviewDesk
from consumer.review.store.outbox import Outbox
from tests.cases import NOW_MS, TOPIC, a_verdict_fact, about

TERMS = ReviewTerms(sla_s=3_600, approve_labels=frozenset({"harassment.HH1"}))
FLOOD = "buy ten thousand followers for one euro at the shop of my friend today"
UNDO_MS = 500


class GroupRoom:
    """A store, its desks and its outbox."""

    def __init__(self, address: str, terms: ReviewTerms = TERMS) -> None:
        self.terms = terms
        self.database = Database(address)
        self.book = CaseBook(self.database, lambda _: self.terms)
        rights = {"legal": ["eve"]}
        given = DeskTerms(lease_ms=1_000, undo_ms=UNDO_MS, rights=rights)
        self.desk = ReviewDesk(self.database, self.book, given)
        self.batches = BatchDesk(self.database, self.book, self.desk)
        self.outbox = Outbox(self.database)

    def add(self, name: str, text: str = FLOOD, **message: Any) -> str:
        self.book.add([flagged(name, text, **message)])
        return case_id(TOPIC, name)

    def group(self, who: str, settled: Settled, name: str = "m-1", batch: str = "b-1") -> Any:
        return self.batches.decide_group(
            who, NOW_MS, case_id(TOPIC, name), lambda _: settled, batch
        )

    def docket(self, name: str) -> Docket:
        found = self.book.look(case_id(TOPIC, name))
        assert found is not None
        return found


def flagged(name: str, text: str, **message: Any) -> About:
    """A message that the model flagged as spam."""
    label = message.pop("label", "SP2")
    return about(
        a_verdict_fact(
            f"v-{name}",
            envelope={
                "policy_version": f"{TOPIC}@v1",
                "message": {"id": name, "text": text, "author": "u-1", **message},
                "judgements": [{"policy": "spam", "label": label, "outcome": "flag"}],
            },
        ),
        name,
    )


def names(*found: str) -> set[str]:
    """The cases of these messages."""
    return {case_id(TOPIC, name) for name in found}
