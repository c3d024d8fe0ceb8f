"""
The body of a chat-completions request, byte for byte. Pure.

Everything before the text is the same for every message under one policy, so it is encoded once
and the server's prefix cache stays warm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import orjson

from consumer.classifier.prompt import Spoken, answer_schema, system_message
from consumer.domain.policy import Effort, Policy
from consumer.inference.profiles import Api

SCHEMA_BOUNDS = "schema_bounds"
"""What may be left out of the schema before all of it is; no field of a request has that name."""


@dataclass(frozen=True, slots=True)
class RequestFormat:
    """What is asked of the endpoint beside the prompt; optional fields are left out when None."""

    model: str
    tokens_max: int = 4_096
    """Room for reasoning and answer together. Too little loses verdicts: 1 in 100 needs 1,600."""
    tokens_max_low: int | None = None
    """The same where the effort is low and reasoning short; None is no other room."""
    temperature: float | None = 0.0
    seed: int | None = 7
    with_effort: bool = True
    with_schema: bool = True
    with_bounds: bool = True
    """Whether the schema says how long an answer may be; only where a probe saw it accepted."""
    api: Api = "chat"
    with_priority: bool = False
    """Only where a probe saw it accepted: other servers answer with an error."""
    priority_sign: int = 1
    """-1 where the server takes higher numbers first; ours are lower = earlier."""

    def without(self, field: str) -> RequestFormat:
        """The same without one optional field, named as in the request."""
        changes: dict[str, dict[str, object]] = {
            "response_format": {"with_schema": False},
            SCHEMA_BOUNDS: {"with_bounds": False},
            "reasoning_effort": {"with_effort": False},
            "temperature": {"temperature": None},
            "seed": {"seed": None},
            "priority": {"with_priority": False},
        }
        return replace(self, **changes[field])  # type: ignore[arg-type]

    def for_retry(self, attempt: int, *, was_truncated: bool) -> RequestFormat:
        """
        The format of a later attempt: another seed and the model's own temperature.

        The same request again would get the same faulty answer; after a truncated one there is
        also twice the room.
        """
        times = 2 if was_truncated else 1
        return replace(
            self,
            temperature=None if self.temperature is None else max(self.temperature, 1.0),
            seed=None if self.seed is None else self.seed + attempt,
            tokens_max=self.tokens_max * times,
            tokens_max_low=self.tokens_max_low and self.tokens_max_low * times,
        )

    def room(self, policy: Policy) -> int:
        """How many tokens an answer under this policy may take, reasoning included."""
        if policy.effort is not Effort.LOW or self.tokens_max_low is None:
            return self.tokens_max
        return min(self.tokens_max, self.tokens_max_low)

    @property
    def spoken(self) -> Spoken:
        """What the prompt says, since the request does not."""
        return Spoken(effort=not self.with_effort, example=not self.with_schema)


def request_body(
    policy: Policy, user: str, format: RequestFormat, priority: int | None = None
) -> bytes:
    """
    The request that asks for a judgement of `user`, the wrapped text, under `policy`.

    `priority` is the call's place in the server's queue, lower = earlier; it is sent only where
    the format has priorities.
    """
    before, after = _around(policy, format)
    return before + orjson.dumps(user) + with_priority(after, format, priority)


def with_priority(after: bytes, format: RequestFormat, priority: int | None) -> bytes:
    """The end of a request, with the call's priority in it."""
    if priority is None or not format.with_priority:
        return after
    return after[:-1] + b',"priority":%d}' % (priority * format.priority_sign)


@lru_cache(maxsize=4_096)
def _around(policy: Policy, format: RequestFormat) -> tuple[bytes, bytes]:
    system = {"role": "system", "content": system_message(policy, format.spoken)}
    fields: dict[str, object] = {"max_completion_tokens": format.room(policy), "stream": False}
    if format.temperature is not None:
        fields["temperature"] = format.temperature
    if format.seed is not None:
        fields["seed"] = format.seed
    if format.with_effort:
        fields["reasoning_effort"] = policy.effort.value
    if format.with_schema:
        shape = answer_schema(policy, format.with_bounds)
        schema = {"name": "judgement", "strict": True, "schema": shape}
        fields["response_format"] = {"type": "json_schema", "json_schema": schema}
    before = (
        b'{"model":'
        + orjson.dumps(format.model)
        + b',"messages":['
        + orjson.dumps(system)
        + b',{"role":"user","content":'
    )
    return before, b"}]," + orjson.dumps(fields)[1:]
