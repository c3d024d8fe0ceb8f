"""Sums: the tokens, judgements and model time of verdicts, by policy version and policy. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import orjson

from consumer.domain.messages.message import Position, Record, age_ms
from consumer.domain.verdicts.headers import is_envelope, percent
from consumer.domain.verdicts.verdict import Cause, Tokens


class PolicySum:
    """What judging under one policy of one version cost."""

    __slots__ = ("judgements", "model_ms", "tokens")

    def __init__(self) -> None:
        self.judgements = 0
        self.tokens = Tokens()
        self.model_ms = 0.0
        """That of the messages: their policies are judged side by side."""

    def __repr__(self) -> str:
        return f"<PolicySum judgements {self.judgements}, {self.tokens!r}>"

    def add(self, tokens: Tokens, model_ms: float) -> None:
        self.judgements += 1
        self.tokens += tokens
        self.model_ms += model_ms


class VersionSum:
    """What judging under one version cost."""

    __slots__ = ("calls_ms", "messages", "model_ms", "policies", "unjudged")

    def __init__(self) -> None:
        self.messages = 0
        self.unjudged = 0
        self.model_ms = 0.0
        self.calls_ms = 0.0
        """The model's time once for each judgement: how long it was busy with a call."""
        self.policies: dict[str, PolicySum] = {}

    def __repr__(self) -> str:
        return f"<VersionSum messages {self.messages}, unjudged {self.unjudged}>"

    @property
    def judgements(self) -> int:
        return sum(policy.judgements for policy in self.policies.values())

    @property
    def tokens(self) -> Tokens:
        return sum((policy.tokens for policy in self.policies.values()), Tokens())


class CostSums:
    """Is shown every record of an input's outputs; what it keeps does not grow with them."""

    def __init__(self, topics: Collection[str], group: str) -> None:
        self._topics = frozenset(topics)
        """The input and its retry topic."""
        self._group = percent(group)
        self.versions: dict[str, VersionSum] = {}
        self.passed_through = 0
        """Verdicts that carry the input's own value: it says nothing of tokens."""
        self.foreign = 0
        """Another group's, another input's, or no verdict at all."""
        self.unreadable = 0
        """Verdicts of this group and input whose envelope is not as we write it."""
        self.first_ms: int | None = None
        """None as long as no verdict has a time: some brokers keep none."""
        self.last_ms = 0

    def __repr__(self) -> str:
        return (
            f"<CostSums {sorted(self.versions)}, passed through {self.passed_through}, "
            f"foreign {self.foreign}, unreadable {self.unreadable}>"
        )

    @property
    def span_s(self) -> float:
        """From the first verdict to the last, as they were written."""
        return 0.0 if self.first_ms is None else (self.last_ms - self.first_ms) / 1_000

    def add(self, record: Record) -> None:
        # A worker's own headers follow what the input brought, and the input's are renamed.
        last = dict(record.headers)
        position = Position.parse(
            (last.get("safeguard-position") or b"").decode("ascii", "replace")
        )
        if (
            last.get("safeguard-group") != self._group
            or position is None
            or position.topic not in self._topics
            or "safeguard-verdict-id" not in last
        ):
            self.foreign += 1
        elif not is_envelope(record.headers):
            self.passed_through += 1
        elif not self._add_envelope(record.value):
            self.unreadable += 1
        else:
            self._add_moment(record.timestamp_ms)

    def _add_moment(self, ms: int) -> None:
        if age_ms(ms, ms) is None:
            return
        self.first_ms = ms if self.first_ms is None else min(self.first_ms, ms)
        self.last_ms = max(self.last_ms, ms)

    def _add_envelope(self, value: bytes | None) -> bool:
        """Add a verdict; False where the envelope is none, and then nothing of it counts."""
        try:
            envelope = orjson.loads(value or b"")
            name, cause = envelope["policy_version"], envelope["cause"]
            model_ms = float(envelope["timing_ms"]["model"])
            judgements = envelope["judgements"]
            # What the memo repeats was paid for where it was judged.
            judged = [] if cause == Cause.MEMO else list(_judged(judgements))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            return False
        if not isinstance(name, str) or not isinstance(judgements, list):
            return False
        version = self.versions.setdefault(name, VersionSum())
        version.messages += 1
        version.unjudged += cause == Cause.UNJUDGED
        version.model_ms += model_ms
        version.calls_ms += model_ms * max(1, len(judged))
        for policy, tokens in judged:
            version.policies.setdefault(policy, PolicySum()).add(tokens, model_ms)
        return True


def _judged(judgements: list[Mapping[str, Any]]) -> Iterator[tuple[str, Tokens]]:
    for judgement in judgements:
        tokens = judgement["tokens"]
        yield str(judgement["policy"]), Tokens(*(int(tokens[kind]) for kind in Tokens._fields))
