"""The simulated model: slow, overloaded, garbled or silent at times, and not of one mind."""

from __future__ import annotations

import asyncio
import re
from random import Random

import orjson

from consumer.errors import InferenceTimeout, InferenceUnavailable
from consumer.inference.transports.reply import Reply

LABELS = ("OK", "MAYBE", "BAD")
FLIP_RATE = 0.08
"""Measured on the real model: 5 to 9 % of calls answer the same text differently."""


class SimTransport:
    """Answers by the text's own label, most of the time."""

    def __init__(self, dice: Random, fault_rate: float) -> None:
        self._dice = dice
        self._fault_rate = fault_rate
        self.is_out = False

    async def post(self, path: str, body: bytes, timeout_s: float) -> Reply:
        dice = self._dice
        fault = dice.random() < self._fault_rate
        if self.is_out:
            await asyncio.sleep(0.05)
            raise InferenceUnavailable("out")
        latency_s = dice.choice((0.02, 0.1, 0.4, 2.0)) * (0.5 + dice.random())
        if fault and dice.random() < 0.2:
            latency_s = timeout_s + 1
        if latency_s > timeout_s:
            await asyncio.sleep(timeout_s)
            raise InferenceTimeout("hangs")
        await asyncio.sleep(latency_s)
        if fault:
            status = dice.choice((429, 500, 503, 200))
            return Reply(status, {}, b"}{" if status == 200 else b"{}")
        truth = re.search(rb"label (OK|MAYBE|BAD)", body)
        label = truth.group(1).decode() if truth else "OK"
        if dice.random() < FLIP_RATE:
            label = dice.choice(LABELS)
        content = orjson.dumps(
            {"label": label, "rules": [], "confidence": "high", "rationale": "because"}
        ).decode()
        choice = {"message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
        return Reply(200, {}, orjson.dumps({"choices": [choice], "usage": {}}))

    async def get(self, path: str, timeout_s: float) -> Reply:
        return Reply(200, {}, b'{"data": []}')

    async def close(self) -> None:
        """Nothing is open."""
