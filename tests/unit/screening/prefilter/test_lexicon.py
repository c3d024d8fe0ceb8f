"""What many texts come to at once is what each comes to by the plain functions."""

from __future__ import annotations

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.screening.prefilter import lexicon as module
from consumer.screening.prefilter.lexicon import ADDS, NAME, WORD_KEPT_MAX, Lexicon, sums_of
from consumer.screening.prefilter.prefilter import Prefilter
from consumer.screening.texts.disguise import TEXT_MAX, disguise, word_look
from consumer.screening.texts.normalise import may_run, normal_words, runs_of
from tests.unit.screening.prefilter.filters import PLAIN, by_hand, of_words, trained

WORDS = st.one_of(
    st.sampled_from([*PLAIN, "Garden!", "GARDEN", "vile", "a", "I", "b.", ".c", "d-e", "-f", "1"]),
    st.sampled_from(["&amp;", "&nbsp;", "\u200b", "v-i-l-e", "v.", "ﷺ", "http://x.example", "½a"]),
    st.text(st.sampled_from("ab.-_ \u00a0é1"), max_size=8),
    st.text(max_size=6),
)
TEXTS = st.lists(WORDS, max_size=12).map(" ".join)


def words_in(lexicon: Lexicon, texts: list[str]) -> list[list[tuple[int, ...]]]:
    """The rows of each text's words."""
    words, lengths, _ = lexicon.read(texts)
    rows = [tuple(row) for row in lexicon.words.rows(words).tolist()]
    ends = numpy.cumsum(lengths).tolist()
    return [rows[end - length : end] for end, length in zip(ends, lengths.tolist(), strict=True)]


@settings(deadline=None, max_examples=300)
@given(st.lists(TEXTS, max_size=6))
def test_the_words_of_texts_are_those_that_normalising_finds(texts: list[str]) -> None:
    lexicon = Lexicon(trained().model)
    expected = []
    for text in texts:
        plain = Lexicon(trained().model)
        rows = plain.words.rows(plain.rows_of(normal_words(text))).tolist()
        expected.append([tuple(row) for row in rows])
    assert words_in(lexicon, texts) == expected
    assert words_in(lexicon, texts) == expected, "and so again, as they are known now"


@settings(deadline=None, max_examples=300)
@given(TEXTS)
def test_a_run_of_single_letters_is_told_by_the_words(text: str) -> None:
    """Words with fewer than two together hold no run; the pattern itself decides the others."""
    if may_run(text):
        assert sum(map(runs_of, text.split())) >= 2


@settings(deadline=None)
@given(st.lists(TEXTS, max_size=6))
def test_texts_look_as_their_words_do(texts: list[str]) -> None:
    _, _, looks = Lexicon(trained().model).read(texts)
    assert looks == [sum(map(word_look, text.split()), 0j) for text in texts]


@settings(deadline=None)
@given(st.lists(TEXTS, max_size=6))
def test_looks_are_the_same_together_and_one_by_one(texts: list[str]) -> None:
    together = Prefilter(trained()).looks(texts)
    assert together == [Prefilter(trained()).look(text) for text in texts]
    for text, look in zip(texts, together, strict=True):
        if look.asked_for not in {"score", "no words", "unfamiliar words"}:
            assert look.asked_for == disguise(text)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WORDS_KEPT_MAX", 3)
    lexicon = Lexicon(by_hand().model)
    before = words_in(lexicon, ["garden house old near"])
    assert repr(lexicon) == "<Lexicon 4 words written, 4 words>"
    assert words_in(lexicon, ["garden house"]) == [before[0][:2]]
    assert repr(lexicon) == "<Lexicon 2 words written, 2 words>"


def test_a_long_word_is_not_remembered_and_its_row_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WORDS_KEPT_MAX", 3)
    lexicon = Lexicon(by_hand().model)
    long = "xy" * WORD_KEPT_MAX
    found = {tuple(words_in(lexicon, [long])[0]) for _ in range(9)}
    assert len(found) == 1
    assert repr(lexicon) == "<Lexicon 0 words written, 0 words>"
    assert len(lexicon.words) <= 3


def test_of_a_text_that_is_never_settled_no_more_is_read_than_of_others() -> None:
    lexicon = Lexicon(by_hand().model)
    words, _, _ = lexicon.read(["ab " * TEXT_MAX])
    assert len(words) == -(-TEXT_MAX // 3)
    assert Prefilter(by_hand()).look("we meet " * TEXT_MAX).asked_for == "long"


def test_tables_grow_and_keep_what_is_in_them() -> None:
    lexicon = Lexicon(of_words(["w0"], {"vile": 2.0}).model)
    many = [f"w{number}" for number in range(3_000)]
    first = words_in(lexicon, ["w0 vile"])
    lexicon.read([" ".join(many)])
    assert words_in(lexicon, ["w0 vile"]) == first
    assert first[0][1][ADDS] > 0
    assert first[0][0][NAME] != first[0][1][NAME]


def test_sums_of_empty_groups_are_zero() -> None:
    rows = numpy.array([[1, 10], [2, 20], [3, 30]])
    found = sums_of(rows, numpy.array([0, 2, 0, 1, 0])).tolist()
    assert found == [[0, 0], [3, 30], [0, 0], [3, 30], [0, 0]]
