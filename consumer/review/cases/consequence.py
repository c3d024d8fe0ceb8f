"""
Consequence: what the overturn of a decision does to the others that were decided along with it.

One look of a person decided all of them, so they do not keep what another person has found to be
wrong. Whatever has had a word of its own since keeps that.
"""

from __future__ import annotations

from dataclasses import replace

from consumer.domain.decided import overturns
from consumer.domain.policy import Outcome
from consumer.domain.verdicts.verdict import Cause, superseding_id
from consumer.review.cases.case import ReviewCase
from consumer.review.cases.docket import Docket
from consumer.review.cases.facts import DecisionFact
from consumer.review.cases.handling import Naming
from consumer.review.cases.rights import Rights
from consumer.review.cases.ruling import ActRefused, Settled


def is_against(outcome: str, earlier: DecisionFact | None) -> bool:
    """Whether an outcome is the other way than an earlier decision on the same version."""
    return earlier is not None and overturns(Outcome(outcome), Outcome(earlier.outcome))


def overturned(case: ReviewCase) -> DecisionFact | None:
    """The decision that the newest one is against; None where it is against none."""
    here = case.decided_here
    if len(here) < 2 or not is_against(here[-1].outcome, here[-2]):
        return None
    return here[-2]


def shared_from(case: ReviewCase) -> str | None:
    """
    The machine's verdict that a person overturned, where no flag brought the message here.

    Workers may have given its answer to others, of which reviewers then know nothing either.
    """
    here = case.decided_here
    if not here or case.flagged is not None:
        return None
    said = next((Outcome(r.outcome) for r in case.reports if r.position == case.version), None)
    if not overturns(Outcome(here[-1].outcome), said or Outcome.BLOCK):
        return None
    return here[0].supersedes


def followed(
    docket: Docket,
    earlier: DecisionFact,
    first: DecisionFact,
    settled: Settled,
    naming: Naming,
    rights: Rights,
) -> Docket:
    """
    A case that was decided along with `earlier`, decided as `first` overturned that.

    `settled` is what the ruling comes to under the version that judged this very message.

    Raises:
        ActRefused: it has a word of its own since, or whoever overturned may not decide it.
    """
    case = docket.case
    why = _own_word(case, earlier) or _bar(case, first, settled)
    if why is not None:
        raise ActRefused(f"case {case.id}: {why}")
    for person in first.people:
        docket.check_right(person, rights)
    superseded = case.current_verdict_id
    decision = replace(
        first,
        id=naming.id,
        position=case.version,
        supersedes=superseded,
        verdict=superseded and superseding_id(superseded, Cause(first.cause), naming.id),
        appeals=(),
        batch=naming.batch,
        follows=naming.follows,
    )
    return replace(docket, case=case.with_fact(decision), revision=docket.revision + 1)


def _own_word(case: ReviewCase, earlier: DecisionFact) -> str | None:
    """What has been said of it since."""
    if case.deleted_at is not None:
        return "the message was deleted"
    if case.open_appeals:
        return "an appeal is judged by itself"
    if case.decided is None:
        return "the message was edited since"
    if case.decided.root != earlier.root:
        return "it was decided by itself since"
    return None


def _bar(case: ReviewCase, first: DecisionFact, settled: Settled) -> str | None:
    """Why those who overturned the one may not decide this one likewise."""
    assert case.decided is not None, "see `_own_word`"
    own = set(first.people).intersection(case.decided.people)
    if own:
        return f"{', '.join(sorted(own))} decided it: somebody else has to look"
    if settled.outcome != first.outcome:
        return f"{settled.label} means {settled.outcome} in the version that judged it"
    return None
