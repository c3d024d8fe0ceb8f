"""What is written for others, word for word, and what is said of it where it is less."""

from __future__ import annotations

from dataclasses import replace

import pytest

from consumer.commands.evaluate.cases.own import Case
from consumer.commands.packs.written import (
    coded_document,
    differences,
    labeler_document,
    table_of,
)
from consumer.domain.policy import Effort, Example, Look, Outcome, Policy, SecondLookTerms
from consumer.errors import InvalidSettings

CODED = Policy(
    "river",
    "River Stunts",
    "## Goal\n\nFind stunts.\n\n## RS0: Fine (safe)\n\n- RS0.a: news\n\n"
    "## RS1: Praise\n\n- RS1.a: fun\n",
    {"RS0": Outcome.ALLOW, "RS1": Outcome.FLAG},
    {"RS0.a": "news", "RS1.a": "fun"},
    (Example("is it\ndeep?", "RS0"),),
)
LABELER = Policy(
    "nag",
    "Nagging",
    "## Overview\n\nFinds it.\n\n## NAG: Asking again\n\n- NAG.1 **Twice**: two\n- NAG.2 thrice\n\n"
    "## OK: Everything else\n\n- Whatever no rule of NAG names is OK.\n- OK.1 once\n",
    {"OK": Outcome.ALLOW, "NAG": Outcome.FLAG},
    {"NAG.1": "Twice", "NAG.2": "thrice", "OK.1": "once"},
)


def test_codes_with_their_answers() -> None:
    """Below each label, and a section on the format of labels with the examples."""
    assert coded_document(CODED, with_answers=True) == (
        "# River Stunts (#RS)\n\n## Goal\n\nFind stunts.\n\n"
        "## Fine (RS0 - safe)\n\n- RS0.a: news\n\n"
        "Output: `VALID`\n\n## Praise (RS1)\n\n- RS1.a: fun\n\nOutput: `INVALID`\n\n"
        "## Label Format\n\nEach item gets one label.\n\n- `RS0`\n- `RS1`\n\nExamples:\n\n"
        '- "is it deep?" -> `RS0`\n'
    )
    plain = coded_document(replace(CODED, examples=()), with_answers=True)
    assert plain.endswith("- `RS0`\n- `RS1`\n")


def test_codes_as_in_the_guide() -> None:
    """Without answers, for a model that is told how to answer otherwise."""
    assert coded_document(CODED, with_answers=False) == (
        "# River Stunts\n\n## Goal\n\nFind stunts.\n\n## Fine (RS0 - safe)\n\n- RS0.a: news\n\n"
        '## Praise (RS1)\n\n- RS1.a: fun\n\n## EXAMPLES\n\n- "is it deep?" -> `RS0`\n'
    )
    numbered = replace(
        CODED,
        text="## 0: Fine\n\n## 1: Bad\n\n## RS1: no label here\n",
        outcomes={"0": Outcome.ALLOW, "1": Outcome.FLAG},
        examples=(),
    )
    assert coded_document(numbered, with_answers=False) == (
        "# River Stunts\n\n## Fine (0)\n\n## Bad (1)\n\n## RS1: no label here\n"
    )
    assert coded_document(numbered, with_answers=True).startswith("# River Stunts\n\n## Fine (0)\n")


def test_a_labeler() -> None:
    """Rule ids go, and the sentence that an import adds."""
    assert labeler_document(LABELER) == (
        "# Criteria\n\n## Overview\n\nFinds it.\n\n## Definition of Label\n\n"
        "### (NAG) Asking again\n\n#### Includes\n\n- **Twice**: two\n- thrice\n\n"
        "#### Excludes\n\n- once\n"
    )
    without_rules = replace(LABELER, rules={})
    assert "- NAG.2 thrice" in labeler_document(without_rules)


@pytest.mark.parametrize(
    "outcomes",
    [
        {"OK": Outcome.ALLOW, "NAG": Outcome.FLAG, "NAG2": Outcome.BLOCK},
        {"OK": Outcome.ALLOW, "FINE": Outcome.ALLOW},
        {"OK": Outcome.ALLOW, "FINE": Outcome.ALLOW, "NAG": Outcome.FLAG},
    ],
)
def test_a_labeler_has_one_label(outcomes: dict[str, Outcome]) -> None:
    """Beside the one for what is allowed."""
    with pytest.raises(InvalidSettings, match=f"nag has {len(outcomes)} labels"):
        labeler_document(replace(LABELER, outcomes=outcomes))


def test_a_reply_stands_beside_its_prompt() -> None:
    """Also where the prompt was left out."""
    cases = [
        Case("a-1", 'say "no"', "", CODED, "RS0"),
        Case("a-1-reply", "no,\nno", "", CODED, "RS1"),
        Case("a-2-reply", "alone", "", CODED, "RS0"),
    ]
    assert table_of(cases) == (
        'Example,Classification,Responses,Response Label\n"say ""no""",RS0,"no,\nno",RS1\n'
        ",,alone,RS0\n"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, []),
        ({"outcomes": {"RS0": Outcome.ALLOW}}, ["label RS1: its heading names it in no way"]),
        (
            {"outcomes": {"RS0": Outcome.ALLOW, "RS1": Outcome.BLOCK}},
            ["label RS1 is flag here; there it reads as block"],
        ),
        ({"text": "other"}, ["the text reads a little differently there"]),
        ({"rules": {"RS0.a": "news"}}, ["not at all: RS1.a"]),
        ({"rules": {"RS0.a": "x", "RS1.a": "y"}}, ["not at all: RS0.a, RS1.a"]),
        ({"examples": ()}, ["1 examples without their rules or line feeds"]),
        ({"title": "Rivers"}, ["the title is Rivers there"]),
        ({"severity": "high"}, ["severity, effort and second look"]),
        ({"effort": Effort.HIGH}, ["severity, effort and second look"]),
    ],
)
def test_differences_are_said(change: dict[str, object], words: list[str]) -> None:
    """Each by itself, and nothing where there is none."""
    found = differences(CODED, replace(CODED, **change))  # type: ignore[arg-type]
    assert len(found) == len(words)
    for sentence, expected in zip(found, words, strict=True):
        assert expected in sentence


def test_a_second_look_has_no_place_elsewhere() -> None:
    """However the rest is the same."""
    looked = replace(CODED, second_look=SecondLookTerms(0.1, Look.EFFORT))
    assert differences(looked, CODED) == ["severity, effort and second look have no place there"]


def test_a_prompt_without_a_reply_has_a_whole_row() -> None:
    """And a reply may come first."""
    cases = [Case("a-reply", "no", "", CODED, "RS1"), Case("a", "say", "", CODED, "RS0")]
    assert table_of(cases).splitlines()[1:] == ["say,RS0,no,RS1"]
    assert table_of(cases[1:]).splitlines()[1:] == ["say,RS0,,"]


def test_the_title_bears_the_letters_of_the_codes() -> None:
    """Not those of the label for everything else."""
    rude = replace(CODED, text="", outcomes={"OK": Outcome.ALLOW, "RUDE1": Outcome.FLAG})
    assert coded_document(rude, with_answers=True).startswith("# River Stunts (#RUDE)\n")
