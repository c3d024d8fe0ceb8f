# Runs in the peers' own virtual environment, so its imports are out of the type checker's sight.
# mypy: ignore-errors
"""What both peers do with a message: ask the model through AsyncOpenAI, write a verdict."""

from __future__ import annotations

import argparse
import json
import secrets
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

from openai import AsyncOpenAI


def options():
    """What a peer is told on its command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--prompt", required=True, type=Path)
    parser.add_argument("--group", required=True)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--mode", default="batch", choices=["batch", "workers"])
    return parser.parse_args()


class Judge:
    """Asks for one judgement and returns where its verdict goes, the verdict and its headers."""

    def __init__(self, endpoint: str, prompt: Path, group: str) -> None:
        self.told = json.loads(prompt.read_text())
        self.group = group
        self.client = AsyncOpenAI(base_url=endpoint, api_key="none", max_retries=2, timeout=60)
        self.format = {
            "type": "json_schema",
            "json_schema": {"name": "judgement", "strict": True, "schema": self.told["schema"]},
        }

    async def verdict(
        self, topic: str, partition: int, offset: int, timestamp_ms: int, value: bytes
    ) -> tuple[str, bytes, dict[str, str]]:
        """
        The topic of the outcome, the envelope as JSON, and the headers beside it.

        Raises:
            ValueError: the message or the answer is not as it should be.
        """
        told = self.told
        message = json.loads(value)
        marker = secrets.token_hex(5)
        started = time.monotonic()
        completion = await self.client.chat.completions.create(
            model=told["model"],
            messages=[
                {"role": "system", "content": told["system"]},
                {
                    "role": "user",
                    "content": f"<message-{marker}>\n{message['text']}\n</message-{marker}>",
                },
            ],
            max_completion_tokens=4_096,
            temperature=0,
            seed=7,
            reasoning_effort="low",
            response_format=self.format,
        )
        model_ms = (time.monotonic() - started) * 1_000
        answer = json.loads(completion.choices[0].message.content or "")
        outcome = told["outcomes"][answer["label"]]
        usage = completion.usage
        position = f"{topic}/{partition}/{offset}"
        verdict_id = uuid.uuid5(uuid.NAMESPACE_URL, f"{position}/{told['digest']}").hex
        judged_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        envelope = {
            "id": verdict_id,
            "outcome": outcome,
            "cause": "model",
            "position": {
                "topic": topic,
                "partition": partition,
                "offset": offset,
                "timestamp_ms": timestamp_ms,
            },
            "message": {
                "id": message["id"],
                "author": message["author"]["id"],
                "conversation": message["room"],
                "language": message["lang"],
            },
            "policy_version": told["version"],
            "policy_digest": told["digest"],
            "judgements": [
                {
                    "policy": told["policy"],
                    "label": answer["label"],
                    "outcome": outcome,
                    "rules": answer["rules"],
                    "confidence": answer["confidence"],
                    "effort": "low",
                    "tokens": {
                        "prompt": usage.prompt_tokens,
                        "cached": usage.prompt_tokens_details.cached_tokens,
                        "reasoning": usage.completion_tokens_details.reasoning_tokens,
                        "completion": usage.completion_tokens,
                    },
                }
            ],
            "model": told["model"],
            "template": "peer",
            "endpoint": str(self.client.base_url),
            "timing_ms": {"queued": 0.0, "model": round(model_ms, 3), "total": round(model_ms, 3)},
            "judged_at": judged_at,
        }
        headers = {
            "verdict-id": verdict_id,
            "outcome": outcome,
            "cause": "model",
            "policy-version": told["version"],
            "policy-digest": told["digest"],
            "position": position,
            "message-id": message["id"],
            "group": self.group,
            "judged-at": judged_at,
            "ce_specversion": "1.0",
            "ce_type": "verdict",
            "ce_id": verdict_id,
            "ce_source": f"/{topic}",
            "ce_subject": message["id"],
            "ce_time": judged_at,
            "content-type": "application/json",
        }
        return f"{topic}.{outcome}", json.dumps(envelope).encode(), headers
