"""
The body of a chat-completions request, byte for byte. Pure.

Everything before the text is the same for every message under one policy, so it is encoded once
and the server's prefix cache stays warm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import orjson

from consumer.classifier.profiles import Api
from consumer.classifier.prompt import answer_schema, system_message
from consumer.domain.policy import Policy


@dataclass(frozen=True, slots=True)
class RequestFormat:
    """What is asked of the endpoint beside the prompt; optional fields are left out when None."""

    model: str
    tokens_max: int = 4_096
    """Room for reasoning and answer together. Too little loses verdicts: 1 in 100 needs 1,600."""
    temperature: float | None = 0.0
    seed: int | None = 7
    with_effort: bool = True
    with_schema: bool = True
    api: Api = "chat"
    with_priority: bool = False
    """Only where a probe saw it accepted: other servers answer with an error."""
    priority_sign: int = 1
    """-1 where the server takes higher numbers first; ours are lower = earlier."""

    def without(self, field: str) -> RequestFormat:
        """The same without one optional field, named as in the request."""
        changes: dict[str, dict[str, object]] = {
            "response_format": {"with_schema": False},
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
        return replace(
            self,
            temperature=None if self.temperature is None else max(self.temperature, 1.0),
            seed=None if self.seed is None else self.seed + attempt,
            tokens_max=self.tokens_max * 2 if was_truncated else self.tokens_max,
        )


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
    system = {"role": "system", "content": system_message(policy)}
    fields: dict[str, object] = {"max_completion_tokens": format.tokens_max, "stream": False}
    if format.temperature is not None:
        fields["temperature"] = format.temperature
    if format.seed is not None:
        fields["seed"] = format.seed
    if format.with_effort:
        fields["reasoning_effort"] = policy.effort.value
    if format.with_schema:
        schema = {"name": "judgement", "strict": True, "schema": answer_schema(policy)}
        fields["response_format"] = {"type": "json_schema", "json_schema": schema}
    before = (
        b'{"model":'
        + orjson.dumps(format.model)
        + b',"messages":['
        + orjson.dumps(system)
        + b',{"role":"user","content":'
    )
    return before, b"}]," + orjson.dumps(fields)[1:]
