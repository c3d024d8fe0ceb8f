"""
The server that answers oddly: to marked texts, to everything, or to requests with some field.

What it does not answer oddly it judges as the stand-in does, so that the same text always has the
same label.
"""

from __future__ import annotations

import asyncio
import random
import re
import threading
from typing import Any, NamedTuple

import orjson
from aiohttp import web

from consumer.dev.safeguard.completion import Completion
from consumer.dev.safeguard.faults.served import Served
from consumer.dev.safeguard.judge import read_policy, text_of
from consumer.dev.safeguard.server import StandInSafeguard
from consumer.dev.safeguard.wire import send
from tests.odd.row import Answer
from tests.odd.rows.features import Feature

_MARK = re.compile(r"mark-(\d+)")
MESSAGE = "plain"
"""A word that good messages hold and probes do not."""


class Marked(NamedTuple):
    """How a marked text is answered."""

    answer: Answer
    calls_max: int | None = None
    """So many calls about it; then it is judged. None is all of them."""


class OddServer(StandInSafeguard):
    """
    The stand-in with an answer for everything. `in_thread` runs it.

    What is played is set from other threads, between two requests.
    """

    slowest_s = 0.0
    """Answers take a random time up to this."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.marks: dict[int, Marked] = {}
        self.everything: Answer | None = None
        self.lacks: Feature | None = None
        self.asked = 0
        """Requests for a completion."""
        self.odd = 0
        """How many answers of all kinds were odd since `play`."""
        self.odd_to_messages = 0
        """How many of them were about messages, and not about probes."""
        self.last_fields: frozenset[str] | None = None
        """Of the last request about a message that was judged since `play`."""
        self._calls: dict[int, int] = {}
        self._turn = 0
        self._lock = threading.Lock()

    def play(self, everything: Answer | None = None, lacks: Feature | None = None) -> None:
        """Answer like this from now on; without either, as a healthy server does."""
        with self._lock:
            self.odd = self.odd_to_messages = self._turn = 0
            self.last_fields = None
            self.everything, self.lacks = everything, lacks

    def mark(self, number: int, marked: Marked) -> None:
        """Answer texts that hold `mark-<number>` like this, where nothing is played to all."""
        self.marks[number] = marked

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        if path == "/v1/models" and (answer := self.everything) and answer.is_of_all_paths:
            return await _sent(request, answer, b"", "")
        if request.method != "POST" or path != "/v1/chat/completions":
            return await super()._handle(request)
        asked: dict[str, Any] = orjson.loads(await request.content.read())
        system, user = (str(message["content"]) for message in asked["messages"])
        text = text_of(user)
        answer = self._answer_to(asked, text)
        if self.slowest_s:
            await asyncio.sleep(random.uniform(0, self.slowest_s))
        good = _judged(system, text, answer is not None and answer.is_parts)
        if answer is None:
            if MESSAGE in text:
                self.last_fields = frozenset(asked)
            answer = Answer(is_judged=True)
        return await _sent(request, answer, good, text)

    def _answer_to(self, asked: dict[str, Any], text: str) -> Answer | None:
        """The odd answer to a request, or None where it is judged."""
        with self._lock:
            self.asked += 1
            found = self._found(asked, text)
            if found is not None and found.every > 1:
                self._turn += 1
                found = found if self._turn % found.every else None
            self.odd += found is not None
            self.odd_to_messages += found is not None and MESSAGE in text
            return found

    def _found(self, asked: dict[str, Any], text: str) -> Answer | None:
        if self.everything is not None:
            return self.everything
        if self.lacks is not None and self.lacks.field in asked:
            return self.lacks.answer
        mark = _MARK.search(text)
        marked = self.marks.get(int(mark[1])) if mark else None
        if mark is None or marked is None:
            return None
        calls = self._calls[int(mark[1])] = self._calls.get(int(mark[1]), 0) + 1
        return marked.answer if marked.calls_max is None or calls <= marked.calls_max else None


def _judged(system: str, text: str, is_parts: bool) -> bytes:
    policy = read_policy(system)
    assert policy is not None
    decision = policy.judge(text)
    found = Completion(1, decision, policy.labels, len(system) + len(text)).document()
    if is_parts:
        message = found["choices"][0]["message"]  # type: ignore[index]
        message["content"] = [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "maybe"}]},
            {"type": "text", "text": message["content"]},
        ]
    return orjson.dumps(found)


async def _sent(
    request: web.BaseRequest, answer: Answer, good: bytes, text: str
) -> web.StreamResponse:
    if answer.hang_s:
        await asyncio.sleep(answer.hang_s)
    if answer.raw is not None:
        transport = request.transport
        if transport is not None and not transport.is_closing():
            transport.write(answer.raw)
            transport.close()
        # The connection is gone; aiohttp wants a response all the same and drops it.
        return web.Response()
    echoed = orjson.dumps(text)[1:-1]
    body = good if answer.is_judged else answer.body.replace(b"@TEXT@", echoed)
    return await send(request, Served(answer.status, body, answer.content_type, answer.headers))
