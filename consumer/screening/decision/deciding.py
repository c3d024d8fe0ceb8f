"""
Deciding: the stage that asks a decision endpoint, with its audits.

It settles nothing but allow, and only where every policy of the version is surely below its own
threshold. Whatever else comes back, or nothing, the model is asked.
"""

from __future__ import annotations

from pathlib import Path

from consumer.domain.policy import PolicyVersion
from consumer.domain.verdicts.verdict import Cause
from consumer.errors import InvalidSettings
from consumer.interfaces import Decider
from consumer.screening.audited import AuditedStage, Filtered, Voice
from consumer.screening.audits.draw import AuditDraw
from consumer.screening.audits.salt import read_salt
from consumer.screening.audits.terms import AuditTerms, weaker
from consumer.screening.decision.artefact import DecisionArtefact, unlike
from consumer.screening.decision.nearness import nearness
from consumer.screening.texts.disguise import disguise
from consumer.screening.texts.normalise import normal_words

NO_ENDPOINT = "there is no decision endpoint: set inference.decision.address"


class Deciding(AuditedStage):
    """The decision endpoint for one policy version."""

    def __init__(
        self,
        artefact: DecisionArtefact,
        decider: Decider | None,
        draw: AuditDraw,
        terms: AuditTerms,
    ) -> None:
        head = artefact.head
        super().__init__(Cause.DECISION, head.version_digest, artefact.digest, draw, terms)
        self.head = head
        self._decider = decider
        self._statements = tuple(head.statements.values())
        self._thresholds = tuple(head.thresholds[name] for name in head.statements)

    def __repr__(self) -> str:
        return f"<Deciding {self.digest[:8]} for {self.head.version} {self.watch!r}>"

    @property
    def settled_share(self) -> float:
        return self.head.shown.settled

    @property
    def recall_shown(self) -> float:
        return self.head.shown.recall

    def unlike(self, spoken: Voice | None) -> str | None:
        decider = self._decider
        if decider is None:
            return NO_ENDPOINT
        if decider.off is not None:
            return f"the decision endpoint is out: {decider.off}"
        return unlike(self.head, decider.model, decider.wire)

    async def decide(
        self, text: str, words: list[str], *, source: str, partition: int, offset: int
    ) -> Filtered:
        """
        Of a message, given with its normalised words. The draw is a function of its position, as a
        filter's is; the score is what the endpoint says now.

        Whoever calls leaves out what is never settled, as for `Filtering.decide`.
        """
        if self._is_off():
            return Filtered("ask", asked_for="switched off")
        found = await self._asked(text, words)
        # The alarm may have come while it was asked.
        if self._is_off():
            return Filtered("ask", asked_for="switched off")
        if found.score is None or found.action == "ask":
            return found
        return self.drawn(found.score, source, partition, offset)

    async def look(self, text: str, language: str | None = None) -> Filtered:
        return await self._asked(text, normal_words(text))

    async def _asked(self, text: str, words: list[str]) -> Filtered:
        disguised = "no words" if not words else disguise(text)
        if disguised is not None:
            return Filtered("ask", asked_for=disguised)
        if self._decider is None:
            return Filtered("ask", asked_for="no answer")
        found = await self._decider.ask(text, self._statements)
        if isinstance(found, str) or found.model != self.head.answered_by:
            return Filtered("ask", asked_for="no answer")
        near = nearness(found.of, self._thresholds)
        if near is None:
            return Filtered("ask", asked_for="refusal")
        return Filtered("ask", near, asked_for="score") if near >= 1.0 else Filtered("settle", near)

    def _is_off(self) -> bool:
        return self.off is not None


def open_deciding(
    artefact: DecisionArtefact,
    file: Path,
    salt_file: Path,
    terms: AuditTerms,
    decider: Decider | None,
) -> Deciding:
    """
    Make the stage ready; `file` is where the thresholds were read from.

    Raises:
        InvalidSettings: they are without evidence, rest on answers that do not survive other words,
            or are shown for a lower recall or less surely than is demanded; or the salt cannot be
            read.
    """
    head = artefact.head
    if head.problem is not None:
        raise InvalidSettings(f"{file} {head.problem}")
    problem = weaker(head.recall, head.alpha, terms, f"{file} was fitted", "fit it with")
    if problem is not None:
        raise InvalidSettings(problem)
    return Deciding(
        artefact, decider, AuditDraw.of(read_salt(salt_file), terms, head.near_from), terms
    )


def policies_without_question(version: PolicyVersion) -> list[str]:
    """Those that are asked about by their titles."""
    return [policy.name for policy in version.policies if policy.question is None]
