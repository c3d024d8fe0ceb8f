"""Filter, draw and watch together: what is settled, audited and asked, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from consumer.domain.messages.message import Position
from consumer.errors import InvalidSettings
from consumer.screening.audited import (
    ALARMED,
    LANGUAGE_CHARS_MAX,
    SWITCHED_OFF,
    UNREAD,
    Filtered,
)
from consumer.screening.audits.note import AuditNote
from consumer.screening.audits.terms import AuditTerms
from consumer.screening.audits.watch import LANGUAGES_MAX, OTHER
from consumer.screening.filtering import LANGUAGE_MIN, Filtering, open_filtering
from tests.builders import a_message
from tests.salt import SALT
from tests.unit.screening.prefilter.filters import by_hand

TERMS = AuditTerms(recall=0.95, floor=0.1, near=0.5, run_length=100.0)


def opened(folder: Path, terms: AuditTerms = TERMS, **changes: Any) -> Filtering:
    (folder / "salt").write_bytes(SALT)
    filtering = open_filtering(by_hand(**changes), folder / "f", folder / "salt", terms)
    filtering.barred = None
    return filtering


def decided(filtering: Filtering, text: str, offset: int, language: str | None = None) -> Filtered:
    message = a_message(text, position=Position("chat", 0, offset), language=language)
    (found,) = filtering.decide([message], "t")
    return found


def test_what_is_harmless_is_settled_but_for_the_audits(tmp_path: Path) -> None:
    """By position: the same ones after a restart, and as many as the terms say."""
    filtering = opened(tmp_path)
    first = [decided(filtering, "we meet near the garden", at) for at in range(2_000)]
    again = [decided(opened(tmp_path), "we meet near the garden", at) for at in range(50)]

    assert first[:50] == again
    audited = sum(each.action == "audit" for each in first)
    assert abs(audited - 200) < 60
    assert {each.action for each in first} == {"audit", "settle"}
    assert {each.audit_probability for each in first} == {0.1}


def test_near_the_threshold_more_is_audited(tmp_path: Path) -> None:
    found = decided(opened(tmp_path, near_from=0.0), "we meet", 1)
    assert found.audit_probability == 0.5


def test_what_is_likely_positive_is_asked(tmp_path: Path) -> None:
    found = decided(opened(tmp_path), "a vile thing", 1)
    assert (found.action, found.asked_for, found.audit_probability) == ("ask", "score", None)
    assert found.score is not None


def test_a_language_of_which_little_was_seen_is_asked(tmp_path: Path) -> None:
    """One that the record does not name is judged by its words alone."""
    filtering = opened(tmp_path, languages={"en": LANGUAGE_MIN, "de": LANGUAGE_MIN - 1})
    assert decided(filtering, "we meet", 1, "de").asked_for == "little-known language"
    assert decided(filtering, "we meet", 1, "fr").asked_for == "little-known language"
    assert decided(filtering, "we meet", 1, "en").asked_for is None
    assert decided(filtering, "we meet", 1).asked_for is None
    assert decided(opened(tmp_path), "we meet", 1, "fr").asked_for is None


async def test_a_person_is_told_the_same_of_a_little_known_language(tmp_path: Path) -> None:
    """What `safeguard classify` shows is what a worker would do."""
    filtering = opened(tmp_path, languages={"en": LANGUAGE_MIN})
    assert (await filtering.look("we meet", "fr")).asked_for == "little-known language"
    assert (await filtering.look("we meet", "en")).action == "settle"
    assert (await filtering.look("we meet")).action == "settle"


def test_after_an_alarm_everything_is_asked_until_a_person_says_otherwise(tmp_path: Path) -> None:
    """The notes are those that the filter's own audits make."""
    filtering = opened(tmp_path)
    missed = Filtered("audit", 0.1, 0.1)
    for number in range(40):
        filtering.watch.add(filtering.positive(missed, f"t/0/{number}", None))
    assert decided(filtering, "we meet", 1) == Filtered("ask", asked_for="switched off")

    filtering.watch.add(AuditNote(kind="switched on", version="d1", artefact=filtering.digest))
    assert decided(filtering, "we meet", 1).asked_for is None


def test_the_note_of_a_positive_says_how_it_was_found(tmp_path: Path) -> None:
    filtering = opened(tmp_path)
    audited = filtering.positive(Filtered("audit", 0.1, 0.1), "t/0/1", "en")
    asked = filtering.positive(Filtered("ask", 0.9, asked_for="score"), "t/0/2", None)

    assert (audited.is_settled, audited.probability, audited.language) == (True, 0.1, "en")
    assert (asked.is_settled, asked.probability, asked.language) == (False, 1.0, "")
    assert audited.artefact == filtering.digest


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"recall": 0.99}, "has no evidence for recall 0.99"),
        ({"recall": 0.9}, "was made for recall 0.9 and 0.95 is demanded"),
        ({"alpha": 0.2}, "alpha = 0.05 is demanded: train one with --alpha 0.05"),
    ],
)
def test_a_filter_that_was_not_shown_to_be_good_enough_is_refused(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidSettings, match=said):
        opened(tmp_path, **changes)


def test_a_missing_salt_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"salt of the audits in .*/salt cannot be read"):
        open_filtering(by_hand(), tmp_path / "f", tmp_path / "salt", TERMS)


def test_before_its_notes_are_read_it_settles_nothing_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "salt").write_bytes(SALT)
    filtering = open_filtering(by_hand(), tmp_path / "f", tmp_path / "salt", TERMS)
    assert filtering.off == UNREAD
    assert decided(filtering, "we meet", 1).action == "ask"


def test_why_it_is_off_is_told_apart(tmp_path: Path) -> None:
    filtering = opened(tmp_path)
    filtering.watch.add(AuditNote(kind="switched off", version="d1", artefact=filtering.digest))
    by_a_person = filtering.off
    for number in range(40):
        filtering.watch.add(filtering.positive(Filtered("audit", 0.1, 0.1), f"t/0/{number}", None))
    assert (by_a_person, filtering.off) == (
        SWITCHED_OFF.format(stage="prefilter"),
        ALARMED.format(stage="prefilter"),
    )


def test_what_says_nothing_of_the_recall_is_counted_by_language(tmp_path: Path) -> None:
    """Whatever stands there: names are bounded, in number and length."""
    filtering = opened(tmp_path)
    filtering.count("en", is_settled=True)
    filtering.count("en", is_settled=True)
    filtering.count("en", is_settled=False)
    filtering.count(None, is_settled=False)
    filtering.count("x" * LANGUAGE_CHARS_MAX, is_settled=False)
    filtering.count("x" * (LANGUAGE_CHARS_MAX + 1), is_settled=True)
    notes = {n.language: (n.kind, n.settled, n.negative) for n in filtering.take_counts()}
    assert notes == {
        "en": ("counts", 2, 1),
        "": ("counts", 0, 1),
        "x" * LANGUAGE_CHARS_MAX: ("counts", 0, 1),
        OTHER: ("counts", 1, 0),
    }
    assert filtering.take_counts() == []

    for number in range(LANGUAGES_MAX + 5):
        filtering.count(f"l{number}", is_settled=True)
    counts = {n.language: n.settled for n in filtering.take_counts()}
    assert len(counts) == LANGUAGES_MAX + 1
    assert counts[OTHER] == 5
