"""Labelers: what a label includes and excludes becomes two labels with rule ids."""

from __future__ import annotations

from consumer.commands.packs.cut import PackPolicy
from consumer.commands.packs.labeler import read_labeler
from consumer.domain.policy import Outcome
from consumer.errors import Flaw
from tests.unit.commands.packs.packs import NAGGING


def read(text: str) -> list[PackPolicy]:
    found = read_labeler("n.md", "nagging-labeler", text)
    return [each for each in found if isinstance(each, PackPolicy)]


def test_includes_and_excludes() -> None:
    """Each point of them gets an id, points below a point do not."""
    (found,) = read(NAGGING)
    policy = found.policy
    assert (policy.name, policy.title) == ("nagging-labeler", "Nagging")
    assert list(policy.outcomes.items()) == [("OK", Outcome.ALLOW), ("NAG", Outcome.FLAG)]
    assert policy.rules == {"NAG.1": "Asking Again", "NAG.2": "Threats", "OK.1": "One question"}
    assert policy.text.startswith(
        "## Overview\n\nFinds nagging.\n\n## Definition of Terms\n\n- **N"
    )
    assert policy.text.endswith(
        '\n\n## NAG: Nagging\n\n- NAG.1 **Asking Again**: "are you done yet", asked twice:\n'
        '  - **In one text**: too\n- NAG.2 **Threats**: "i will ask again"\n\n'
        "## OK: Everything else\n\n- Whatever no rule of NAG names is OK.\n"
        '- OK.1 **One question**: "are you done"\n'
    )
    assert [(cut.line, cut.words) for cut in found.taken_out] == [(14, "Output only the label.")]
    assert found.lost == ()


def test_several_labels_are_several_policies() -> None:
    """Each with what is said for all; what is cut of that is told once."""
    more = "\n### (WHI): Whining\n\n#### Includes\n\n- moaning; a lot\n"
    first, second = read(NAGGING + more)
    assert [each.policy.name for each in (first, second)] == [
        "nagging-labeler-nag",
        "nagging-labeler-whi",
    ]
    assert second.policy.title == "Whining"
    assert second.policy.rules == {"WHI.1": "moaning"}
    assert second.policy.text.startswith("## Overview")
    assert "NAG" not in second.policy.text
    assert len(first.taken_out) == 1
    third = "\n### (SIG) Sighing\n\n#### Includes\n\n- sighs\n"
    _, second, last = read(NAGGING + more + third)
    assert (second.policy.rules, last.policy.rules) == ({"WHI.1": "moaning"}, {"SIG.1": "sighs"})


def test_a_document_without_a_label() -> None:
    """Says what is looked for."""
    (flaw,) = read_labeler("n.md", "n", "# Criteria\n\n## Overview\n\nFinds it.\n")
    assert isinstance(flaw, Flaw)
    assert flaw.line == 1
    assert "no heading is a label" in flaw.problem


def test_what_is_cut_is_told_once_and_by_line() -> None:
    """With the first label where it is said for all, else with its own."""
    more = (
        "\nSay `VALID`.\n\n### (WHI): Whining\n\nLong. Return only the label.\n\n"
        "#### Includes\n\n1. numbered\n\n#### Output format\n\nOne word.\n\n##### Below\n\n- moan\n"
    )
    first, second = read(NAGGING + more)
    assert [cut.line for cut in first.taken_out] == [14]
    assert [(cut.line, cut.words) for cut in first.lost] == [(30, "Say `VALID`.")]
    assert [(cut.line, cut.words.split("\n")[0]) for cut in second.taken_out] == [
        (34, "Return only the label."),
        (40, "#### Output format"),
    ]
    assert second.lost == ()
    assert second.policy.text.endswith(
        "\n\n## WHI: Whining\n\nLong.\n\n1. numbered\n\n## OK: Everything else\n\n"
        "- Whatever no rule of WHI names is OK.\n\n##### Below\n\n- moan\n"
    )
    assert second.policy.rules == {}


def test_what_a_point_says_in_a_few_words() -> None:
    """Its bold words, else up to the first mark; never more than fit."""
    points = "- **Bold:** x\n- up to here (and no further)\n- " + "word " * 40 + "\n- (x)\n"
    (found,) = read(f"### (A1) Things\n\n#### Includes\n\n{points}")
    words = list(found.policy.rules.values())
    assert words[:2] == ["Bold", "up to here"]
    assert len(words[2]) == 79
    assert words[3] == "as the text says"
    assert list(found.policy.rules) == ["A1.1", "A1.2", "A1.3", "A1.4"]


def test_a_heading_stays_where_nothing_stood_below_it() -> None:
    """One that lost everything below it goes."""
    shared = "## Empty\n\n## Emptied\n\nOutput only the label.\n\n"
    (found,) = read(f"{shared}### (A1) Things\n\n#### Includes\n\n- x\n")
    assert found.policy.text.startswith("## Empty\n\n## A1: Things\n\n- A1.1 x\n")


def test_what_is_lost_for_all_labels_is_told_with_the_first() -> None:
    shared = "## Overview\n\nFinds it. Seek clarification.\n\n"
    points = "#### Includes\n\n- x\n\n"
    first, second = read(f"{shared}### (A1) One\n\n{points}### (B1) Two\n\n{points}")
    assert [cut.line for cut in first.lost] == [3]
    assert second.lost == ()
    assert first.policy.text.startswith("## Overview\n\nFinds it.\n\n## A1: One")
