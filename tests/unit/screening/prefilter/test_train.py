"""A filter learns from judged messages, is certified by others, and settles only what it may."""

from __future__ import annotations

import sys

import pytest

from consumer.errors import InvalidSettings
from consumer.screening.prefilter.certify import certify
from consumer.screening.prefilter.example import FilterExample, split_by_time
from consumer.screening.prefilter.fit import TextMatrix
from consumer.screening.prefilter.prefilter import Prefilter
from consumer.screening.prefilter.train import CERTIFYING_SHARE, train
from tests.unit.screening.prefilter.filters import by_hand, examples, purpose, trained


def test_a_filter_learns_what_is_positive() -> None:
    """Foul words are asked about, plain ones settled, and the recall is shown."""
    head = trained().head
    prefilter = Prefilter(trained())

    assert prefilter.look("we talk about the garden today").is_settled
    assert prefilter.look("we talk about the nasty garden today").asked_for == "score"
    assert head.has_evidence
    assert head.shown.low >= 0.9
    assert head.shown.settled > 0.6
    assert 0 < head.near_from <= head.threshold
    assert head.languages == {"en": 700, "de": 350} or set(head.languages) == {"en", "de"}


def test_the_same_examples_make_the_same_filter() -> None:
    assert train(examples(1_500), purpose()).digest == trained().digest


def test_training_never_sees_the_certifying_part() -> None:
    """A foul word that only comes there is not known."""
    made = examples(1_500)
    certifying = split_by_time(made, CERTIFYING_SHARE).certifying
    changed = [
        example._replace(text=example.text + " zyzzyva")
        if example in certifying and example.is_positive
        else example
        for example in made
    ]
    artefact = train(changed, purpose())
    assert artefact.weights == trained().weights
    assert artefact.familiar == trained().familiar
    assert artefact.head.threshold == trained().head.threshold


def test_what_was_audited_weighs_as_much_as_it_stands_for() -> None:
    """A kind of abuse that an earlier filter hid is learned from its few audits."""
    made = examples(1_200, share=0.1)
    hidden = [
        FilterExample("we meet near the house again grue", True, weight, 1_000 * at + 500, "en")
        for weight, at in ((20.0, at) for at in range(0, 800, 40))
    ]
    heavy = Prefilter(train([*made, *hidden], purpose()))
    light = Prefilter(train([*made, *(e._replace(weight=0.05) for e in hidden)], purpose()))
    text = "we meet grue"
    assert heavy.look(text).score > light.look(text).score


def test_without_certainty_the_threshold_is_higher() -> None:
    """It only aims at the demanded recall; half of all samples then fail to show it."""
    made = [
        e._replace(is_positive=e.is_positive != (at % 23 == 0))
        for at, e in enumerate(examples(1_500))
    ]
    plain = train(made, purpose(recall=0.8, certain=0.0)).head
    sure = train(made, purpose(recall=0.8, certain=0.9)).head
    assert plain.threshold > sure.threshold


@pytest.mark.parametrize("count", [0, 50])
def test_too_little_to_learn_from_is_said_in_numbers(count: int) -> None:
    with pytest.raises(InvalidSettings, match=r"too little to learn from: \d+ positives and \d+"):
        train(examples(count), purpose())


def test_positives_of_one_short_time_cannot_be_learned() -> None:
    made = [
        example._replace(is_positive=100 < at < 160 or at in (1_480, 1_490))
        for at, example in enumerate(examples(1_500))
    ]
    with pytest.raises(InvalidSettings, match="within a short time"):
        train(made, purpose(certifying_share=0.03))


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(InvalidSettings, match=r"safeguard-consumer\[prefilter\]"):
        train(examples(400), purpose())


def test_what_looks_disguised_or_unfamiliar_is_never_settled() -> None:
    prefilter = Prefilter(by_hand())
    assert prefilter.look("we meet near the garden").is_settled
    assert prefilter.look("we meet near the g\u200barden").asked_for == "hidden characters"
    assert prefilter.look("wir treffen uns im garten").asked_for == "unfamiliar words"
    assert prefilter.look("\u200b").asked_for == "no words"
    assert prefilter.look("vile").asked_for == "score"
    # Half of the words is just enough.
    assert prefilter.look("we xyzzy").is_settled


def test_a_link_that_the_others_do_not_have_leaves_a_text_unfamiliar() -> None:
    """As for a worker: else the threshold would be lower for what is never settled anyway."""
    matrix = TextMatrix(["we meet at shop.example", "we meet at noon.example/x", "we meet at noon"])
    known = matrix.names([0])
    assert [matrix.familiar(row, known) for row in range(3)] == [1.0, 0.0, 0.75]


def test_a_score_of_the_very_threshold_reaches_the_model() -> None:
    score = Prefilter(by_hand()).look("we meet").score
    assert Prefilter(by_hand(threshold=score)).look("we meet").asked_for == "score"
    assert Prefilter(by_hand(threshold=score + 1e-9)).look("we meet").is_settled


def test_a_certificate_counts_positives_that_would_be_settled() -> None:
    shown = certify(
        Prefilter(by_hand()),
        [
            FilterExample("vile", True),
            FilterExample("we meet", True),
            FilterExample("the garden", False),
            FilterExample("the vile garden", False, 5.0),
        ],
        0.05,
    )
    assert (shown.positives, shown.missed, shown.recall) == (2, 1, 0.5)
    assert shown.settled == pytest.approx(2 / 8)
    nothing = certify(Prefilter(by_hand()), [], 0.05)
    assert (nothing.low, nothing.settled) == (0.0, 0.0)
