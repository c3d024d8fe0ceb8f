"""How often people agree, with the model and with each other, and what certainty is worth."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.commands.review.quality import Quality, Threshold, quality_lines
from consumer.review.cases.facts import DecisionFact, ReviewFact
from tests.cases import NOW_MS, TOPIC, a_case, a_decision, a_verdict_fact

JUDGED = [
    {"policy": "spam", "label": "SP0", "outcome": "allow", "rules": ["SP0.a"]},
    {"policy": "spam", "label": "SP2", "outcome": "block", "rules": ["SP2.a", "SP2.b"]},
    {"policy": "rude", "label": "R1", "outcome": "flag", "rules": []},
]
FLAG = a_verdict_fact(envelope={"message": {}, "judgements": JUDGED})


def quality(*groups: tuple[ReviewFact, ...]) -> Quality:
    """Of cases, each with these facts."""
    found = Quality()
    for facts in groups:
        case = a_case(*facts)
        for decision in case.decisions:
            found.add(case, decision)
    return found


def decided(id: str, outcome: str = "block", **changes: Any) -> DecisionFact:
    return a_decision(id, outcome=outcome, **changes)


def test_a_rule_is_as_precise_as_people_find_it() -> None:
    """What the model cited: its rules, or the label where it cited none; what it allowed is not."""
    found = quality((FLAG, decided("d1")), (FLAG, decided("d2", "allow")), (decided("d3"),))
    assert set(found.rules) == {"spam.SP2.a", "spam.SP2.b", "rude.R1"}
    for looks in (found.all, found.rules["spam.SP2.a"], found.reviewers["ann"]):
        assert (looks.confirmed, looks.dismissed) == (1, 1)
        assert looks.precision is not None
        assert looks.precision.value == 0.5
        assert looks.overturned is None


def test_only_the_version_that_was_decided_about_counts() -> None:
    edit = a_verdict_fact("v2", position=f"{TOPIC}/1/9", envelope={"judgements": []})
    found = quality((FLAG, edit, decided("d1", position=f"{TOPIC}/1/9")))
    assert found.all.precision is None


def test_the_last_decision_about_a_version_is_what_holds() -> None:
    again = decided("d2", "allow", by="bob", at_ms=NOW_MS + 9_999_999)
    found = quality((FLAG, decided("d1"), again))
    assert (found.all.confirmed, found.all.dismissed) == (0, 1)
    assert found.reviewers["bob"].dismissed == 1
    assert (found.reviewers["ann"].confirmed, found.reviewers["ann"].dismissed) == (0, 0)


def test_what_somebody_else_changes_is_overturned() -> None:
    """It counts for whoever decided first; who corrects themselves overturns nobody."""
    late = NOW_MS + 9_999_999
    found = quality(
        (FLAG, decided("d1"), decided("d2", "allow", by="bob", at_ms=late)),
        (FLAG, decided("d3"), decided("d4", by="bob", at_ms=late)),
        (FLAG, decided("d5"), decided("d6", "allow", at_ms=late)),
        (FLAG, decided("d7", "allow"), decided("d8", "allow", by="bob", at_ms=late)),
    )
    for looks in (found.all, found.reviewers["ann"], found.rules["rude.R1"]):
        assert looks.again.total == 3
        assert looks.overturned is not None
        assert looks.overturned.value == pytest.approx(1 / 3)
    assert found.reviewers["bob"].again.total == 0


@pytest.mark.parametrize(
    ("pairs", "kappa"),
    [
        # Three of four agree; by chance (1/2 * 1/4 + 1/2 * 3/4) = 1/2 would.
        ([("block", "block"), ("block", "allow"), ("allow", "allow"), ("allow", "allow")], 0.5),
        ([("block", "block"), ("allow", "allow")], 1.0),
        ([("block", "allow"), ("allow", "block")], -1.0),
        # All the same: there is nothing that chance would not give.
        ([("block", "block")] * 3, None),
    ],
)
def test_agreement_is_what_chance_would_not_give(
    pairs: list[tuple[str, str]], kappa: float | None
) -> None:
    late = NOW_MS + 9_999_999
    found = quality(
        *(
            (decided(f"a{n}", one), decided(f"b{n}", other, by="bob", at_ms=late))
            for n, (one, other) in enumerate(pairs)
        )
    )
    said = found.reviewers["ann"].again.kappa
    assert (said and said.value) == kappa


def test_of_a_batch_one_case_is_a_sample() -> None:
    """A person looked once, however many cases it settled."""
    late = NOW_MS + 9_999_999
    cases = [
        (FLAG, decided(f"a{n}", batch="b-1"), decided(f"b{n}", by="bob", at_ms=late, batch="b-2"))
        for n in range(5)
    ]
    found = quality(*cases, (FLAG, decided("d9")))
    assert found.all.confirmed == 2
    assert found.all.again.total == 1
    assert found.fields(2.0)["decisions_a_day"] == 5.5


def test_what_certainty_is_worth() -> None:
    """Flags that stay with people at each, and of the others how many people confirmed."""
    found = Quality()
    for number, (sure, outcome) in enumerate(
        [(0.95, "block"), (0.95, "allow"), (0.7, "block"), (0.3, "block"), (None, "block")]
    ):
        case = a_case(FLAG, decided(f"d{number}", outcome, position=f"{TOPIC}/1/{number}"))
        found.add(case, case.decisions[0])
        found.add_flag(case.id, a_verdict_fact(certainty=sure, position=f"{TOPIC}/1/{number}"))
    found.add_flag("undecided", a_verdict_fact(certainty=0.95))
    rows = {row.certainty: row for row in found.thresholds()}
    assert rows[0.5] == Threshold(0.5, 2, 3, 2)
    assert rows[0.7] == Threshold(0.7, 2, 3, 2)
    assert rows[0.8] == Threshold(0.8, 3, 2, 1)
    assert rows[0.95] == Threshold(0.95, 3, 2, 1)
    assert rows[0.99] == Threshold(0.99, 6, 0, 0)
    fields = found.fields(2.0)
    assert fields["flags_a_day"] == 3
    assert fields["thresholds"][0]["flags_a_day"] == 1
    assert fields["thresholds"][-1]["confirmed"] is None
    assert [each["of_capacity"] for each in fields["thresholds"]][::6] == [0.4, 1.2]


def test_where_the_model_says_no_certainty_nothing_is_said_of_it() -> None:
    found = Quality()
    found.add_flag("one", FLAG)
    assert found.thresholds() == []
    assert list(quality_lines(found.fields(1.0))) == ["1.0 flags and 0.0 decisions a day"]


def test_a_person_reads_it_in_words() -> None:
    late = NOW_MS + 9_999_999
    found = quality(
        (FLAG, decided("d1"), decided("d2", "allow", by="bob", at_ms=late)),
        (FLAG, decided("d3"), decided("d4", by="bob", at_ms=late)),
    )
    found.add_flag("one", a_verdict_fact(certainty=0.9))
    lines = list(quality_lines(found.fields(1.0)))
    assert lines[0].startswith("rule rude.R1: 1 of 2 confirmed 50% (9% to 91%); 2 looked at again")
    assert "reviewer bob: 1 of 2 confirmed" in "\n".join(lines)
    assert "kappa 0.00" in lines[0]
    assert lines[-1] == (
        "  1.0 a day (25% of what people decide) without those the model is 99% sure of: "
        "of these none decided"
    )
    first_day = found.fields(1.0)
    first_day["thresholds"][-1]["of_capacity"] = 140.0
    assert "(140 times what people decide)" in list(quality_lines(first_day))[-1]
