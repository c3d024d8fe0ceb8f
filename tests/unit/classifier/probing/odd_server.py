"""A server with one oddity at a time, for what a probe is to find out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson

from consumer.classifier.probing.known_texts import PROBE_BAD
from consumer.errors import InferenceUnavailable
from consumer.inference.transports.reply import Reply
from tests.builders import a_completion, an_answer

TOO_LONG = b'{"error":{"message":"maximum context length is 4096 tokens"}}'


def text_of(asked: dict[str, Any]) -> str:
    found: str = asked["messages"][1]["content"]
    return found


class OddServer:
    """A transport and the server behind it; without an oddity it does all that can be asked."""

    def __init__(self, owner: str = "somebody") -> None:
        self.owner = owner
        self.asked: list[dict[str, Any]] = []
        self.refused: set[str] = set()
        """Fields that are a 400."""
        self.takes_bounds = True
        self.refuses_bounds_with = b'{"error":{"message":"response_format: maxItems"}}'
        self.content_with_schema: Callable[[int], str | None] = lambda n: ""
        """By the number of the request; "" is a good answer."""
        self.prompt_tokens: Callable[[str], int] = lambda text: len(text) // 3
        self.context_tokens = 100_000
        self.counts_cached = True
        self.has_logprobs = True
        self.is_out = False
        self.gate = asyncio.Event()
        """Answers wait while it is not set."""
        self.gate.set()

    async def get(self, path: str, timeout_s: float) -> Reply:
        if self.is_out:
            raise InferenceUnavailable("it is out")
        if path != "/models":
            return Reply(404, {}, b"")
        models = [{"id": "m", "owned_by": self.owner}]
        return Reply(200, {}, orjson.dumps({"data": models}))

    async def post(self, path: str, body: bytes, timeout_s: float) -> Reply:
        asked = orjson.loads(body)
        self.asked.append(asked)
        await self.gate.wait()
        if self.is_out:
            raise InferenceUnavailable("it is out")
        for field in sorted(self.refused & set(asked)):
            return Reply(400, {}, b'{"error":{"message":"%s is not known"}}' % field.encode())
        if not self.takes_bounds and b'"maxItems"' in body:
            return Reply(400, {}, self.refuses_bounds_with)
        # A system message of the probe's size is counted too, as a real server would.
        tokens = self.prompt_tokens(text_of(asked)) + 300
        if tokens > self.context_tokens:
            return Reply(400, {}, TOO_LONG)
        return Reply(200, {}, self._answer(asked, tokens))

    async def close(self) -> None: ...

    def _answer(self, asked: dict[str, Any], tokens: int) -> bytes:
        is_bad = PROBE_BAD in text_of(asked)
        content: str | None = an_answer("THREAT" if is_bad else "SAFE", rules=[])
        if "response_format" in asked:
            odd = self.content_with_schema(len(self.asked))
            content = content if odd == "" else odd
        document = orjson.loads(a_completion(content, reasoning="because"))
        document["usage"]["prompt_tokens"] = tokens
        if not self.counts_cached:
            document["usage"]["prompt_tokens_details"] = None
        if asked.get("logprobs") and self.has_logprobs:
            tokens_said = [{"token": "{", "logprob": -0.1}]
            document["choices"][0]["logprobs"] = {"content": tokens_said}
        return orjson.dumps(document)
