"""Verdicts are counted by language, as records say it and as it was guessed."""

from __future__ import annotations

from consumer.domain.messages.language import OTHER
from consumer.pipeline.ledger import Ledger
from consumer.telemetry.telemetry import Telemetry
from tests.builders import a_message, a_verdict


def counted(telemetry: Telemetry) -> dict[tuple[str, str], float]:
    """By language and origin."""
    (family,) = telemetry.metrics.languages.collect()
    return {
        (sample.labels["language"], sample.labels["origin"]): sample.value
        for sample in family.samples
        if sample.name.endswith("_total")
    }


def test_a_guess_is_counted_apart_from_what_records_say() -> None:
    """Where neither is known nothing is counted."""
    telemetry = Telemetry()
    ledger = Ledger(telemetry)
    for changes in ({"language": "de-AT"}, {"language_guess": "de"}, {"language": "de"}, {}):
        ledger.book_verdict(a_verdict(message=a_message(**changes)))
    ledger.flush()
    ledger.flush()
    assert counted(telemetry) == {("de", "record"): 2, ("de", "guess"): 1}


def test_languages_that_records_make_up_are_counted_as_one() -> None:
    """A label is no place for users' words, and each one is a series."""
    telemetry = Telemetry()
    ledger = Ledger(telemetry)
    for language in ("what I say here", "xx", "eng", "-", "en_GB"):
        ledger.book_verdict(a_verdict(message=a_message(language=language)))
    ledger.flush()
    assert counted(telemetry) == {(OTHER, "record"): 4, ("en", "record"): 1}
