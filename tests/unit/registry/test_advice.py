"""Warnings: what is without fault and seldom meant, by file and line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.binding import Outputs
from consumer.domain.policy import Policy
from consumer.registry.advice import advice_on_policy, advice_on_topic
from tests.builders import POLICY_TEXT, a_binding, a_policy


def said(policy: Policy) -> list[str]:
    return [str(flaw) for flaw in advice_on_policy(policy, "p.md", 11)]


def with_text(more: str) -> Policy:
    """The policy with this after its text, which has 15 lines."""
    return a_policy(text=POLICY_TEXT.rstrip("\n") + "\n" + more)


def test_a_plain_policy_needs_no_advice() -> None:
    assert said(a_policy()) == []


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("Answer:", "an answer to fill in"),
        ("**Answer:**", "an answer to fill in"),
        ("Answer (HH0, HH1 or HH2):", "an answer to fill in"),
        ("Answer (0 or 1):\n\nThe message follows.", "an answer to fill in"),
        ("Final classification:", "an answer to fill in"),
        ("**Expected Response**:", "an answer to fill in"),
        ("**LABEL FORMAT**", "says how to answer"),
        ("**Output:** VALID either way", "says how to answer"),
        ("Return exactly one character: 0 or 1.", "says how to answer"),
        ("Each item gets two labels.", "asks for more than one label"),
        ("Content: [INPUT]", "a place for the message"),
        ("Message: {{ content }}", "a place for the message"),
        ("## Output format", "says how to answer"),
        ("### Label Format", "says how to answer"),
        ("Output: `HH0`", "says how to answer"),
        ("Return only the label.", "says how to answer"),
        ("Respond with a JSON object.", "says how to answer"),
        ("Reply with exactly one of the labels.", "says how to answer"),
        ('{"violation": 1, "policy_category": "H2.f"}', "says how to answer"),
    ],
)
def test_an_output_format_inside_a_policy(more: str, words: str) -> None:
    """The prompt says how to answer, and a second format or a stub gets other answers."""
    (found,) = said(with_text(more))
    assert found.startswith(f"p.md:{11 + 15}: ")
    assert words in found


@pytest.mark.parametrize(
    "more",
    [
        "A question and its answer: both are judged.",
        "HH0 if the answer is polite.",
        "Label HH1 is for rudeness.",
        "Answer:\nis how a reply in a forum begins.",
        "- HH1.a: \"return to sender\", 'answer me'.",
        "Messages in JSON are judged like others.",
        "If two labels apply, HH2 wins.",
    ],
)
def test_words_about_answers_are_no_format(more: str) -> None:
    assert said(with_text(more)) == []


@pytest.mark.parametrize("name", ["HH2.c", "HH1.z", "HH7", "HH0.a"])
def test_an_id_that_is_not_listed(name: str) -> None:
    """The model may cite only what stands under rules; told once, where it first stands."""
    assert said(with_text(f"See {name}, and {name}.")) == [
        f"p.md:26: {name} is neither under rules nor a label: nobody may cite it"
    ]


def test_ids_without_numbers() -> None:
    policy = a_policy(
        rules={"spam.links": "links"},
        text="## HH0\n## HH1\n## HH2\nspam.links, spam.bots, spam. Nothing else.",
    )
    assert [flaw.partition(" is ")[0] for flaw in said(policy)] == ["p.md:14: spam.bots"]


def test_a_label_without_a_section() -> None:
    """A label that is only mentioned has no rules of its own."""
    policy = a_policy(text=POLICY_TEXT.replace("## HH1: Rude", "Rude is HH1:"))
    assert said(policy) == ["p.md:11: labels.HH1: no heading is about it, as in ## HH1: …"]


def test_a_long_policy() -> None:
    """More than 600 tokens, by the estimate that `policy show` prints."""
    policy = with_text("word " * 600)
    assert policy.tokens > 600
    assert said(policy) == [
        f"p.md:11: text, rules and examples take about {policy.tokens} tokens: up to 600 are "
        "judged best; two subjects are two policies"
    ]


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        (Outputs(flag="{topic}.allow"), ["allow and flag are one topic"]),
        (Outputs(block="x", dead_letter="x"), ["block and dead_letter are one topic"]),
        (Outputs(), []),
    ],
)
def test_two_outcomes_on_one_topic(outputs: Outputs, words: list[str]) -> None:
    found = advice_on_topic(a_binding(outputs=outputs), "t/topic.toml")
    assert [word for word, flaw in zip(words, found, strict=True) if word in str(flaw)] == words


def test_a_name_that_kafka_refuses() -> None:
    """An input's name is within the limit, and what is appended to it is not."""
    fits = a_binding(patterns=("a" * 237, "b*" + "c" * 240))
    assert advice_on_topic(fits, "t/topic.toml") == []
    long = a_binding(patterns=("a" * 238,))
    (found,) = advice_on_topic(long, "t/topic.toml")
    assert "has 250 characters and Kafka's names 249 at most" in str(found)


PIECES = st.sampled_from(
    ["HH", "2", ".", "a", "answer", ":", " " * 2_000, "(", ")", "\n", "{", "#"]
)


@given(st.text() | st.lists(PIECES).map("".join))
def test_any_text(text: str) -> None:
    """Whatever somebody writes, advice on it ends, each in a line of the file."""
    for flaw in advice_on_policy(a_policy(text=text), "p.md", 11):
        assert 11 <= flaw.line <= 11 + text.count("\n")
