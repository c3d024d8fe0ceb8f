"""Figures are scikit-learn's on the same predictions, whatever the predictions are."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    cohen_kappa_score,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
    precision_score,
    recall_score,
)

from consumer.commands.evaluate.measures.confusion import (
    Confusion,
    Harm,
    macro_f1_of,
    micro_of,
)
from consumer.commands.evaluate.measures.interval import Interval

LABELS = ("HH0", "HH1", "HH2")
NONE = "unjudged"
PAIRS = st.lists(
    st.tuples(st.sampled_from(LABELS), st.sampled_from((*LABELS, None))), min_size=1, max_size=60
)


def value(figure: Interval | None) -> float:
    """scikit-learn says 0 where there is nothing to divide by."""
    return 0.0 if figure is None else figure.value


@settings(max_examples=60, deadline=None)
@given(PAIRS)
def test_labels_are_measured_as_scikit_learn_does(pairs: list[tuple[str, str | None]]) -> None:
    """Precision, recall, F1, accuracy, macro F1 and kappa; what was not judged is a miss."""
    confusion = Confusion(LABELS)
    for due, got in pairs:
        confusion.add(due, got)
    due_all = [due for due, _ in pairs]
    given_all = [label or NONE for _, label in pairs]
    theirs = precision_recall_fscore_support(
        due_all, given_all, labels=list(LABELS), zero_division=0.0
    )
    for at, label in enumerate(confusion.of_labels()):
        ours = (value(label.precision), value(label.recall), value(label.f1), label.due)
        assert ours == pytest.approx(tuple(column[at] for column in theirs))
        assert (label.label, label.given) == (LABELS[at], given_all.count(LABELS[at]))
        assert label.right == sum(due == got == label.label for due, got in pairs)
    assert (confusion.total, confusion.unjudged) == (len(pairs), given_all.count(NONE))
    assert value(confusion.accuracy) == pytest.approx(accuracy_score(due_all, given_all))
    seen = sorted({*due_all, *given_all} - {NONE})
    macro = f1_score(due_all, given_all, labels=seen, average="macro", zero_division=0.0)
    assert value(confusion.macro_f1) == pytest.approx(macro)
    if len({*due_all, *given_all}) > 1:
        kappa = cohen_kappa_score(due_all, given_all)
        assert value(confusion.kappa) == pytest.approx(kappa)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_harm_is_measured_as_scikit_learn_does(pairs: list[tuple[bool, bool]]) -> None:
    """And the false-positive rate follows from its confusion matrix."""
    harm = Harm()
    for is_harmful, is_taken in pairs:
        harm.add(is_harmful=is_harmful, is_taken_for_harmful=is_taken)
    due, taken = zip(*pairs, strict=True)
    passed, alarms, missed, found = confusion_matrix(due, taken, labels=[False, True]).ravel()
    assert harm.counts == (found, alarms, missed, passed)
    measures = harm.measures()
    assert harm.total == len(pairs)
    assert value(measures.precision) == pytest.approx(precision_score(due, taken, zero_division=0))
    assert value(measures.recall) == pytest.approx(recall_score(due, taken, zero_division=0.0))
    assert value(measures.f1) == pytest.approx(f1_score(due, taken, zero_division=0.0))
    assert value(measures.accuracy) == pytest.approx(accuracy_score(due, taken))
    rate = alarms / (alarms + passed) if alarms + passed else 0.0
    assert value(measures.false_positive_rate) == pytest.approx(rate)


def test_macro_and_micro_over_policies_are_scikit_learns() -> None:
    """Of an indicator matrix: a column for each policy."""
    random = Random(3)
    due = [[random.random() < 0.3 for _ in range(3)] for _ in range(80)]
    taken = [[random.random() < 0.3 for _ in range(3)] for _ in range(80)]
    harms = {f"p{at}": Harm() for at in range(3)}
    for wanted, got in zip(due, taken, strict=True):
        for at, harm in enumerate(harms.values()):
            harm.add(is_harmful=wanted[at], is_taken_for_harmful=got[at])
    macro = macro_f1_of(harms)
    assert macro is not None
    assert macro.value == pytest.approx(f1_score(due, taken, average="macro"))
    assert macro.low < macro.value < macro.high
    micro = micro_of(harms).measures().f1
    assert value(micro) == pytest.approx(f1_score(due, taken, average="micro"))


@pytest.mark.parametrize("counts", [(1, 1, 0), (1, 0, 1)])
def test_a_policy_counts_where_anything_harmful_was_due_or_found(
    counts: tuple[int, int, int],
) -> None:
    """One that had harmless texts alone, and took none for more, has no F1 to take the mean of."""
    found = macro_f1_of({"a": Harm(*counts), "b": Harm(passed=5)})
    assert value(found) == pytest.approx(2 / 3)


def test_nothing_has_no_figures() -> None:
    """No division by zero, and nothing invented."""
    assert Harm().measures().f1 is None
    assert Confusion(LABELS).macro_f1 is None
    assert Confusion(LABELS).kappa is None
    assert macro_f1_of({}) is None
    assert micro_of({}).total == 0
