"""The two APIs that a judgement can be asked for over: where to post, what, and what came back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from consumer.inference.blame.fault import Fault
from consumer.inference.profiles import Api
from consumer.inference.wires.chat import chat_content, chat_frame
from consumer.inference.wires.content import Content
from consumer.inference.wires.format import RequestFormat
from consumer.inference.wires.frame import Frame, Prompt
from consumer.inference.wires.responses import response_content, response_frame


class Wire(NamedTuple):
    """One of the APIs."""

    path: str
    """Below the endpoint's base address."""
    frame: Callable[[Prompt, RequestFormat], Frame]
    """The request but for the text; made once for a prompt and a format."""
    content: Callable[[bytes, int], Content | Fault]
    """Takes the body of a 200 apart; see `chat_content`."""


WIRES: Mapping[Api, Wire] = {
    "chat": Wire("/chat/completions", chat_frame, chat_content),
    "responses": Wire("/responses", response_frame, response_content),
}
