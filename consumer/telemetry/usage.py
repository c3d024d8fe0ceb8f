"""What judging costs under each policy version, added up here and handed on now and then."""

from __future__ import annotations

from collections.abc import Callable

from consumer.domain.verdicts.usage import Usage
from consumer.domain.verdicts.verdict import Tokens
from consumer.telemetry.telemetry import Telemetry

KINDS = Tokens._fields


class UsageMeter:
    """One sum for each version that has judged anything in this process."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._sums: dict[str, _Sum] = {}

    def __repr__(self) -> str:
        return f"<UsageMeter {', '.join(self._sums) or 'nothing yet'}>"

    def add(self, version: str, usage: Usage, model_ms: float) -> None:
        """A message was judged, or given up, under this version."""
        found = self._sums.get(version)
        if found is None:
            found = self._sums[version] = _Sum(self._telemetry, version)
        found.add(usage, model_ms)

    def flush(self) -> None:
        """Hand on to the metrics what was added."""
        for each in self._sums.values():
            each.flush()


class _Sum:
    """What was added since the last flush, and the counters' children to hand it to."""

    def __init__(self, telemetry: Telemetry, version: str) -> None:
        metrics = telemetry.metrics
        results = (metrics.judging_calls.labels(version, result) for result in ("judged", "unread"))
        kinds = (metrics.tokens.labels(version, kind) for kind in KINDS)
        unread = (metrics.unread_tokens.labels(version, kind) for kind in KINDS)
        seconds = metrics.model_seconds.labels(version)
        self._counts: list[Callable[[float], None]] = [
            child.inc for child in (*results, *kinds, *unread, seconds)
        ]
        self._clear()

    def _clear(self) -> None:
        self._calls = self._unread = 0
        self._prompt = self._cached = self._reasoning = self._completion = 0
        self._unread_tokens = Tokens()
        self._model_ms = 0.0

    def add(self, usage: Usage, model_ms: float) -> None:
        self._calls += usage.calls
        self._model_ms += model_ms
        tokens = usage.tokens
        self._prompt += tokens.prompt
        self._cached += tokens.cached
        self._reasoning += tokens.reasoning
        self._completion += tokens.completion
        if usage.unread:
            self._unread += usage.unread
            self._unread_tokens += usage.unread_tokens

    def flush(self) -> None:
        tokens = (self._prompt, self._cached, self._reasoning, self._completion)
        judged = self._calls - self._unread
        seconds = self._model_ms / 1_000
        sums = (judged, self._unread, *tokens, *self._unread_tokens, seconds)
        for count, by in zip(self._counts, sums, strict=True):
            if by:
                count(by)
        self._clear()
