"""Filtering: the learned stage as one thing: filter, draw and watch, and what they decide."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from consumer.domain.messages.message import Message
from consumer.domain.verdicts.verdict import Cause
from consumer.errors import InvalidSettings
from consumer.screening.audited import AuditedStage, Filtered, Voice
from consumer.screening.audits.draw import AuditDraw
from consumer.screening.audits.salt import read_salt
from consumer.screening.audits.terms import AuditTerms, weaker
from consumer.screening.prefilter.artefact import FilterArtefact, check_evidence, mismatch
from consumer.screening.prefilter.prefilter import FilterLook, Prefilter

LANGUAGE_MIN = 200
"""Messages of a language that were learned from; with fewer nothing is known of what is missed."""
UNSPOKEN = "it is not known yet how the model is asked"


class Filtering(AuditedStage):
    """The filter of one policy version, with its audits."""

    def __init__(self, prefilter: Prefilter, draw: AuditDraw, terms: AuditTerms) -> None:
        self._prefilter = prefilter
        self.head = prefilter.head
        super().__init__(Cause.PREFILTER, self.head.version_digest, prefilter.digest, draw, terms)

    def __repr__(self) -> str:
        return f"<Filtering {self._prefilter!r} {self.watch!r}>"

    @property
    def settled_share(self) -> float:
        return self.head.shown.settled

    @property
    def recall_shown(self) -> float:
        return self.head.shown.recall

    def unlike(self, spoken: Voice | None) -> str | None:
        if spoken is None:
            return UNSPOKEN
        return mismatch(self.head, self.head.version_digest, spoken.model, spoken.template)

    async def look(self, text: str, language: str | None = None) -> Filtered:
        if self._is_little_known(language):
            return Filtered("ask", asked_for="little-known language")
        look = self._prefilter.look(text)
        action: Literal["settle", "ask"] = "settle" if look.is_settled else "ask"
        return Filtered(action, look.score, asked_for=look.asked_for)

    def decide(self, messages: Sequence[Message], source: str) -> list[Filtered]:
        """
        Of messages that were taken from one topic, which `source` names; asked again, also after a
        crash or among others, it is the same.

        Whoever calls leaves out what is never settled by a filter: messages with context, edits of
        what was not allowed, authors with a recent verdict that is not allow.
        """
        if self.barred is not None or not self.watch.is_on:
            return [Filtered("ask", asked_for="switched off") for _ in messages]
        looks = self._prefilter.looks([message.text for message in messages])
        return [
            self._decided(message, look, source)
            for message, look in zip(messages, looks, strict=True)
        ]

    def _decided(self, message: Message, look: FilterLook, source: str) -> Filtered:
        if self._is_little_known(message.written_in):
            return Filtered("ask", asked_for="little-known language")
        if not look.is_settled:
            return Filtered("ask", look.score, asked_for=look.asked_for)
        return self.drawn(look.score, source, message.position.partition, message.position.offset)

    def _is_little_known(self, language: str | None) -> bool:
        """Whether few texts of the language were learned from; where none is known it is not."""
        languages = self.head.languages
        return bool(language and languages and languages.get(language, 0) < LANGUAGE_MIN)


def open_filtering(
    artefact: FilterArtefact, file: Path, salt_file: Path, terms: AuditTerms
) -> Filtering:
    """
    Make the stage ready; `file` is where the filter was read from.

    Raises:
        InvalidSettings: the filter is without evidence, or shown for a lower recall or less surely
            than is demanded; or the salt cannot be read.
    """
    check_evidence(artefact)
    head = artefact.head
    problem = weaker(head.recall, head.alpha, terms, f"{file} was made", "train one with")
    if problem is not None:
        raise InvalidSettings(problem)
    draw = AuditDraw.of(read_salt(salt_file), terms, head.near_from)
    return Filtering(Prefilter(artefact), draw, terms)
