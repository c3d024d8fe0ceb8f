"""All who read the same notes conclude the same, and a repeated note counts once."""

from __future__ import annotations

import json

import pytest

from consumer.errors import InvalidSettings
from consumer.screening.audits import watch as module
from consumer.screening.audits.evidence import Evidence
from consumer.screening.audits.note import AuditNote, read_note
from consumer.screening.audits.prevalence import PrevalenceTracker
from consumer.screening.audits.terms import AuditTerms
from consumer.screening.audits.watch import FilterWatch

TERMS = AuditTerms(recall=0.9, floor=0.1, near=0.3, run_length=200.0)


def new_watch() -> FilterWatch:
    return FilterWatch("v", "a", TERMS)


def positive(offset: int, *, is_settled: bool = False, language: str = "") -> AuditNote:
    return AuditNote(
        kind="positive",
        version="v",
        artefact="a",
        position=f"t/0/{offset}",
        is_settled=is_settled,
        probability=0.1 if is_settled else 1.0,
        language=language,
    )


def counts(settled: int, negative: int, language: str = "") -> AuditNote:
    return AuditNote(
        kind="counts",
        version="v",
        artefact="a",
        settled=settled,
        negative=negative,
        language=language,
    )


def test_a_fall_switches_the_filter_off_at_the_same_note_for_everybody() -> None:
    """Two workers of which one was restarted in between."""
    notes = [positive(n, is_settled=n > 50 and n % 3 == 0) for n in range(120)]
    one, other = new_watch(), new_watch()
    off_at: list[list[int]] = [[], []]
    for number, note in enumerate(notes):
        if number == 60:
            kept = json.loads(json.dumps(other.state()))
            other = new_watch()
            other.restore(kept)
        for at, watch in enumerate((one, other)):
            watch.add(note)
            if not watch.standing.is_on:
                off_at[at].append(number)
    assert off_at[0] == off_at[1]
    assert off_at[0][0] > 50
    assert one.state() == other.state()
    assert one.standing.is_alarmed


def test_a_person_switches_it_on_again_and_the_alarm_listens_anew() -> None:
    watch = new_watch()
    for number in range(40):
        watch.add(positive(number, is_settled=True))
    assert not watch.standing.is_on

    watch.add(AuditNote(kind="switched on", version="v", artefact="a"))
    on = watch.standing
    assert (on.is_on, on.is_alarmed) == (True, False)
    watch.add(AuditNote(kind="switched off", version="v", artefact="a"))
    off = watch.standing
    assert (off.is_on, off.is_alarmed) == (False, False)


def test_switching_on_what_is_on_takes_nothing_from_the_alarm() -> None:
    """Two people heed one alarm, or a job says it every hour: what was heard stays heard."""
    one, other = new_watch(), new_watch()
    on = AuditNote(kind="switched on", version="v", artefact="a")
    for number in range(40):
        for watch in (one, other):
            watch.add(positive(number, is_settled=True))
        if other.is_on:
            other.add(on)
    assert not one.is_on
    assert not other.is_on


@pytest.mark.parametrize("name", ["settled", "negative"])
def test_a_count_that_no_worker_counts_is_no_note(name: str) -> None:
    """It would be no number for whoever adds it up, and notes are read for ever."""
    said = '{"kind":"counts","version":"v","artefact":"a","%s":%s}'
    assert read_note((said % (name, "9" * 400)).encode()) is None
    found = read_note((said % (name, 10**12)).encode())
    assert found is not None
    watch = new_watch()
    for _ in range(1_000):
        watch.add(found)
    assert watch.standing.messages == 10**15
    assert watch.by_language() is not None


def test_a_note_that_is_repeated_or_of_another_filter_moves_nothing() -> None:
    watch = new_watch()
    watch.add(positive(1))
    state = watch.state()
    watch.add(positive(1))
    watch.add(positive(2).model_copy(update={"version": "w"}))
    watch.add(positive(2).model_copy(update={"artefact": "b"}))

    assert watch.state() == state
    assert watch.standing.positives == 1


def test_positions_are_forgotten_beyond_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REPEATS_KEPT_MAX", 2)
    watch = new_watch()
    for number in (1, 2, 3, 2, 3):
        watch.add(positive(number))
    assert watch.standing.positives == 3
    watch.add(positive(1))
    assert watch.standing.positives == 4


def test_prevalence_counts_what_was_settled_and_weighs_what_was_audited() -> None:
    """900 settled unseen, 95 judged harmless, 4 found and 1 audited at 0.1: 14 of 1,000."""
    watch = new_watch()
    watch.add(counts(900, 95, "en"))
    for number in range(4):
        watch.add(positive(number, language="en"))
    watch.add(positive(5, is_settled=True, language="de"))
    found = watch.standing

    assert found.messages == 1_000
    assert found.missed == 1
    assert found.prevalence is not None
    assert found.prevalence.share == pytest.approx(0.014)
    assert found.prevalence.low < 0.014 < found.prevalence.high
    assert list(watch.by_language()) == ["de", "en"]


def test_languages_beyond_a_bound_count_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LANGUAGES_MAX", 2)
    watch = new_watch()
    for number, language in enumerate(("en", "de", "fr", "pl", "en")):
        watch.add(positive(number, language=language))
    assert list(watch.by_language()) == ["de", "en", "other"]


def test_without_positives_prevalence_is_bounded_by_what_was_looked_at() -> None:
    """A million unseen messages say nothing; 100 that were looked at say: below 4 %."""
    tracker = PrevalenceTracker()
    assert tracker.estimate() is None
    tracker.add_unseen(1_000_000)
    assert tracker.estimate() is None
    tracker.add_negatives(100)
    found = tracker.estimate()

    assert found is not None
    assert found.share == 0.0
    assert 0.03 < found.high < 0.04


def test_an_audited_positive_widens_the_interval() -> None:
    """It stands for ten, and of ten that are seen themselves one knows more."""
    seen, audited = PrevalenceTracker(), PrevalenceTracker()
    for tracker in (seen, audited):
        tracker.add_negatives(990)
    for _ in range(10):
        seen.add(Evidence(False, 1.0, True))
    audited.add(Evidence(True, 0.1, True))
    audited.add_unseen(9)
    one, other = seen.estimate(), audited.estimate()

    assert one is not None
    assert other is not None
    assert one.share == other.share == pytest.approx(0.01)
    assert other.high - other.low > one.high - one.low


def test_notes_are_read_as_they_were_written_and_foreign_ones_are_none() -> None:
    """A later release may write fields and kinds that are not known here."""
    note = positive(3, is_settled=True, language="en")
    assert read_note(note.encode()) == note
    assert read_note(b'{"kind":"positive","version":"v","artefact":"a","new":1}') is not None
    for value in (None, b"", b"{}", b'{"kind":"else","version":"v","artefact":"a"}'):
        assert read_note(value) is None
    assert read_note(note.encode().replace(b"0.1", b"0.0")) is None


def test_a_kept_state_of_another_filter_is_refused() -> None:
    with pytest.raises(InvalidSettings, match="of another filter"):
        FilterWatch("v", "b", TERMS).restore(new_watch().state())


def test_a_note_of_a_chance_that_no_audit_has_is_none() -> None:
    """What it weighs overflowed, and notes are kept for ever: no worker could have read them."""
    value = b'{"kind":"positive","version":"v","artefact":"a","position":"t/0/1","probability":%s}'

    assert read_note(value % b"1e-300") is None
    assert read_note(value % b"0.000001") is not None


def test_whoever_missed_the_first_notes_is_off_until_a_person_says_otherwise() -> None:
    """An alarm may have been among them, and others may have read it."""
    watch = new_watch()
    watch.miss_some()
    watch.add(positive(1))

    assert (watch.is_on, watch.standing.has_missed, watch.is_alarmed) == (False, True, False)
    kept = new_watch()
    kept.restore(json.loads(json.dumps(watch.state())))
    assert kept.standing == watch.standing

    watch.add(AuditNote(kind="switched on", version="v", artefact="a"))
    assert (watch.is_on, watch.standing.has_missed) == (True, False)
