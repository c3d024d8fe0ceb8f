"""
A chat-completions server that costs next to nothing: every request gets the same valid answer.

It is no model and no stand-in for one: it exists so that what is measured is the client. Run it as
a process of its own; it prints its port and serves until it is ended.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import cast

import uvloop

LABEL = "SC0"
"""The label of every answer; it belongs to the policy that the benchmarks judge under."""

ANSWER = {
    "label": LABEL,
    "rules": [],
    "confidence": "high",
    "rationale": "Ordinary talk about the game; nothing is offered and nobody is lured.",
}
COMPLETION = {
    "id": "chatcmpl-0123456789abcdef",
    "object": "chat.completion",
    "created": 1_760_000_000,
    "model": "bench",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": json.dumps(ANSWER),
                "reasoning": "The message talks about a match and asks who is playing tonight. No "
                "link, no offer, no request for credentials or money, no move to a private place. "
                "None of the criteria SC1 or SC2 applies, so the label is SC0.",
            },
            "finish_reason": "stop",
        }
    ],
    "usage": {
        "prompt_tokens": 1_180,
        "completion_tokens": 96,
        "total_tokens": 1_276,
        "prompt_tokens_details": {"cached_tokens": 1_120},
        "completion_tokens_details": {"reasoning_tokens": 58},
    },
}
MODELS = {"object": "list", "data": [{"id": "bench", "object": "model"}]}


def response(document: object) -> bytes:
    """A whole HTTP/1.1 response, kept alive."""
    body = json.dumps(document).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


ANSWERED = response(COMPLETION)
LISTED = response(MODELS)


class Connection(asyncio.Protocol):
    """Reads requests as far as their length and answers each after `latency_s`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, latency_s: float) -> None:
        self._loop = loop
        self._latency_s = latency_s
        self._transport: asyncio.Transport
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transport does not derive from asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._unread = self._unread + data if self._unread else data
        while self._unread:
            size = request_size(self._unread)
            if size is None or len(self._unread) < size:
                return
            if self._unread.startswith(b"GET"):
                self._transport.write(LISTED)
            elif self._latency_s:
                self._loop.call_later(self._latency_s, self._answer)
            else:
                self._transport.write(ANSWERED)
            self._unread = self._unread[size:]

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(ANSWERED)


def request_size(data: bytes) -> int | None:
    """Bytes of the first request in `data`, or None while its head is incomplete."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = data[:end].lower()
    at = head.find(b"\r\ncontent-length:")
    if at < 0:
        return end + 4
    line_end = head.find(b"\r\n", at + 2)
    length = head[at + 17 : line_end if line_end >= 0 else end]
    return end + 4 + int(length)


async def serve(latency_s: float) -> None:
    """Serve on a free loopback port, printed on the first line, until cancelled."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(loop, latency_s), "127.0.0.1", 0, backlog=4_096
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    """Run until ended by a signal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(options.latency))


if __name__ == "__main__":
    main()
