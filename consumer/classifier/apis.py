"""The two APIs that a judgement can be asked for over: where to post, what, and how to read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from consumer.classifier.parser import Fault, Reading, completion_tokens, read_completion
from consumer.classifier.request import RequestFormat, request_body
from consumer.classifier.responses import read_response, response_tokens, responses_body
from consumer.domain.policy import Policy
from consumer.domain.verdict import Tokens
from consumer.inference.profiles import Api


class Body(Protocol):
    """Writes the request; see `request_body`."""

    def __call__(
        self, policy: Policy, user: str, format: RequestFormat, priority: int | None = None
    ) -> bytes: ...


class Read(Protocol):
    """Reads the body of a 200; see `read_completion`."""

    def __call__(
        self, body: bytes, policy: Policy, prompt_tokens_min: int = 0, tokens_max: int = 0
    ) -> Reading | Fault: ...


class Tally(Protocol):
    """Reads what an answer cost, also one that is no judgement."""

    def __call__(self, body: bytes) -> Tokens: ...


class Wire(NamedTuple):
    """One of the APIs."""

    path: str
    """Below the endpoint's base address."""
    body: Body
    read: Read
    tokens: Tally


WIRES: Mapping[Api, Wire] = {
    "chat": Wire("/chat/completions", request_body, read_completion, completion_tokens),
    "responses": Wire("/responses", responses_body, read_response, response_tokens),
}
