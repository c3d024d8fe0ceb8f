"""Who was asked about a message and what was heard, for its verdict and for people who look on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from consumer.classifier.hearsay import answer_in
from consumer.domain.verdicts.judged import Heard
from consumer.errors import ModelFault, Retryable
from consumer.inference.blame.failures import Declined
from consumer.inference.wires.format import RequestFormat, Spoken

Listener = Callable[[Heard], None]
"""Told of each call that ends, at once, for a person who waits; it must not wait for anything."""
HEARD_MAX = 64
"""Calls of one message that are kept for a person who looks on: the last page of them."""


class Trail:
    """Who was asked about a message; one for all of its policies."""

    __slots__ = ("_heard", "_listener", "_models", "spoken")

    def __init__(self, listener: Listener | None = None) -> None:
        self._listener = listener
        self._models: dict[str, str] = {}
        self._heard: deque[Heard] | None = None
        self.spoken: dict[Spoken, None] = {}
        """What the prompts said, in the order in which they were first sent."""

    def note(self, endpoint: str, format: RequestFormat) -> None:
        """A call at the endpoint of this name ended, which was asked in this format."""
        self._models[endpoint] = format.model
        self.spoken[format.spoken] = None

    def answered(self, policy: str, said: str) -> None:
        """A call gave a judgement."""
        if self._listener is not None:
            self._hear(self._listener, Heard(policy, answer=said))

    def failed(self, policy: str, error: Retryable) -> None:
        """A call gave none."""
        if self._listener is not None:
            why, answer = str(error), ""
            if isinstance(error, ModelFault):
                why, answer = "", answer_in(error.body) if error.body else ""
            self._hear(self._listener, Heard(policy, failure_of(error), why, answer))

    def _hear(self, listener: Listener, heard: Heard) -> None:
        if self._heard is None:
            self._heard = deque(maxlen=HEARD_MAX)
        self._heard.append(heard)
        listener(heard)

    @property
    def heard(self) -> tuple[Heard, ...]:
        """How the last calls ended, in that order; kept only where somebody listens."""
        return () if self._heard is None else tuple(self._heard)

    @property
    def endpoints(self) -> str:
        """Their names, in the order in which they were first asked."""
        models = self._models
        return ",".join(models) if len(models) != 1 else next(iter(models))

    @property
    def models(self) -> str:
        models = self._models
        if len(models) == 1:
            return next(iter(models.values()))
        return ",".join(dict.fromkeys(models.values()))


def failure_of(error: Retryable) -> str:
    """What a failed call is called in the metrics and before people."""
    if isinstance(error, Declined):
        return f"http_{error.status}"
    return error.reason if isinstance(error, ModelFault) else type(error).__name__
