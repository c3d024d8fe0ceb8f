"""
Audited: what every stage has that settles by a score: its draw, its watch, and whether it is on.

What is settled is allowed, but for the share that is audited. What is not settled is asked about as
if there were no such stage; so is everything once the watch has switched it off.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal, NamedTuple, Protocol

from consumer.domain.value import Value
from consumer.domain.verdicts.verdict import Cause
from consumer.screening.audits.draw import AuditDraw
from consumer.screening.audits.note import AuditNote
from consumer.screening.audits.terms import AuditTerms
from consumer.screening.audits.watch import LANGUAGES_MAX, OTHER, FilterWatch
from consumer.screening.prefilter.prefilter import AskedFor

LANGUAGE_CHARS_MAX = 40
"""Of a language's name; the longest tags in use have 35."""
UNREAD = "the notes of its audits are not read yet"
ALARMED = "the alarm has switched it off; `safeguard {stage} on` switches it on again"
MISSED = (
    "the first notes of its audits were deleted, and with them what the alarm or a person may have "
    "said: keep safeguard.audits for ever (retention.ms = -1), and switch it on again with "
    "`safeguard {stage} on`"
)
SWITCHED_OFF = "a person has switched it off; `safeguard {stage} on` switches it on again"


NotSettledFor = AskedFor | Literal["switched off", "little-known language", "refusal", "no answer"]
"""Why a stage leaves a message to the model."""


class Filtered(Value, frozen=True):
    """What becomes of one message."""

    action: Literal["settle", "audit", "ask"]
    """Settle: allow it without the model. Audit: it would be settled, and the model is asked."""
    score: float | None = None
    audit_probability: float | None = None
    """Of a message that the stage settles, whether or not it was drawn."""
    asked_for: NotSettledFor | None = None


class Voice(NamedTuple):
    """Which models judge now, and in what shape they are asked about a topic."""

    model: str
    template: str


class OffByNotes(Protocol):
    """What the notes say of a stage that is off: a watch, or its standing."""

    @property
    def has_missed(self) -> bool: ...

    @property
    def is_alarmed(self) -> bool: ...


def why_off(stage: Cause, by: OffByNotes) -> str:
    """Why a stage is off by its notes, and what switches it on again."""
    why = MISSED if by.has_missed else ALARMED if by.is_alarmed else SWITCHED_OFF
    return why.format(stage=stage.value)


class AuditedStage(ABC):
    """A stage for one policy version that is made from a file, with its audits."""

    def __init__(
        self, stage: Cause, version_digest: str, digest: str, draw: AuditDraw, terms: AuditTerms
    ) -> None:
        """`digest` is that of the file."""
        self.stage = stage
        self.version_digest = version_digest
        self.digest = digest
        self._draw = draw
        self.terms = terms
        self.watch = self.watch_anew()
        """What the notes say of it; whoever reads them anew puts another one here."""
        self.unread: str | None = UNREAD
        """Why the watch does not know all notes; None where it does."""
        self.barred: str | None = UNREAD
        """Why it may settle nothing now, whatever the notes say; None where it may."""
        self._counts: dict[str, list[int]] = {}
        """By language: messages settled and not audited, and those that the model allowed."""

    @property
    @abstractmethod
    def settled_share(self) -> float:
        """Share of messages that it kept from the model where its evidence was gathered."""

    @property
    @abstractmethod
    def recall_shown(self) -> float:
        """The recall there: of what its evidence had, and not of live traffic."""

    @abstractmethod
    def unlike(self, spoken: Voice | None) -> str | None:
        """Why it is not for what is asked now; `spoken` is None while that is not known."""

    @abstractmethod
    async def look(self, text: str, language: str | None = None) -> Filtered:
        """What it makes of a text while it is on, were it not drawn: settle or ask."""

    @property
    def salt(self) -> bytes:
        """By which it draws whom it audits."""
        return self._draw.salt

    def watch_anew(self) -> FilterWatch:
        """A watch that no note was shown to."""
        return FilterWatch(self.version_digest, self.digest, self.terms)

    @property
    def off(self) -> str | None:
        """Why it settles nothing; None while it does."""
        if self.barred is not None:
            return self.barred
        if self.watch.is_on:
            return None
        return why_off(self.stage, self.watch)

    def drawn(self, score: float, source: str, partition: int, offset: int) -> Filtered:
        """What becomes of a message that is settled with this score: that, or an audit."""
        probability = self._draw.probability(score)
        is_drawn = self._draw.is_drawn(source, partition, offset, probability)
        return Filtered("audit" if is_drawn else "settle", score, probability)

    def positive(
        self, filtered: Filtered, place: str, language: str | None, seen: float = 1.0
    ) -> AuditNote:
        """
        The note for a message whose verdict is not allow, confirmed by two of three answers.

        `place` is `source/partition/offset`, `seen` with what probability the stages after this one
        let the model be asked.
        """
        return AuditNote(
            kind="positive",
            version=self.version_digest,
            artefact=self.digest,
            position=place,
            is_settled=filtered.action == "audit",
            probability=(filtered.audit_probability or 1.0) * seen,
            language=language_named(language),
        )

    def count(self, language: str | None, *, is_settled: bool) -> None:
        """
        A message that says nothing of the recall: settled unseen, by this stage or by a later one,
        or allowed by the model.
        """
        name = language_named(language)
        counts = self._counts.get(name)
        if counts is None:
            if len(self._counts) >= LANGUAGES_MAX:
                name = OTHER
            counts = self._counts.setdefault(name, [0, 0])
        counts[0 if is_settled else 1] += 1

    def take_counts(self) -> list[AuditNote]:
        """What was counted since the last time, as notes."""
        counts, self._counts = self._counts, {}
        return [
            AuditNote(
                kind="counts",
                version=self.version_digest,
                artefact=self.digest,
                language=language,
                settled=settled,
                negative=negative,
            )
            for language, (settled, negative) in counts.items()
        ]


def language_named(language: str | None) -> str:
    """Records may say anything there, and notes are kept for ever."""
    return "" if not language else language if len(language) <= LANGUAGE_CHARS_MAX else OTHER
