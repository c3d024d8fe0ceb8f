"""Asking: what a decision endpoint says of golden cases, in every way of asking."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from consumer.commands.evaluate.cases.own import Case
from consumer.domain.policy import Outcome, PolicyVersion
from consumer.errors import InferenceUnavailable, InvalidSettings
from consumer.interfaces import Decider
from consumer.screening.decision.fit import AskedCase
from consumer.screening.decision.statements import WORDINGS, Found, statements_of

AT_ONCE = 8
"""Cases; less than what any server takes at once, and a thousand take a minute."""


class AskedCases(NamedTuple):
    """All cases, and who answered."""

    cases: list[AskedCase]
    answered_by: str
    failures: int
    """Answers that could not be had; they settle nothing, so they miss nothing either."""
    why: str
    """The last failure."""


class CaseAsker:
    """Asks one endpoint about one version's cases."""

    def __init__(self, decider: Decider, version: PolicyVersion) -> None:
        self._decider = decider
        self._statements = list(statements_of(version).values())
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._models: set[str] = set()
        self._failures = 0
        self._why = ""

    def __repr__(self) -> str:
        return f"<CaseAsker of {self._decider!r}, {self._failures} failures>"

    async def ask(self, cases: Sequence[Case]) -> AskedCases:
        """
        Every case in every way.

        Raises:
            InferenceUnavailable: nothing could be had.
            InvalidSettings: several models answered, so that no threshold would hold for any.
        """
        asked = await asyncio.gather(*(self._case(case) for case in cases))
        if not self._models:
            raise InferenceUnavailable(f"the decision endpoint answered nothing: {self._why}")
        if len(self._models) > 1:
            names = ", ".join(sorted(self._models))
            raise InvalidSettings(f"several models answered ({names}): name one of them by its own")
        return AskedCases(list(asked), self._models.pop(), self._failures, self._why)

    async def _case(self, case: Case) -> AskedCase:
        async with self._slots:
            found = await self._found(case.text, self._statements)
            otherwise = {
                each.name: each.read(await self._found(case.text, each.ask(self._statements)))
                for each in WORDINGS
            }
        is_positive = case.outcome is not Outcome.ALLOW
        return AskedCase(case.text, case.policy.name, is_positive, found, otherwise)

    async def _found(self, text: str, statements: Sequence[str]) -> Found:
        said = await self._decider.ask(text, statements)
        if isinstance(said, str):
            self._failures += 1
            self._why = said
            return (None,) * len(statements)
        self._models.add(said.model)
        return said.of
