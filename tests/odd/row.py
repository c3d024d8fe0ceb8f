"""
Row: one odd answer of a server, whole, and what is right where it comes.

The rows are the oracle: they are written from what servers say and from the rules of the design,
and know nothing of the code that is held against them.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import orjson

ANYTHING = frozenset({"refused", "model_fault", "call_failed", "too_long", "deadline"})
"""The reasons that a message may be left unjudged for by a fault that is its own."""


class Meaning(Enum):
    """What an answer means to one message."""

    REFUSAL = frozenset({"refused"})
    """A firewall's, a host's or the model's: flag at least, whatever the topic says."""
    OWN = frozenset({"model_fault", "call_failed", "too_long"})
    """The message's own fault: the topic's `on_unjudged` decides."""
    ENDPOINT = ANYTHING
    """It speaks of no message; to one alone it may be taken for a refusal or for a fault."""
    LOAD = frozenset({"deadline"})
    """Nobody's fault; to one message alone it is waited for until the deadline."""
    JUDGEMENT = frozenset[str]()
    """A good answer in an odd dress."""

    @property
    def reasons(self) -> frozenset[str]:
        return self.value


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as it goes over the wire. In the body `@TEXT@` is what was asked about."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    """These bytes instead of an HTTP answer; then the connection ends."""
    is_judged: bool = False
    """The good answer is the body, in this answer's dress."""
    is_parts: bool = False
    """The good answer's content is a list of parts."""
    hang_s: float = 0.0
    """Nothing comes for so long."""
    every: int = 1
    """It comes every so many calls, the good answer else."""

    @property
    def may_be_refusal(self) -> bool:
        """Whether it may mean one text, though it seldom does; key, model and path mean none."""
        if (
            self.raw is not None
            or self.hang_s
            or self.status in (401, 404, 405, 407, 408, 421, 425)
        ):
            return False
        is_page = self.status == 200 and self.content_type.startswith("text/html")
        return 200 < self.status < 500 or is_page

    @property
    def is_of_all_paths(self) -> bool:
        """Whether the list of models is answered so too, where everything is."""
        return self.every == 1 and not self.is_judged


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    answer: Answer
    meaning: Meaning
    words: str = "a banned thing"
    """The text of a message that is answered so; the policy of the run blocks this one."""
    may_end_all: bool = False
    """
    What a model or a host's filter has answered is no outage, though everything is answered so:
    each message may end as it would alone.
    """
    is_final: bool = False
    """Asking again helps nothing, so that the first such answer ends the message."""
    to_one: bool = True
    """Played to single messages."""
    to_all: bool = True
    """Played to everything."""
    lasts_s: float = 1.2
    """How long everything is answered so."""
    is_at_start: bool = False
    """Played where nothing was ever judged: an outage there too."""
    is_fatal_at_start: bool = False
    """Where nothing was ever judged it says that key, model or path are wrong: exit code 2."""


def said(status: int, document: object, /, **headers: str) -> Answer:
    """A JSON answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, orjson.dumps(document), headers=named)


def error(status: int, message: str, /, **fields: object) -> Answer:
    """The usual shape of an error, with what else stands in it."""
    return said(status, {"error": {"message": message, **fields}})


def page(status: int, title: str, words: str = "", /, **headers: str) -> Answer:
    """An HTML page, as proxies and firewalls write them."""
    body = (
        f"<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n"
        f"<body><h1>{title}</h1><p>{words}</p><hr></body></html>\n"
    )
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, body.encode(), "text/html; charset=utf-8", named)


def plain(status: int, words: str) -> Answer:
    return Answer(status, words.encode(), "text/plain; charset=utf-8")


def zipped(answer: Answer) -> Answer:
    """The same, compressed."""
    return Answer(
        answer.status,
        gzip.compress(answer.body),
        answer.content_type,
        {**answer.headers, "Content-Encoding": "gzip"},
    )


USAGE = {"prompt_tokens": 900, "completion_tokens": 30, "total_tokens": 930}
FINE = '{"label":"FINE","rules":[],"confidence":"high","rationale":"nothing applies"}'
"""A verdict that would let a message pass. No text of an odd row deserves it."""


def completion(
    content: object = FINE, finish: str | None = "stop", **more: Any
) -> dict[str, object]:
    """The body of a completion; `more` goes into the message."""
    message = {"role": "assistant", "content": content, **more}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return {"id": "c-1", "object": "chat.completion", "choices": [choice], "usage": USAGE}
