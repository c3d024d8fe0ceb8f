"""How a probe asks: requests that are built in, varied where an answer failed, read like any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import orjson

from consumer.classifier.answer import reading_of
from consumer.classifier.parser import Reading
from consumer.classifier.probing.known_texts import PROBE_POLICY
from consumer.classifier.prompt import user_message
from consumer.classifier.request import request_body
from consumer.errors import ModelFault, Retryable
from consumer.inference.blame.blame import error_for
from consumer.inference.blame.failures import UnknownParameter
from consumer.inference.profiles import Api
from consumer.inference.transports.reply import Reply
from consumer.inference.transports.transport import Transport
from consumer.inference.wires.apis import WIRES
from consumer.inference.wires.format import RequestFormat
from consumer.inference.wires.usage import tokens_of

ATTEMPTS_MAX = 5
"""
At one question; the model's own faults are a few in a hundred answers on some servers, and
some of these attempts try the schema without its bounds, or none.
"""
FEW_TOKENS = 16
"""The answer does not matter where only the prompt is counted; OpenAI allows no fewer."""


class ProbePlan(NamedTuple):
    """What the settings say about probes; `auto` lets the endpoint's profile decide."""

    profile: str = "auto"
    api: Api | None = None
    """None is `auto`."""
    timeout_s: float = 60.0
    """Of one question."""
    pause_s: float = 60.0
    """Between two probes after outages, at least."""


class Questions:
    """Asks one endpoint, one question at a time."""

    def __init__(self, transport: Transport, timeout_s: float) -> None:
        self._transport = transport
        self._timeout_s = timeout_s

    async def prompt_tokens(self, format: RequestFormat, text: str) -> int:
        """How many tokens a prompt with this text counts, 0 where that is not told."""
        format = replace(format, tokens_max=FEW_TOKENS)
        for attempt in range(ATTEMPTS_MAX):
            reply = await self._post(f"<message-probe>\n{text}\n", varied(format, attempt))
            if reply.is_success:
                return tokens_of(reply.body).prompt
            error = error_for(reply)
            if not isinstance(error, ModelFault | UnknownParameter):
                raise error
        return 0

    async def ask(
        self,
        text: str,
        format: RequestFormat,
        fields: Mapping[str, object] = {},
        priority: int | None = None,
    ) -> tuple[Reading, bytes]:
        """A judgement and the body that it was read from."""
        user = user_message(text, "probe")
        reply = await self._post(user, format, fields, priority)
        return reading_of(reply, PROBE_POLICY, format, user), reply.body

    async def _post(
        self,
        user: str,
        format: RequestFormat,
        fields: Mapping[str, object] = {},
        priority: int | None = None,
    ) -> Reply:
        body = request_body(PROBE_POLICY, user, format, priority)
        if fields:
            body = body[:-1] + b"," + orjson.dumps(fields)[1:]
        return await self._transport.post(WIRES[format.api].path, body, self._timeout_s)


def varied(format: RequestFormat, attempt: int, *, was_truncated: bool = False) -> RequestFormat:
    return format.for_retry(attempt, was_truncated=was_truncated) if attempt else format


def is_refusal(error: Retryable) -> bool:
    """Whether it is the request that was refused, and not its answer that went wrong."""
    if isinstance(error, ModelFault):
        return error.reason in ("http_400", "http_422")
    return isinstance(error, UnknownParameter)
