"""For matching a text is what a person reads in it, however it is written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.commands.evaluate.disguises import DISGUISES
from consumer.screening.texts import normalise
from consumer.screening.texts.normalise import normal_words, normalised

READ_ALL_THE_SAME = (
    "zero-width", "soft-hyphens", "selectors", "bidi-isolates", "bidi-marks", "homoglyphs",
    "full-width-text", "struck",
)  # fmt: skip


@pytest.mark.parametrize("name", READ_ALL_THE_SAME)
def test_characters_that_a_reader_sees_nothing_of_change_nothing(name: str) -> None:
    """Each of the shipped ways to disguise a text, but for those that change what is read."""
    disguise = {name: way for ways in DISGUISES.values() for name, way in ways.items()}[name]

    assert normalised(disguise("You stupid idiot")) == "you stupid idiot"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("  Two\twords\n", "two words"),
        ("", ""),
        ("\u200b \ufeff", ""),
        ("a \u200b b", "a b"),
        # Leet: a sign between letters makes the whole word leet, a lone number does not.
        ("y0u 57up1d b!tch", "you stupid bitch"),
        ("$hit h@te", "shit hate"),
        ("10am 2nd 100 mp3", "10am 2nd 100 mp3"),
        # Links, mail and handles are found as they are written.
        ("http://ex4mple.com/a1b www.a1b.com", "http://ex4mple.com/a1b www.a1b.com"),
        ("j0e@ex4mple.com @l33t", "j0e@ex4mple.com @l33t"),
        # Letters spaced out, and two words of them.
        ("k i l l", "kill"),
        ("K.I.L.L them", "kill them"),
        ("f_u-c*k", "fuck"),
        ("k i l l  y o u", "kill you"),
        ("kilo i l l", "kilo ill"),
        ("i a", "i a"),
        ("I'm and I'd", "i'm and i'd"),
        ("1 2 3 4", "1 2 3 4"),
        # Repeated letters.
        ("noooooo waaay", "noo waay"),
        ("good!!!!", "good!!"),
        # Escapes.
        ("&#107;ill &amp; run", "kill & run"),
        # Scripts keep the marks that are their vowels, and their own letters.
        ("नमस्ते", "नमस्ते"),
        ("привет", "привет"),
        ("ПРИВЕТ", "привет"),
        ("ありがとう", "ありがとう"),
        ("Müller naïve", "muller naive"),
        ("Straße", "strasse"),
        ("hеllo", "hello"),
        ("T恤", "t恤"),
    ],
)
def test_a_text_is_normalised(text: str, plain: str) -> None:
    """What is undone and what is left, case by case."""
    assert normalised(text) == plain


@settings(deadline=None)
@given(st.text())
def test_every_text_can_be_normalised(text: str) -> None:
    """No text makes it fail; words stay apart by single blanks."""
    assert "  " not in normalised(text)
    assert normal_words(text) == normalised(text).split(), "a word is one, and never nothing"


def test_a_lone_surrogate_is_no_error() -> None:
    """Such a text cannot be encoded, and some decoders let it through."""
    assert normalised("a\ud800 b").endswith(" b")


def test_words_are_forgotten_and_long_ones_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender of random words fills nothing."""
    monkeypatch.setattr(normalise, "WORDS_KEPT_MAX", 3)
    known = normalise._Words()
    for word in ("ONE", "TWO", "THREE"):
        known[word]
    assert set(known) == {"ONE", "TWO", "THREE"}

    assert known["FOUR"] == "four"
    assert dict(known) == {"FOUR": "four"}
    assert known["A" + "b" * normalise.WORD_KEPT_MAX] == "abb"
    assert set(known) == {"FOUR"}
    assert known["Ab" * (normalise.WORD_KEPT_MAX // 2)]
    assert len(known) == 2
