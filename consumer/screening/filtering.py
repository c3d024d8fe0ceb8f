"""
Filtering: the learned stage as one thing: filter, draw and watch, and what they decide together.

What is settled is allowed, but for the share that is audited. What is not settled is asked about as
if there were no filter; so is everything once the watch has switched it off.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from consumer.errors import InvalidSettings
from consumer.screening.audits.draw import AuditDraw
from consumer.screening.audits.note import AuditNote
from consumer.screening.audits.salt import read_salt
from consumer.screening.audits.terms import AuditTerms
from consumer.screening.audits.watch import LANGUAGES_MAX, OTHER, FilterWatch
from consumer.screening.prefilter.artefact import FilterArtefact, check_evidence
from consumer.screening.prefilter.prefilter import AskedFor, Prefilter

LANGUAGE_MIN = 200
"""Messages of a language that were learned from; with fewer nothing is known of what is missed."""
LANGUAGE_CHARS_MAX = 40
"""Of a language's name; the longest tags in use have 35."""
UNREAD = "the notes of its audits are not read yet"
ALARMED = "the alarm has switched it off; `safeguard prefilter on` switches it on again"
SWITCHED_OFF = "a person has switched it off; `safeguard prefilter on` switches it on again"


class Filtered(NamedTuple):
    """What becomes of one message."""

    action: Literal["settle", "audit", "ask"]
    """Settle: allow it without the model. Audit: it would be settled, and the model is asked."""
    score: float | None = None
    audit_probability: float | None = None
    """Of a message that the filter settles, whether or not it was drawn."""
    asked_for: AskedFor | Literal["switched off", "little-known language"] | None = None


class Filtering:
    """The filter of one policy version, with its audits."""

    def __init__(self, prefilter: Prefilter, draw: AuditDraw, terms: AuditTerms) -> None:
        self._prefilter = prefilter
        self._draw = draw
        self._terms = terms
        self.head = prefilter.head
        self.digest = prefilter.digest
        self.watch = self.watch_anew()
        """What the notes say of it; whoever reads them anew puts another one here."""
        self.unread: str | None = UNREAD
        """Why the watch does not know all notes; None where it does."""
        self.barred: str | None = UNREAD
        """Why it may settle nothing now, whatever the notes say; None where it may."""
        self._counts: dict[str, list[int]] = {}
        """By language: messages settled and not audited, and those that the model allowed."""

    def __repr__(self) -> str:
        return f"<Filtering {self._prefilter!r} {self.watch!r}>"

    def watch_anew(self) -> FilterWatch:
        """A watch that no note was shown to."""
        return FilterWatch(self.head.version_digest, self.digest, self._terms)

    @property
    def off(self) -> str | None:
        """Why it settles nothing; None while it does."""
        if self.barred is not None:
            return self.barred
        if self.watch.is_on:
            return None
        return ALARMED if self.watch.is_alarmed else SWITCHED_OFF

    def decide(
        self,
        text: str,
        normal: str,
        language: str | None,
        *,
        source: str,
        partition: int,
        offset: int,
    ) -> Filtered:
        """
        Of a message; asked again, also after a crash, it is the same.

        Whoever calls leaves out what is never settled by a filter: messages with context, edits of
        what was not allowed, authors with a recent verdict that is not allow.
        """
        if self.barred is not None or not self.watch.is_on:
            return Filtered("ask", asked_for="switched off")
        languages = self._prefilter.head.languages
        if language and languages and languages.get(language, 0) < LANGUAGE_MIN:
            return Filtered("ask", asked_for="little-known language")
        is_settled, score, _, asked_for = self._prefilter.look(text, normal)
        if not is_settled:
            return Filtered("ask", score, asked_for=asked_for)
        probability = self._draw.probability(score)
        is_drawn = self._draw.is_drawn(source, partition, offset, probability)
        return Filtered("audit" if is_drawn else "settle", score, probability)

    def positive(self, filtered: Filtered, place: str, language: str | None) -> AuditNote:
        """
        The note for a message whose verdict is not allow, confirmed by two of three answers.

        `place` is `source/partition/offset`.
        """
        return AuditNote(
            kind="positive",
            version=self.head.version_digest,
            artefact=self.digest,
            position=place,
            is_settled=filtered.action == "audit",
            probability=filtered.audit_probability or 1.0,
            language=_named(language),
        )

    def count(self, language: str | None, *, is_settled: bool) -> None:
        """A message that says nothing of the recall: settled unseen, or allowed by the model."""
        name = _named(language)
        if name not in self._counts and len(self._counts) >= LANGUAGES_MAX:
            name = OTHER
        self._counts.setdefault(name, [0, 0])[0 if is_settled else 1] += 1

    def take_counts(self) -> list[AuditNote]:
        """What was counted since the last time, as notes."""
        counts, self._counts = self._counts, {}
        return [
            AuditNote(
                kind="counts",
                version=self.head.version_digest,
                artefact=self.digest,
                language=language,
                settled=settled,
                negative=negative,
            )
            for language, (settled, negative) in counts.items()
        ]


def _named(language: str | None) -> str:
    """Records may say anything there, and notes are kept for ever."""
    return "" if not language else language if len(language) <= LANGUAGE_CHARS_MAX else OTHER


def open_filtering(
    artefact: FilterArtefact, file: Path, salt_file: Path, terms: AuditTerms
) -> Filtering:
    """
    Make the stage ready; `file` is where the filter was read from.

    Raises:
        InvalidSettings: the filter is without evidence, or shown for a lower recall than is
            demanded; or the salt cannot be read.
    """
    check_evidence(artefact)
    head = artefact.head
    if head.recall < terms.recall:
        raise InvalidSettings(
            f"{file} was made for recall {head.recall:g} and {terms.recall:g} is demanded: train "
            f"one with --recall {terms.recall:g}, or demand less"
        )
    draw = AuditDraw.of(read_salt(salt_file), terms, head.near_from)
    return Filtering(Prefilter(artefact), draw, terms)
