"""Bounds are read from words and from `topic.toml`, and what they are of must be there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from consumer.commands.evaluate.measures.confusion import Harm, LabelMeasures
from consumer.commands.evaluate.measures.interval import wilson
from consumer.commands.evaluate.measures.tally import RunMeasures
from consumer.commands.evaluate.report.gates import (
    QualityGate,
    check_names,
    gates_in,
    gates_of,
    hold,
)
from consumer.domain.binding import GateTerms
from consumer.errors import InvalidSettings
from tests.builders import a_policy, a_version

VERSION = a_version(a_policy(name="hate"), a_policy(name="spam"))


def test_words_and_tables_say_the_same() -> None:
    """A number alone is of whole texts."""
    least = QualityGate("recall", "hate.HH2", 0.9, is_least=True)
    most = QualityGate("false_positive_rate", "outcome", 0.02, is_least=False)
    assert gates_of({"min_recall": ["hate.HH2=0.9"], "max_fpr": ["0.02"]}) == (least, most)
    terms = GateTerms(min_recall={"hate.HH2": 0.9}, max_fpr={"outcome": 0.02})
    assert gates_in(terms) == (least, most)
    assert [gate.bound for gate in gates_of({"min_f1": ["0, a=1"]})] == [0, 1]
    assert str(least) == "recall of hate.HH2 >= 0.9"
    check_names((least, most), VERSION)


@pytest.mark.parametrize("word", ["", "HH2", "HH2=x", "1.5", "-0.1", "nan", "HH2=inf"])
def test_what_is_no_share(word: str) -> None:
    """Is named with its flag."""
    with pytest.raises(InvalidSettings, match="--min-recall"):
        gates_of({"min_recall": [word]})


@pytest.mark.parametrize(
    ("option", "word", "problem"),
    [
        ("min_recall", "other=0.5", "no policy or label"),
        ("min_recall", "HH2=0.5", "several policies have that label"),
        ("max_fpr", "hate.HH2=0.5", "it is of a policy or of whole texts"),
    ],
)
def test_what_a_version_does_not_have(option: str, word: str, problem: str) -> None:
    """Is said before anything is asked."""
    with pytest.raises(InvalidSettings, match=problem):
        check_names(gates_of({option: [word]}), VERSION)


def a_run(name: str = "v1", *, is_rerun: bool = False) -> RunMeasures:
    """
    Of the texts 9 of 10 harmful ones are found and 1 of 4 harmless ones besides; under `hate` 3 of
    4 and none; of its labels HH1 has a recall of 1/2, and HH2 was never due.
    """
    share, nothing = wilson(1, 2), wilson(0, 0)
    labels = [
        LabelMeasures("HH1", 2, 1, 1, wilson(1, 1), share, None),
        LabelMeasures("HH2", 0, 0, 0, nothing, nothing, None),
    ]
    policies = [
        SimpleNamespace(policy="spam", harm=Harm().measures(), labels=[]),
        SimpleNamespace(policy="hate", harm=Harm(3, 0, 1, 6).measures(), labels=labels),
    ]
    outcome = Harm(9, 1, 1, 3).measures()
    run = SimpleNamespace(run=name, is_rerun=is_rerun, outcome=outcome, policies=policies)
    return cast(RunMeasures, run)


@pytest.mark.parametrize(
    ("option", "word", "is_kept"),
    [
        ("min_recall", "0.9", True),
        ("min_recall", "0.91", False),
        ("max_fpr", "0.25", True),
        ("max_fpr", "0.24", False),
        ("min_recall", "hate=0.75", True),
        ("min_precision", "hate=1", True),
        ("max_fpr", "hate=0", True),
        ("min_recall", "HH1=0.5", True),
        ("min_recall", "hate.HH1=0.51", False),
        ("min_precision", "hate.HH1=1", True),
        # What cannot be measured keeps no bound, however low.
        ("min_recall", "HH2=0", False),
        ("min_recall", "spam=0", False),
        ("max_fpr", "other=1", False),
    ],
)
def test_a_bound_is_kept_by_the_figure_of_what_it_names(
    option: str, word: str, is_kept: bool
) -> None:
    """The bound itself is good enough."""
    (found,) = hold(gates_of({option: [word]}), [a_run()])
    assert (found.run, found.is_kept) == ("v1", is_kept)


def test_every_run_is_held_to_every_bound_but_one_that_repeats_another() -> None:
    runs = [a_run("v1"), a_run("v1 again", is_rerun=True), a_run("v2")]
    found = hold(gates_of({"min_recall": ["0.9", "hate=0.9"]}), runs)
    assert [(each.run, each.is_kept) for each in found] == [
        ("v1", True),
        ("v1", False),
        ("v2", True),
        ("v2", False),
    ]
