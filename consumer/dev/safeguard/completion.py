"""What a healthy server sends for one decision: the body of a chat completion. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from consumer.dev.safeguard.judge import StandInAnswer

MODEL = "stand-in-safeguard"
CHARACTERS_PER_TOKEN = 4
CACHE_BLOCK_TOKENS = 16


def lengthened(reasoning: str, tokens: int | None) -> str:
    """A reasoning that is as long as a model's: said again and again, and never shortened."""
    characters = (tokens or 0) * CHARACTERS_PER_TOKEN
    if len(reasoning) >= characters:
        return reasoning
    return (f"{reasoning} " * (characters // (len(reasoning) + 1) + 1))[:characters]


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer, whole; a fault takes it apart."""

    number: int
    decision: StandInAnswer
    labels: tuple[str, ...]
    prompt_characters: int
    cached_characters: int = 0
    """Of the prompt, what an earlier request began with."""
    content: str | None = None
    """Said instead of the decision, where given."""

    def said(self) -> str:
        return self.decision.as_json() if self.content is None else self.content

    def document(self) -> dict[str, object]:
        """The body of the answer, before it is written as JSON."""
        content = self.said()
        return self.document_of({"content": content, "reasoning": self.decision.reasoning})

    def document_of(
        self, message: Mapping[str, object], finish_reason: str = "stop"
    ) -> dict[str, object]:
        """The body of an answer with another message, or cut off."""
        return {
            "id": f"chatcmpl-stand-in-{self.number}",
            "object": "chat.completion",
            "created": 0,
            "model": MODEL,
            "system_fingerprint": MODEL,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", **message},
                    "finish_reason": finish_reason,
                }
            ],
            "usage": self._usage(message),
        }

    def body(self) -> bytes:
        return orjson.dumps(self.document())

    def _usage(self, message: Mapping[str, object]) -> dict[str, object]:
        prompt = self.prompt_characters // CHARACTERS_PER_TOKEN + 1
        blocks = self.cached_characters // CHARACTERS_PER_TOKEN // CACHE_BLOCK_TOKENS
        reasoning = len(self.decision.reasoning) // CHARACTERS_PER_TOKEN
        said = len(str(message.get("content") or "")) // CHARACTERS_PER_TOKEN
        return {
            "prompt_tokens": prompt,
            "completion_tokens": reasoning + said,
            "total_tokens": prompt + reasoning + said,
            "prompt_tokens_details": {"cached_tokens": blocks * CACHE_BLOCK_TOKENS},
            "completion_tokens_details": {"reasoning_tokens": reasoning},
        }
