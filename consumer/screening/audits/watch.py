"""
Watch: what is known of one filter by now, from the notes of all workers in their order.

Its state can be kept and gone on from. Two watches that were shown the same notes are equal,
whichever partitions their workers own.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

from consumer.errors import InvalidSettings
from consumer.screening.audits.alarm import AlarmTracker
from consumer.screening.audits.bounds import BoundsTracker, RecallBounds
from consumer.screening.audits.certificate import CertificateTracker, number_of
from consumer.screening.audits.note import AuditNote
from consumer.screening.audits.prevalence import PrevalenceEstimate, PrevalenceTracker
from consumer.screening.audits.terms import AuditTerms

REPEATS_KEPT_MAX = 50_000
"""Positions of positives remembered to know a repeated note: 8 MB, and hours of a busy topic."""
LANGUAGES_MAX = 40
"""Languages counted apart; those that come later count as one, named `other`."""
OTHER = "other"


class FilterStanding(NamedTuple):
    """What is known of a filter."""

    is_on: bool
    """Whether it may settle anything: not after an alarm or a person's word."""
    is_alarmed: bool
    has_missed: bool
    """Whether earlier notes were deleted, and nobody has switched it on since."""
    is_shown: bool
    """Whether the demanded recall was shown anew on live traffic."""
    bounds: RecallBounds
    positives: int
    """Those that the model found, audited ones among them."""
    missed: int
    """Of these, settled by the filter and found by audits."""
    messages: int
    prevalence: PrevalenceEstimate | None


class FilterWatch:
    """One filter of one policy version, as seen by everybody."""

    def __init__(self, version: str, artefact: str, terms: AuditTerms) -> None:
        self._version, self._artefact = version, artefact
        self._certificate = CertificateTracker(terms.recall, terms.alpha, terms.floor)
        self._alarm = _alarm(terms)
        self._bounds = BoundsTracker(terms.alpha, terms.floor, terms.seen_min)
        self._total = PrevalenceTracker()
        self._by_language: dict[str, PrevalenceTracker] = {}
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._is_on = True
        self._has_missed = False
        self._positives = self._missed = 0
        self._terms = terms

    def __repr__(self) -> str:
        return f"<FilterWatch {self._artefact[:8]} {'on' if self._is_on else 'OFF'} {self._alarm}>"

    def add(self, note: AuditNote) -> None:
        if (note.version, note.artefact) != (self._version, self._artefact):
            return
        match note.kind:
            case "positive":
                self._add_positive(note)
            case "counts":
                self._add_counts(note)
            case "switched on":
                # Whoever switches it on knows of the alarm; it begins to listen anew. Of one that
                # is on nobody knows anything: what was heard until now stays heard.
                if not self._is_on:
                    self._alarm = _alarm(self._terms)
                self._is_on, self._has_missed = True, False
            case "switched off":
                self._is_on = False

    def miss_some(self) -> None:
        """
        Notes that came before all others were deleted, and an alarm may have been among them.

        So it is off until a person says otherwise: workers that have read them may know better.
        """
        self._is_on, self._has_missed = False, True

    def _add_positive(self, note: AuditNote) -> None:
        if note.position in self._seen:
            return
        self._seen[note.position] = None
        if len(self._seen) > REPEATS_KEPT_MAX:
            self._seen.popitem(last=False)
        evidence = note.evidence
        self._positives += 1
        self._missed += evidence.is_settled
        for tracker in (self._certificate, self._alarm, self._bounds):
            tracker.add(evidence)
        for prevalence in (self._total, self._of(note.language)):
            prevalence.add(evidence)
        if self._alarm.is_on:
            self._is_on = False

    def _add_counts(self, note: AuditNote) -> None:
        for prevalence in (self._total, self._of(note.language)):
            prevalence.add_unseen(note.settled)
            prevalence.add_negatives(note.negative)

    def _of(self, language: str) -> PrevalenceTracker:
        if language not in self._by_language and len(self._by_language) >= LANGUAGES_MAX:
            language = OTHER
        return self._by_language.setdefault(language, PrevalenceTracker())

    @property
    def is_on(self) -> bool:
        """Whether the filter may settle anything."""
        return self._is_on

    @property
    def is_alarmed(self) -> bool:
        """Whether it was the alarm that switched it off last."""
        return self._alarm.is_on

    @property
    def has_missed(self) -> bool:
        """Whether it is off since nobody knows what was said of it first."""
        return self._has_missed

    @property
    def standing(self) -> FilterStanding:
        return FilterStanding(
            is_on=self._is_on,
            is_alarmed=self._alarm.is_on,
            has_missed=self._has_missed,
            is_shown=self._certificate.is_shown,
            bounds=self._bounds.bounds,
            positives=self._positives,
            missed=self._missed,
            messages=self._total.messages,
            prevalence=self._total.estimate(),
        )

    def by_language(self) -> Mapping[str, PrevalenceEstimate]:
        found = {name: tracker.estimate() for name, tracker in self._by_language.items()}
        return {name: estimate for name, estimate in sorted(found.items()) if estimate is not None}

    def state(self) -> dict[str, object]:
        """All of it, to be written as JSON."""
        return {
            "version": self._version,
            "artefact": self._artefact,
            "on": int(self._is_on),
            "has_missed": int(self._has_missed),
            "positives": self._positives,
            "missed": self._missed,
            "certificate": self._certificate.state(),
            "alarm": self._alarm.state(),
            "bounds": self._bounds.state(),
            "total": self._total.state(),
            "languages": {name: t.state() for name, t in self._by_language.items()},
            "seen": list(self._seen),
        }

    def restore(self, state: Mapping[str, object]) -> None:
        """
        Go on from a kept state.

        Raises:
            InvalidSettings: it is of another filter or form; start anew without it.
        """
        if (state.get("version"), state.get("artefact")) != (self._version, self._artefact):
            raise InvalidSettings("a kept state of audits is of another filter: start anew")
        self._is_on = number_of(state, "on") > 0
        self._has_missed = number_of(state, "has_missed") > 0
        self._positives = int(number_of(state, "positives"))
        self._missed = int(number_of(state, "missed"))
        self._certificate.restore(_part(state, "certificate"))
        self._alarm.restore(_part(state, "alarm"))
        self._bounds.restore(_part(state, "bounds"))
        self._total.restore(_part(state, "total"))
        for name, kept in _part(state, "languages").items():
            self._of(name).restore(kept if isinstance(kept, Mapping) else {})
        seen = state.get("seen")
        self._seen = OrderedDict.fromkeys(map(str, seen if isinstance(seen, list) else []))


def _alarm(terms: AuditTerms) -> AlarmTracker:
    return AlarmTracker(terms.recall, terms.run_length, terms.floor, terms.seen_min)


def _part(state: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = state.get(name)
    return part if isinstance(part, Mapping) else {}
