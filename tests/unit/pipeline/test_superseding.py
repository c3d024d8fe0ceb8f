"""The verdict that replaces another one: what it says, and when there is none."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.domain.binding import Binding, MessageTerms, Outputs
from consumer.domain.messages.context import Context, ContextTerms
from consumer.domain.messages.message import Fact, Headers, Record
from consumer.domain.policy import Outcome, PolicyVersion
from consumer.domain.verdicts.envelope import Envelope
from consumer.domain.verdicts.verdict import Cause, UnjudgedReason, superseding_id
from consumer.interfaces import Judged
from consumer.pipeline.dead_letters import DeadLetterEncoder
from consumer.pipeline.process import Processor
from consumer.pipeline.publisher import Publisher
from consumer.pipeline.rejudging import Rejudger
from consumer.pipeline.superseding import Superseder, Superseding
from tests.builders import TIMESTAMP_MS, a_binding, a_judgement, a_record
from tests.unit.pipeline.staging import HandClock

OLD = "0" * 32
ID = superseding_id(OLD, Cause.REPLAY, "run-1")


class Says:
    """A classifier with one answer; keeps what it was asked."""

    def __init__(self, judged: Judged) -> None:
        self._judged = judged
        self.binding: Binding | None = None
        self.context: Context | None = None

    async def classify(
        self,
        text: str,
        version: PolicyVersion,
        binding: Binding,
        deadline_s: float | None,
        context: Context | None = None,
    ) -> Judged:
        self.binding, self.context = binding, context
        return self._judged


async def supersede(
    judged: Judged,
    record: Record | None = None,
    binding: Binding | None = None,
    **limits: Any,
) -> tuple[Superseding | str, Says]:
    classifier = Says(judged)
    publisher = Publisher("g", DeadLetterEncoder("g", "w"), **limits)
    clock, record, binding = HandClock(), record or a_record(), binding or a_binding()
    found = await Rejudger(Processor(classifier, publisher, clock, "g"), clock).judge(
        record, binding
    )
    if isinstance(found, str):
        return found, classifier
    superseder = Superseder(publisher, Cause.REPLAY, "run-1")
    return superseder.supersede(record, binding, found, OLD), classifier


async def published(judged: Judged, **more: Any) -> Superseding:
    found, _ = await supersede(judged, **more)
    assert isinstance(found, Superseding)
    return found


BLOCKED = Judged((a_judgement("HH2"),))


def test_the_id_of_a_superseding_verdict() -> None:
    """The same run has the same one for ever; each of the three it is made of changes it."""
    assert len(ID) == 32
    assert superseding_id(OLD, Cause.REPLAY, "run-1") == ID
    others = {
        superseding_id("1" * 32, Cause.REPLAY, "run-1"),
        superseding_id(OLD, Cause.MODEL, "run-1"),
        superseding_id(OLD, Cause.REPLAY, "run-2"),
    }
    assert len(others | {ID, OLD}) == 5


async def test_an_envelope_that_supersedes() -> None:
    """It has an id of its own and names the one it replaces, in the value and in the headers."""
    found = await published(BLOCKED)
    sent = found.publication
    headers = dict(sent.headers)
    assert (sent.topic, sent.partition, sent.key) == ("chat.messages.block", 1, b"room-1")
    assert headers["safeguard-supersedes"] == OLD.encode()
    assert headers["safeguard-verdict-id"] == headers["ce_id"] == ID.encode()
    assert (headers["safeguard-cause"], headers["safeguard-term"]) == (b"replay", b"0")
    assert headers["safeguard-position"] == b"chat.messages/1/7"
    envelope = Envelope.model_validate_json(sent.value or b"", strict=True)
    assert (envelope.id, envelope.supersedes) == (ID, OLD)
    assert (envelope.cause, envelope.unjudged_reason) == (Cause.REPLAY, None)


async def test_a_passed_through_record_that_supersedes() -> None:
    """The record as it came; a producer's own claim to supersede something is renamed."""
    forged: Headers = (("safeguard-supersedes", b"any"),)
    found = await published(
        Judged((a_judgement("HH0"),)),
        record=a_record(headers=forged),
        binding=a_binding(outputs=Outputs(payload="passthrough")),
    )
    assert found.outcome is Outcome.ALLOW
    assert found.publication.value == a_record().value
    own = [value for name, value in found.publication.headers if name == "safeguard-supersedes"]
    assert own == [OLD.encode()]
    assert ("upstream-safeguard-supersedes", b"any") in found.publication.headers


@pytest.mark.parametrize("reason", UnjudgedReason)
async def test_what_is_unjudged_again_is_not_published(reason: UnjudgedReason) -> None:
    assert (await supersede(Judged((), reason)))[0] == reason


async def test_old_messages_are_judged_and_an_outage_is_not_waited_for() -> None:
    """Somebody asked for them by name, and waits for the end."""
    binding = a_binding(max_age_s=1.0, on_outage="wait")
    record = a_record(timestamp_ms=TIMESTAMP_MS - 10**9)
    found, classifier = await supersede(BLOCKED, record, binding)
    assert isinstance(found, Superseding)
    assert classifier.binding is not None
    assert classifier.binding.on_outage == "unjudged"


async def test_a_record_that_is_read_otherwise_by_now() -> None:
    """It has a verdict, so it is neither judged nor a dead letter."""
    assert (await supersede(BLOCKED, a_record(b"{")))[0] == "not_json"
    binding = a_binding(tombstones="pass-over")
    assert (await supersede(BLOCKED, a_record(None), binding))[0] == "tombstone"
    binding = a_binding(reading=MessageTerms(when_empty="pass-over"))
    assert (await supersede(BLOCKED, a_record(b"{}"), binding))[0] == "empty_text"


@pytest.mark.parametrize("bytes_max", [10, 1_000])
async def test_a_verdict_that_does_not_fit(bytes_max: int) -> None:
    assert (await supersede(BLOCKED, bytes_max=bytes_max))[0] == "too_large"


async def test_a_review_that_is_too_long_is_cut() -> None:
    """As a worker would, and it still names what it replaces."""
    record = a_record(b'{"text":"%s"}' % (b"a" * 20_000))
    found = await published(Judged((a_judgement("HH1"),)), record=record, bytes_max=15_000)
    envelope = Envelope.model_validate_json(found.publication.value or b"", strict=True)
    assert (envelope.supersedes, envelope.message.text_cut) == (OLD, True)


async def test_a_message_that_is_sought_out_has_the_facts_alone() -> None:
    """What was said before it is not known any more; its verdict says that nothing was shown."""
    reading = MessageTerms(conversation=("room",), author_facts=(("age",),))
    binding = a_binding(reading=reading, context=ContextTerms(messages=5))
    record = a_record(b'{"text": "hello", "room": "r", "age": 3}')
    _, classifier = await supersede(BLOCKED, record, binding)
    assert classifier.context == Context((Fact("age", "3"),))
