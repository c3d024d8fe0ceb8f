"""Policies whose headings name their labels: what becomes of each line of them."""

from __future__ import annotations

import pytest

from consumer.commands.packs.answers import Reason, reason_against
from consumer.commands.packs.coded import read_coded
from consumer.commands.packs.cut import Cut, PackPolicy
from consumer.commands.packs.labels import (
    LabelledExample,
    example_in,
    foreign_heading_of,
    heading_of,
    label_in,
    rule_in,
)
from consumer.domain.policy import Example, Outcome
from consumer.errors import Flaw
from tests.unit.commands.packs.packs import GUIDE, RIVER, SHOP


def read(text: str) -> PackPolicy:
    found = read_coded("p.md", "river-stunts", text)
    assert isinstance(found, PackPolicy)
    return found


def lines(cuts: tuple[Cut, ...]) -> list[int]:
    return [cut.line for cut in cuts]


def test_codes_rules_and_examples_of_a_pack() -> None:
    """Codes become labels, which of them blocks is for people to decide."""
    policy = read(RIVER).policy
    assert (policy.name, policy.title) == ("river-stunts", "River Stunts Policy")
    assert list(policy.outcomes.items()) == [
        ("RS0", Outcome.ALLOW),
        ("RS1", Outcome.FLAG),
        ("RS2", Outcome.FLAG),
    ]
    assert policy.rules == {
        "RS0.a": "Safety",
        "RS0.b": "News",
        "RS1.a": "Praise",
        "RS2.a": "Steps",
    }
    assert policy.examples == (
        Example("Is the river deep?", "RS0"),
        Example("The bridge jump was great.", "RS1"),
    )
    assert policy.text.startswith("## Goal\n\nFind stunts at rivers.\n\nOnly what happens at")
    assert (
        '- RS0.a Safety: "wear a life vest"; "stay near the shore."\n- RS0.b News\n' in policy.text
    )
    for gone in ("VALID", "Label Format", "escalate", "# River", "one label"):
        assert gone not in policy.text
    assert policy.text.endswith("treat it as `RS1`.\n- Plain talk remains `RS0`.\n")


def test_what_is_left_out_is_named_by_line() -> None:
    """What the prompt says anyway apart from what somebody has to decide."""
    found = read(RIVER)
    assert lines(found.taken_out) == [5, 22, 28, 34, 36, 38, 40, 41, 43]
    assert found.taken_out[0].words.startswith("Classify each example as `VALID`")
    assert [str(cut) for cut in found.lost] == [
        "p.md:51: to escalate is no outcome: flag where a person decides, else block: - If it "
        "overlaps with self-harm, escalate to the relevant policy domain.",
        "p.md:52: names no label: write which code is meant: - If it is half clear, treat it as "
        "`INVALID`.",
    ]


def test_bold_headings_two_labels_and_escalation() -> None:
    """As in the spam example of the model's guide."""
    found = read(SHOP)
    policy = found.policy
    assert policy.title == "Shop Spam Policy"
    assert policy.outcomes == {"SP0": Outcome.ALLOW, "SP4": Outcome.FLAG}
    assert policy.rules == {"SP0.a": "Request", "SP4.a": "Phishing"}
    assert policy.examples == (Example("Steal it", "SP4"),)
    assert policy.text.startswith("**GOAL:** Find spam.\n\n## SP0: Allowed Content (no spam)\n")
    assert policy.text.endswith("## AMBIGUITY & ESCALATION\n\n- If fraud → classify SP4.\n")
    whys = {cut.line: cut.why.partition(":")[0] for cut in found.lost}
    assert whys == {
        15: "to escalate is no outcome",
        18: "an answer has one label",
        20: "an answer has one label",
        23: "an answer has one label",
        28: "nobody can be asked",
    }
    assert 29 in lines(found.taken_out)


def test_the_template_of_the_guide() -> None:
    """Labels 0 and 1, a fence with a format, and a line to fill in at the end."""
    found = read(GUIDE)
    assert found.policy.outcomes == {"0": Outcome.ALLOW, "1": Outcome.FLAG}
    assert found.policy.examples == (Example("you goose", "1"), Example("thank you", "0"))
    assert found.policy.text == (
        '## INSTRUCTIONS\n\nJudge rudeness.\n\n## 1: VIOLATES\n\n- insults: "you silly goose"\n\n'
        "## 0: SAFE\n\n- thanks\n"
    )
    assert lines(found.taken_out) == [5, 7, 26]
    assert found.lost == ()


def test_examples_with_their_label_in_the_heading() -> None:
    """The other template of the guide: a heading is an example's, not a label's."""
    text = """### VIOLATES Policy (Label: 1)

- noise

### DOES NOT Violate Policy (Label: 0)

- calm

### Example 1 (Label: 1)

**Content**: "a loud bang"

**Expected Response**:

**Answer:**

### Example 2 (Label: 7)

**Content**: "hm"
"""
    found = read(text)
    assert found.policy.outcomes == {"0": Outcome.ALLOW, "1": Outcome.FLAG}
    assert found.policy.examples == (Example("a loud bang", "1"),)
    assert lines(found.taken_out) == [13, 15]
    assert [(cut.line, cut.why) for cut in found.lost] == [(19, "the policy has no label 7")]
    assert "Example" not in found.policy.text


def test_flags_and_front_matter_of_another_kind() -> None:
    """Several flags at once are said to be lost, and so is what stood above the document."""
    text = """---
layout: page
---
# Flags

## Applies (S1)

Return all the flags that apply.

```
{"S": true, "H": false}
```
"""
    found = read(text)
    assert lines(found.lost) == [1, 1, 8, 10]
    assert found.policy.outcomes == {"OK": Outcome.ALLOW, "S1": Outcome.FLAG}
    assert found.policy.text == (
        "## S1: Applies\n\n## OK: Everything else\n\n- Whatever no other section names.\n"
    )
    assert any("OK was added" in cut.words for cut in found.lost)


def test_a_document_without_labels() -> None:
    """Says what such a heading looks like."""
    found = read_coded("p.md", "p", "# Rules\n\nBe kind.\n")
    assert isinstance(found, list)
    assert isinstance(found[0], Flaw)
    assert "no heading names a label" in found[0].problem


@pytest.mark.parametrize(
    ("heading", "body", "outcome"),
    [
        ("Not safe (A1)", "", Outcome.FLAG),
        ("Safe things (A1)", "", Outcome.ALLOW),
        ("Things (A0)", "", Outcome.ALLOW),
        ("Safe things (A0)", "Output: `INVALID`", Outcome.FLAG),
        ("Things (A3)", "Output: VALID", Outcome.ALLOW),
        ("A3: Everything else", "", Outcome.ALLOW),
        ("Unsafe (1)", "", Outcome.FLAG),
        ("A20: Things", "", Outcome.FLAG),
    ],
)
def test_what_a_label_leads_to(heading: str, body: str, outcome: Outcome) -> None:
    """By its answer, else its words, else its number; never to a block."""
    found = read(f"## {heading}\n\n- words\n\n{body}\n")
    assert next(iter(found.policy.outcomes.items() - {("OK", Outcome.ALLOW)}))[1] is outcome


def test_more_examples_than_a_prompt_has_room_for() -> None:
    """The first are kept, each once; the others are named."""
    rows = "\n".join(f'- "text {n}" -> A1' for n in range(45))
    found = read(f'## Bad (A1)\n\n## Fine (A0)\n\n## Examples\n\n- "text 0" -> A1\n{rows}\n')
    assert len(found.policy.examples) == 40
    assert len(found.lost) == 5
    assert all("room" in cut.why for cut in found.lost)
    fits, longer = "a" * 2_000, "b" * 2_001
    found = read(
        f'## Bad (A1)\n\n## Fine (A0)\n\n## Examples\n\n- "{fits}" -> A1\n- "{longer}" -> A1\n'
    )
    assert [example.text for example in found.policy.examples] == [fits]
    assert [cut.line for cut in found.lost] == [8]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Allowed (DC0 - safe)", "DC0: Allowed (safe)"),
        ("Allowed (DC0)", "DC0: Allowed"),
        ("VIOLATES (Label: 1)", "1: VIOLATES"),
        ("(A1) Things", "A1: Things"),
        ("(A1 - x)", "A1: (x)"),
        ("(A1)", "A1"),
        ("HH2: Attacks", "HH2: Attacks"),
        ("HH2 – Attacks", "HH2: Attacks"),
    ],
)
def test_headings_begin_with_their_label(theirs: str, ours: str) -> None:
    """As those of our policies do; and they go back to what others read the same in."""
    label = label_in(theirs)
    assert label is not None
    assert heading_of(theirs) == ours
    assert heading_of(foreign_heading_of(ours, label)) == ours
    assert heading_of(foreign_heading_of(theirs, label)) == ours


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# Words (#W)\n\n## Bad (A1)\n", "Words"),
        ("before\n\n# Words\n\n## Bad (A1)\n", "Words"),
        ("## Goal\n\n# Later\n\n## Bad (A1)\n", "River stunts"),
        ("# (#W)\n\n## Bad (A1)\n", "River stunts"),
        ("# Bad (A1)\n", "River stunts"),
        ("## Hate (EU)\n\n## Bad (A1)\n", "River stunts"),
        ("# Hate (EU)\n\n## Bad (A1)\n", "Hate (EU)"),
    ],
)
def test_what_a_document_is_called(text: str, title: str) -> None:
    """By its first heading where that is above the others, else by its file."""
    assert read(text).policy.title == title


def test_the_format_of_answers_ends_where_its_section_does() -> None:
    """What is below it goes too; the label that is added stands below nothing."""
    found = read(
        "## Goal\n\nFind it.\n\n## Bad (A1)\n\n- x\n\n# Answer format\n\n## Words\n\nOne word.\n"
    )
    assert found.policy.outcomes == {"OK": Outcome.ALLOW, "A1": Outcome.FLAG}
    assert found.policy.text == (
        "## Goal\n\nFind it.\n\n## A1: Bad\n\n- x\n\n"
        "## OK: Everything else\n\n- Whatever no other section names.\n"
    )
    assert lines(found.taken_out) == [9, 11, 13]


def test_a_table_of_examples_and_its_head() -> None:
    """A row is one where its label is meant or looks like one; the head of the table is none."""
    table = "| Text | Label |\n|---|---|\n| hm | safe |\n| argh | A9 |\n"
    labels = "## Bad (A1)\n\n## Fine (A0)\n\n"
    found = read(f"{labels}## Examples\n\n{table}")
    assert found.policy.examples == (Example("hm", "A0"),)
    assert [(cut.line, cut.why) for cut in found.lost] == [(10, "the policy has no label A9")]
    assert found.policy.text.endswith("## Examples\n\n| Text | Label |\n|---|---|\n")
    found = read(f"{labels}## Label format\n\n{table}")
    assert found.policy.examples == (Example("hm", "A0"),)
    assert lines(found.taken_out) == [5, 7, 8]


def test_what_is_no_example() -> None:
    """The line below a table's head, whatever its columns are, and a text that is too long."""
    assert example_in("| :-- | --- | --- |") is None
    longest = f'- "{"x" * 3_990}" -> A1'
    assert len(longest) == 4_000
    assert example_in(longest) == LabelledExample("x" * 3_990, "A1")
    assert example_in(longest.replace("x", "xx", 1)) is None


@pytest.mark.parametrize(
    ("point", "words"),
    [
        ('- A1.a Praise: "fun"', "Praise"),
        ("- A1.a Praise\t – of it – all", "Praise"),
        ('- **A1.a** Praise\n  "fun"', "Praise"),
        ("- A1.a Ratio 1:2 of-it", "Ratio 1:2 of-it"),
        ("- A1.a " + "x" * 90, "x" * 80),
        ("- A1.a: ", "as the text says"),
    ],
)
def test_a_rule_in_a_few_words(point: str, words: str) -> None:
    """Up to a colon, a dash or a quotation, and no more than a prompt lists."""
    assert rule_in(point, {"A1"}) == ("A1.a", words)


def test_why_a_sentence_has_no_place() -> None:
    """Without what to do about it in a policy of ours, where the reader would not look for it."""
    assert reason_against("Return only the label.", ()) == Reason("says how to answer", False)
    several = Reason("asks for more than one label", True)
    assert reason_against("Give it one or more labels.", ()) == several
