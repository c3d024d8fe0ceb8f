"""A long text is as bad as its worst part, where it is learned from as where it is settled."""

from __future__ import annotations

from operator import ge
from random import Random

import pytest

from consumer.screening.prefilter import parts as module
from consumer.screening.prefilter.example import FilterExample
from consumer.screening.prefilter.parts import PART_WORDS, parts_of
from consumer.screening.prefilter.prefilter import Prefilter
from consumer.screening.prefilter.train import learn
from tests.unit.screening.prefilter.filters import FOUL, PLAIN, of_words


@pytest.mark.parametrize("count", [0, 1, PART_WORDS - 1, PART_WORDS])
def test_a_text_of_few_words_has_no_parts(count: int) -> None:
    assert parts_of(count) == [slice(0, count)]


@pytest.mark.parametrize("count", [PART_WORDS + 1, PART_WORDS * 3 // 2, 97, 2_000])
def test_parts_cover_a_text_and_any_half_of_a_part_lies_whole_in_one(count: int) -> None:
    words = [str(number) for number in range(count)]
    whole, *parts = [words[part] for part in parts_of(count)]

    assert whole == words
    assert parts[0][0] == words[0]
    assert parts[-1][-1] == words[-1]
    half = PART_WORDS // 2
    for begin in range(count - half):
        piece = words[begin : begin + half]
        assert any(set(piece) <= set(part) for part in parts)


@pytest.mark.parametrize("at", ["begin", "middle", "end"])
def test_what_is_asked_about_is_asked_about_among_many_harmless_words(at: str) -> None:
    """Wherever it stands; the words alone are settled."""
    prefilter = Prefilter(of_words(PLAIN, {"vile": 2.0}, threshold=0.4))
    words = Random(3).choices(PLAIN, k=400)
    assert prefilter.look(" ".join(words)).is_settled
    assert prefilter.look("we meet vile today").asked_for == "score"

    place = {"begin": 0, "middle": 200, "end": 400}[at]
    hidden = " ".join([*words[:place], "vile", *words[place:]])

    assert prefilter.look(hidden).asked_for == "score"


def test_foreign_words_at_the_end_of_many_known_ones_are_left_to_the_model() -> None:
    known = [f"known{number}" for number in range(200)]
    prefilter = Prefilter(of_words(known, {}, threshold=0.9))
    foreign = [f"zq{number}x" for number in range(PART_WORDS)]

    assert prefilter.look(" ".join(known)).is_settled
    assert prefilter.look(" ".join([*known, *foreign])).asked_for == "unfamiliar words"


def test_a_long_text_is_scored_by_its_worst_part_in_training_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else the threshold were one for other scores than workers see."""
    random = Random(1)
    examples = [
        FilterExample(
            " ".join([*random.choices(PLAIN, k=200), *(FOUL if bad else ())]),
            is_positive=bad,
            timestamp_ms=number,
        )
        for number, bad in enumerate(random.random() < 0.3 for _ in range(400))
    ]
    by_parts = learn(examples, 0.3).scored.scores
    monkeypatch.setattr(module, "PART_WORDS", 1_000)
    by_wholes = learn(examples, 0.3).scored.scores

    assert by_parts != by_wholes
    assert all(map(ge, by_parts, by_wholes))
