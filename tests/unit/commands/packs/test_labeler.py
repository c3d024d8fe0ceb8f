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
        '## NAG: Nagging\n\n- NAG.1 **Asking Again**: "are you done yet", asked twice:\n'
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


def test_a_document_without_a_label() -> None:
    """Says what is looked for."""
    (flaw,) = read_labeler("n.md", "n", "# Criteria\n\n## Overview\n\nFinds it.\n")
    assert isinstance(flaw, Flaw)
    assert "no heading is a label" in flaw.problem
