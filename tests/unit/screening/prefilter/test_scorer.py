"""A text's score is that of its features, and what is remembered of words is bounded."""

from __future__ import annotations

import math
from itertools import chain

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.screening.prefilter import features
from consumer.screening.prefilter.features import see_text, see_word
from consumer.screening.prefilter.lexicon import Lexicon
from consumer.screening.prefilter.model import (
    FAMILIAR_BITS,
    LinearModel,
    familiar_bits,
    is_familiar,
)
from consumer.screening.prefilter.prefilter import Prefilter
from consumer.screening.prefilter.scorer import Scorer, TextScore
from consumer.screening.texts.normalise import normalised
from tests.unit.screening.prefilter.filters import PLAIN, by_hand, trained


def scores_of(model: LinearModel, *texts: str) -> list[TextScore]:
    """Of texts that come together, given as their normalised words."""
    lexicon = Lexicon(model)
    rows = [lexicon.rows_of(text.split()) for text in texts]
    lengths = numpy.array([*map(len, rows)], numpy.int64)
    flat = numpy.array([*chain.from_iterable(rows)], numpy.int64)
    return Scorer(model, lexicon).score(flat, lengths)


def score_of(model: LinearModel, text: str) -> TextScore:
    (found,) = scores_of(model, text)
    return found


@settings(deadline=None)
@given(st.lists(st.sampled_from([*PLAIN, "vile", "vile!", "(new)", "ärger", "…"])))
def test_look_ups_give_what_the_features_give(words: list[str]) -> None:
    """The quick way of workers and the plain one of training are one model."""
    model = trained().model
    normal = normalised(" ".join(words))
    places = see_text(normal)
    total = sum(model.weights[place] for place in places)
    at = model.slope * (total / math.sqrt(max(1, len(places))) + model.bias) + model.offset
    score = score_of(model, normal)

    assert score.probability == pytest.approx(1 / (1 + math.exp(-at)))
    assert score_of(model, normal) == score


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from([*PLAIN, "vile", "vile!", "(new)", "x.example"]))))
def test_a_score_is_the_same_in_whatever_company(texts: list[list[str]]) -> None:
    """To the last bit: workers and restarts put other texts together."""
    model = trained().model
    said = [" ".join(words) for words in texts]
    assert scores_of(model, *said) == [score_of(model, text) for text in said]


def test_a_word_is_seen_without_the_marks_at_its_edges_but_they_are_seen_apart() -> None:
    plain, marked = see_word("garden"), see_word("(garden)!?.")
    assert plain.name == marked.name
    assert set(plain.places) < set(marked.places)
    assert len(marked.places) == len(plain.places) + 1
    # Runs of 4 and 5 of the eight characters with both ends, and the word.
    assert len(plain.places) == 5 + 4 + 1


def test_a_word_of_marks_alone_is_seen_too() -> None:
    assert see_word("?!").name != see_word("!?").name


def test_letters_beyond_ascii_are_seen_as_letters() -> None:
    """Five letters and both ends, not ten bytes."""
    assert len(see_word("добро").places) == 4 + 3 + 1


def test_a_long_word_costs_no_more_than_its_bound() -> None:
    longest = see_word("".join(chr(97 + at % 26) + str(at) for at in range(2_000)))
    assert len(longest.places) <= 2 * (features.CHARACTERS_MAX + 2) + 1


def test_the_order_of_a_pair_matters() -> None:
    one, other = see_word("not").name, see_word("vile").name
    assert features.pair_places([one, other]) != features.pair_places([other, one])
    assert features.pair_places([one]) == set()


def test_a_text_without_words_is_unfamiliar() -> None:
    assert score_of(by_hand().model, "").familiar == 0.0


def test_words_that_training_saw_are_familiar() -> None:
    scored = score_of(by_hand().model, "garden house xyzzy plugh")
    assert scored.familiar == 0.5


def test_a_word_with_other_marks_is_another_word_of_the_same_name() -> None:
    """Whichever comes first: neither is taken for the other."""
    model = trained().model._replace(slope=0.1)
    texts = ("nasty", "nasty!", "nasty")
    scores = [score_of(model, text).probability for text in texts]
    assert [each.probability for each in scores_of(model, *texts)] == scores
    assert scores[0] != scores[1]


def test_repeated_words_count_once() -> None:
    found = score_of(by_hand().model, "vile vile")
    assert found.familiar == 1.0
    # The pair of the word with itself is a feature more.
    size = len(see_word("vile").places)
    total = 8.0 * size / math.sqrt(size + 1)
    assert found.probability == pytest.approx(1 / (1 + math.exp(-2.0 * (total - 1.0))))


def test_bits_of_familiar_words_are_those_of_their_names() -> None:
    bits = familiar_bits([0, 9, FAMILIAR_BITS + 20])
    assert [name for name in range(64) if is_familiar(bits, name)] == [0, 9, 20]
    assert is_familiar(bits, FAMILIAR_BITS)


def test_an_explanation_names_what_adds_most() -> None:
    parts = Prefilter(by_hand()).explain("we meet a VILE man")
    assert parts[0].words == "vile"
    assert parts[0].adds > 0
    assert Prefilter(by_hand()).explain("") == []


def test_a_score_that_has_no_number_is_the_nearest_that_has() -> None:
    """Weights may be huge; probabilities are not."""
    model = by_hand().model._replace(slope=1e9)
    assert score_of(model, "vile").probability == pytest.approx(1.0)
    assert score_of(model, "garden").probability == pytest.approx(0.0)
