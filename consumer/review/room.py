"""Room: the store, the desk and the policies: all that a reviewer's command or page needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from uuid import uuid4

from consumer.domain.binding import Catalogue
from consumer.domain.policy import PolicyVersion
from consumer.kafka.config import KafkaConfig
from consumer.review.cases.case import ReviewCase
from consumer.review.cases.consequence import overturned, shared_from
from consumer.review.cases.docket import Docket
from consumer.review.cases.ruling import Ruling, Settled, settle
from consumer.review.records.reading import version_of
from consumer.review.store.batches import Batch, BatchDesk
from consumer.review.store.book import CaseBook
from consumer.review.store.database import Database
from consumer.review.store.desk import ReviewDesk
from consumer.review.store.lead_desk import LeadDesk
from consumer.review.store.outbox import Outbox

BATCH = "b-"
"""What a batch's id begins with; a case's does not."""
NOTHING_SAID = Ruling(None, None, None, "")


def batch_id() -> str:
    """A new one."""
    return BATCH + uuid4().hex[:16]


class ReviewRoom(NamedTuple):
    """Everything that a command about cases needs."""

    policies: Callable[[], Catalogue]
    """The policies as they are now: whoever stays open for long sees them change."""
    kafka: KafkaConfig
    database: Database
    book: CaseBook
    desk: ReviewDesk
    outbox: Outbox
    batches: BatchDesk
    leads: LeadDesk

    @property
    def catalogue(self) -> Catalogue:
        return self.policies()

    def version_of(self, case: ReviewCase) -> PolicyVersion | None:
        """
        The version that judged the message, or the live one where no verdict is known.

        None where its folder is gone.
        """
        binding = self.catalogue.binding_for(case.topic)
        if binding is None:
            return None
        flagged = case.flagged
        if flagged is None:
            return binding.live
        return version_of(binding, str(flagged.envelope.get("policy_version")))

    def shared_from(self, case: ReviewCase) -> str | None:
        """The overturned verdict that messages out of the reviewers' sight may have as well."""
        binding = self.catalogue.binding_for(case.topic)
        shares = binding is not None and binding.screening.shares
        return shared_from(case) if shares else None

    def decide(
        self, reviewer: str, now_ms: int, case_id: str, ruling: Ruling, *, alone: bool = False
    ) -> Batch:
        """
        Decide a case, the first of the result, and unless alone those of its group and those that
        follow from its overturn.

        Without a word the reviewer's draft is what counts; where a second person must agree it is
        proposed.

        Raises:
            ActRefused: the case is not theirs to decide, or has changed since they saw it.
        """
        known = self.book.look(case_id)
        draft = known.draft_of(reviewer) if known is not None else None
        said = draft if draft is not None and ruling == NOTHING_SAID else ruling

        def settled(docket: Docket) -> Settled:
            return settle(said, self.version_of(docket.case))

        batch = batch_id()
        return self.batches.decide_group(reviewer, now_ms, case_id, settled, batch, alone=alone)

    def undo(self, reviewer: str, now_ms: int, name: str) -> Batch:
        """
        Take a batch or a case's last decision back, with what followed from it by an overturn.

        Raises:
            ActRefused: there is none of theirs, or it is too late.
        """
        known = None if name.startswith(BATCH) else self.book.look(name)
        last = known.case.decided if known is not None else None
        if known is not None and last is not None and last.batch is not None:
            # Of a group each may be taken back by itself, but no consequence without its cause.
            is_cause = last.follows is None and overturned(known.case) is not None
            name = last.batch if is_cause else name
        if name.startswith(BATCH):
            return self.batches.undo(reviewer, now_ms, name)
        return Batch(name, (self.desk.undo(reviewer, now_ms, name),))
