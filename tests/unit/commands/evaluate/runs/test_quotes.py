"""Words of a policy are found in what a model says, and words of a text never are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from consumer.commands.evaluate.runs.quotes import quoted_in
from tests.builders import a_policy

POLICY = a_policy(
    text="## HH1: Rude\n\n- HH1.a: Insults a person to hurt, in any language.\n\n## HH0: Fine\n",
    rules={"HH1.a": "contempt for what somebody is"},
)


def test_runs_of_words_are_quotations() -> None:
    """Without case and punctuation, as long as they are, from the text and from the rules."""
    said = "It INSULTS a person -- to hurt. So there is contempt for what somebody is."
    assert quoted_in(POLICY, said, "you fool") == (
        "insults a person to hurt",
        "contempt for what somebody is",
    )
    assert quoted_in(POLICY, "a person to", "") == ()
    assert quoted_in(POLICY, "a person to hurt", "") == ("a person to hurt",)
    assert quoted_in(POLICY, "", "") == ()


def test_what_the_text_says_is_none() -> None:
    """Where somebody quotes the policy in a message, a model that repeats it says nothing."""
    said = "It says: insults a person to hurt, in any language"
    assert quoted_in(POLICY, said, "Insults a person to hurt") == (
        "person to hurt in any language",
    )
    assert quoted_in(POLICY, said, "insults a person to hurt in any language") == ()


def test_there_is_an_end() -> None:
    """A model that repeats the whole policy gives a few short quotations."""
    long = a_policy(text=" ".join(f"w{n}" for n in range(40)))
    (quote,) = quoted_in(long, long.text, "")
    assert len(quote.split()) == 12
    parts = " x ".join(" ".join(f"w{n}" for n in range(at, at + 4)) for at in range(0, 40, 4))
    assert len(quoted_in(long, parts, "")) == 6


@given(
    st.lists(st.sampled_from(["insults", "a", "person", "to", "hurt", "in", "any"]), max_size=20)
)
def test_every_quotation_stands_in_the_policy_row_by_row(words: list[str]) -> None:
    """And four words in a row that stand there are never missed."""
    found = quoted_in(POLICY, " ".join(words), "")
    for quote in found:
        assert quote in " ".join(words)
    assert bool(found) == any(
        " ".join(words[at : at + 4]) in "insults a person to hurt in any language"
        for at in range(len(words) - 3)
    )
