"""Bounds are read from words and from `topic.toml`, and what they are of must be there."""

from __future__ import annotations

import pytest

from consumer.commands.evaluate.report.gates import QualityGate, check_names, gates_in, gates_of
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
