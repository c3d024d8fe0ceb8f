"""Watched: a message that a filter would settle or not, and that the model was asked about."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from consumer.domain.policy import Outcome
from consumer.domain.verdicts.judged import Judged
from consumer.domain.verdicts.verdict import Screened, most_severe
from consumer.screening.audited import AuditedStage, Filtered
from consumer.screening.audits.note import AuditNote

PostNote = Callable[[AuditNote], Awaitable[None]]
"""Returns once the note is stored where all workers read it, or is known not to be."""


class WatchedMessage(NamedTuple):
    """What the filter said of it, and who is told what the model says."""

    filtering: AuditedStage
    filtered: Filtered
    place: str
    """`source/partition/offset`."""
    language: str | None
    post: PostNote

    @property
    def is_audited(self) -> bool:
        return self.filtered.action == "audit"

    @property
    def screened(self) -> Screened | None:
        """What its verdict says of the filter: something where it would have been settled."""
        if not self.is_audited:
            return None
        stage, found = self.filtering, self.filtered
        return Screened(stage.stage, found.score, stage.digest, found.audit_probability)

    def settled_later(self) -> None:
        """A stage after this one has settled the message, so nothing is learned of it."""
        self.filtering.count(self.language, is_settled=True)

    async def note(self, *, is_positive: bool, seen: float = 1.0) -> None:
        """
        What the model's answer says of the filter is stored when this returns, or counted.

        `seen` is with what probability the stages after it let the model be asked.
        """
        if is_positive:
            found = self.filtering.positive(self.filtered, self.place, self.language, seen)
            await self.post(found)
        else:
            self.filtering.count(self.language, is_settled=False)


async def answered(
    watched: Sequence[WatchedMessage], judged: Judged, again: Callable[[], Awaitable[Judged]]
) -> None:
    """
    Note what the model's answer says of every filter that saw the message, in their order.

    `again` asks the model once more. A message that could not be judged says nothing of any.
    """
    outcome = _outcome(judged) if watched else None
    if outcome is None:
        return
    is_positive = outcome is not Outcome.ALLOW and await _is_confirmed(again)
    for at, each in enumerate(watched):
        later = [found.filtered.audit_probability or 1.0 for found in watched[at + 1 :]]
        await each.note(is_positive=is_positive, seen=math.prod(later))


async def _is_confirmed(again: Callable[[], Awaitable[Judged]]) -> bool:
    """
    Whether two of three answers are not allow, the first of which is not.

    An answer that cannot be had confirms: rather an alarm too many than one too few.
    """
    for _ in range(2):
        if _outcome(await again()) is not Outcome.ALLOW:
            return True
    return False


def _outcome(judged: Judged) -> Outcome | None:
    """What the model says; None where it says nothing, or allows only what it could read."""
    if not judged.judgements:
        return None
    outcome = most_severe([judgement.outcome for judgement in judged.judgements])
    return None if outcome is Outcome.ALLOW and judged.unjudged is not None else outcome
