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
from consumer.screening.audits.watch import FilterWatch
from consumer.screening.prefilter.artefact import check_use, read_artefact
from consumer.screening.prefilter.prefilter import AskedFor, Prefilter

LANGUAGE_MIN = 200
"""Messages of a language that were learned from; with fewer nothing is known of what is missed."""


class InForce(NamedTuple):
    """What a filter must have been made for."""

    version_digest: str
    model: str
    template: str


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

    def __init__(self, prefilter: Prefilter, draw: AuditDraw, watch: FilterWatch) -> None:
        self._prefilter = prefilter
        self._draw = draw
        self.watch = watch
        self.digest = prefilter.digest

    def __repr__(self) -> str:
        return f"<Filtering {self._prefilter!r} {self.watch!r}>"

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
        if not self.watch.is_on:
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

    def positive(
        self, version_digest: str, filtered: Filtered, place: str, language: str | None
    ) -> AuditNote:
        """
        The note for a message whose verdict is not allow, confirmed by two of three answers.

        `place` is `source/partition/offset`.
        """
        return AuditNote(
            kind="positive",
            version=version_digest,
            artefact=self.digest,
            position=place,
            is_settled=filtered.action == "audit",
            probability=filtered.audit_probability or 1.0,
            language=language or "",
        )


def open_filtering(file: Path, salt_file: Path, terms: AuditTerms, in_force: InForce) -> Filtering:
    """
    Make the stage ready.

    Raises:
        InvalidSettings: the filter is broken, for something else, without evidence, or shown for a
            lower recall than is demanded; or the salt cannot be read.
    """
    artefact = read_artefact(file)
    check_use(artefact, *in_force)
    head = artefact.head
    if head.recall < terms.recall:
        raise InvalidSettings(
            f"{file} was made for recall {head.recall:g} and {terms.recall:g} is demanded: train "
            f"one with --recall {terms.recall:g}, or demand less"
        )
    draw = AuditDraw.of(read_salt(salt_file), terms, head.near_from)
    watch = FilterWatch(in_force.version_digest, artefact.digest, terms)
    return Filtering(Prefilter(artefact), draw, watch)
