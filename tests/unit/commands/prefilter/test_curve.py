"""What a filter saves at each recall, by hand; and its slices."""

from __future__ import annotations

import pytest

from consumer.commands.prefilter.curve import NamedCurve, SeenLook, curve_of, plot
from consumer.commands.prefilter.slices import (
    MESSAGES_MIN,
    LookedAt,
    by_identity_term,
    by_language,
    slice_of,
)
from consumer.commands.prefilter.training import duration, said_of
from consumer.screening.audited import LANGUAGE_CHARS_MAX
from consumer.screening.audits.watch import LANGUAGES_MAX
from consumer.screening.prefilter.example import FilterExample
from consumer.screening.prefilter.prefilter import FilterLook
from consumer.screening.prefilter.recall import Shortage


def look(score: float, asked_for: str | None = "score") -> FilterLook:
    return FilterLook(asked_for is None, score, 1.0, asked_for)  # type: ignore[arg-type]


def test_the_curve_goes_from_nothing_saved_to_nothing_found() -> None:
    """Two positives and four others, one of which is never settled."""
    seen = [
        SeenLook(look(0.1, None), False),
        SeenLook(look(0.2, None), True),
        SeenLook(look(0.3, None), False),
        SeenLook(look(0.3), False),
        SeenLook(look(0.0, "unfamiliar words"), False),
        SeenLook(look(0.9), True),
    ]
    points = curve_of(seen)
    assert [(p.threshold, p.recall, p.saved) for p in points[:5]] == [
        (0.0, 1.0, 0.0),
        (0.2, 1.0, 0.25),
        (0.3, 0.5, 0.25),
        (0.9, 0.5, 0.75),
        (1.0, 0.0, 0.75),
    ]
    assert curve_of(seen[:1]) == []
    assert curve_of([]) == []


def test_weights_count_in_the_curve() -> None:
    """A miss that stands for three of four."""
    seen = [
        SeenLook(look(0.1, None), True, 3.0),
        SeenLook(look(0.2), True, 1.0),
        SeenLook(look(0.05, None), False),
    ]
    assert [round(point.recall, 2) for point in curve_of(seen)[:3]] == [1.0, 1.0, 0.25]


def test_the_plot_is_a_picture_with_its_names_escaped() -> None:
    drawn = plot("a <b>", [NamedCurve("<one>", curve_of([SeenLook(look(0.1), False)]))])
    assert "a &lt;b&gt;" in drawn
    assert "&lt;one&gt;" in drawn
    assert "<one>" not in drawn


def looked(text: str, is_positive: bool, is_settled: bool, language: str = "") -> LookedAt:
    example = FilterExample(text, is_positive, language=language)
    return LookedAt(example, look(0.1, None if is_settled else "score"))


def test_a_slice_tells_misses_and_false_alarms() -> None:
    rows = [
        looked("a", True, True),
        looked("a", True, False),
        looked("a", False, True),
        looked("a", False, False),
        looked("a", False, False),
    ]
    row = slice_of("all", rows)
    assert row.recall is not None
    assert row.asked is not None
    assert row.recall.value == 0.5
    assert row.asked.value == pytest.approx(2 / 3)
    assert slice_of("none", []).recall is None
    assert slice_of("none", []).asked is None


def test_slices_are_by_language_and_by_identity_term() -> None:
    """Rare ones are left out; terms that cost most calls come first."""
    rows = [looked("Gay bar", False, False, "en")] * MESSAGES_MIN
    rows += [looked("a woman, women", False, True)] * (MESSAGES_MIN + 1)
    rows += [looked("jew", False, True, "de")] * (MESSAGES_MIN - 1)
    assert [(row.name, row.messages) for row in by_language(rows)] == [
        ("-", MESSAGES_MIN + 1),
        ("en", MESSAGES_MIN),
    ]
    assert by_identity_term(rows)[0].name == "gay"
    assert {row.name for row in by_identity_term(rows)} == {"gay", "woman", "women"}


def test_what_is_lacking_is_said_in_words() -> None:
    assert said_of(Shortage(20, 5_000, 7_200)) == (
        "20 more positives are needed to certify: about 5,000 messages, 2 hours at this topic's "
        "rate"
    )
    assert "nothing says how long" in said_of(Shortage(20, float("inf"), float("inf")))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(1, "1 seconds"), (119, "119 seconds"), (120, "2 minutes"), (200_000, "2 days")],
)
def test_durations_are_said_in_a_unit_that_people_think_in(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_languages_beyond_the_most_frequent_and_names_that_are_none_are_one_row() -> None:
    """Records may say anything there, and a page of thousands of rows hides those that count."""
    rows = [looked("x", False, False, "en")] * (MESSAGES_MIN + 2)
    rows += [looked("x", False, False, "y" * 2_000)] * (MESSAGES_MIN + 1)
    for number in range(LANGUAGES_MAX):
        rows += [looked("x", False, False, f"l{number}")] * MESSAGES_MIN
    found = by_language(rows)
    assert len(found) == LANGUAGES_MAX
    assert sum(row.messages for row in found) == len(rows)
    assert found[0].name == "other"
    assert found[0].messages == 3 * MESSAGES_MIN + 1
    assert all(len(row.name) <= LANGUAGE_CHARS_MAX for row in found)
