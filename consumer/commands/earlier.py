"""Earlier: what the stages before the model make of a text, for a person who asks about one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from consumer.domain.binding import Binding
from consumer.domain.messages.language import guessed
from consumer.domain.verdicts.verdict import Cause
from consumer.screening.audited import Filtered
from consumer.screening.filters import named_filter, stages_of
from consumer.settings.settings import Settings
from consumer.telemetry.clock import SystemClock
from consumer.worker.wiring import build_decision


class Earlier(NamedTuple):
    """What one stage makes of it while it is on; whether it is, its workers and notes know."""

    stage: Cause
    artefact: str
    """Digest of its file; empty where the stage is left out."""
    settles: bool
    score: float | None
    why: str | None
    """Why the model is asked; None where it is not."""

    @property
    def line(self) -> str:
        score = "" if self.score is None else f" (score {self.score:.4f})"
        if self.settles:
            return f"the {self.stage.value} would allow it without the model, but for audits{score}"
        return f"the {self.stage.value} would leave it to the model: {self.why}{score}"


async def said_before(settings: Settings, text: str, binding: Binding) -> Sequence[Earlier]:
    """
    By the filter and the decision endpoint of the topic, where it has them, as workers would ask.

    Raises:
        InvalidSettings: one of their files cannot be used.
    """
    # With context the same words mean another thing, and none of them is asked.
    stages = [] if binding.context is not None else stages_of(binding)
    if not stages:
        return ()
    endpoint = build_decision(settings.inference.decision, SystemClock())
    try:
        if endpoint is not None and Cause.DECISION in stages:
            await endpoint.probe()
        found = []
        for stage in stages:
            _, filtering, problem = named_filter(binding, stage, endpoint)
            if filtering is None:
                found.append(Earlier(stage, "", settles=False, score=None, why=problem))
            else:
                looked = await filtering.look(text, language_of(text, binding))
                found.append(_earlier(stage, filtering.digest, looked))
        return found
    finally:
        if endpoint is not None:
            await endpoint.close()


def language_of(text: str, binding: Binding) -> str | None:
    """What a message of this text would be taken to be written in, if its record says nothing."""
    terms = binding.reading.language_guess
    return None if terms is None else guessed(text, terms)


def _earlier(stage: Cause, digest: str, looked: Filtered) -> Earlier:
    settles = looked.action == "settle"
    why = None if settles else f"for its {looked.asked_for}"
    return Earlier(stage, digest, settles, looked.score, why)
