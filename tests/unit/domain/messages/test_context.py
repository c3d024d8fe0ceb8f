"""Context: bounded whatever is said, in order, and without anybody's name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.messages.context import (
    LINE_TOKENS,
    MESSAGES_MAX,
    Context,
    ContextTerms,
    Line,
    Utterance,
    context_of,
    cut,
    utterance_of,
)
from consumer.domain.messages.message import Fact, Message
from consumer.domain.tokens import tokens_of
from tests.builders import TIMESTAMP_MS, a_message

TEXTS = st.text(max_size=60) | st.text(st.sampled_from("ab é世😀"), max_size=400)
AUTHORS = st.none() | st.sampled_from(["u-1", "u-2", "u-3"])
MESSAGES = st.builds(
    a_message,
    TEXTS,
    author=AUTHORS,
    timestamp_ms=st.integers(-1, 100_000),
    facts=st.lists(st.builds(Fact, st.text(max_size=9), TEXTS), max_size=3).map(tuple),
)
TERMS = st.builds(
    ContextTerms,
    messages=st.integers(0, 6),
    max_age_s=st.sampled_from([0.0, 1.0, 50.0]),
    tokens_max=st.integers(20, 120),
)
ANY_AGE = ContextTerms(messages=5, max_age_s=0.0)


def after(*said: tuple[str | None, str], terms: ContextTerms = ANY_AGE, **changes: Any) -> Context:
    """The context of a message by u-1 after these ones, each an author and a text."""
    earlier = [said_by(author, text) for author, text in said]
    return context_of(a_message(**changes), earlier, terms)


def said_by(author: str | None, text: str, at_ms: int = TIMESTAMP_MS) -> Utterance:
    return utterance_of(a_message(text, author=author, timestamp_ms=at_ms), 300)


def cost(context: Context) -> int:
    facts = sum(tokens_of(name) + tokens_of(value) + LINE_TOKENS for name, value in context.facts)
    return facts + sum(tokens_of(line.text) + LINE_TOKENS for line in context.lines)


@given(MESSAGES, st.lists(MESSAGES, max_size=8), TERMS)
def test_context_is_bounded_and_in_order(
    message: Message, said: list[Message], terms: ContextTerms
) -> None:
    """Whatever was said, it is the end of what was said, and within both bounds."""
    earlier = [utterance_of(each, terms.tokens_max) for each in said]
    context = context_of(message, earlier, terms)
    assert cost(context) <= terms.tokens_max
    assert len(context.lines) <= terms.messages
    assert context.facts == message.facts[: len(context.facts)]
    young = [
        each.text
        for each in said[-terms.messages :]
        if not terms.max_age_s
        or min(each.timestamp_ms, message.timestamp_ms) < 0
        or message.timestamp_ms - each.timestamp_ms <= terms.max_age_s * 1_000
    ]
    shown = [line.text for line in context.lines]
    for line, text in zip(shown, young[len(young) - len(shown) :], strict=True):
        assert line == text or (line.endswith("…") and text.startswith(line[:-1]))


@given(TEXTS, st.integers(-3, 60))
def test_a_cut_text_is_no_longer_than_asked(text: str, tokens_max: int) -> None:
    """It is the whole text, or its beginning with a mark, or nothing."""
    kept = cut(text, tokens_max)
    assert tokens_of(kept) <= max(0, tokens_max)
    assert kept == text or kept == "" or (kept[-1] == "…" and text.startswith(kept[:-1]))


def test_speakers_are_letters_and_the_author_is_a() -> None:
    """Whoever spoke first: A wrote the message to judge, and nobody is named."""
    context = after(("u-9", "one"), ("u-1", "two"), ("u-8", "three"), ("u-9", "four"), (None, "5"))
    assert [line.speaker for line in context.lines] == ["B", "A", "C", "B", "?"]
    nobody = after(("u-1", "one"), (None, "two"), author=None)
    assert [line.speaker for line in nobody.lines] == ["B", "?"]


def test_the_oldest_are_left_out_first() -> None:
    """What does not fit is left out, with all before it, though something there would fit."""
    terms = ContextTerms(messages=5, tokens_max=20)
    context = after(("u-1", "a"), ("u-1", "b" * 48), ("u-2", "c"), terms=terms)
    assert context.lines == (Line("B", "c"),)


def test_a_long_message_is_cut_where_it_is_the_last() -> None:
    """So that there is some context at all."""
    terms = ContextTerms(messages=5, tokens_max=20)
    context = after(("u-1", "a"), ("u-1", "b" * 500), terms=terms)
    assert context.lines == (Line("A", "b" * 61 + "…"),)


def test_old_messages_do_not_count_by_the_records_own_times() -> None:
    """A minute at most lies between them and the message; one without a time is shown."""
    terms = ContextTerms(messages=5, max_age_s=60.0)
    earlier = [
        said_by("u-1", "timeless", -1),
        said_by("u-1", "old", TIMESTAMP_MS - 60_001),
        said_by("u-1", "young", TIMESTAMP_MS - 60_000),
    ]
    context = context_of(a_message(), earlier, terms)
    assert [line.text for line in context.lines] == ["timeless", "young"]


def test_facts_come_before_messages() -> None:
    """They take their share first; what is left is for the conversation."""
    terms = ContextTerms(messages=5, tokens_max=20)
    facts = (Fact("age", "3"), Fact("score", "x" * 80))
    context = after(("u-2", "c" * 100), terms=terms, facts=facts)
    assert context.facts == facts[:1]
    assert context.lines == (Line("B", "c" * 37 + "…"),)


def test_there_is_a_letter_for_everybody_that_can_be_shown() -> None:
    """Were there none, two would be taken for one, or the prompt would hold a sign of its own."""
    said = [(f"u-{number}", "hello") for number in range(2, MESSAGES_MAX + 2)]
    terms = ContextTerms(messages=MESSAGES_MAX, tokens_max=10_000)
    speakers = "".join(line.speaker for line in after(*said, terms=terms).lines)
    assert speakers == "BCDEFGHIJKLMNOPQRSTUVWXYZ"


@pytest.mark.parametrize(
    "said",
    [(), (("u-2", "hello there"),), (("u-2", "hello there"), ("u-1", "and you?"))],
)
def test_what_just_fits_is_shown_whole(said: tuple[tuple[str, str], ...]) -> None:
    """A topic gives so many tokens, and not one less."""
    facts = (Fact("account", "3 days old"), Fact("reports", "12"))
    whole = after(*said, terms=ANY_AGE, facts=facts)
    assert len(whole.facts) + len(whole.lines) == len(facts) + len(said)
    just = replace(ANY_AGE, tokens_max=cost(whole))
    assert after(*said, terms=just, facts=facts) == whole
    less = replace(ANY_AGE, tokens_max=cost(whole) - 1)
    assert after(*said, terms=less, facts=facts) != whole


@given(TEXTS)
def test_a_text_is_cut_only_where_it_takes_more_tokens_than_it_may(text: str) -> None:
    assert cut(text, tokens_of(text)) == text
    assert cut(text + "a", 0) == ""


def test_what_is_remembered_of_a_message_is_what_can_be_shown_of_it() -> None:
    """Beside its speaker; more would only fill the memory."""
    assert tokens_of(utterance_of(a_message("long " * 500), 50).text) <= 50 - LINE_TOKENS


def test_a_message_of_the_first_millisecond_has_an_age() -> None:
    """Below 0 stands for a time that is not known, and 0 is one."""
    terms = ContextTerms(messages=5, max_age_s=1.0)
    message = a_message(timestamp_ms=1_001)
    ages = {
        at_ms: context_of(message, [said_by("u-2", "hi", at_ms)], terms) for at_ms in (-1, 0, 1)
    }
    assert {at_ms: len(context.lines) for at_ms, context in ages.items()} == {-1: 1, 0: 0, 1: 1}
