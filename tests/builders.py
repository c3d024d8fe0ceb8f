"""Values for tests: valid by default, so that a test changes the one field that it is about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from consumer.classifier.probing.known_texts import PROBE
from consumer.domain.binding import Binding
from consumer.domain.messages.message import Headers, Message, Position, Record
from consumer.domain.policy import Example, Outcome, Policy, PolicyVersion, digest_of
from consumer.domain.verdicts.verdict import Cause, Judgement, Tokens, Verdict, verdict_id
from consumer.inference.fleet.breaker import Breaker
from consumer.inference.fleet.endpoint import Contact, Endpoint
from consumer.inference.pacing.capacity import Capacity
from consumer.inference.question import Question
from consumer.inference.transports.transport import Transport
from consumer.inference.wires.format import RequestFormat
from consumer.telemetry.telemetry import Telemetry

TOPIC = "chat.messages"
TIMESTAMP_MS = 1_767_225_600_123
"""2026-01-01T00:00:00.123Z"""

POLICY_TEXT = """
# Criteria

## HH0: Fine

- Everything else.

## HH1: Rude

- HH1.a: "rude", "impolite".

## HH2: Attacks

- HH2.a: "worthless", "rubbish human".
- HH2.b: "vanish for ever".
"""


def a_position(offset: int = 7, *, topic: str = TOPIC, partition: int = 1) -> Position:
    return Position(topic, partition, offset)


def a_record(
    value: bytes | None = b'{"text":"hello there"}',
    headers: Headers = (),
    *,
    key: bytes | None = b"room-1",
    position: Position | None = None,
    timestamp_ms: int = TIMESTAMP_MS,
) -> Record:
    return Record(position or a_position(), timestamp_ms, key, value, headers)


def a_record_of(document: object, headers: Headers = ()) -> Record:
    """A record whose value is this document as JSON."""
    return a_record(orjson.dumps(document), headers)


def a_message(text: str = "hello there", **changes: Any) -> Message:
    message = Message(a_position(), TIMESTAMP_MS, text, id="m-1", author="u-1")
    return message._replace(**changes)


def a_policy(**changes: Any) -> Policy:
    """Three labels, one for each outcome; the stand-in safeguard knows the quoted phrases."""
    policy = Policy(
        name="harassment",
        title="Harassment",
        text=POLICY_TEXT,
        outcomes={"HH0": Outcome.ALLOW, "HH1": Outcome.FLAG, "HH2": Outcome.BLOCK},
        rules={"HH1.a": "rude", "HH2.a": "insult", "HH2.b": "threat"},
        examples=(
            Example("good game, well played", "HH0"),
            Example("nobody would miss you", "HH2", ("HH2.b",)),
        ),
    )
    return replace(policy, **changes)


def a_version(*policies: Policy, number: int = 1) -> PolicyVersion:
    chosen = policies or (a_policy(),)
    digest = digest_of({policy.name: policy.text.encode() for policy in chosen})
    return PolicyVersion(TOPIC, number, chosen, digest)


def a_binding(**changes: Any) -> Binding:
    return replace(Binding(TOPIC, (TOPIC,), a_version()), **changes)


def a_judgement(label: str = "HH2", **changes: Any) -> Judgement:
    judgement = Judgement(
        policy="harassment",
        label=label,
        outcome=a_policy().outcomes[label],
        rules=("HH2.a",),
        confidence="high",
        rationale="an insult",
        reasoning="The user insults somebody.",
        effort="low",
        tokens=Tokens(400, 320, 60, 80),
    )
    return judgement._replace(**changes)


def a_verdict(**changes: Any) -> Verdict:
    """A block by the model, for a message on `chat.messages`."""
    version = a_version()
    verdict = Verdict(
        id=verdict_id(TOPIC, a_position(), "safeguard", version.digest),
        outcome=Outcome.BLOCK,
        cause=Cause.MODEL,
        message=a_message(),
        version=version,
        judgements=(a_judgement(),),
        model="stand-in-safeguard",
        template="sg-1",
        endpoint="http://127.0.0.1:8000/v1",
        judged_at_ms=TIMESTAMP_MS + 500,
        queued_ms=1.25,
        model_ms=480.5,
    )
    return verdict._replace(**changes)


def an_answer(label: str = "HH2", **changes: object) -> str:
    """What a model says, as the prompt asks for it."""
    fields = {"label": label, "rules": ["HH2.a"], "confidence": "high", "rationale": "an insult"}
    return orjson.dumps(fields | changes).decode()


def a_completion(content: object, finish: object = "stop", **message: object) -> bytes:
    """The body of a chat completion whose message holds this content."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": content, **message},
        "finish_reason": finish,
    }
    usage = {
        "prompt_tokens": 400,
        "completion_tokens": 80,
        "prompt_tokens_details": {"cached_tokens": 320},
        "completion_tokens_details": {"reasoning_tokens": 60},
    }
    return orjson.dumps({"object": "chat.completion", "choices": [choice], "usage": usage})


def an_endpoint(
    transport: Transport,
    name: str = "server",
    format: RequestFormat | None = None,
    *,
    probe_every_s: float = 0.01,
    timeout_s: float = 5.0,
    capacity: Capacity | int = 4,
    probe: Question[object] = PROBE,
    telemetry: Telemetry | None = None,
) -> Endpoint:
    """A server behind this transport, which takes a fixed number of calls at once."""
    return Endpoint(
        Contact(name, name, transport, timeout_s),
        format or RequestFormat("m"),
        Breaker(probe_every_s),
        Capacity(capacity) if isinstance(capacity, int) else capacity,
        probe,
        telemetry or Telemetry(),
    )
