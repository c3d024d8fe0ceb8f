"""A case as a reviewer sees it: whole, safe for a terminal, and without what would lead astray."""

from __future__ import annotations

from consumer.commands.review.printing import docket_lines
from consumer.domain.policy import Outcome
from consumer.review.cases.account import docket_fields
from consumer.review.cases.facts import VerdictFact
from consumer.review.cases.handling import Naming
from tests.builders import a_version
from tests.cases import (
    BLOCK,
    NOW_MS,
    a_docket,
    a_report,
    a_verdict_fact,
    an_appeal,
)

JUDGEMENT = {
    "policy": "harassment",
    "label": "HH2",
    "outcome": "flag",
    "rules": ["HH2.a", "HH9"],
    "rationale": "an insult \x1b[2J",
    "reasoning": "long thoughts",
}


def flagged() -> VerdictFact:
    fact = a_verdict_fact()
    envelope = fact.envelope | {
        "judgements": [JUDGEMENT],
        "message": {
            "id": "m-1",
            "text": "you\u202e are\nrude\x1b[31m",
            "author": "u-1",
            "context": [{"speaker": "B", "text": "hello"}],
            "text_cut": True,
        },
    }
    return a_verdict_fact(envelope=envelope)


def lines(*, rationale: bool = False) -> str:
    docket = a_docket(flagged(), a_report(note="see"), an_appeal(note="no"))
    fields = docket_fields(docket, a_version(), NOW_MS, rationale=rationale)
    return "\n".join(docket_lines(fields))


def test_what_a_reviewer_needs_is_there() -> None:
    """Text, context, rules in words, who asks, and why it is due when it is."""
    told = lines()
    for words in (
        "asked by  appeal",
        "due in",
        "severity medium",
        "B: hello",
        "(cut)",
        "HH2.a: insult",
        "HH9: ",
        "harassment HH2 (flag)",
        "reported by 1",
        "see",
        "by u-1: no",
    ):
        assert words in told, words


def test_of_a_case_that_is_decided_nobody_asks_anything() -> None:
    """Its first line has the state, which is no answer to who asks."""
    docket = a_docket(flagged())
    fields = dict(docket_fields(docket, a_version(), NOW_MS, rationale=False), asked="decided")
    assert not any("asked by" in line for line in docket_lines(fields))


def test_nothing_that_anybody_wrote_is_obeyed_by_the_terminal() -> None:
    told = lines(rationale=True)
    assert '"you\\u202e are rude\\x1b[31m"' in told
    assert all(character.isprintable() or character == "\n" for character in told)


def test_what_the_model_thought_is_shown_only_where_it_was_asked_for() -> None:
    assert "an insult" not in lines()
    assert "an insult" in lines(rationale=True)
    docket = a_docket(flagged())
    (hidden,) = docket_fields(docket, None, NOW_MS, rationale=False)["judgements"]
    (shown,) = docket_fields(docket, None, NOW_MS, rationale=True)["judgements"]
    assert "rationale" not in hidden
    assert "reasoning" not in hidden
    assert shown["reasoning"] == "long thoughts"
    assert hidden["rules"] == {"HH2.a": "", "HH9": ""}


def test_a_proposal_and_decisions_are_told_with_who_and_why() -> None:
    docket = a_docket(a_verdict_fact(), approve_outcomes=frozenset({Outcome.BLOCK}))
    proposed = docket.claimed("ann", NOW_MS, 5, {}).decided("ann", BLOCK, NOW_MS, Naming("d1"), {})
    told = list(docket_lines(docket_fields(proposed, None, NOW_MS, rationale=False)))
    words = "  proposed  block harassment.HH2 HH2.a by ann: an insult: needs a second person"
    assert any(line.startswith(words) for line in told)
    mine = proposed.claimed("bob", NOW_MS, 5, {})
    decided = mine.decided("bob", BLOCK, NOW_MS, Naming("d2"), {})
    told = list(docket_lines(docket_fields(decided, None, NOW_MS, rationale=False)))
    assert "  decided   block harassment.HH2 HH2.a by ann and bob: an insult" in told
    claimed = docket_lines(docket_fields(mine, None, NOW_MS, rationale=False))
    assert any("claimed by bob until 2026-01-01T00:00:00.005Z" in line for line in claimed)


def test_what_follows_from_an_overturn_is_told() -> None:
    """Before it who goes with it, after it what judges messages that no reviewer knows of."""
    assert "with  " not in lines()
    assert "rejudge" not in lines()
    docket = a_docket(a_verdict_fact(), an_appeal())
    fields = docket_fields(docket, None, NOW_MS, rationale=False)
    fields |= {"decided_with": ["c1", "c2"], "shared_from": "v9"}
    told = "\n".join(docket_lines(fields))
    assert "with      2 other cases: the other way they go with it (or --alone)" in told
    assert f"`safeguard rejudge --topic {docket.case.topic} --shared v9`" in told
