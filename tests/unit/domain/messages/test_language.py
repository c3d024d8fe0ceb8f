"""The language of a text is guessed where its record does not say, and only where that is sure."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.binding import MessageTerms
from consumer.domain.messages import language
from consumer.domain.messages.decoding import decode
from consumer.domain.messages.language import OTHER, LanguageTerms, counted_as, guessed
from consumer.domain.verdicts.encoding import encode_envelope
from tests.builders import a_message, a_record_of, a_verdict

TERMS = LanguageTerms()
ASKED = MessageTerms(language=("lang",), language_guess=TERMS)
GERMAN = "ich weiß noch nicht, ob wir morgen alle zusammen in die Stadt fahren"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (GERMAN, "de"),
        ("we should all meet by the old bridge tomorrow evening", "en"),
        ("nous devrions tous nous retrouver près du vieux pont demain", "fr"),
        ("сегодня вечером мы встречаемся у старого моста", "ru"),
        ("明日の夜、古い橋のところで会いましょう", "ja"),
    ],
)
def test_sentences_are_told_apart(text: str, code: str) -> None:
    """By an ISO 639 code."""
    assert guessed(text, TERMS) == code


def test_a_few_letters_are_not_guessed() -> None:
    """Neither is what is no letter, however long; links and handles are no words."""
    for text in ("hallo", "ok :)", "1234567890 1234567890", "@somebody_there #holiday"):
        assert guessed(text, LanguageTerms(certainty=0.5)) is None, text
    assert guessed("https://example.org/this/is/the/way/to/go/on " * 3, TERMS) is None


def test_what_is_not_sure_is_not_said() -> None:
    """The setting says how sure it must be."""
    unsure = "brrr lol haha omg"
    assert guessed(unsure, LanguageTerms(certainty=0.01)) is not None
    assert guessed(unsure, TERMS) is None


def test_only_the_beginning_is_looked_at() -> None:
    """However long a text is, it costs no more."""
    beginning = (GERMAN + ". ") * 6
    whole = beginning + "we should all meet by the old bridge tomorrow evening. " * 100
    assert guessed(whole, LanguageTerms(chars_max=len(beginning))) == "de"
    assert guessed(whole, LanguageTerms(chars_max=10_000)) == "en"


@given(st.text(max_size=300))
def test_no_text_makes_it_fail_and_the_same_text_is_the_same_again(text: str) -> None:
    """A record that is read again after a crash is guessed to be the same."""
    terms = LanguageTerms(certainty=0.01, letters_min=0)
    assert guessed(text, terms) == guessed(text, terms)


def test_a_record_that_says_it_is_believed() -> None:
    """The verdict tells a guess from the record's word."""
    said = decode(a_record_of({"text": GERMAN, "lang": "nl"}), ASKED)
    assert (said.language, said.language_guess, said.written_in) == ("nl", None, "nl")
    silent = decode(a_record_of({"text": GERMAN}), ASKED)
    assert (silent.language, silent.language_guess, silent.written_in) == (None, "de", "de")
    torn = decode(a_record_of({"text": GERMAN, "lang": ["nl"]}), ASKED)
    assert (torn.unread, torn.language_guess) == (("language",), "de")
    for message, found in ((said, {"language": "nl"}), (silent, {"language_guess": "de"})):
        about = orjson.loads(encode_envelope(a_verdict(message=message)))["message"]
        assert {n: v for n, v in about.items() if n.startswith("language")} == found


def test_nothing_is_guessed_where_the_topic_does_not_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the library need not be there."""
    monkeypatch.setattr(language, "_identifier", lambda: pytest.fail("was loaded"))
    assert decode(a_record_of({"text": GERMAN}), MessageTerms()).written_in is None
    # Neither where there is no text.
    reading = MessageTerms(language_guess=TERMS, when_empty="allow")
    assert decode(a_record_of({}), reading).written_in is None
    assert a_message().written_in is None


def test_languages_are_counted_by_their_code() -> None:
    """What has none is counted as something else."""
    assert [counted_as(tag) for tag in ("en", "en-GB", "PT_br", "zh-Hant")] == [
        "en",
        "en",
        "pt",
        "zh",
    ]
    assert {counted_as(tag) for tag in ("", "english", "e", "my own words", "-", "xx")} == {OTHER}
