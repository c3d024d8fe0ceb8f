"""Certificate, bounds and alarm: what they show, that they err as seldom as promised."""

from __future__ import annotations

import json

import pytest

from consumer.errors import InvalidSettings
from consumer.screening.audits.alarm import AlarmTracker
from consumer.screening.audits.bounds import GRID, BoundsTracker
from consumer.screening.audits.certificate import CertificateTracker
from consumer.screening.audits.evidence import Evidence
from consumer.screening.audits.forecast import Stream, messages_to_alarm, messages_to_certify
from consumer.screening.audits.terms import AuditTerms
from tests.screening.peeking import coverage, detection, run_length

JUDGED = Evidence(False, 1.0, True)
MISSED = Evidence(True, 0.1, True)
HARMLESS = Evidence(True, 0.1, False)


def test_evidence_is_as_in_the_literature() -> None:
    """A miss weighs r / p against the recall, a positive that was judged 1 - r for it."""
    assert MISSED.against(0.9) == pytest.approx(9.0)
    assert JUDGED.against(0.9) == pytest.approx(-0.1)
    assert HARMLESS.against(0.9) == 0.0
    # Whom a later stage would have settled, and its audits found, stands for others.
    assert Evidence(False, 0.5, True).against(0.9) == pytest.approx(-0.2)
    assert MISSED.weight == 10.0


def test_the_mean_of_evidence_is_zero_exactly_at_the_recall() -> None:
    """Whatever the probability: 90 of 100 found, and of 10 missed one audited at 0.1."""
    assert sum(e.against(0.9) for e in [JUDGED] * 90 + [MISSED]) == pytest.approx(0.0)


def test_positives_that_are_found_show_a_recall_and_a_miss_takes_it_back() -> None:
    certificate = CertificateTracker(0.9, 0.05, probability_min=1.0)
    found = 0
    while not certificate.is_shown:
        certificate.add(JUDGED)
        found += 1
    # The exact bound for a fixed number needs 29; reading at any time costs about twice that.
    assert 29 <= found <= 60

    wealth = certificate.wealth
    certificate.add(HARMLESS)
    assert certificate.wealth == wealth
    certificate.add(Evidence(True, 1.0, True))
    assert certificate.wealth < wealth
    assert certificate.is_shown, "what was shown once at this level stays shown"


def test_wealth_never_falls_below_nothing_nor_grows_beyond_a_number() -> None:
    certificate = CertificateTracker(0.9, 0.05, probability_min=0.5)
    for _ in range(200):
        certificate.add(Evidence(True, 0.1, True))
    assert 0.0 <= certificate.wealth < 0.001
    rich = CertificateTracker(0.5, 0.05, probability_min=1.0)
    for _ in range(5_000):
        rich.add(JUDGED)
    assert rich.wealth < 1e251


def test_misses_raise_the_alarm_and_it_stays_on() -> None:
    alarm = AlarmTracker(0.95, run_length=1_000.0, probability_min=0.1)
    for _ in range(100):
        alarm.add(JUDGED)
        alarm.add(HARMLESS)
    assert not alarm.is_on
    assert alarm.level < 1_000.0

    for _ in range(6):
        alarm.add(MISSED)
    for _ in range(2_000):
        alarm.add(JUDGED)
    assert alarm.level < 1_000.0
    assert alarm.state()["on"] == 1


def test_a_bad_filter_is_certified_as_seldom_as_promised() -> None:
    """Where the exact bound for a fixed sample, read after every audit, errs far more often."""
    found = coverage(AuditTerms(recall=0.95, floor=0.05), range(60), count=1_500, seed=7)

    assert found.wrong <= 0.05 * 60
    assert found.wrong_by_peeking > 0.05 * 60


def test_false_alarms_come_as_seldom_as_promised() -> None:
    """Counted in positives that say something; the recall is just as demanded."""
    terms = AuditTerms(recall=0.95, floor=0.05, run_length=300.0)
    found = run_length(terms, streams=40, most=20_000, seed=7)

    assert found.never == 0
    assert found.mean > 300.0


def test_a_fall_is_seen_within_the_references_figures() -> None:
    """At 5 % positives and 0.99 demanded: a fall to 0.90 within 50,000 messages."""
    found = detection(AuditTerms(), Stream(0.05, 0.90), streams=10, most=20_000, seed=7)

    assert found.never == 0
    assert found.mean < 50_000


def test_bounds_close_around_the_true_recall() -> None:
    """Nine of ten positives are found, and all are looked at."""
    bounds = BoundsTracker(0.05, probability_min=1.0)
    assert bounds.bounds == (0.0, 1.0)
    for number in range(3_000):
        bounds.add(Evidence(number % 10 == 0, 1.0, True))
        bounds.add(Evidence(True, 1.0, False))
    low, high = bounds.bounds
    assert 0.84 <= low < 0.9 < high <= 0.93
    assert low in GRID
    assert high in GRID


@pytest.mark.parametrize("size", [1, 3])
def test_trackers_go_on_from_what_was_kept(size: int) -> None:
    """Kept as JSON and restored they say the same as if they had never stopped."""

    def trackers() -> list[CertificateTracker | AlarmTracker | BoundsTracker]:
        return [
            CertificateTracker(0.9, 0.05, 0.1),
            AlarmTracker(0.9, 500.0, 0.1),
            BoundsTracker(0.05, 0.1),
        ]

    seen = [JUDGED] * 40 + [MISSED] * size + [JUDGED] * 10
    for whole, first, second in zip(trackers(), trackers(), trackers(), strict=True):
        for evidence in seen * 2:
            whole.add(evidence)
        for evidence in seen:
            first.add(evidence)
        second.restore(json.loads(json.dumps(first.state())))
        for evidence in seen:
            second.add(evidence)
        assert second.state() == whole.state()


@pytest.mark.parametrize(
    "state",
    [{}, {"wealth": [1.0]}, {"wealth": ["x"] * 11, "best": 1}, {"wealth": [-1.0] * 11, "best": 1}],
)
def test_a_kept_state_of_another_form_is_refused(state: dict[str, object]) -> None:
    with pytest.raises(InvalidSettings, match="kept state of audits has no"):
        CertificateTracker(0.9, 0.05, 0.1).restore(state)


def test_the_forecast_grows_with_rarity_and_shrinks_with_audits() -> None:
    """Ten times rarer positives take ten times the messages."""
    terms = AuditTerms()
    often, seldom = Stream(0.05, 0.998), Stream(0.005, 0.998)
    assert messages_to_certify(terms, seldom) == pytest.approx(
        10 * messages_to_certify(terms, often)
    )
    more = AuditTerms(floor=0.1)
    assert messages_to_certify(more, often) < messages_to_certify(terms, often)
    fallen = Stream(0.05, 0.9, near_of_missed=0.0)
    assert messages_to_alarm(more, fallen) < messages_to_alarm(terms, fallen)


@pytest.mark.parametrize("share", [0.95, 0.9, 0.8, 0.5])
@pytest.mark.parametrize("near", [0.8, 0.0])
def test_the_forecast_of_the_alarm_is_about_what_it_takes(share: float, near: float) -> None:
    """On the mean, however far the recall falls and wherever the misses lie."""
    terms = AuditTerms(recall=0.95)
    stream = Stream(0.05, terms.recall * share, near)
    found = detection(terms, stream, streams=30, most=60_000, seed=1)
    assert found.never == 0
    assert 0.6 < messages_to_alarm(terms, stream) / found.mean < 1.7


def test_a_fall_that_is_hardly_one_takes_no_longer_than_a_false_alarm() -> None:
    terms = AuditTerms(run_length=2_000.0)
    hardly = messages_to_alarm(terms, Stream(1.0, terms.recall - 0.0005, 0.0))
    assert hardly < 10 * terms.run_length


def test_what_is_not_so_is_never_shown() -> None:
    terms = AuditTerms()
    assert messages_to_certify(terms, Stream(0.05, 0.9)) == float("inf")
    assert messages_to_alarm(terms, Stream(0.05, 0.9999)) == float("inf")
    assert messages_to_certify(terms, Stream(0.0, 0.998)) == float("inf")
