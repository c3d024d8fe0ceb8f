"""News: what has come to a case since somebody saw it, in words. Pure."""

from __future__ import annotations

from consumer.review.cases.facts import ReviewFact, VerdictFact, kind_of


def told_of(fact: ReviewFact) -> str:
    """A fact in a few words."""
    if isinstance(fact, VerdictFact):
        what = "the message was deleted" if fact.cause == "deleted" else f"verdict {fact.outcome}"
        if fact.event == "edit" and fact.supersedes is None:
            what = f"the message was edited, {what}"
        return f"{what} (cause {fact.cause}, {fact.position})"
    return f"{kind_of(fact)} {fact.id}"
